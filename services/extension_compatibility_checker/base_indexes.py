"""Indexes of the packages of bases: made once by a child process, kept in the artifact store and as files."""

import asyncio
import shutil
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from services.extension_compatibility_checker.reading import IndexDamaged, Reading
from services.extension_compatibility_checker.requests import Indexed, LoadIndex, MakeIndex
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.port import ArtifactStore, digest_hex
from shared.contracts.parts import ArtifactRef
from shared.files import draft_of
from shared.formats.al.package.archive import PackageError
from shared.formats.al.package.container import MAX_FILE
from shared.formats.al.symbols.index import FORMAT, App

MEDIA_TYPE = "application/vnd.drydock.app-index+msgpack"


@dataclass(frozen=True)
class IndexFile:
    """An index as a file: whose it is, and of how many objects."""

    path: Path
    app: App
    objects: int


class BaseIndexes:
    """`folder` is a cache that may be lost and may be shared. The indexes themselves stay in the child processes.

    Every method may raise ArtifactStoreError, OSError, ChildDied, TaskFailed, and PackageError where a package itself
    has no symbols to read.
    """

    def __init__(self, folder: Path, artifacts: ArtifactStore, reading: Reading) -> None:
        self._folder = folder
        self._artifacts = artifacts
        self._reading = reading
        self._known: dict[str, IndexFile] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def file(self, package: ArtifactRef, country: str, stored: ArtifactRef | None = None) -> IndexFile:
        """The index of a package: a file that is there, else `stored` in the artifact store, else a new one."""
        key = index_key(package, country)
        async with self._locks[key]:
            known = self._known.get(key)
            if known is None or not await asyncio.to_thread(known.path.exists):
                found = await self._find(key, stored) or await self._make(key, package, country)
                known = self._known[key] = IndexFile(self._path(key), found.app, found.objects)
            return known

    async def store(self, index: IndexFile) -> ArtifactRef:
        """Put an index into the artifact store; the same index is the same artifact."""
        kept = await self._artifacts.put_file(index.path, MEDIA_TYPE)
        return ArtifactRef.of(kept)

    def drop(self, path: str) -> None:
        """A file turned out to be damaged: make it anew when it is asked for."""
        self._known = {key: known for key, known in self._known.items() if str(known.path) != path}
        Path(path).unlink(missing_ok=True)

    async def _find(self, key: str, stored: ArtifactRef | None) -> Indexed | None:
        """An index that was made before. One that is damaged or of another version's format does not count."""
        path = self._path(key)
        if found := await self._load(path):
            return found
        if stored is None:
            return None
        try:
            async with self._artifacts.local_file(stored.digest) as source:
                await asyncio.to_thread(_copy, source, path)
        except (ArtifactMissingError, ArtifactCorruptError):
            path.unlink(missing_ok=True)
            return None
        return await self._load(path)

    async def _load(self, path: Path) -> Indexed | None:
        try:
            return await self._reading.ask(LoadIndex(str(path)), Indexed)
        except IndexDamaged:
            return None

    async def _make(self, key: str, package: ArtifactRef, country: str) -> Indexed:
        size = (await self._artifacts.describe(package.digest)).size
        if size > MAX_FILE:
            raise PackageError(f"{package.digest}: it has {size} bytes; the limit is {MAX_FILE}")
        # In a folder of its own: who reads a foreign package writes nothing that others use.
        folder = Path(await asyncio.to_thread(_scratch, self._folder))
        try:
            async with self._artifacts.local_file(package.digest) as source:
                request = MakeIndex(str(source), package.digest, country, str(folder / "index"))
                made = await self._reading.ask(request, Indexed, read=[str(source.resolve())], write=[str(folder)])
            # Only now is the package known to be what its digest says.
            await asyncio.to_thread((folder / "index").replace, self._path(key))
            return made
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _path(self, key: str) -> Path:
        return (self._folder / f"{key}.index").absolute()


def index_key(package: ArtifactRef, country: str) -> str:
    """What an index is: a package, the country that it counts for, the format."""
    return f"{digest_hex(package.digest)}.{country}.{FORMAT}"


def _scratch(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.mkdtemp(prefix=".making.", dir=folder)


def _copy(source: Path, target: Path) -> None:
    """A crash leaves no file or the whole; two that write at once do not meet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with draft_of(target) as draft:
        shutil.copyfile(source, draft)
