"""Makes and verifies backups of installations."""

import io
import os
import shutil
import stat
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

from deploy.embedded.data_folder import DataFolder
from deploy.installation.manifest import NAME, BackupError, BackupFile, Manifest, copy, entries, read_manifest
from deploy.installation.record import LAST_BACKUP, Record, write_record
from shared.files import sync_folder
from shared.version import this_version

KEPT_FREE = 256 * 1024 * 1024
"""Bytes that stay free on the disk."""

_LEFT_OUT = frozenset({"engines.lock", "stack.json", "logs", LAST_BACKUP, "artifacts/incoming"})
"""What is of a run, not of the installation: locks, addresses of what runs, logs of services, uploads cut off."""


class _Hashing:
    """Reads a file and hashes what it reads."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        block = self._stream.read(size)
        self.digest.update(block)
        self.size += len(block)
        return block


def back_up(data: Path, to: Path, *, say: Callable[[str], None]) -> Manifest:
    """Write the installation in the folder `data`, which must be stopped, into the new file `to`.

    Raise BackupError where that cannot be; EnginesError where something runs on the folder. What is begun and does
    not come to its end leaves nothing under the name `to`.
    """
    if to.exists():
        raise BackupError(f"{to} exists already; name another file")
    if to.absolute().is_relative_to(data.absolute()):
        raise BackupError(f"{to} lies inside of what it would be a backup of; name a file outside of {data}")
    with stopped(data) as folder:
        found = list(_walk(folder.path))
        size = sum(status.st_size for _, status in found if stat.S_ISREG(status.st_mode))
        check_space(to.absolute().parent, size)
        say(f"{len(found)} entries, {size / 1e6:.0f} MB")
        draft = to.with_name(f".{to.name}.draft")
        try:
            manifest = _write(draft, folder.path, found)
            draft.replace(to)
        except OSError as error:
            raise BackupError(f"{to} cannot be written: {error}") from error
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(to.absolute().parent)
        write_record(folder.path / LAST_BACKUP, Record(manifest.taken_at, str(to.absolute())))
    return manifest


def verify(path: Path) -> Manifest:
    """The manifest of a backup whose every byte is what it names. Raise BackupError where one is not."""
    with opened(path) as archive:
        manifest = read_manifest(archive, path)
        for entry in entries(archive, manifest, path):
            if stream := archive.extractfile(entry) if entry.isfile() else None:
                check(copy(stream, None), entry.name, manifest, path)
    return manifest


def check(read: BackupFile, name: str, manifest: Manifest, path: Path) -> None:
    """Raise BackupError unless this is what the manifest names."""
    if read != manifest.files[name]:
        raise BackupError(f"{path} is damaged: {name} is not what was backed up")


@contextmanager
def opened(path: Path) -> Iterator[tarfile.TarFile]:
    """A backup to be read. Raise BackupError where it is none, or ends too soon."""
    try:
        with tarfile.open(path, "r:") as archive:
            yield archive
    except FileNotFoundError:
        raise BackupError(f"there is no {path}") from None
    except (tarfile.TarError, OSError) as error:
        raise BackupError(f"{path} is no whole backup: {error}") from error


@contextmanager
def stopped(data: Path) -> Iterator[DataFolder]:
    """The folder of an installation, held for this program, with nothing of it running."""
    from deploy.stack.environments import stop_environments  # the runtime comes with it

    folder = DataFolder(data)
    if not (folder.path / "engines.json").exists():
        raise BackupError(f"{data} is no data folder of an installation; name one with --data")
    folder.take()
    try:
        last = folder.read()
        if last and (away := [name for name, engine in last.engines.items() if engine.port is None]):
            raise BackupError(
                f"the {' and '.join(away)} of this installation runs elsewhere and is backed up there: stop the "
                "services, then back up its state and its topics with their own tools, and this folder beside them"
            )
        # Those of a program that was killed may run on.
        stop_environments(folder.path / "environments", folder.path / "artifacts")
        if last:
            engines = {name: replace(engine, pid=None) for name, engine in last.engines.items()}
            folder.write(None, last.controller_port, engines)
        yield folder
    finally:
        folder.lock.release()


def _walk(folder: Path, below: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """What a backup holds: each folder before what is in it."""
    for one in sorted(os.scandir(folder), key=lambda one: one.name):
        name = f"{below}{one.name}"
        status = one.stat(follow_symlinks=False)
        if name in _LEFT_OUT or not (
            stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode) or stat.S_ISLNK(status.st_mode)
        ):
            continue
        yield name, status
        if stat.S_ISDIR(status.st_mode):
            yield from _walk(Path(one.path), f"{name}/")


def _write(draft: Path, folder: Path, found: list[tuple[str, os.stat_result]]) -> Manifest:
    files: dict[str, BackupFile] = {}
    folders: list[str] = []
    links: dict[str, str] = {}
    # Only who may read the installation may read it here: there are passwords in it.
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream, tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as to:
        taken_at = datetime.now(UTC)
        for name, status in found:
            path = folder / name
            info = to.gettarinfo(path, name)
            if stat.S_ISREG(status.st_mode):
                info.type, info.linkname = tarfile.REGTYPE, ""  # one of two names of a file is written as a file
                with path.open("rb") as content:
                    info.size = os.fstat(content.fileno()).st_size
                    reading = _Hashing(content)
                    to.addfile(info, reading)
                files[name] = BackupFile(reading.size, reading.digest.hexdigest())
                continue
            to.addfile(info)
            if stat.S_ISDIR(status.st_mode):
                folders.append(name)
            else:
                links[name] = info.linkname
        manifest = Manifest(this_version(), taken_at, str(folder), files, tuple(folders), links)
        last = tarfile.TarInfo(NAME)
        encoded = manifest.encoded()
        last.size = len(encoded)
        to.addfile(last, io.BytesIO(encoded))
        to.close()
        stream.flush()
        os.fsync(stream.fileno())
    return manifest


def check_space(folder: Path, size: int) -> None:
    """Raise BackupError unless `folder` has room for so many bytes, and `KEPT_FREE` beside them."""
    try:
        free = shutil.disk_usage(folder).free
    except FileNotFoundError:
        raise BackupError(f"there is no folder {folder}; make it first") from None
    if free < size + KEPT_FREE:
        raise BackupError(
            f"{size / 1e6:.0f} MB are needed in {folder}, and {KEPT_FREE / 1e6:.0f} MB stay free; "
            f"there are {free / 1e6:.0f} MB. Make room, or name another place"
        )
