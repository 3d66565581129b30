"""Indexes of the packages of bases: made once, kept in the artifact store, in a folder and in memory."""

import asyncio
import os
import tempfile
from collections import OrderedDict, defaultdict
from pathlib import Path

from services.extension_compatibility_checker.al.container import MAX_FILE, PackageError, open_package
from services.extension_compatibility_checker.al.index import FORMAT, AppIndex, IndexFormatError, index_package
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.port import ArtifactStore, digest_hex
from shared.contracts.parts import ArtifactRef

MEDIA_TYPE = "application/vnd.drydock.app-index+msgpack"


class BaseIndexes:
    """`folder` is a cache that may be lost and may be shared; at most `in_memory` indexes stay in memory.

    Every method may raise ArtifactStoreError, OSError, and PackageError where a package itself has no symbols to read.
    """

    def __init__(self, folder: Path, artifacts: ArtifactStore, in_memory: int) -> None:
        self._folder = folder
        self._artifacts = artifacts
        self._in_memory = in_memory
        self._memory: OrderedDict[str, AppIndex] = OrderedDict()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def read(self, package: ArtifactRef, country: str, stored: ArtifactRef | None = None) -> AppIndex:
        """The index of a package: the first of memory, folder, `stored` in the artifact store; else a new one."""
        key = f"{digest_hex(package.digest)}.{country}.{FORMAT}"
        async with self._locks[key]:
            index = self._memory.get(key)
            if index is None:
                index = await self._find(key, stored) or await self._make(key, package, country)
                self._memory[key] = index
            self._memory.move_to_end(key)
            while len(self._memory) > self._in_memory:
                self._memory.popitem(last=False)
            return index

    async def store(self, index: AppIndex) -> ArtifactRef:
        """Put an index into the artifact store; the same index is the same artifact."""
        kept = await self._artifacts.put_bytes(await asyncio.to_thread(index.to_bytes), MEDIA_TYPE)
        return ArtifactRef(digest=kept.digest, size=kept.size, media_type=kept.media_type)

    async def _find(self, key: str, stored: ArtifactRef | None) -> AppIndex | None:
        """An index that was made before. One that is damaged or of another version's format does not count."""
        try:
            return await asyncio.to_thread(AppIndex.load, self._path(key))
        except (FileNotFoundError, IndexFormatError):
            pass
        if stored is None:
            return None
        try:
            content = await self._artifacts.read(stored.digest, limit=stored.size)
            index = await asyncio.to_thread(AppIndex.from_bytes, content)
        except (ArtifactMissingError, ArtifactCorruptError, IndexFormatError):
            return None
        await asyncio.to_thread(_write, self._path(key), content)
        return index

    async def _make(self, key: str, package: ArtifactRef, country: str) -> AppIndex:
        size = (await self._artifacts.describe(package.digest)).size
        if size > MAX_FILE:
            raise PackageError(f"{package.digest}: it has {size} bytes; the limit is {MAX_FILE}")
        content = await self._artifacts.read(package.digest, limit=size)

        def make() -> AppIndex:
            index = index_package(open_package(content, package.digest), country)
            _write(self._path(key), index.to_bytes())
            return index

        return await asyncio.to_thread(make)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.index"


def _write(path: Path, content: bytes) -> None:
    """A crash leaves no file or the whole; two that write at once do not meet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
