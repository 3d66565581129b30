"""What the checker keeps of releases and bases, in whatever order it hears of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.extension_compatibility_checker.domain.projections import BasesProjection, base_indexed, release_published
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import BaseIndexed
from shared.contracts.promotion_scheduler import ReleasePublished
from tests.support.projections import deliveries

NOW = datetime(2026, 11, 21, tzinfo=UTC)
HOUR = timedelta(hours=1)
VERSION = "10.0.47"


def published(sequence: int) -> Envelope[ReleasePublished]:
    """A release, as it is told of for the first time, and again with other versions."""
    data = ReleasePublished(
        version=VERSION,
        package="contoso/platform",
        platform_version="7.0.1.1",
        application_version=f"10.0.{sequence}.1",
        base_version=f"27.0.{sequence}.0",
    )
    time = NOW + sequence * HOUR
    return Envelope(id=str(sequence), source="test", time=time, data=data, sequence=sequence)


TOLD = [published(sequence) for sequence in (1, 2, 3)]
BASES = ["26.0.1.0/DE", "26.0.10.0/DE", "26.0.9.0/DE", "27.0.1.0/W1"]


def heard(delivered: list[Envelope[ReleasePublished]]) -> BasesProjection:
    state: BasesProjection | None = None
    highest = 0
    for message in delivered:
        state = release_published(state, message, None, message.time).state_after(state)
        assert state
        [release] = state.releases
        highest = max(highest, message.sequence or 0)
        assert release.sequence == highest
    assert state
    return state


@given(deliveries(TOLD))
def test_repeats_and_old_news_of_a_release_in_any_order_end_in_the_latest(
    delivered: list[Envelope[ReleasePublished]],
) -> None:
    [release] = heard(delivered).releases
    latest = max(message.sequence or 0 for message in delivered)
    assert (release.base_version, release.application_version) == (f"27.0.{latest}.0", f"10.0.{latest}.1")


@given(deliveries(TOLD))
def test_a_release_is_available_since_it_was_told_of_first_whatever_is_heard_of_later(
    delivered: list[Envelope[ReleasePublished]],
) -> None:
    [release] = heard(delivered).releases
    assert release.available_at == min(message.time for message in delivered)


@given(st.lists(st.sampled_from(BASES), min_size=1))
def test_bases_are_known_once_each_the_lowest_version_first(told: list[str]) -> None:
    state: BasesProjection | None = None
    for base in told:
        message = Envelope(id="1", source="test", time=NOW, data=BaseIndexed(base=base, packages=()))
        state = base_indexed(state, message, None, NOW).state
    assert state
    in_order = ["26.0.1.0/DE", "26.0.9.0/DE", "26.0.10.0/DE", "27.0.1.0/W1"]
    assert list(state.bases) == [base for base in in_order if base in told]
