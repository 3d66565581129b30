"""What a release is made of, `manifest.json` in it: size and SHA-256 of each file as it was unpacked.

Disks change files without a word; who adopts a release that is there already, or says that it is the image, reads
every byte of it. Files that the manifest does not name are not looked at: what runs from a release may add some.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Event
from typing import IO

import msgspec

NAME = "manifest.json"
_FORM = 1
_PIECE = 1 << 20


class FileDigest(msgspec.Struct, frozen=True):
    """What one file holds; `sha256` in hexadecimal digits."""

    size: int
    sha256: str


class HashedFile:
    """Writes to a file, and knows in the end what was written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, piece: bytes) -> None:
        self._file.write(piece)
        self._hash.update(piece)
        self._size += len(piece)

    @property
    def digest(self) -> FileDigest:
        return FileDigest(self._size, self._hash.hexdigest())


class _Manifest(msgspec.Struct, frozen=True):
    form: int
    files: dict[str, FileDigest]


def digest_of(content: bytes) -> FileDigest:
    """What a file of this content has in a manifest."""
    return FileDigest(len(content), hashlib.sha256(content).hexdigest())


def write(release: Path, files: Mapping[str, FileDigest]) -> None:
    """Write the manifest of a release; names are relative to it, with `/`."""
    (release / NAME).write_bytes(msgspec.json.encode(_Manifest(_FORM, dict(files))))


def damaged(release: Path, cancelled: Event) -> tuple[str, ...] | None:
    """Names of the files that are not as they were unpacked, sorted; the manifest's own where it cannot be read.

    None where there is no manifest: then it is not known. Stops soon after `cancelled` is set.
    """
    try:
        manifest = msgspec.json.decode((release / NAME).read_bytes(), type=_Manifest)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (NAME,)
    return tuple(_changed(release, sorted(manifest.files.items()), cancelled))


def _changed(release: Path, files: Iterable[tuple[str, FileDigest]], cancelled: Event) -> Iterable[str]:
    for name, expected in files:
        if cancelled.is_set():
            return
        try:
            found = _read(release / name, expected.size, cancelled)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            yield name
        else:
            if found != expected:
                yield name


def _read(path: Path, size: int, cancelled: Event) -> FileDigest:
    """What a file holds; of one that has not this size no byte is read."""
    with path.open("rb", buffering=0) as file:
        there = os.fstat(file.fileno()).st_size
        if there != size:
            return FileDigest(there, "")
        sha256 = hashlib.sha256()
        while not cancelled.is_set() and (piece := file.read(_PIECE)):
            sha256.update(piece)
        return FileDigest(there, sha256.hexdigest())
