"""What a package is held against: a release, and the image that it would replace a part of."""

import asyncio
import hashlib
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from services.console.cli.paths import require_file
from services.console.installation import Installation
from shared.artifacts.errors import ArtifactCorruptError, ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import LAYER_ERRORS, Image, load_image, opened_layer
from shared.artifacts.port import ArtifactStore
from shared.formats.deployable_package.judge.target import TargetImage, TargetModule
from shared.formats.deployable_package.read.payload import content_hash
from shared.formats.deployable_package.read.release import Release, decode_release, load_release

MOST_RELEASE_BYTES = 64 << 20
_VERSION = re.compile(r"\d{1,9}(\.\d{1,9}){1,3}", re.ASCII)
_CHUNK = 1 << 20


class NoTargetError(Exception):
    """What a package was to be held against is not there; the message says the way out."""


@dataclass(frozen=True)
class Target:
    """An image in the artifact store, as checks take it.

    `environment` runs it, where it was found by that. `platform_modules` are name and version of the vendor's modules.
    """

    digest: str
    update_name: str
    image: TargetImage
    platform_modules: tuple[TargetModule, ...]
    environment: str | None = None


def names_release(word: str) -> bool:
    """Whether `--release` means a published release: a version, and no file of that name is there."""
    return _VERSION.fullmatch(word) is not None and not Path(word).exists()


def release_in_file(path: str) -> Release:
    """The release of a file. Raise ReleaseError, or InfrastructureError where the file cannot be read."""
    file = Path(path)
    require_file(file)
    return load_release(file)


async def published_release(installation: Installation, version: str) -> Release:
    """The module list of a published release, with the versions of its platform package.

    Raise NoTargetError, ReleaseError for a damaged list, ArtifactStoreError.
    """
    from shared.contracts.promotion_scheduler import ReleaseSnapshot  # a check of a file alone needs no messages

    view = await installation.client.view(ReleaseSnapshot, version)
    if view is None:
        raise NoTargetError(f"release {version} is not published here; `drydock release list` shows those that are")
    if view.modules is None:
        raise NoTargetError(
            f"release {version} was published without a module list; add it with "
            f"`drydock release import SOURCE --version {version} --package {view.package}`"
        )
    content = await artifact_store(installation).read(view.modules.digest, limit=MOST_RELEASE_BYTES)
    return msgspec.structs.replace(
        decode_release(content),
        version=view.version,
        platform_version=view.platform_version,
        application_version=view.application_version,
    )


async def running_target(installation: Installation, environment: str) -> Target:
    """The image that an environment runs. Raise NoTargetError, ArtifactStoreError."""
    from shared.contracts.servicing_executor import EnvironmentSnapshot  # as above

    view = await installation.client.view(EnvironmentSnapshot, environment)
    if view is None:
        raise NoTargetError(f"there is no environment {environment}; `drydock environment list` shows those that are")
    if view.running is None:
        raise NoTargetError(f"{environment} runs nothing: it is {view.status.value}")
    return await image_target(installation, view.running.image, environment)


async def image_target(installation: Installation, digest: str, environment: str | None = None) -> Target:
    """The image with a digest. Raise NoTargetError if the store does not have all of it, ArtifactStoreError."""
    store = artifact_store(installation)
    try:
        image = await load_image(store, digest)
        contents = await _content_hashes(store, image)
    except (ValueError, ArtifactMissingError, ArtifactCorruptError) as error:
        raise NoTargetError(f"the image cannot be read: {error}") from error
    platform = tuple(TargetModule(one.name, one.version) for one in image.contents.part("platform"))
    return Target(
        digest=digest,
        update_name=image.contents.update_name,
        image=TargetImage(
            platform_version=image.contents.platform_version,
            application_version=image.contents.application_version,
            modules=tuple(
                TargetModule(one.name, one.version, contents.get(one.name.lower(), ""), one.references)
                for one in image.contents.part("customization")
            ),
            platform_modules=frozenset(one.key for one in platform),
        ),
        platform_modules=platform,
        environment=environment,
    )


def artifact_store(installation: Installation) -> ArtifactStore:
    """The installation's store, which is not made by looking for it. Raise NoTargetError if it is not there."""
    if not installation.artifacts.is_dir():
        raise NoTargetError(
            f"there is no artifact store at {installation.artifacts}; DRYDOCK_ARTIFACTS names the installation's"
        )
    return FolderStore(installation.artifacts)


async def _content_hashes(store: ArtifactStore, image: Image) -> Mapping[str, str]:
    """The content hash of each customization module, by name in lower case: an image names versions only."""
    found: dict[str, str] = {}
    for layer in image.layers_of("customization"):
        async with store.local_file(layer.digest) as path:
            found |= await asyncio.to_thread(_hash_modules, path, layer.media_type)
    return found


def _hash_modules(layer: Path, media_type: str) -> dict[str, str]:
    files: dict[str, list[tuple[str, bytes]]] = {}
    try:
        with (
            opened_layer(layer, media_type) as stream,
            tarfile.open(fileobj=stream, mode="r|") as tar,
        ):
            for member in tar:
                # modules/<lower-case name>/<path in the module's payload>
                _, module, name = member.name.split("/", 2)
                content = tar.extractfile(member)
                digest = hashlib.sha256()
                while content is not None and (chunk := content.read(_CHUNK)):
                    digest.update(chunk)
                files.setdefault(module, []).append((name, digest.digest()))
    except (*LAYER_ERRORS, ValueError) as error:
        raise ArtifactCorruptError(f"layer {layer.name} is no layer of Drydock: {error}") from error
    return {module: content_hash(found) for module, found in files.items()}
