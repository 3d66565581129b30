"""Versions are compared by their numbers, whoever writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.formats.versions import is_four_part_version, is_lower, parse_version, version_numbers


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("10.0.9.0", "10.0.10.0"), ("7.0.999", "7.0.7606.1"), ("7.0", "7.0.0.1"), ("9", "10.0")],
)
def test_versions_compare_as_numbers_and_not_as_text(lower: str, higher: str) -> None:
    assert is_lower(lower, higher)
    assert not is_lower(higher, lower)
    assert version_numbers(lower) < version_numbers(higher)


@pytest.mark.parametrize("same", ["7", "7.0", "7.0.0", "7.0.0.0", " 7.0 ", "07.00"])
def test_numbers_that_are_missing_count_as_zero(same: str) -> None:
    assert version_numbers(same) == (7, 0, 0, 0)
    assert not is_lower(same, "7.0.0.0")
    assert not is_lower("7.0.0.0", same)


@pytest.mark.parametrize("text", ["", "1.", ".1", "1..2", "1.2.3.4.5", "-1", "1.x", "9" * 11, "1\n.2", "\u0661.2"])
def test_what_is_no_version_is_lower_than_none_and_cannot_be_sorted_by(text: str) -> None:
    assert parse_version(text) is None
    assert not is_lower(text, "1.0")
    assert not is_lower("1.0", text)
    with pytest.raises(ValueError, match="is no version of one to four numbers"):
        version_numbers(text)


def test_a_version_has_four_parts_only_if_all_are_written() -> None:
    assert [is_four_part_version(text) for text in ("7.0.0.0", "7.0.0", "7.0.0.x", "1.2.3.4.5")] == [
        True,
        False,
        False,
        False,
    ]


@given(st.text(max_size=12))
def test_any_text_may_be_stated_as_a_version(text: str) -> None:
    numbers = parse_version(text)
    assert numbers is None or len(numbers) == 4
