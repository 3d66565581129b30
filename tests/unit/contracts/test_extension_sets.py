"""What an update makes of a set of extensions, and how versions are compared."""

import pytest

from shared.contracts.extension_sets import brings, on_base, replaced
from shared.contracts.parts import ArtifactRef, Extension, ExtensionScope
from shared.contracts.servicing_executor import StagedExtension, StageFor
from shared.formats.versions import version_numbers


def extension(letter: str, version: str = "1.0.0.0") -> Extension:
    return Extension(
        app_id=f"{letter * 8}-0000-0000-0000-000000000000",
        name=letter,
        publisher="Contoso",
        version=version,
        scope=ExtensionScope.TENANT,
        artifact=ArtifactRef(digest=f"sha256:{letter * 64}", size=1, media_type="application/octet-stream"),
        dependencies=(),
    )


@pytest.mark.parametrize(
    ("stage_for", "current", "coming", "expected"),
    [
        (StageFor.NEXT_MAJOR, "26.1.0.0", "27.0.0.0", True),
        (StageFor.NEXT_MAJOR, "26.1.0.0", "26.2.0.0", False),
        (StageFor.NEXT_MINOR, "26.1.0.0", "26.2.0.0", True),
        (StageFor.NEXT_MINOR, "26.1.0.0", "27.0.0.0", True),
        (StageFor.NEXT_MINOR, "26.1.0.0", "26.1.0.0", False),
        (StageFor.NEXT_MAJOR, "9.0.0.0", "10.0.0.0", True),
        (StageFor.NEXT_MAJOR, None, "27.0.0.0", True),
        (StageFor.NEXT_MINOR, "26.1.0.0", None, False),
        (StageFor.NEXT_MAJOR, None, None, False),
    ],
)
def test_an_update_installs_what_is_staged_for_its_base(
    stage_for: StageFor, current: str | None, coming: str | None, *, expected: bool
) -> None:
    assert brings(stage_for, current, coming) is expected


def test_staged_versions_take_the_places_of_installed_ones_and_nothing_else_moves() -> None:
    a, b, c, newer = extension("a"), extension("b"), extension("c"), extension("b", "2.0.0.0")
    staged = [StagedExtension(extension=newer, stage_for=StageFor.NEXT_MAJOR)]
    assert on_base([a, b, c], staged, "26.1.0.0", "27.0.0.0") == (a, newer, c)
    assert on_base([a, b, c], staged, "26.1.0.0", "26.2.0.0") == (a, b, c)
    assert on_base([a, c], staged, "26.1.0.0", "27.0.0.0") == (a, c)
    assert replaced([a, b, c], (a, newer, c)) == (b,)
    assert replaced([a, b, c], (a, c)) == ()


def test_versions_are_compared_number_by_number() -> None:
    assert version_numbers("10.0.9.1") < version_numbers("10.0.44.1")
    assert version_numbers("10.0") == version_numbers("10.0.0.0")
