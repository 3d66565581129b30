"""The real work of the image-builder: layers and an image in the artifact store, from a package and a base image."""

import asyncio
from pathlib import Path

from services.image_builder.composition import CompositionRefusedError, PackageToApply
from services.image_builder.domain.work import BuildInput, Built
from services.image_builder.image_build import build_image
from shared.artifacts.errors import ArtifactStoreError, ArtifactUnusableError
from shared.artifacts.image import Image, ImageModule, Part
from shared.artifacts.port import ArtifactStore
from shared.contracts.image_builder import BuildImage, Reason
from shared.contracts.parts import ImageContents, Module, PackageContents, PackageKind, Problem
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.read.package import PackageReader, PackageRefusedError
from shared.kernel import Transient
from shared.kernel.app import Job


class Steps:
    """Builds images in one artifact store."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts

    async def build(self, given: BuildInput, job: Job) -> Built:
        """Build an image. Raise Transient where the machine, not the package, is at fault and may recover."""
        request = given.request
        try:
            package = await self._package(request)
            job.log(f"building {request.update_name!r} from {request.package}")
            done = await build_image(
                self._artifacts,
                package,
                update_name=request.update_name,
                base=request.base_image,
                acknowledged=request.may_drop,
            )
        except CompositionRefusedError as error:
            return _none(error.reason, str(error))
        except PackageRefusedError as error:
            return _none(Reason.ARTIFACT_DAMAGED, str(error))
        except ArtifactUnusableError as error:
            return _none(Reason(error.reason), str(error))
        except (ArtifactStoreError, InfrastructureError, OSError) as error:
            raise Transient(str(error)) from error
        made = ", ".join(done.built) or "none"
        job.log(f"image {done.image.digest}; layers built: {made}")
        return Built(image=done.image.digest, contents=_contents(given, done.image))

    async def _package(self, request: BuildImage) -> PackageToApply:
        contents = request.contents
        async with self._artifacts.local_file(request.artifact.digest) as path:
            modules = await asyncio.to_thread(_modules, path, contents)
        return PackageToApply(
            digest=request.artifact.digest,
            kind=contents.kind.value,
            modules=modules,
            platform_version=contents.platform_version or "0.0",
            application_version=contents.application_version or "0.0",
            removals=contents.removed_modules,
            id=request.package,
        )


def _modules(path: Path, contents: PackageContents) -> tuple[ImageModule, ...]:
    """The modules that the package is known to have, with what each refers to, which only the package says."""
    parts: tuple[tuple[Part, tuple[Module, ...]], ...] = (
        ("platform", contents.platform_modules),
        ("customization", contents.modules),
    )
    with PackageReader(path) as package:
        return tuple(
            ImageModule(
                name=one.name, version=one.version, part=part, references=package.references(one.name, one.version)
            )
            for part, some in parts
            for one in some
        )


def _none(reason: Reason, message: str) -> Built:
    return Built(problem=Problem.of(reason, message))


def _contents(given: BuildInput, image: Image) -> ImageContents:
    """The image in the words of messages: which packages its parts came from is known from the base's own."""
    request, base = given.request, given.base
    brings_platform = request.contents.kind is not PackageKind.CUSTOMIZATION
    brings_customization = request.contents.kind is not PackageKind.PLATFORM
    if brings_platform or base is None:
        platform_package, base_version = request.package, request.base_version
    else:
        platform_package, base_version = base.platform_package, base.base_version
    return ImageContents(
        platform_package=platform_package,
        customization_package=request.package
        if brings_customization
        else (base.customization_package if base else None),
        platform_version=image.contents.platform_version,
        application_version=image.contents.application_version,
        base_version=base_version,
        modules=tuple(Module(name=one.name, version=one.version) for one in image.contents.part("customization")),
        dropped=image.contents.dropped,
    )
