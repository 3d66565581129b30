"""What building an image would do: which layers of the base stay and go, which come, in words. Nothing is read.

The platform part is one layer, which environments share. Each customization module is a layer of its own: a package
replaces that part as a whole, and a module whose files are the same has the same layer again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from services.image_builder.domain.composition import Composition, PackageToApply, compose
from shared.formats.oci_image import Image, ImageLayer, ImageParts, Part

PARTS: tuple[Part, ...] = ("platform", "customization")


@dataclass(frozen=True, slots=True)
class LayerStep:
    """What becomes of one layer. `layer` is None where it comes: then it has no digest before it is built."""

    deed: Literal["stays", "goes", "comes"]
    part: Part
    module: str | None
    """None: all modules of the part are in it."""
    words: str
    layer: ImageLayer | None = None


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """The composition, and what it means for the layers."""

    composition: Composition
    layers: tuple[LayerStep, ...]

    @property
    def kept(self) -> tuple[ImageLayer, ...]:
        """The layers of the base that the image has as well."""
        return tuple(one.layer for one in self.layers if one.layer is not None and one.deed == "stays")


def plan_image(
    base: Image | None, package: PackageToApply, *, update_name: str, acknowledged: Collection[str] = ()
) -> ImagePlan:
    """Say what putting `package` onto `base` (None: nothing runs yet) does. Raise CompositionRefusedError."""
    before = None if base is None else base.contents
    composition = compose(
        before,
        package,
        update_name=update_name,
        base_digest=None if base is None else base.digest,
        acknowledged=acknowledged,
    )
    steps: list[LayerStep] = []
    for part in PARTS:
        had = () if base is None else base.layers_of(part)
        if part not in composition.replaced:
            steps += [LayerStep("stays", part, one.module, _staying(one, composition.contents), one) for one in had]
            continue
        steps += [LayerStep("goes", part, one.module, _going(one, composition, package), one) for one in had]
        coming = composition.contents.part(part)
        if part == "platform":
            if coming:
                words = f"the platform of {package.id or package.digest}, {_counted(len(coming))}"
                steps.append(LayerStep("comes", part, None, words))
            continue
        old = {} if before is None else {one.name.casefold(): one.version for one in before.part(part)}
        for module in sorted(coming, key=lambda one: one.folder):
            words = _coming(module.name, module.version, old.get(module.name.casefold()))
            steps.append(LayerStep("comes", part, module.name, words))
    return ImagePlan(composition, tuple(steps))


def _staying(layer: ImageLayer, contents: ImageParts) -> str:
    if layer.module is None:
        return f"the {layer.part} part as it is, {_counted(len(contents.part(layer.part)))}"
    return f"{layer.module} as it is"


def _going(layer: ImageLayer, composition: Composition, package: PackageToApply) -> str:
    if layer.module is None:
        return f"the {layer.part} part is replaced as a whole"
    key = layer.module.casefold()
    for removal in composition.contents.removals:
        if removal.name.casefold() == key:
            by = package.id or package.digest
            if removal.how == "removal-file":
                return f"{layer.module} is removed: ModuleToRemove.txt of {by} names it"
            return f"{layer.module} is dropped: {by} lacks it, the image will not be promotable"
    return f"{layer.module} is replaced"


def _coming(name: str, version: str, before: str | None) -> str:
    if before is None:
        return f"{name} {version} is new"
    if before == version:
        return f"{name} {version} is there already; with the same files it is the same layer"
    return f"{name} {before} becomes {version}"


def _counted(number: int) -> str:
    return "1 module" if number == 1 else f"{number} modules"
