"""What is in the layers of an image, file by file; and an image as one file, an OCI layout in a tar archive."""

import asyncio
import hashlib
import io
import json
import shutil
import tarfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

import msgspec
import rfc8785

from shared.artifacts.errors import ArtifactCorruptError
from shared.artifacts.image import (
    LAYER_ERRORS,
    MANIFEST,
    Image,
    ImageLayer,
    image_reference,
    load_image,
    opened_layer,
)
from shared.artifacts.port import ArtifactStore, digest_hex

_CHUNK = 1 << 20
_JSON_LIMIT = 16 << 20
_REF_NAME = "org.opencontainers.image.ref.name"
_INDEX = "application/vnd.oci.image.index.v1+json"


class ImageFile(msgspec.Struct, frozen=True):
    """A file of an image: `path` in it, `size` in bytes, `digest` the sha256 of its content in hexadecimal."""

    path: str
    size: int
    digest: str


async def files_of_layer(store: ArtifactStore, layer: ImageLayer) -> list[ImageFile]:
    """All files of a layer. Raise ArtifactCorruptError."""

    def read(path: Path) -> list[ImageFile]:
        found = []
        for name, size, content in _members(path, layer):
            hasher = hashlib.sha256()
            while chunk := content.read(_CHUNK):
                hasher.update(chunk)
            found.append(ImageFile(name, size, hasher.hexdigest()))
        return found

    async with store.local_file(layer.digest) as path:
        return await asyncio.to_thread(read, path)


async def unpack_image(store: ArtifactStore, image: Image, target: Path) -> int:
    """Write all files of an image to a folder that is not there yet; how many. It appears when it is whole.

    Raise FileExistsError, ArtifactStoreError.
    """
    draft = _draft_of(target)
    draft.mkdir(parents=True)

    def write(path: Path, layer: ImageLayer) -> int:
        count = 0
        for name, _, content in _members(path, layer):
            place = draft / name
            place.parent.mkdir(parents=True, exist_ok=True)
            with place.open("xb") as file:
                shutil.copyfileobj(content, file, _CHUNK)
            count += 1
        return count

    try:
        written = 0
        for layer in image.layers:
            async with store.local_file(layer.digest) as path:
                written += await asyncio.to_thread(write, path, layer)
        draft.rename(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return written


def _members(path: Path, layer: ImageLayer) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each file. Raise ArtifactCorruptError for anything but plain files below `modules`."""
    try:
        with opened_layer(path, layer.media_type) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = PurePosixPath(member.name)
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or name.is_absolute() or ".." in name.parts or "\0" in member.name:
                    raise ArtifactCorruptError(f"layer {layer.digest} has {member.name!r}, which is no file below it")
                yield member.name, member.size, content
    except (*LAYER_ERRORS, FileExistsError) as error:
        raise ArtifactCorruptError(f"layer {layer.digest} cannot be unpacked: {error}") from error


async def export_image(store: ArtifactStore, image: Image, target: Path) -> int:
    """Write an image to a tar archive with an OCI layout; its size in bytes. The same image gives the same bytes.

    Raise FileExistsError, OSError, ArtifactStoreError.
    """
    manifest = await store.read(image.digest, limit=_JSON_LIMIT)
    config: dict[str, Any] = json.loads(manifest)["config"]
    entry = {
        "mediaType": MANIFEST,
        "digest": image.digest,
        "size": len(manifest),
        "annotations": {_REF_NAME: image_reference(image.digest)},
    }
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": [entry]}
    draft = _draft_of(target)
    try:
        with tarfile.open(draft, "x", format=tarfile.PAX_FORMAT) as tar:
            _add(tar, "oci-layout", b'{"imageLayoutVersion":"1.0.0"}')
            _add(tar, "index.json", rfc8785.dumps(index))
            _add(tar, _blob(image.digest), manifest)
            _add(tar, _blob(config["digest"]), await store.read(config["digest"], limit=_JSON_LIMIT))
            for digest in dict.fromkeys(layer.digest for layer in image.layers):
                async with store.local_file(digest) as path:
                    await asyncio.to_thread(_add_file, tar, _blob(digest), path)
        draft.rename(target)
    finally:
        draft.unlink(missing_ok=True)
    return _size(target)


async def import_image(store: ArtifactStore, source: Path) -> Image:
    """Store the one image of such an archive, every byte checked. Raise OSError, ArtifactCorruptError."""
    try:
        with tarfile.open(source, "r:") as tar:
            entries = [
                one for one in json.loads(_bytes(tar, "index.json"))["manifests"] if one["mediaType"] == MANIFEST
            ]
            if len(entries) != 1:
                raise ArtifactCorruptError(f"{source} has {len(entries)} images; one is taken at a time")
            digest: str = entries[0]["digest"]
            content = _bytes(tar, _blob(digest))
            manifest = json.loads(content)
            await store.require_room(_size(source), f"import {source.name}")
            for one in (*manifest["layers"], manifest["config"]):
                if await store.missing([one["digest"]]):
                    await _take(store, tar, one["digest"], one["mediaType"])
    except (tarfile.TarError, KeyError, TypeError, ValueError) as error:
        raise ArtifactCorruptError(f"{source} is no archive of an OCI image: {error}") from error
    return await adopt_image(store, digest, content)


async def adopt_image(store: ArtifactStore, digest: str, manifest: bytes) -> Image:
    """Store the manifest of an image whose other parts are stored, and name it. Raise ArtifactCorruptError."""
    if f"sha256:{hashlib.sha256(manifest).hexdigest()}" != digest:
        raise ArtifactCorruptError(f"image {digest} has other bytes where it comes from")
    stored = await store.put_bytes(manifest, MANIFEST)
    image = await load_image(store, digest)
    if gone := await store.missing([one.digest for one in image.layers]):
        raise ArtifactCorruptError(f"image {digest} needs {min(gone)}, which did not come with it")
    await store.set_reference(image_reference(digest), stored)
    return image


async def _take(store: ArtifactStore, tar: tarfile.TarFile, digest: str, media_type: str) -> None:
    content = tar.extractfile(_blob(digest))
    if content is None:
        raise ValueError(f"{digest} is no file")

    async def chunks() -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(content.read, _CHUNK):
            yield chunk

    stored = await store.put(chunks(), media_type)
    if stored.digest != digest:
        raise ArtifactCorruptError(f"{digest} has other bytes there, with digest {stored.digest}")


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    if content is None or tar.getmember(name).size > _JSON_LIMIT:
        raise ValueError(f"{name} is no document of an image")
    return content.read()


def _draft_of(target: Path) -> Path:
    """Where it is made first. Raise FileExistsError where the target is there."""
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    return target.with_name(f".{target.name}.{uuid.uuid4().hex}")


def _size(path: Path) -> int:
    return path.stat().st_size


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest_hex(digest)}"


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    tar.addfile(info, io.BytesIO(content))


def _add_file(tar: tarfile.TarFile, name: str, path: Path) -> None:
    info = tarfile.TarInfo(name)
    info.size = path.stat().st_size
    with path.open("rb") as content:
        tar.addfile(info, content)
