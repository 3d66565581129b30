"""What building an image would do, said before anything is built; and what an image says of where it came from."""

import pytest

from services.image_builder.domain.composition import CompositionRefusedError, PackageToApply, compose
from services.image_builder.domain.image_plan import plan_image
from shared.formats.oci_image import Image, ImageLayer, ImageModule, ImageParts, ModuleRemoval, Part
from tests.support.oci_images import EPOCH, digest_of

BASE = digest_of("base")
PACKAGE = f"contoso/next@{digest_of('package')}"


def module(name: str, version: str = "1.0", part: Part = "customization") -> ImageModule:
    return ImageModule(name=name, version=version, part=part)


def layer(module: str | None, part: Part = "customization") -> ImageLayer:
    return ImageLayer(part=part, digest=digest_of(f"{part} {module}"), size=9, diff_id=digest_of("tar"), module=module)


def image(*names: str, whole: bool = False, dropped: tuple[str, ...] = ()) -> Image:
    """`whole`: of the earlier layout, with one layer per part."""
    customs = [layer(None)] if whole else [layer(name) for name in names]
    contents = ImageParts(
        update_name="before",
        platform_version="7.0",
        application_version="10.0",
        modules=(module("Vendor", part="platform"), *map(module, names)),
        packages={"platform": "vendor/p@x", "customization": "contoso/before@y"},
        dropped=dropped,
    )
    return Image(digest=BASE, contents=contents, layers=(layer(None, "platform"), *customs), created=EPOCH)


def customization(*modules: ImageModule, removals: tuple[str, ...] = ()) -> PackageToApply:
    return PackageToApply(digest_of("package"), "customization", modules, "7.0", "", removals, "contoso/next")


def words(base: Image | None, package: PackageToApply, acknowledged: tuple[str, ...] = ()) -> list[str]:
    plan = plan_image(base, package, update_name="now", acknowledged=acknowledged)
    return [f"{one.deed}: {one.words}" for one in plan.layers]


def test_a_customization_package_keeps_the_platform_layer_and_replaces_each_module() -> None:
    package = customization(module("A", "2.0"), module("B"), module("E"), removals=("C",))
    assert words(image("A", "B", "C", "D"), package, ("D",)) == [
        "stays: the platform part as it is, 1 module",
        "goes: A is replaced",
        "goes: B is replaced",
        "goes: C is removed: ModuleToRemove.txt of contoso/next names it",
        "goes: D is dropped: contoso/next lacks it, the image will not be promotable",
        "comes: A 1.0 becomes 2.0",
        "comes: B 1.0 is there already; with the same files it is the same layer",
        "comes: E 1.0 is new",
    ]


def test_a_platform_package_keeps_every_modules_layer_of_either_layout() -> None:
    package = PackageToApply(digest_of("p"), "platform", (module("Vendor", "2", "platform"),), "8.0", "10.1", (), "v/p")
    come = "comes: the platform of v/p, 1 module"
    go = "goes: the platform part is replaced as a whole"
    assert words(image("A", "B"), package) == [go, come, "stays: A as it is", "stays: B as it is"]
    old = image("A", "B", whole=True)
    assert words(old, package) == [go, come, "stays: the customization part as it is, 2 modules"]
    assert plan_image(old, package, update_name="now").kept == (layer(None),)


def test_the_single_customization_layer_of_the_earlier_layout_goes_as_a_whole() -> None:
    assert words(image("A", "B", whole=True), customization(module("A"), module("B"))) == [
        "stays: the platform part as it is, 1 module",
        "goes: the customization part is replaced as a whole",
        "comes: A 1.0 is there already; with the same files it is the same layer",
        "comes: B 1.0 is there already; with the same files it is the same layer",
    ]


def test_a_first_image_needs_a_platform() -> None:
    with pytest.raises(CompositionRefusedError, match="apply a platform package first"):
        words(None, customization(module("A")))


def removals(base: Image, package: PackageToApply, acknowledged: tuple[str, ...] = ()) -> tuple[ModuleRemoval, ...]:
    made = compose(base.contents, package, update_name="now", base_digest=BASE, acknowledged=acknowledged).contents
    # Promotable is what lost nothing by omission, whichever of the two is asked.
    omitted = {one.name for one in made.removals if one.how == "omission"}
    assert (made.is_promotable, set(made.dropped)) == (not omitted, omitted)
    return made.removals


def test_an_image_says_by_which_package_a_module_went_and_how() -> None:
    package = customization(module("A"), removals=("b ",))
    assert removals(image("A", "B", "C"), package, ("C",)) == (
        ModuleRemoval(name="B", how="removal-file", package=PACKAGE),
        ModuleRemoval(name="C", how="omission", package=PACKAGE),
    )


def test_what_an_image_of_the_earlier_layout_had_dropped_is_known_as_dropped() -> None:
    old = image("A", dropped=("Lost",))
    assert removals(old, customization(module("A"))) == (ModuleRemoval(name="Lost", how="omission"),)


def test_a_module_that_comes_back_or_is_removed_after_all_is_dropped_no_more() -> None:
    old = image("A", dropped=("Lost",))
    assert removals(old, customization(module("A"), module("lost"))) == ()
    after_all = customization(module("A"), removals=("LOST",))
    assert removals(old, after_all) == (ModuleRemoval(name="Lost", how="removal-file", package=PACKAGE),)
