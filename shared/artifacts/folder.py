"""An artifact store in a folder with the OCI image layout (image-spec, image-layout.md).

Several processes may use one folder. A blob appears by rename after its bytes were synced, so it is whole
or absent; a writer that was killed leaves a file in `incoming`, which the next store that opens removes.

Whoever stores an artifact or asks for one may rely on it for the time that unreferenced blobs are spared (`sweep`):
its time of change says when that was last. What was taken away meanwhile and not deleted yet comes back.
"""

import asyncio
import errno
import fcntl
import hashlib
import os
import time
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from threading import Event
from typing import IO, TypeVar

from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.index import LayoutIndex
from shared.artifacts.notes import alone, read_notes, write_note
from shared.artifacts.port import Descriptor, check_reference, digest_hex
from shared.artifacts.space import require_space
from shared.artifacts.store_folder import StoreFolder, storage_errors, write_once
from shared.artifacts.trash import bring_back
from shared.files import sync_folder

_CHUNK = 1 << 20
_READ_ONLY = {errno.EACCES, errno.EPERM, errno.EROFS}
USE_NOTED_EVERY = 600.0
"""Seconds in which further uses of an artifact are not noted again."""
_T = TypeVar("_T")


class FolderStore:
    """The ArtifactStore of one machine, or of machines that share a volume."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._layout = layout = StoreFolder(root)
        self._index = LayoutIndex(layout)
        with storage_errors(root):
            for folder in (layout.blobs, layout.media_types, layout.incoming, layout.trash, layout.notes):
                folder.mkdir(parents=True, exist_ok=True)
            write_once(root / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            self._index.prepare()
            self._remove_abandoned()

    async def put(self, chunks: AsyncIterator[bytes], media_type: str) -> Descriptor:
        begun = asyncio.ensure_future(self._in_thread(lambda: _Upload(self._layout.incoming)))
        try:
            upload = await asyncio.shield(begun)
        except asyncio.CancelledError:
            # The thread makes it all the same; its file must not be left.
            (await begun).discard()
            raise
        try:
            async for chunk in chunks:
                await self._in_thread(upload.write, chunk)
            return await self._in_thread(self._keep, upload, media_type)
        finally:
            upload.discard()

    async def put_bytes(self, content: bytes, media_type: str) -> Descriptor:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        if await self._in_thread(self._has, digest, content):
            return Descriptor(media_type, digest, len(content))

        async def once() -> AsyncIterator[bytes]:
            yield content

        return await self.put(once(), media_type)

    async def put_file(self, path: Path, media_type: str) -> Descriptor:
        size = (await self._in_thread(path.stat)).st_size
        await self.require_room(size, f"store {path.name}")
        with path.open("rb") as source:

            async def chunks() -> AsyncIterator[bytes]:
                while chunk := await asyncio.to_thread(source.read, _CHUNK):
                    yield chunk

            return await self.put(chunks(), media_type)

    async def require_room(self, size: int, what: str) -> None:
        await self._in_thread(require_space, size, self._root, what)

    async def exists(self, digest: str) -> bool:
        try:
            await self._in_thread(self._blob, digest)
        except ArtifactMissingError:
            return False
        return True

    async def missing(self, digests: Collection[str]) -> frozenset[str]:
        def look() -> Iterator[str]:
            for digest in digests:
                try:
                    self._blob(digest)
                except ArtifactMissingError:
                    yield digest

        return await self._in_thread(lambda: frozenset(look()))

    async def describe(self, digest: str) -> Descriptor:
        def look() -> Descriptor:
            size = self._blob(digest).stat().st_size
            return Descriptor(self._layout.media_type(digest), digest, size)

        return await self._in_thread(look)

    async def read(self, digest: str, *, limit: int) -> bytes:
        def whole() -> bytes:
            path = self._blob(digest)
            if (size := path.stat().st_size) > limit:
                raise ValueError(f"artifact {digest} has {size} bytes, more than the {limit} allowed here")
            content = path.read_bytes()
            _check(digest, hashlib.sha256(content).hexdigest())
            return content

        return await self._in_thread(whole)

    async def open(self, digest: str) -> AsyncIterator[bytes]:
        source: IO[bytes] = await self._in_thread(lambda: self._blob(digest).open("rb"))
        with source:
            hasher = hashlib.sha256()
            held = b""
            while chunk := await self._in_thread(source.read, _CHUNK):
                if held:
                    yield held
                await asyncio.to_thread(hasher.update, chunk)
                held = chunk
            _check(digest, hasher.hexdigest())
            if held:
                yield held

    @asynccontextmanager
    async def local_file(self, digest: str) -> AsyncIterator[Path]:
        path = await self._in_thread(self._blob, digest)

        given_up = Event()

        def verify() -> None:
            hasher = hashlib.sha256()
            with path.open("rb") as source:
                while not given_up.is_set() and (chunk := source.read(_CHUNK)):
                    hasher.update(chunk)
            if not given_up.is_set():
                _check(digest, hasher.hexdigest())

        verified = asyncio.create_task(self._in_thread(verify))
        try:
            yield path
        except asyncio.CancelledError:
            given_up.set()  # nobody uses what was made from it
            raise
        finally:
            # Also after an error inside: corrupt bytes are then its cause, and the store is to blame.
            await verified

    async def set_reference(self, name: str, target: Descriptor) -> None:
        check_reference(name)

        def replace() -> None:
            self._blob(target.digest)
            self._index.set(name, target)

        await self._in_thread(replace)

    async def resolve(self, name: str) -> Descriptor:
        check_reference(name)
        try:
            return (await self.references())[name]
        except KeyError:
            raise ArtifactMissingError(f"no artifact is called {name!r} in {self._root}") from None

    async def references(self) -> Mapping[str, Descriptor]:
        return await self._in_thread(self._index.references)

    async def note(self, name: str, content: bytes) -> None:
        await self._in_thread(write_note, self._layout, name, content)

    async def noted(self, names: Collection[str]) -> Mapping[str, bytes]:
        return await self._in_thread(read_notes, self._layout, names)

    def exclusive(self, name: str) -> AbstractAsyncContextManager[None]:
        return alone(self._layout, name)

    def _has(self, digest: str, content: bytes) -> bool:
        """Whether exactly these bytes are there; then they are in use from now on."""
        try:
            return self._blob(digest).read_bytes() == content
        except (ArtifactMissingError, FileNotFoundError):
            return False

    def _blob(self, digest: str) -> Path:
        """Where an artifact stands, with its use noted; raise ArtifactMissingError."""
        path = self._layout.blob(digest)
        try:
            if time.time() - path.stat().st_mtime < USE_NOTED_EVERY:
                return path
        except FileNotFoundError:
            pass
        try:
            self._note_use(path, digest)
        except OSError as error:
            # Who may only read is no service: nothing will refer to the artifact because of him.
            if error.errno not in _READ_ONLY:
                raise
            if not path.is_file():
                raise self._missing(digest) from None
        return path

    def _note_use(self, path: Path, digest: str) -> None:
        with self._layout.using():
            try:
                os.utime(path)
            except FileNotFoundError:
                if not bring_back(self._layout, digest):
                    raise self._missing(digest) from None

    def _missing(self, digest: str) -> ArtifactMissingError:
        return ArtifactMissingError(f"artifact {digest} is not in {self._root}")

    def _keep(self, upload: "_Upload", media_type: str) -> Descriptor:
        hex_digits = upload.seal()
        blob = self._layout.blobs / hex_digits
        with self._layout.using():
            # The media type first: a blob that is there always has one.
            write_once(self._layout.media_types / hex_digits, media_type.encode())
            # Replaces an equal blob too: a corrupt one is healed by storing its content again.
            upload.move_to(blob)
            (self._layout.trash / hex_digits).unlink(missing_ok=True)
        sync_folder(self._layout.blobs)
        return Descriptor(media_type, f"sha256:{hex_digits}", upload.size)

    def _remove_abandoned(self) -> None:
        for path in self._layout.incoming.iterdir():
            try:
                with path.open("rb") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
            except (BlockingIOError, FileNotFoundError):
                continue  # its writer lives, or has just finished

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        def guarded() -> _T:
            with storage_errors(self._root):
                return work(*arguments)

        return await asyncio.to_thread(guarded)


class _Upload:
    """One unfinished write; the lock on the file says that its writer lives."""

    def __init__(self, folder: Path) -> None:
        while True:
            self._path = folder / uuid.uuid4().hex
            self._file = self._path.open("xb", buffering=0)
            fcntl.flock(self._file, fcntl.LOCK_EX)
            if os.fstat(self._file.fileno()).st_nlink:
                break
            self._file.close()  # a store that was opening removed it before we held the lock
        self._hasher = hashlib.sha256()
        self.size = 0

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._hasher.update(chunk)
        self.size += len(chunk)

    def seal(self) -> str:
        os.utime(self._file.fileno())  # a stream may have paused for long before its end
        os.fsync(self._file.fileno())
        return self._hasher.hexdigest()

    def move_to(self, target: Path) -> None:
        self._path.rename(target)

    def discard(self) -> None:
        self._path.unlink(missing_ok=True)
        self._file.close()


def _check(digest: str, found_hex: str) -> None:
    if digest_hex(digest) != found_hex:
        raise ArtifactCorruptError(f"artifact {digest} has other bytes on disk, with digest sha256:{found_hex}")
