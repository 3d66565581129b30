"""`python -m services.package_validator.examiner`: opens packages for the validator, one task after the other.

It is a process of its own because a package is foreign input: one that brings down what opens it takes no other
check with it, and it is known which one it was.
"""

import os
import queue
import sys
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import IO

import msgspec

from services.package_validator.tasks import (
    Advanced,
    Answer,
    CheckPackage,
    Failed,
    Judgement,
    MergeEnded,
    MergeFiles,
    ReadVersion,
    Task,
    Version,
    read,
    write,
)
from shared.formats.deployable_package.archive.directory import Allowance, DirectoryError, read_directory
from shared.formats.deployable_package.archive.sources import FileSource
from shared.formats.deployable_package.archive.unpacking import EntryError, read_whole
from shared.formats.deployable_package.findings import Findings, InfrastructureError
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.layout import lay_out
from shared.formats.deployable_package.read.manifest import read_manifest
from shared.formats.deployable_package.read.release import ReleaseError, decode_release
from shared.formats.deployable_package.write.build import BuildError
from shared.formats.deployable_package.write.merge import merge_packages

PROGRESS_SECONDS = 0.1
"""Shortest time between two words about how far a check is."""


def stated_platform_version(path: Path) -> str | None:
    """The platform version in a package's manifest; None where there is none, or the check will say what is wrong.

    Reads the archive's directory and the manifest alone. Raise InfrastructureError if the file cannot be read.
    """
    limits, findings = Limits(), Findings()
    with FileSource(path) as source:
        try:
            layout = lay_out(read_directory(source, "", Allowance(limits), findings), findings)
            entry = layout.manifest if layout else None
            if entry is None or entry.size > limits.document:
                return None
            manifest = read_manifest(read_whole(source, entry), entry.path, findings)
        except (DirectoryError, EntryError):
            return None
    return (manifest.platform_version or None) if manifest else None


def do(task: Task, out: IO[bytes]) -> Answer:
    """Do a task; what is not the package's fault is an answer as well."""
    try:
        match task:
            case ReadVersion():
                return Version(stated_platform_version(Path(task.path)))
            case CheckPackage():
                return _check(task, out)
            case MergeFiles():
                return _merge(task)
    except (InfrastructureError, OSError) as error:
        return Failed(str(error))
    except Exception as error:  # noqa: BLE001 - a fault of ours, which says nothing about the package
        traceback.print_exc()
        return Failed(f"{type(error).__name__}: {error}")


def _check(task: CheckPackage, out: IO[bytes]) -> Answer:
    try:
        release = decode_release(task.release) if task.release is not None else None
    except ReleaseError as error:
        return Failed(str(error))
    told = _Progress(out)
    limits = Limits(seconds=task.seconds)
    verdict = check_package(Path(task.path), release=release, limits=limits, sha256=task.sha256, progress=told)
    told.end()
    return Judgement(verdict)


def _merge(task: MergeFiles) -> Answer:
    try:
        merge_packages([Path(path) for path in task.paths], Path(task.out))
    except BuildError as error:
        return MergeEnded(str(error))
    return MergeEnded("")


class _Progress:
    """Tells how far a check is: never less than before, not too often, and the end for certain."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._done = self._total = 0
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        with self._lock:
            self._total = total
            if done > self._done and time.monotonic() >= self._next:
                self._tell(done)

    def end(self) -> None:
        with self._lock:
            if self._done < self._total:
                self._tell(self._total)

    def _tell(self, done: int) -> None:
        self._done = done
        self._next = time.monotonic() + PROGRESS_SECONDS
        write(self._out, Advanced(done, self._total))


def main() -> None:
    """Do tasks until stdin ends, which is when the validator does."""
    with suppress(OSError):  # where the memory is used up, this process ends and not the validator; Linux only
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    tasks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    while True:
        task = msgspec.msgpack.decode(tasks.get(), type=Task)
        write(out, do(task, out))


def _listen(tasks: queue.SimpleQueue[bytes]) -> None:
    while (task := read(sys.stdin.buffer)) is not None:
        tasks.put(task)
    os._exit(0)  # also in the middle of a check: nobody waits for it any more


if __name__ == "__main__":
    main()
