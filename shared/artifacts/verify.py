"""Whether everything in a folder of artifacts is what it says that it is."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared.artifacts.errors import ArtifactCorruptError
from shared.artifacts.image import MANIFEST
from shared.artifacts.index import LayoutIndex
from shared.artifacts.store_folder import StoreFolder, storage_errors
from shared.artifacts.sweep import Blob, blobs_of, descriptors_of


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with an artifact; `message` is a sentence for a person, with the place."""

    digest: str
    kind: Literal["damaged", "missing"]
    message: str


def verify(folder: StoreFolder, *, quick: bool = False) -> Iterator[Flaw]:
    """Name what is damaged, and what an index entry or an image needs that is not there.

    All bytes are read and hashed; `quick` compares sizes only. What is in the trash counts as there. Raise
    ArtifactCorruptError where the index is none.
    """
    blobs = blobs_of(folder)
    entries = LayoutIndex(folder).entries()
    stated = [(entry["digest"], entry.get("size"), "the index") for entry in entries]
    for blob in blobs.values():
        if blob.media_type == MANIFEST and not blob.trashed:
            try:
                stated += [(*one, f"image {blob.digest}") for one in descriptors_of(folder, blob)]
            except ArtifactCorruptError:
                yield Flaw(blob.digest, "damaged", f"{blob.digest} is no image manifest")
    for digest, size, by in stated:
        if digest not in blobs:
            yield Flaw(digest, "missing", f"{digest} is missing; {by} names it")
        elif blobs[digest].size != size:
            yield Flaw(digest, "damaged", f"{digest} has {blobs[digest].size} bytes; {by} says {size}")
    if not quick:
        for blob in blobs.values():
            yield from _hashed(folder, blob)


def _hashed(folder: StoreFolder, blob: Blob) -> Iterator[Flaw]:
    path = folder.trashed(blob.digest) if blob.trashed else folder.blob(blob.digest)
    with storage_errors(folder.root):
        try:
            with path.open("rb") as source:
                found = hashlib.file_digest(source, "sha256").hexdigest()
        except FileNotFoundError:  # collected, or brought back, meanwhile
            return
    if f"sha256:{found}" != blob.digest:
        kind = blob.media_type or "application/octet-stream"
        yield Flaw(blob.digest, "damaged", f"{blob.digest} ({kind}) has other bytes, with digest sha256:{found}")
