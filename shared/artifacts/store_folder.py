"""Where things stand in the folder of an artifact store, who may move them, and how files appear there.

oci-layout  index.json  blobs/sha256/<hex>      the specification's (image-spec 1.1, image-layout.md)
media-types/sha256/<hex>                        ours: a layout knows media types only of what it refers to
incoming/                                       ours: unfinished writes
trash/sha256/<hex>                              ours: blobs that nobody refers to, before they are deleted
notes/<hex of the sha256 of a name>             ours: what a cache keeps under names
index.lock  blobs.lock                          ours: the locks around index.json, and around what is collected
"""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.artifacts.errors import StoreFullError, StoreUnavailableError
from shared.artifacts.port import digest_hex
from shared.files import sync_folder

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@dataclass(frozen=True, slots=True)
class StoreFolder:
    """The folders and files below `root`."""

    root: Path

    @property
    def blobs(self) -> Path:
        return self.root / "blobs" / "sha256"

    @property
    def media_types(self) -> Path:
        return self.root / "media-types" / "sha256"

    @property
    def trash(self) -> Path:
        return self.root / "trash" / "sha256"

    @property
    def incoming(self) -> Path:
        return self.root / "incoming"

    @property
    def notes(self) -> Path:
        return self.root / "notes"

    @property
    def index(self) -> Path:
        return self.root / "index.json"

    def blob(self, digest: str) -> Path:
        """Where an artifact stands, if it is there; ValueError for what is no digest."""
        return self.blobs / digest_hex(digest)

    def trashed(self, digest: str) -> Path:
        """Where it stands while it waits to be deleted."""
        return self.trash / digest_hex(digest)

    def media_type(self, digest: str) -> str:
        """The media type under which it was stored first."""
        try:
            return (self.media_types / digest_hex(digest)).read_text()
        except FileNotFoundError:  # a blob that another tool put into the layout
            return "application/octet-stream"

    @contextmanager
    def using(self) -> Iterator[None]:
        """While a blob is stored, or marked as used: nothing is collected meanwhile."""
        with _locked(self.root / "blobs.lock", fcntl.LOCK_SH):
            yield

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """While one blob is judged and taken away: nobody stores or uses one meanwhile."""
        with _locked(self.root / "blobs.lock", fcntl.LOCK_EX):
            yield

    @contextmanager
    def changing_index(self) -> Iterator[None]:
        """While index.json is read and replaced."""
        with _locked(self.root / "index.lock", fcntl.LOCK_EX):
            yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with path.open("a") as lock:
        fcntl.flock(lock, how)
        yield


def write_once(path: Path, content: bytes) -> None:
    """Write a file unless it is there; it appears whole."""
    if not path.exists():
        write_atomically(path, content)


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file; whoever reads it finds all of the old or all of the new, after a crash as well."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


@contextmanager
def storage_errors(root: Path) -> Iterator[None]:
    """What the operating system refuses, as errors of the store: raise StoreFullError or StoreUnavailableError."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFullError(f"no space is left for artifacts in {root}: free some, then try again") from error
        raise StoreUnavailableError(f"the artifact store {root} cannot be used: {error}") from error
