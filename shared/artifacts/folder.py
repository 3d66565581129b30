"""An artifact store in a folder with the OCI image layout (image-spec, image-layout.md).

    oci-layout  index.json  blobs/sha256/<hex>      the specification's
    media-types/sha256/<hex>                        ours: a layout knows media types only of what it refers to
    incoming/  index.lock                           ours: unfinished writes; the lock around index.json

Several processes may use one folder. A blob appears by rename after its bytes were synced, so it is whole
or absent; a writer that was killed leaves a file in `incoming`, which the next store that opens removes.
"""

import asyncio
import errno
import fcntl
import hashlib
import json
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import rfc8785

from shared.artifacts.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    StoreFullError,
    StoreUnavailableError,
)
from shared.artifacts.port import Descriptor, check_reference, digest_hex

_CHUNK = 1 << 20
_REF_NAME = "org.opencontainers.image.ref.name"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_T = TypeVar("_T")


class FolderStore:
    """The ArtifactStore of one machine, or of machines that share a volume."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._blobs = root / "blobs" / "sha256"
        self._media_types = root / "media-types" / "sha256"
        self._incoming = root / "incoming"
        with _storage_errors(root):
            for folder in (self._blobs, self._media_types, self._incoming):
                folder.mkdir(parents=True, exist_ok=True)
            _write_once(root / "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            with self._index_locked():
                if not self._index_path.exists():
                    self._write_index([])
            self._remove_abandoned()

    @property
    def _index_path(self) -> Path:
        return self._root / "index.json"

    async def put(self, chunks: AsyncIterator[bytes], media_type: str) -> Descriptor:
        upload = await self._in_thread(lambda: _Upload(self._incoming))
        try:
            async for chunk in chunks:
                await self._in_thread(upload.write, chunk)
            return await self._in_thread(self._keep, upload, media_type)
        finally:
            upload.discard()

    async def put_bytes(self, content: bytes, media_type: str) -> Descriptor:
        async def once() -> AsyncIterator[bytes]:
            yield content

        return await self.put(once(), media_type)

    async def put_file(self, path: Path, media_type: str) -> Descriptor:
        with path.open("rb") as source:

            async def chunks() -> AsyncIterator[bytes]:
                while chunk := await asyncio.to_thread(source.read, _CHUNK):
                    yield chunk

            return await self.put(chunks(), media_type)

    async def exists(self, digest: str) -> bool:
        path = self._blobs / digest_hex(digest)
        return await self._in_thread(path.is_file)

    async def describe(self, digest: str) -> Descriptor:
        hex_digits = digest_hex(digest)

        def look() -> Descriptor:
            size = self._blob(digest).stat().st_size
            try:
                media_type = (self._media_types / hex_digits).read_text()
            except FileNotFoundError:  # a blob that another tool put into the layout
                media_type = "application/octet-stream"
            return Descriptor(media_type, digest, size)

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

        def verify() -> None:
            with path.open("rb") as source:
                _check(digest, hashlib.file_digest(source, "sha256").hexdigest())

        verified = asyncio.create_task(self._in_thread(verify))
        try:
            yield path
        finally:
            # Also after an error inside: corrupt bytes are then its cause, and the store is to blame.
            await verified

    async def set_reference(self, name: str, target: Descriptor) -> None:
        check_reference(name)

        def replace() -> None:
            self._blob(target.digest)
            with self._index_locked():
                entries = [e for e in self._read_index() if e.get("annotations", {}).get(_REF_NAME) != name]
                entries.append(
                    {
                        "mediaType": target.media_type,
                        "digest": target.digest,
                        "size": target.size,
                        "annotations": {_REF_NAME: name},
                    }
                )
                self._write_index(entries)

        await self._in_thread(replace)

    async def resolve(self, name: str) -> Descriptor:
        check_reference(name)
        try:
            return (await self.references())[name]
        except KeyError:
            raise ArtifactMissingError(f"no artifact is called {name!r} in {self._root}") from None

    async def references(self) -> Mapping[str, Descriptor]:
        entries = await self._in_thread(self._read_index)
        return {
            entry["annotations"][_REF_NAME]: Descriptor(entry["mediaType"], entry["digest"], entry["size"])
            for entry in entries
            if _REF_NAME in entry.get("annotations", {})
        }

    def _blob(self, digest: str) -> Path:
        path = self._blobs / digest_hex(digest)
        if not path.is_file():
            raise ArtifactMissingError(f"artifact {digest} is not in {self._root}")
        return path

    def _keep(self, upload: "_Upload", media_type: str) -> Descriptor:
        hex_digits = upload.seal()
        # The media type first: a blob that is there always has one.
        _write_once(self._media_types / hex_digits, media_type.encode())
        blob = self._blobs / hex_digits
        # Replaces an equal blob too: a corrupt one is healed by storing its content again.
        upload.move_to(blob)
        _sync_folder(self._blobs)
        return Descriptor(media_type, f"sha256:{hex_digits}", upload.size)

    @contextmanager
    def _index_locked(self) -> Iterator[None]:
        with (self._root / "index.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read_index(self) -> list[dict[str, Any]]:
        try:
            entries: list[dict[str, Any]] = json.loads(self._index_path.read_bytes())["manifests"]
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise ArtifactCorruptError(f"{self._index_path} is no OCI index: {error}") from error
        return entries

    def _write_index(self, entries: list[dict[str, Any]]) -> None:
        index: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": entries,
        }
        _write_atomically(self._index_path, rfc8785.dumps(index))

    def _remove_abandoned(self) -> None:
        for path in self._incoming.iterdir():
            try:
                with path.open("rb") as held:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    path.unlink()
            except (BlockingIOError, FileNotFoundError):
                continue  # its writer lives, or has just finished

    async def _in_thread(self, work: Callable[..., _T], *arguments: object) -> _T:
        def guarded() -> _T:
            with _storage_errors(self._root):
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


def _write_once(path: Path, content: bytes) -> None:
    if not path.exists():
        _write_atomically(path, content)


def _write_atomically(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _storage_errors(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreFullError(f"no space is left for artifacts in {root}: free some, then try again") from error
        raise StoreUnavailableError(f"the artifact store {root} cannot be used: {error}") from error
