"""What takes how much of an artifact store, by kind."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from services.console.retention import LOG, REPORT
from shared.artifacts.errors import ArtifactCorruptError
from shared.artifacts.image import CACHED_LAYER, CONFIG, MANIFEST
from shared.artifacts.referrers import EMPTY
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.sweep import Blob, needed
from shared.contracts.message import Part
from shared.formats.oci_image import LAYER_TYPES

EVIDENCE, TRASH = "evidence", "trash"
_KINDS = {
    MANIFEST: "images",
    CONFIG: "images",
    **dict.fromkeys(LAYER_TYPES.values(), "layers"),
    CACHED_LAYER: "layer cache",
    "application/zip": "packages",
    "application/vnd.drydock.app": "extensions",
    "application/vnd.drydock.app-index+msgpack": "base indexes",
    EMPTY: EVIDENCE,
    REPORT: "reports and lists",
    LOG: "logs",
}


class KindUsage(Part):
    """What the artifacts of a kind take, in bytes."""

    kind: str
    count: int
    size: int
    shared: int
    """Of that, what several images have in common: it is there once."""
    unreferenced: int | None
    """Of that, what nothing refers to; None: not known."""


def kind_of(blob: Blob) -> str:
    """What an artifact is, for a person; all that waits to be deleted is `trash`."""
    if blob.trashed:
        return TRASH
    return EVIDENCE if blob.subject or blob.media_type.endswith("+dsse") else _KINDS.get(blob.media_type, "other")


def usage(folder: StoreFolder, blobs: Mapping[str, Blob], referenced: Collection[str] | None) -> list[KindUsage]:
    """A line for each kind that there is. `referenced`: the digests of what is needed; None: not known."""
    common = _common(folder, blobs)
    by_kind: dict[str, list[Blob]] = {}
    for blob in blobs.values():
        by_kind.setdefault(kind_of(blob), []).append(blob)
    return [
        KindUsage(
            kind=kind,
            count=len(some),
            size=_size(some),
            shared=_size(one for one in some if one.digest in common),
            unreferenced=None if referenced is None else _size(one for one in some if one.digest not in referenced),
        )
        for kind, some in sorted(by_kind.items(), key=lambda item: (item[0] == TRASH, item[0]))
    ]


def _common(folder: StoreFolder, blobs: Mapping[str, Blob]) -> set[str]:
    """What at least two images need."""
    times: Counter[str] = Counter()
    for blob in blobs.values():
        if blob.media_type == MANIFEST and not blob.trashed and not blob.subject:
            with suppress(ArtifactCorruptError):  # for `verify` to say
                times.update(needed(folder, blobs, {blob.digest}))
    return {digest for digest, count in times.items() if count > 1}


def _size(blobs: Iterable[Blob]) -> int:
    return sum(one.size for one in blobs)
