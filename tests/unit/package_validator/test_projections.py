"""The releases that packages are held against, in whatever order the validator hears of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.package_validator.domain.projections import (
    MOST_RELEASES,
    CheckableRelease,
    ReleasesProjection,
    of_platform,
    release_published,
)
from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import ReleasePublished
from tests.support.projections import deliveries
from tests.unit.package_validator.packages import NOW, PLATFORM, file, published, release


def test_a_release_is_known_with_the_latest_module_list_that_was_told() -> None:
    state = release_published(None, published("10.0.45", 1), None, NOW).state
    state = release_published(state, published("10.0.45", 3, file("d")), None, NOW).state
    state = release_published(state, published("10.0.45", 2, file("e")), None, NOW).state_after(state)
    state = release_published(state, published("10.0.9", 1), None, NOW).state
    assert state
    assert [(one.version, one.modules, one.sequence) for one in state.known] == [
        ("10.0.9", None, 1),
        ("10.0.45", file("d"), 3),
    ]


TOLD = [published("10.0.45", sequence, file(str(sequence))) for sequence in (1, 2, 3)]


@given(deliveries(TOLD))
def test_repeats_and_old_news_of_a_release_in_any_order_end_in_the_latest(
    delivered: list[Envelope[ReleasePublished]],
) -> None:
    state: ReleasesProjection | None = None
    highest = 0
    for message in delivered:
        state = release_published(state, message, None, NOW).state_after(state)
        assert state
        highest = max(highest, message.sequence or 0)
        assert [(one.modules, one.sequence) for one in state.known] == [(file(str(highest)), highest)]


def test_releases_are_bounded_and_those_with_the_lowest_versions_go() -> None:
    state: ReleasesProjection | None = None
    for number in range(MOST_RELEASES + 5, 0, -1):
        state = release_published(state, published(f"10.0.{number}", 1), None, NOW).state
    assert state
    assert [one.version for one in state.known] == [f"10.0.{number}" for number in range(6, MOST_RELEASES + 6)]


@pytest.mark.parametrize(
    ("stated", "found"),
    [
        (PLATFORM, "10.0.46"),
        ("7.0.7606.108.0", None),
        ("07.0.7606.108", "10.0.46"),
        ("7.0.7606.10", None),
        ("7.0.7606.1080", None),
        (None, None),
        ("", None),
        ("Update 68", None),
        ("7.0." + "9" * 5000, None),
    ],
    ids=str,
)
def test_a_package_is_held_against_the_latest_release_of_exactly_its_platform(
    stated: str | None, found: str | None
) -> None:
    known = (release("10.0.9"), release("10.0.46"), release("10.0.45"), release("10.0.99", "7.0.7700.1"))
    chosen = of_platform(known, stated)
    assert (chosen.version if chosen else None) == found


@given(st.text(max_size=12))
def test_any_text_may_be_stated_as_a_version(text: str) -> None:
    release = CheckableRelease(version="10.0.44", platform_version=PLATFORM, modules=None)
    assert of_platform((release,), text) in (release, None)
    assert of_platform((release,), f" {PLATFORM} ") is release
