"""Builds an image from a stored package and, where there is one, a base image."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import rfc8785

from services.image_builder.composition import Composition, PackageToApply, compose
from services.image_builder.layer import LayerStream, Member
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.image import (
    CACHED_LAYER,
    CACHED_LAYERS,
    LAYER,
    Image,
    ImageLayer,
    ImageModule,
    Part,
    load_image,
    write_image,
)
from shared.artifacts.port import ArtifactStore
from shared.formats.deployable_package.read.layout import payload_path
from shared.formats.deployable_package.read.package import PackageReader

# Part of every cache key: raised when the bytes of layers change for the same package.
_LAYER_FORMAT = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """`built` are the parts whose layer had to be made; the others were there already."""

    image: Image
    composition: Composition
    built: tuple[Part, ...]


async def build_image(
    store: ArtifactStore,
    package: PackageToApply,
    *,
    update_name: str,
    base: str | None = None,
    acknowledged: Collection[str] = (),
    created: datetime = _EPOCH,
) -> BuiltImage:
    """Build the image of `package` on the image with digest `base`; the same input gives the same digest.

    Layers of parts that the package does not replace are taken over by digest, none of their bytes is read;
    the package is not opened either where its layers were built before. Raises CompositionRefusedError and
    PackageRefusedError about the package, ArtifactStoreError and InfrastructureError about the machine.
    """
    base_image = None if base is None else await load_image(store, base)
    composition = compose(
        None if base_image is None else base_image.contents,
        package,
        update_name=update_name,
        base_digest=base,
        acknowledged=acknowledged,
    )
    layers: list[ImageLayer] = []
    built: list[Part] = []
    parts: tuple[Part, ...] = ("platform", "customization")
    for part in parts:
        if part not in composition.replaced:
            kept = None if base_image is None else base_image.layer(part)
            if kept is not None:
                await _check_kept(store, kept)
                layers.append(kept)
        elif modules := composition.contents.part(part):
            layer, is_new = await _layer(store, package, part, modules)
            layers.append(layer)
            if is_new:
                built.append(part)
    image = await write_image(store, composition.contents, layers, created)
    return BuiltImage(image, composition, tuple(built))


async def _check_kept(store: ArtifactStore, layer: ImageLayer) -> None:
    if not await store.exists(layer.digest):
        raise ArtifactMissingError(
            f"layer {layer.digest} of the base image is gone: apply its package again, or choose another base"
        )


async def _layer(
    store: ArtifactStore,
    package: PackageToApply,
    part: Part,
    modules: tuple[ImageModule, ...],
) -> tuple[ImageLayer, bool]:
    cache_name = _cache_name(package, part, modules)
    cached = await cached_layer_named(store, cache_name)
    if cached is not None:
        return cached, False
    # Compressed anew, a payload takes less than it did in the package.
    size = (await store.describe(package.digest)).size
    await store.require_room(size, f"build the {part} layer of {package.reference}")
    async with store.local_file(package.digest) as path:
        with PackageReader(path) as reader:
            stream = LayerStream(_members(reader, modules))
            # Closed before the file is: its threads read from it.
            with closing(iter(stream)) as chunks:
                stored = await store.put(_in_thread(chunks), LAYER)
    layer = ImageLayer(part=part, digest=stored.digest, size=stored.size, diff_id=stream.diff_id)
    await remember_layer(store, cache_name, layer)
    return layer, True


def _cache_name(package: PackageToApply, part: Part, modules: tuple[ImageModule, ...]) -> str:
    content: list[str | int | list[list[str]]] = [
        _LAYER_FORMAT,
        package.digest,
        part,
        [[module.folder, payload_path(module.name, module.version)] for module in modules],
    ]
    return f"{CACHED_LAYERS}{hashlib.sha256(rfc8785.dumps(content)).hexdigest()}"


async def remember_layer(store: ArtifactStore, name: str, layer: ImageLayer) -> None:
    """Keep under `name` which layer was built, for the next image with it."""
    record = await store.put_bytes(rfc8785.dumps(msgspec.to_builtins(layer)), CACHED_LAYER)
    await store.set_reference(name, record)


async def cached_layer_named(store: ArtifactStore, name: str) -> ImageLayer | None:
    """The layer that was built under `name`; None if it, or the word of it, is not there."""
    try:
        record = await store.resolve(name)
        layer = msgspec.json.decode(await store.read(record.digest, limit=1 << 16), type=ImageLayer)
    except (ArtifactMissingError, ArtifactCorruptError, msgspec.MsgspecError):
        return None  # whatever became of the record, building the layer again is right
    return layer if await store.exists(layer.digest) else None


def _members(reader: PackageReader, modules: tuple[ImageModule, ...]) -> Iterator[Member]:
    for module in sorted(modules, key=lambda module: module.folder):
        for file in reader.payload(module.name, module.version):
            yield f"{module.folder}/{file.path}", file


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
