"""What a backup says of itself: its last entry, so that one that was cut off has none.

A backup is a tar archive (POSIX.1-2001, pax) of the data folder of an installation that is stopped, so that databases,
topics, artifacts and environments are of one moment. The manifest names every entry; files with size and SHA-256.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import IO, Any

from shared.formats.versions import is_lower
from shared.version import this_version

FORM = 1
"""Of the manifest; a later one is not read."""
NAME = "drydock-backup.json"
BLOCK = 1024 * 1024


class BackupError(Exception):
    """A backup cannot be made, is none, or cannot be put back; the message says why, and the way out."""


@dataclass(frozen=True)
class BackupFile:
    """A file of a backup: its size in bytes, and the SHA-256 of its content in hexadecimal digits."""

    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup holds, and of when. Paths are relative to the data folder, with `/`."""

    drydock: str
    taken_at: datetime
    of: str
    """The data folder that it was taken of."""
    files: dict[str, BackupFile] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    links: dict[str, str] = field(default_factory=dict)
    """Symbolic links, and where they lead."""

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files.values())

    def encoded(self) -> bytes:
        """As it stands in the archive."""
        return json.dumps({"form": FORM, **asdict(self), "taken_at": self.taken_at.isoformat()}).encode()


def read_manifest(archive: tarfile.TarFile, path: Path) -> Manifest:
    """The manifest of an archive. Raise BackupError where there is none, or it is one of a later version."""
    found = archive.getmembers()[-1:]
    if not found or found[0].name != NAME:
        raise BackupError(f"{path} is no whole backup: its end, with the list of what it holds, is missing")
    stream = archive.extractfile(found[0])
    assert stream is not None
    try:
        raw: dict[str, Any] = json.loads(stream.read())
        if raw.pop("form") != FORM:
            raise BackupError(f"{path} was made by Drydock {raw['drydock']}, and this is {this_version()}: use that")
        raw["files"] = {name: BackupFile(**file) for name, file in raw["files"].items()}
        raw["folders"] = tuple(raw["folders"])
        raw["taken_at"] = datetime.fromisoformat(raw["taken_at"])
        made = Manifest(**raw)
        if is_lower(this_version(), made.drydock):
            raise BackupError(f"{path} was made by Drydock {made.drydock}, and this is {this_version()}: use that")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"the list of what {path} holds cannot be read: {error}") from error
    return made


def entries(archive: tarfile.TarFile, manifest: Manifest, path: Path) -> Iterator[tarfile.TarInfo]:
    """The entries before the manifest. Raise BackupError for one that it does not name, and for one that is missing."""
    missing = {*manifest.files, *manifest.folders, *manifest.links}
    for entry in archive.getmembers()[:-1]:
        if entry.name not in missing or not _fits(entry, manifest):
            raise BackupError(f"{path} is damaged: {entry.name} is not what its list names")
        missing.discard(entry.name)
        yield entry
    if missing:
        raise BackupError(f"{path} is damaged: {min(missing)} is missing")


def copy(stream: IO[bytes], target: IO[bytes] | None) -> BackupFile:
    """Read a file to its end, write it to `target` if there is one; what was read."""
    digest, size = sha256(), 0
    while block := stream.read(BLOCK):
        digest.update(block)
        size += len(block)
        if target is not None:
            target.write(block)
    return BackupFile(size, digest.hexdigest())


def _fits(entry: tarfile.TarInfo, manifest: Manifest) -> bool:
    inside = PurePosixPath(entry.name)
    if inside.is_absolute() or ".." in inside.parts:
        return False
    if entry.isfile():
        return entry.name in manifest.files and manifest.files[entry.name].size == entry.size
    if entry.isdir():
        return entry.name in manifest.folders
    if entry.issym():
        leads = PurePosixPath(entry.linkname)
        outside = leads.is_absolute() or ".." in leads.parts
        return not outside and manifest.links.get(entry.name) == entry.linkname
    return False
