"""Module graphs: circles, layers, and the holes of release lists."""

import graphlib

import pytest

from shared.formats.deployable_package.judge.dependencies import build_order, find_circle
from shared.formats.deployable_package.read.module_names import split_versioned_name
from shared.formats.deployable_package.read.release import (
    Release,
    ReleaseError,
    ReleaseModule,
    decode_release,
    encode_release,
)


def test_a_circle_is_told_in_the_direction_of_the_references() -> None:
    references = {"d": ["b"], "c": ["a", "elsewhere"], "b": ["c"], "a": ["b"]}
    assert find_circle(references) == ["a", "b", "c", "a"]
    assert find_circle({"a": ["a"]}) == ["a", "a"]
    assert find_circle({"a": ["b"], "b": ["elsewhere"]}) == []


def test_modules_are_built_in_layers_after_what_they_need() -> None:
    assert build_order({"a": ["b", "x"], "b": ["c"], "c": [], "d": ["c"]}) == [["c"], ["b", "d"], ["a"]]
    with pytest.raises(graphlib.CycleError):
        build_order({"a": ["b"], "b": ["a"]})


def test_a_release_survives_its_file_and_knows_its_holes() -> None:
    modules = (
        ReleaseModule(name="Suite", references=("Platform", "Hole")),
        ReleaseModule(name="platform", version="7.0.0.0"),
    )
    release = Release(version="10.0.21", platform_version="7.0.6129.19", modules=modules)
    assert decode_release(encode_release(release)) == release
    assert release.dangling == {"hole": ("Suite",)}


def test_a_release_file_may_list_plain_names() -> None:
    assert decode_release(b'{"version": "1.0", "modules": ["A", {"name": "B"}]}').names == {"a", "b"}


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"version": 1}', b'{"version": "1", "modules": [1]}', b"\xff", b"[" * 5000],
)
def test_what_is_no_release_file_is_refused(content: bytes) -> None:
    with pytest.raises(ReleaseError, match="not a release file"):
        decode_release(content)


def test_names_and_versions_split_at_the_first_dot_before_digits() -> None:
    assert split_versioned_name("applicationsuite.10.0.1.2") == ("applicationsuite", "10.0.1.2")
    assert split_versioned_name("a.b.1") == ("a.b", "1")
    assert split_versioned_name("module2.1.0.0.0") == ("module2", "1.0.0.0")
    assert [split_versioned_name(text) for text in ("", "x", ".1.0", "x.")] == [None] * 4
