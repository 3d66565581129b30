"""Builds an image from a stored package and, where there is one, a base image."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from services.image_builder.domain.composition import Composition, PackageToApply
from services.image_builder.domain.image_plan import PARTS, plan_image
from services.image_builder.package_layers import PackageLayers
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.image import load_image, write_image
from shared.artifacts.port import ArtifactStore
from shared.formats.oci_image import Compression, Image, ImageLayer, ImageParts, Part

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Progress = Callable[[int, int], None]
"""Told how many bytes of files are packed, and of how many."""


@dataclass(frozen=True, slots=True)
class BuiltImage:
    """`built` names what a layer had to be made for: `platform`, or a customization module; the rest was there."""

    image: Image
    composition: Composition
    built: tuple[str, ...]
    size: int = 0
    """Bytes of the files in the layers that were made."""


async def build_image(
    store: ArtifactStore,
    package: PackageToApply,
    *,
    update_name: str,
    base: str | None = None,
    acknowledged: Collection[str] = (),
    created: datetime = _EPOCH,
    compression: Compression = "zstd",
    progress: Progress = lambda done, total: None,
) -> BuiltImage:
    """Build the image of `package` on the image with digest `base`; the same input gives the same digest.

    Layers of parts that the package does not replace are taken over by digest, none of their bytes is read;
    the package is not opened either where its layers were built before. What several build at once, one builds.
    Raises CompositionRefusedError and PackageRefusedError about the package, ArtifactStoreError and
    InfrastructureError about the machine.
    """
    base_image = None if base is None else await load_image(store, base)
    plan = plan_image(base_image, package, update_name=update_name, acknowledged=acknowledged)
    if gone := await store.missing([one.digest for one in plan.kept]):
        raise ArtifactMissingError(
            f"layer {min(gone)} of the base image is gone: apply its package again, or choose another base"
        )
    brought = PackageLayers(store, package, plan.composition, compression, progress)
    made = await brought.get()
    layers: list[ImageLayer] = []
    for part in PARTS:
        layers += made.layers[part] if part in made.layers else (one for one in plan.kept if one.part == part)
    contents = _with_references(plan.composition, made.references)
    image = await write_image(store, contents, layers, created)
    return BuiltImage(image, plan.composition, made.built, made.size)


def _with_references(composition: Composition, references: dict[str, tuple[str, ...]]) -> ImageParts:
    """What the package's modules refer to, which only the package says; the base's modules have theirs."""
    replaced: tuple[Part, ...] = composition.replaced
    modules = tuple(
        msgspec.structs.replace(one, references=references[one.folder]) if one.part in replaced else one
        for one in composition.contents.modules
    )
    return msgspec.structs.replace(composition.contents, modules=modules)
