"""An environment's image as an OCI image: manifest, config and layers (image-spec v1.1).

A layer is a tar that holds the platform part, or one module of the customization part:
`modules/<lower-case module name>/...`. So what a module weighs is stored once, however many images have it, and a
module that is not in an image any more has no layer there: nothing has to be taken out of a layer below by a
whiteout. Images of the earlier layout have one layer per part, and are read as well.

What an OCI image config has no field for stands in the config under `dev.drydock.image`, so that the digest
covers it; annotations of the manifest repeat what lists of images show.
"""

import asyncio
import hashlib
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import rfc8785
import zstandard

from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.port import ArtifactStore, digest_hex
from shared.formats.oci_image import (
    LAYER,
    LAYER_TYPES,
    Image,
    ImageLayer,
    ImageModule,
    ImageParts,
    ModuleRemoval,
    Part,
)

__all__ = ["LAYER", "Image", "ImageLayer", "ImageModule", "ImageParts", "ModuleRemoval", "Part"]

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
CACHED_LAYER = "application/vnd.drydock.cached-layer.v1+json"
"""A record of the builder's cache: an ImageLayer as JSON. It is worth nothing without its layer."""
CACHED_LAYERS = "cached-layers/"
"""How the names of such records begin in the index of a store, and how those of images do."""
IMAGES = "images/"
_CONTENTS = "dev.drydock.image"
_PART = "dev.drydock.part"
_MODULE = "dev.drydock.module"
_JSON_LIMIT = 16 << 20


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def image_reference(digest: str) -> str:
    """The name of an image in the index of its store: `images/<64 hexadecimal digits>`, for any OCI tool."""
    return f"{IMAGES}{digest_hex(digest)}"


async def write_image(
    store: ArtifactStore, contents: ImageParts, layers: Iterable[ImageLayer], created: datetime
) -> Image:
    """Store config and manifest of layers that are stored already; the same input gives the same digest.

    The image then stands in the index of the store. `created` is always written, because some tools fail on images
    without it.
    """
    layers = tuple(layers)
    moment = _timestamp(created)
    stated = msgspec.to_builtins(contents)
    if not contents.removals:
        del stated["removals"]  # what there is nothing of is not said: images without it keep their digests
    config: dict[str, Any] = {
        "architecture": "amd64",
        "os": "linux",
        "created": moment,
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": moment, "created_by": f"drydock: {layer.title}"} for layer in layers],
        _CONTENTS: stated,
    }
    stored = await store.put_bytes(rfc8785.dumps(config), CONFIG)
    annotations = {
        "org.opencontainers.image.created": moment,
        "org.opencontainers.image.title": contents.update_name,
        "org.opencontainers.image.version": contents.application_version,
        "dev.drydock.update-name": contents.update_name,
        "dev.drydock.platform-version": contents.platform_version,
    }
    if contents.base is not None:
        annotations["org.opencontainers.image.base.digest"] = contents.base
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "digest": stored.digest, "size": stored.size},
        "layers": [
            {
                "mediaType": layer.media_type,
                "digest": layer.digest,
                "size": layer.size,
                "annotations": {_PART: layer.part} | ({} if layer.module is None else {_MODULE: layer.module}),
            }
            for layer in layers
        ],
        "annotations": annotations,
    }
    descriptor = await store.put_bytes(rfc8785.dumps(manifest), MANIFEST)
    await store.set_reference(image_reference(descriptor.digest), descriptor)
    return Image(
        digest=descriptor.digest,
        contents=contents,
        layers=layers,
        created=datetime.fromisoformat(moment),
    )


def packages_of(config: Mapping[str, Any]) -> set[str]:
    """The digests of the packages that an image is made from, of its config as JSON."""
    packages: Mapping[str, str] = config.get(_CONTENTS, {}).get("packages", {})
    return {name.rpartition("@")[2] for name in packages.values()}


class _Blob(msgspec.Struct, rename="camel"):
    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}


class _Manifest(msgspec.Struct, rename="camel"):
    config: _Blob
    layers: list[_Blob]


class _RootFs(msgspec.Struct):
    diff_ids: list[str]


class _Config(msgspec.Struct):
    created: datetime
    rootfs: _RootFs
    contents: ImageParts = msgspec.field(name=_CONTENTS)


async def load_image(store: ArtifactStore, digest: str) -> Image:
    """Read manifest and config, no layer; ArtifactCorruptError where they describe no image of ours."""
    try:
        manifest = msgspec.json.decode(await store.read(digest, limit=_JSON_LIMIT), type=_Manifest)
        config = msgspec.json.decode(await store.read(manifest.config.digest, limit=_JSON_LIMIT), type=_Config)
        layers = tuple(
            ImageLayer(
                part=msgspec.convert(blob.annotations.get(_PART), Part),
                digest=blob.digest,
                size=blob.size,
                diff_id=diff_id,
                module=blob.annotations.get(_MODULE),
                media_type=blob.media_type,
            )
            for blob, diff_id in zip(manifest.layers, config.rootfs.diff_ids, strict=True)
        )
    except (msgspec.MsgspecError, ValueError) as error:
        raise ArtifactCorruptError(f"artifact {digest} is no image of Drydock: {error}") from error
    return Image(digest=digest, contents=config.contents, layers=layers, created=config.created)


async def verify_image(store: ArtifactStore, digest: str) -> tuple[str, ...]:
    """Check every digest and size, the uncompressed layers' too: one sentence per thing that is wrong."""
    try:
        image = await load_image(store, digest)
    except (ArtifactMissingError, ArtifactCorruptError) as error:
        return (str(error),)
    problems: list[str] = []
    for layer in image.layers:
        try:
            async with store.local_file(layer.digest) as path:
                size = path.stat().st_size
                found = await asyncio.to_thread(_uncompressed_digest, path, layer.media_type)
        except (ArtifactMissingError, ArtifactCorruptError) as error:
            problems.append(str(error))
            continue
        if size != layer.size:
            problems.append(f"layer {layer.digest} has {size} bytes, the manifest says {layer.size}")
        if found != layer.diff_id:
            problems.append(f"layer {layer.digest} unpacks to {found}, the config says {layer.diff_id}")
    return tuple(problems)


LAYER_ERRORS = (zstandard.ZstdError, BadGzipFile, EOFError, zlib.error, tarfile.TarError)
"""What reading a damaged layer raises."""


@contextmanager
def opened_layer(path: Path, media_type: str) -> Iterator[IO[bytes]]:
    """The tar of a layer's file as a stream; reading raises one of LAYER_ERRORS where it is damaged.

    Raise ArtifactCorruptError for a media type that no layer of ours has.
    """
    if media_type not in LAYER_TYPES.values():
        raise ArtifactCorruptError(f"layer sha256:{path.name} is of type {media_type}, which Drydock does not read")
    with path.open("rb") as packed:
        if media_type == LAYER_TYPES["zstd"]:
            with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as stream:
                yield cast("IO[bytes]", stream)
        elif media_type == LAYER_TYPES["gzip"]:
            with GzipFile(fileobj=packed) as unzipped:
                yield cast("IO[bytes]", unzipped)
        else:
            yield packed


def _uncompressed_digest(path: Path, media_type: str) -> str:
    hasher = hashlib.sha256()
    try:
        with opened_layer(path, media_type) as tar:
            while chunk := tar.read(1 << 20):
                hasher.update(chunk)
    except LAYER_ERRORS as error:
        raise ArtifactCorruptError(f"layer sha256:{path.name} is not compressed as {media_type}: {error}") from error
    return f"sha256:{hasher.hexdigest()}"
