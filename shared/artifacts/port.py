"""What Drydock asks of an artifact store, so that an OCI registry can take the folder's place."""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
# The grammar of org.opencontainers.image.ref.name in the OCI image layout specification.
_REFERENCE = re.compile(
    r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*(?:/[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*)*"
)


@dataclass(frozen=True, slots=True)
class Descriptor:
    """An OCI content descriptor: `digest` is "sha256:<64 hex>", `size` is in bytes."""

    media_type: str
    digest: str
    size: int


def digest_hex(digest: str) -> str:
    """The hexadecimal part of a sha256 digest; ValueError for anything else."""
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{digest!r} is no digest: expected sha256: and 64 lower-case hexadecimal digits")
    return digest.removeprefix("sha256:")


def check_reference(name: str) -> str:
    """The name itself if it may be a reference, else ValueError."""
    if not _REFERENCE.fullmatch(name) or len(name) > 255:
        raise ValueError(
            f"{name!r} is no reference: use up to 255 letters and digits, joined by one of - . _ : @ + or /"
        )
    return name


class ArtifactStore(Protocol):
    """Content-addressed. Every method may raise ArtifactStoreError.

    What nobody refers to is collected some day. Whoever stores an artifact, or asks for it in any way, has a day to
    publish that he refers to it.
    """

    async def put(self, chunks: AsyncIterator[bytes], media_type: str) -> Descriptor:
        """Store a stream. Until this returns, nobody sees the artifact."""
        ...

    async def put_bytes(self, content: bytes, media_type: str) -> Descriptor: ...

    async def put_file(self, path: Path, media_type: str) -> Descriptor: ...

    async def require_room(self, size: int, what: str) -> None:
        """Raise StoreFullError where `size` more bytes have no place; it says `what` was about to begin."""
        ...

    async def exists(self, digest: str) -> bool: ...

    async def missing(self, digests: Collection[str]) -> frozenset[str]:
        """Those that the store does not have; the others are in use from now on, as if each was asked for."""
        ...

    async def describe(self, digest: str) -> Descriptor:
        """Size, and the media type under which the artifact was stored first."""
        ...

    async def read(self, digest: str, *, limit: int) -> bytes:
        """The whole artifact, verified; ValueError where it is larger than `limit` bytes."""
        ...

    def open(self, digest: str) -> AsyncIterator[bytes]:
        """The artifact in chunks; the last one is given only after the digest was found right."""
        ...

    def local_file(self, digest: str) -> AbstractAsyncContextManager[Path]:
        """A read-only file with the artifact's bytes, verified while the context is open.

        What was made from the file is right only after the context has ended without ArtifactCorruptError;
        that error takes the place of whatever corrupt bytes have caused inside.
        """
        ...

    async def set_reference(self, name: str, target: Descriptor) -> None:
        """Let `name` mean an artifact that is stored already; an earlier meaning is replaced."""
        ...

    async def resolve(self, name: str) -> Descriptor: ...

    async def references(self) -> Mapping[str, Descriptor]: ...

    async def note(self, name: str, content: bytes) -> None:
        """Keep a few bytes under a name of any form, as a cache does: they may be gone, or no use, any time."""
        ...

    async def noted(self, names: Collection[str]) -> Mapping[str, bytes]:
        """What was noted under those of the names of which that is known."""
        ...

    def exclusive(self, name: str) -> AbstractAsyncContextManager[None]:
        """While the context is open, nobody else has it for this name, in whatever process. It ends with its owner."""
        ...
