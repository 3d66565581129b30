"""Composition: which modules an image has, and what must be refused."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.image_builder.domain.composition import CompositionRefusedError, Kind, PackageToApply, compose
from shared.artifacts.image import ImageModule, ImageParts, Part
from shared.contracts.image_builder import Reason

DIGEST = f"sha256:{'a' * 64}"
BASE_DIGEST = f"sha256:{'b' * 64}"
NEW = f"sha256:{'c' * 64}"


def modules(part: Part, *names: str) -> tuple[ImageModule, ...]:
    """`name` or `name version`."""
    return tuple(
        ImageModule(name=name.partition(" ")[0], version=name.partition(" ")[2] or "1.0", part=part) for name in names
    )


def image(*custom: str, dropped: tuple[str, ...] = (), platform: tuple[str, ...] = ("Platform",)) -> ImageParts:
    return ImageParts(
        update_name="before",
        platform_version="7.0.999.1",
        application_version="10.0.1",
        modules=modules("platform", *platform) + modules("customization", *custom),
        packages={"platform": DIGEST, "customization": DIGEST},
        dropped=dropped,
    )


def package(
    kind: Kind,
    *names: str,
    platform: tuple[str, ...] = (),
    removals: tuple[str, ...] = (),
    built_for: str = "7.0.1",
) -> PackageToApply:
    own: Part = "platform" if kind == "platform" else "customization"
    return PackageToApply(
        NEW, kind, modules("platform", *platform) + modules(own, *names), built_for, "10.0.2", removals
    )


def names(contents: ImageParts, part: Part) -> list[str]:
    return [f"{module.name} {module.version}" for module in contents.part(part)]


def test_a_customization_package_replaces_the_customization_part_and_never_merges() -> None:
    result = compose(
        image("A", "B"), package("customization", "B 2.0", "C"), update_name="now", base_digest=BASE_DIGEST,
        acknowledged=["a"],
    )  # fmt: skip
    assert names(result.contents, "customization") == ["B 2.0", "C 1.0"]
    assert names(result.contents, "platform") == ["Platform 1.0"]
    assert (result.added, result.changed, result.missing) == (("C",), ("B",), ("A",))
    assert result.contents.packages == {"platform": DIGEST, "customization": NEW}
    assert result.contents.application_version == "10.0.1"
    assert result.contents.base == BASE_DIGEST
    assert result.replaced == ("customization",)


def test_a_platform_package_replaces_the_platform_part_and_keeps_the_customization() -> None:
    result = compose(
        image("A", platform=("Platform", "Old")), package("platform", "Platform 2.0", built_for="7.0.7606"),
        update_name="now",
    )  # fmt: skip
    assert names(result.contents, "customization") == ["A 1.0"]
    assert names(result.contents, "platform") == ["Platform 2.0"]
    assert result.contents.application_version == "10.0.2"
    assert result.contents.platform_version == "7.0.7606"
    assert result.missing == ()


def test_a_merged_package_replaces_both_parts() -> None:
    result = compose(image("A"), package("merged", "A 2.0", platform=("Platform 2.0",)), update_name="now")
    assert names(result.contents, "customization") == ["A 2.0"]
    assert names(result.contents, "platform") == ["Platform 2.0"]
    assert result.contents.packages == {"platform": NEW, "customization": NEW}


def test_the_first_image_is_a_platform_alone() -> None:
    result = compose(None, package("platform", "Platform"), update_name="first")
    assert names(result.contents, "platform") == ["Platform 1.0"]
    assert result.contents.dropped == ()
    with pytest.raises(CompositionRefusedError, match="apply a platform package first") as refused:
        compose(None, package("customization", "A"), update_name="first")
    assert refused.value.reason is Reason.PLATFORM_NEEDED


@pytest.mark.parametrize(
    ("base", "base_dropped", "package_modules", "removals", "acknowledged", "dropped"),
    [
        (("A", "B"), (), ("A", "B"), (), (), ()),
        (("A", "B"), (), ("B",), (), ("A",), ("A",)),
        (("A", "B"), (), ("B",), ("A",), (), ()),
        (("A", "B"), (), ("b",), (" a ", ""), (), ()),
        (("B",), ("A",), ("B",), (), (), ("A",)),
        (("B",), ("A",), ("A", "B"), (), (), ()),
        (("B",), ("A",), ("B",), ("a",), (), ()),
        (("B",), ("A",), ("C",), (), ("B",), ("A", "B")),
        (("B",), (), ("B",), ("Unknown",), (), ()),
        (("A",), (), ("A",), ("A",), (), ()),
        (("A",), (), (), ("A",), (), ()),
    ],
)
def test_dropped_is_what_went_missing_without_a_removal_file(
    base: tuple[str, ...],
    base_dropped: tuple[str, ...],
    package_modules: tuple[str, ...],
    removals: tuple[str, ...],
    acknowledged: tuple[str, ...],
    dropped: tuple[str, ...],
) -> None:
    result = compose(
        image(*base, dropped=base_dropped),
        package("customization", *package_modules, removals=removals),
        update_name="now",
        acknowledged=acknowledged,
    )
    assert result.contents.dropped == dropped


def test_a_platform_update_neither_forgets_nor_adds_to_what_was_dropped() -> None:
    result = compose(image("B", dropped=("A",)), package("platform", "Platform"), update_name="now")
    assert result.contents.dropped == ("A",)


def test_the_last_modules_can_be_removed_and_the_image_can_be_promoted() -> None:
    result = compose(image("A", "B"), package("customization", removals=("a", "B")), update_name="now")
    assert (result.contents.part("customization"), result.removed) == ((), ("A", "B"))
    assert (result.contents.dropped, names(result.contents, "platform")) == ((), ["Platform 1.0"])
    with pytest.raises(CompositionRefusedError, match="lacks B"):
        compose(image("A", "B"), package("customization", removals=("A",)), update_name="now")


def test_modules_that_go_missing_must_be_acknowledged_each() -> None:
    with pytest.raises(CompositionRefusedError, match="lacks B, c") as refused:
        compose(image("A", "B", "c", "D"), package("customization", "D"), update_name="now", acknowledged=["A"])
    assert refused.value.reason is Reason.MODULES_MISSING
    assert refused.value.modules == ("B", "c")


def test_a_module_removed_through_the_removal_file_is_removed_not_missing() -> None:
    result = compose(image("A", "B"), package("customization", "B", removals=("A",)), update_name="now")
    assert (result.removed, result.missing) == (("A",), ())


@pytest.mark.parametrize(
    ("candidate", "why"),
    [
        (package("customization", "A", removals=("platform",)), "names Platform of the platform"),
        (package("platform", "Platform", removals=("A",)), "ModuleToRemove.txt can remove nothing"),
        (package("customization", "PLATFORM", "A"), "PLATFORM would be in the image twice"),
        (package("customization", "A", "a"), "a would be in the image twice"),
        (package("customization", "A", platform=("X",)), "a customization package has modules of the platform part"),
        (package("merged", "A"), "a merged package has no platform modules"),
        (package("customization", "A", built_for="7.0.7606"), "update the platform first"),
    ],
)
def test_what_makes_no_sound_image_is_refused(candidate: PackageToApply, why: str) -> None:
    with pytest.raises(CompositionRefusedError, match=why) as refused:
        compose(image("A"), candidate, update_name="now")
    assert refused.value.reason is Reason.BUILD_FAILED


@pytest.mark.parametrize("built_for", ["7.0.99.9999", "7.0.999.1", "7.0.999.0"])
def test_platform_versions_compare_as_numbers(built_for: str) -> None:
    assert compose(image("A"), package("customization", "A", built_for=built_for), update_name="now")


def test_a_platform_version_is_the_same_with_or_without_its_last_zeros() -> None:
    base = msgspec.structs.replace(image("A"), platform_version="7.0")
    assert compose(base, package("customization", "A", built_for="7.0.0.0"), update_name="now")
    with pytest.raises(CompositionRefusedError, match="update the platform first"):
        compose(base, package("customization", "A", built_for="7.0.0.1"), update_name="now")


NAMES = st.sets(st.sampled_from("ABCDEFG")).map(lambda found: tuple(sorted(found)))


@given(base=NAMES, base_dropped=NAMES, own=NAMES, removals=NAMES)
def test_nothing_is_lost_unseen(
    base: tuple[str, ...], base_dropped: tuple[str, ...], own: tuple[str, ...], removals: tuple[str, ...]
) -> None:
    result = compose(
        image(*base, dropped=base_dropped),
        package("customization", *own, removals=removals),
        update_name="now",
        acknowledged=base,
    )
    after = {module.name for module in result.contents.part("customization")}
    assert after == set(own)
    assert set(result.contents.dropped) == (set(base_dropped) | set(base)) - set(own) - set(removals)
    assert set(base) == (set(base) & after) | set(result.missing) | set(result.removed)
    assert not set(result.missing) & set(result.removed)


def test_the_same_file_of_two_projects_makes_two_images() -> None:
    made = [
        compose(None, replace(package("platform", "Platform 1.0"), id=id_), update_name="first").contents
        for id_ in ("contoso/vendor", "fabrikam/vendor")
    ]
    assert [one.packages for one in made] == [
        {"platform": f"contoso/vendor@{NEW}"},
        {"platform": f"fabrikam/vendor@{NEW}"},
    ]
