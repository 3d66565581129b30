"""What a folder of artifacts holds, and what is taken away: mark from roots, then sweep in two phases.

First a blob that nobody refers to, and that nobody stored or used for a while, goes into the trash; after a time there
it is deleted. Whoever asks for it in between has it back. Each blob is judged once more where nobody can use it
meanwhile: a run may be killed anywhere, and may go on beside builds and uploads.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.artifacts.errors import ArtifactCorruptError
from shared.artifacts.image import CACHED_LAYER, CONFIG, MANIFEST, packages_of
from shared.artifacts.index import LayoutIndex
from shared.artifacts.store_folder import StoreFolder, storage_errors
from shared.artifacts.subject import subject_in
from shared.artifacts.trash import bring_back, delete, put_aside

GRACE = 24 * 3600.0
"""Seconds for which what nobody refers to is kept after its last use, and then in the trash."""
SHORTEST_GRACE = 3 * 3600.0
"""A build takes up to an hour, and has what it uses noted each ten minutes at most."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An artifact as it lies there. `used` is when it was stored or asked for last, in seconds of the epoch.

    In the trash it is when it came there.
    """

    digest: str
    size: int
    media_type: str
    used: float
    trashed: bool = False
    named: bool = False
    """Whether the index has an entry of it."""
    subject: str | None = None
    """The artifact that it refers to, and is kept with; None: none."""


class Deed(StrEnum):
    """What is done with a blob."""

    BRING_BACK = "bring back"
    DELETE = "delete"
    PUT_ASIDE = "put aside"


Step = tuple[Deed, Blob]


def blobs_of(folder: StoreFolder) -> dict[str, Blob]:
    """All blobs by digest, those in the trash too. Raise ArtifactCorruptError where there is no index."""
    found: dict[str, Blob] = {}
    with storage_errors(folder.root):
        named = {entry["digest"]: str(entry.get("mediaType")) for entry in LayoutIndex(folder).entries()}
        for place, trashed in ((folder.trash, True), (folder.blobs, False)):
            for path in place.iterdir():
                digest = f"sha256:{path.name}"
                with suppress(FileNotFoundError):
                    status = path.stat()
                    type_ = named.get(digest) or folder.media_type(digest)
                    found[digest] = Blob(
                        digest,
                        status.st_size,
                        type_,
                        status.st_mtime,
                        trashed=trashed,
                        named=digest in named,
                        subject=subject_in(path.read_bytes()) if type_ == MANIFEST else None,
                    )
    return found


def references_of(folder: StoreFolder, blob: Blob) -> set[str]:
    """The artifacts that an image needs: its config and layers, and the packages it is made from.

    The image that it was built on is not among them. Raise ArtifactCorruptError where it cannot be read: then nobody
    knows what it needs.
    """
    if blob.media_type == MANIFEST:
        return {digest for digest, _ in descriptors_of(folder, blob)}
    if blob.media_type == CONFIG:
        with _readable(blob):
            return packages_of(_json(folder, blob.digest))
    return set()


def descriptors_of(folder: StoreFolder, manifest: Blob) -> list[tuple[str, int]]:
    """Digest and size of an image's config and layers, as its manifest says. Raise ArtifactCorruptError."""
    with _readable(manifest):
        content = _json(folder, manifest.digest)
        return [(one["digest"], one["size"]) for one in (content["config"], *content["layers"])]


@contextmanager
def _readable(blob: Blob) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactCorruptError(
            f"artifact {blob.digest} ({blob.media_type}) is damaged, so nobody knows what it needs ({error}): "
            "nothing is collected. `drydock store verify` names what is wrong; submit its package and apply it again"
        ) from error


def cached_layer(folder: StoreFolder, blob: Blob) -> str | None:
    """The layer that a record of the builder's cache is about; None if it says none."""
    try:
        found = _json(folder, blob.digest)["digest"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _json(folder: StoreFolder, digest: str) -> Any:
    # It may be brought back between the two.
    for path in (folder.blob(digest), folder.trashed(digest), folder.blob(digest)):
        with suppress(FileNotFoundError):
            return json.loads(path.read_bytes())
    raise ValueError("it is gone")


def needed(folder: StoreFolder, blobs: Mapping[str, Blob], roots: Collection[str]) -> set[str]:
    """The digests of all blobs that `roots` need, themselves among them, and what refers to these.

    Raise ArtifactCorruptError.
    """
    referrers = defaultdict(list)
    for blob in blobs.values():
        if blob.subject:
            referrers[blob.subject].append(blob.digest)
    found: set[str] = set()
    waiting = [digest for digest in roots if digest in blobs]
    while waiting:
        digest = waiting.pop()
        if digest not in found:
            found.add(digest)
            waiting += (one for one in references_of(folder, blobs[digest]) if one in blobs)
            waiting += referrers[digest]
    return found


def kept(
    folder: StoreFolder,
    blobs: Mapping[str, Blob],
    roots: Collection[str],
    *,
    now: float,
    grace: float,
    spared: Callable[[Blob], bool] = lambda blob: False,
) -> set[str]:
    """What stays: all that `roots` need, what was used in the last `grace` seconds or is `spared`, and what that needs.

    So does what another tool has named in the index.

    A record of the builder's cache stays with its layer. Raise ArtifactCorruptError.
    """
    held = {one.digest for one in blobs.values() if not one.trashed and (now - one.used < grace or spared(one))}
    stays = needed(folder, blobs, {*roots, *held, *LayoutIndex(folder).named_by_others()})
    records = (one for one in blobs.values() if one.media_type == CACHED_LAYER and not one.trashed)
    return stays | {one.digest for one in records if cached_layer(folder, one) in stays}


def plan(blobs: Mapping[str, Blob], stays: Collection[str], *, now: float, trash_for: float) -> list[Step]:
    """What is to be done. An image goes before its parts: one that is still named is whole."""
    steps: list[Step] = []
    for blob in blobs.values():
        if blob.trashed and blob.digest in stays:
            steps.append((Deed.BRING_BACK, blob))
        elif blob.trashed and now - blob.used >= trash_for:
            steps.append((Deed.DELETE, blob))
    gone = (one for one in blobs.values() if not one.trashed and one.digest not in stays)
    return [*steps, *((Deed.PUT_ASIDE, one) for one in sorted(gone, key=lambda one: one.media_type != MANIFEST))]


def carry_out(folder: StoreFolder, steps: Iterable[Step]) -> Iterator[Step]:
    """Do it, and after each step that was still to be done say so."""
    for deed, blob in steps:
        with storage_errors(folder.root):
            if _do(folder, deed, blob):
                yield deed, blob


def _do(folder: StoreFolder, deed: Deed, blob: Blob) -> bool:
    if deed is Deed.DELETE:
        return delete(folder, blob.digest)
    if deed is Deed.PUT_ASIDE:
        return put_aside(folder, blob.digest, used=blob.used, named=blob.named)
    with folder.collecting():
        return bring_back(folder, blob.digest)
