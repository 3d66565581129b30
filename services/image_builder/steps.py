"""The real work of the image-builder: layers and an image in the artifact store, from a package and a base image."""

import time
from collections.abc import Callable
from pathlib import Path

from services.image_builder.domain.composition import CompositionRefusedError, package_to_apply
from services.image_builder.domain.work import BuildInput, Built
from services.image_builder.image_build import BuiltImage, build_image
from services.image_builder.statements import ImageStatements
from shared.artifacts.errors import ArtifactStoreError, ArtifactUnusableError
from shared.artifacts.port import ArtifactStore
from shared.artifacts.space import size_text
from shared.attestations.errors import KeyFileError
from shared.contracts.image_builder import Reason
from shared.contracts.parts import ImageContents, Module, PackageKind, Problem
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.read.package import PackageRefusedError
from shared.formats.oci_image import Compression, Image
from shared.kernel import Transient
from shared.kernel.app import Job

_TOLD_EVERY = 0.5
"""Seconds between two words of a build's progress."""
_NAMED = 10


class Steps:
    """Builds images in one artifact store, with layers that are compressed so.

    `keys` is the folder with the key that signs what is stated of them; None: nothing is stated.
    """

    def __init__(self, artifacts: ArtifactStore, compression: Compression = "zstd", keys: Path | None = None) -> None:
        self._artifacts = artifacts
        self._compression = compression
        self._statements = ImageStatements(artifacts, keys, compression)

    async def build(self, given: BuildInput, job: Job) -> Built:
        """Build an image. Raise Transient where the machine, not the package, is at fault and may recover."""
        request = given.request
        began = time.perf_counter()
        try:
            job.log(f"building {request.update_name!r} from {request.package}")
            done = await build_image(
                self._artifacts,
                package_to_apply(request.package, request.artifact.digest, request.contents),
                update_name=request.update_name,
                base=request.base_image,
                acknowledged=request.may_drop,
                compression=self._compression,
                progress=_telling(job),
            )
            await self._state(done, given, job)
        except CompositionRefusedError as error:
            return _none(error.reason, str(error))
        except PackageRefusedError as error:
            return _none(Reason.ARTIFACT_DAMAGED, str(error))
        except ArtifactUnusableError as error:
            return _none(Reason(error.reason), str(error))
        except (ArtifactStoreError, InfrastructureError, OSError) as error:
            raise Transient(str(error)) from error
        job.log(_told(done, time.perf_counter() - began))
        return Built(image=done.image.digest, contents=_contents(given, done.image))

    async def _state(self, done: BuiltImage, given: BuildInput, job: Job) -> None:
        """An image is worth more than what is stated of it: without a key it is built all the same."""
        request = given.request
        try:
            await self._statements.state(done.image, operation=request.operation, package=request.artifact.digest)
        except KeyFileError as error:
            job.log(f"nothing is stated of the image, so no policy will accept it: {error}", "warning")


def _telling(job: Job) -> Callable[[int, int], None]:
    """Tells the job's progress in bytes, a few times a second at most, and its end."""
    told_at = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told_at
        now = time.perf_counter()
        if done == total or now - told_at >= _TOLD_EVERY:
            told_at = now
            job.progress(done, total, "bytes")

    return tell


def _told(done: BuiltImage, seconds: float) -> str:
    """What was built, how much of it and how fast, for the log."""
    if not done.built:
        return f"image {done.image.digest}; all layers were there"
    made = ", ".join(done.built[:_NAMED]) + (
        f" and {len(done.built) - _NAMED} more" if len(done.built) > _NAMED else ""
    )
    rate = f"{size_text(done.size)} in {seconds:.2f} s, {size_text(int(done.size / seconds))}/s"
    return f"image {done.image.digest}; layers built: {made} ({rate})"


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
