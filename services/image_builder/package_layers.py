"""The layers that a package brings: those that were built before, and the others built from its payloads.

Two notes in the store save work. One is of the whole package: who finds it opens no package. One is of each
customization module's payload: a hotfix of one module builds that module, and a build that was killed goes on with what
it had finished. A note is no proof: each layer that it names is looked for.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from posixpath import basename

import msgspec
import rfc8785

from services.image_builder.domain.composition import Composition, CompositionRefusedError, PackageToApply
from services.image_builder.layer import LayerStream, Member
from shared.artifacts.port import ArtifactStore
from shared.formats.deployable_package.read.layout import payload_path
from shared.formats.deployable_package.read.package import PackageReader
from shared.formats.oci_image import LAYER_TYPES, Compression, ImageLayer, ImageModule, Part

# Part of every name of a note: raised when the bytes of layers change for the same package.
_LAYER_FORMAT = 2
_THREADS = 2
# So a layer's last frames and the next one's first are packed side by side.
_LAYERS_AT_ONCE = 2
_WHITEOUT = ".wh."


class BroughtLayers(msgspec.Struct, frozen=True):
    """The layers of each part that the package replaces, and what its modules refer to, by their folders.

    `built` names those that had to be made, of `size` bytes of files.
    """

    layers: dict[Part, tuple[ImageLayer, ...]]
    references: dict[str, tuple[str, ...]]
    built: tuple[str, ...] = ()
    size: int = 0


class _Unit(msgspec.Struct):
    """A layer that is to be: its modules, the name of its note (empty: none of its own), its files."""

    part: Part
    modules: tuple[ImageModule, ...]
    note: str = ""
    members: tuple[Member, ...] = ()

    @property
    def module(self) -> str | None:
        return None if self.part == "platform" else self.modules[0].name

    @property
    def size(self) -> int:
        return sum(file.size for _, file in self.members)


class PackageLayers:
    """Finds or makes the layers of one package."""

    def __init__(
        self,
        store: ArtifactStore,
        package: PackageToApply,
        composition: Composition,
        compression: Compression,
        progress: Callable[[int, int], None],
    ) -> None:
        self._store = store
        self._package = package
        self._modules = {part: composition.contents.part(part) for part in composition.replaced}
        self._compression = compression
        self._progress = progress
        self._done = self._total = 0

    async def get(self) -> BroughtLayers:
        """All of them. Of several that want the same, in whatever process, one builds and the others take it."""
        name = self._package_note()
        if (known := await self._known(name)) is not None:
            return known
        async with self._store.exclusive(name):
            if (known := await self._known(name)) is not None:
                return known
            # Compressed anew, a payload takes less than it did in the package.
            size = (await self._store.describe(self._package.digest)).size
            parts = " and ".join(self._modules)
            await self._store.require_room(size, f"build the {parts} layers of {self._package.reference}")
            async with self._store.local_file(self._package.digest) as path:
                made = await self._made(path)
            # Only now it is sure that what was read is the package.
            await self._store.note(name, msgspec.json.encode(msgspec.structs.replace(made, built=(), size=0)))
            return made

    async def _known(self, name: str) -> BroughtLayers | None:
        """What a note says; None where there is none, or not all of its layers are there any more."""
        found = (await self._store.noted([name])).get(name)
        try:
            known = msgspec.json.decode(found or b"", type=BroughtLayers)
        except msgspec.DecodeError:
            return None
        wanted = [one.digest for layers in known.layers.values() for one in layers]
        # The package is in use as well: the image will say that it is made from it.
        await self._store.describe(self._package.digest)
        return None if await self._store.missing(wanted) else known

    async def _made(self, path: Path) -> BroughtLayers:
        reader = await asyncio.to_thread(PackageReader, path)
        with reader:
            references, units = await asyncio.to_thread(self._prepare, reader)
            there = await self._noted(units)
            missing = [unit for unit in units if unit.note not in there]
            await asyncio.to_thread(_list_members, reader, missing)
            self._total = sum(unit.size for unit in missing)
            with ThreadPoolExecutor(_THREADS, thread_name_prefix="layer") as pool:
                limit = asyncio.Semaphore(_LAYERS_AT_ONCE)
                built = await _gather(self._build(unit, pool, limit) for unit in missing)
        made = dict(zip((id(unit) for unit in missing), built, strict=True))
        layers: defaultdict[Part, tuple[ImageLayer, ...]] = defaultdict(tuple)
        for unit in units:
            layers[unit.part] += (made.get(id(unit)) or there[unit.note],)
        names = tuple(unit.module or unit.part for unit in missing)
        return BroughtLayers(dict(layers), references, names, self._total)

    def _prepare(self, reader: PackageReader) -> tuple[dict[str, tuple[str, ...]], list[_Unit]]:
        references: dict[str, tuple[str, ...]] = {}
        units: list[_Unit] = []
        for part, modules in self._modules.items():
            ordered = tuple(sorted(modules, key=lambda module: module.folder))
            if part == "platform":
                units.append(_Unit(part, ordered))
            else:
                units += [_Unit(part, (one,), self._module_note(reader, one)) for one in ordered]
            references |= {one.folder: reader.references(one.name, one.version) for one in ordered}
        return references, [unit for unit in units if unit.modules]

    async def _noted(self, units: Iterable[_Unit]) -> dict[str, ImageLayer]:
        """The layers of modules that were built before, by the names of their notes."""
        names = [unit.note for unit in units if unit.note]
        found: dict[str, ImageLayer] = {}
        for name, content in (await self._store.noted(names)).items():
            try:
                found[name] = msgspec.json.decode(content, type=ImageLayer)
            except msgspec.DecodeError:
                continue
        gone = await self._store.missing([one.digest for one in found.values()])
        return {name: one for name, one in found.items() if one.digest not in gone}

    async def _build(self, unit: _Unit, pool: ThreadPoolExecutor, limit: asyncio.Semaphore) -> ImageLayer:
        async with limit:
            stream = LayerStream(unit.members, threads=_THREADS, pool=pool, compression=self._compression)
            media_type = LAYER_TYPES[self._compression]
            # Closed before the file is: its threads read from it.
            with closing(iter(stream)) as chunks:
                stored = await self._store.put(self._told(chunks, stream), media_type)
            layer = ImageLayer(
                part=unit.part,
                digest=stored.digest,
                size=stored.size,
                diff_id=stream.diff_id,
                module=unit.module,
                media_type=media_type,
            )
            if unit.note:
                await self._store.note(unit.note, msgspec.json.encode(layer))
            return layer

    async def _told(self, chunks: Iterator[bytes], stream: LayerStream) -> AsyncIterator[bytes]:
        before = 0
        async for chunk in _in_thread(chunks):
            self._done += stream.size - before
            before = stream.size
            self._progress(min(self._done, self._total), self._total)
            yield chunk

    def _package_note(self) -> str:
        places = [
            [part, [[one.name, one.folder, payload_path(one.name, one.version)] for one in modules]]
            for part, modules in self._modules.items()
        ]
        return _name("package", [self._package.digest, self._compression, places])

    def _module_note(self, reader: PackageReader, module: ImageModule) -> str:
        digest = reader.payload_digest(module.name, module.version)
        return _name("module", [digest, self._compression, module.name])


def _name(kind: str, values: list[object]) -> str:
    content: list[object] = [_LAYER_FORMAT, kind, *values]
    return f"layers/{kind}/{hashlib.sha256(rfc8785.dumps(content)).hexdigest()}"  # type: ignore[arg-type]  # of JSON


def _list_members(reader: PackageReader, units: Iterable[_Unit]) -> None:
    """Find the files of each unit, with their places in the layer. Raise CompositionRefusedError."""
    for unit in units:
        members: list[Member] = []
        for module in unit.modules:
            for file in reader.payload(module.name, module.version):
                if any(name.startswith(_WHITEOUT) for name in file.path.split("/")):
                    raise CompositionRefusedError(
                        f"module {module.name} has a file {file.path}: in an image a name that begins with "
                        f"{_WHITEOUT} says that another file is gone (OCI image-spec, layer.md). Rename "
                        f"{basename(file.path)}",
                        [module.name],
                    )
                members.append((f"{module.folder}/{file.path}", file))
        unit.members = tuple(members)


async def _gather(work: Iterable[Awaitable[ImageLayer]]) -> list[ImageLayer]:
    """The results of all; where one fails, the others have ended before that is said."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _in_thread(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        step = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
        try:
            chunk = await asyncio.shield(step)
        except asyncio.CancelledError:
            await asyncio.wait({step})  # a generator that runs in a thread cannot be closed
            raise
        if chunk is None:
            return
        yield chunk
