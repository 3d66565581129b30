"""What holds for every projection of another service's aggregates: only news counts."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from hypothesis import strategies as st

from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.kernel import Decision, State

P = TypeVar("P", bound=State)
Deciders = Mapping[type[Event], Callable[..., Decision[Any]]]
"""For each type of event the function of the table's line."""


def numbered(events: Sequence[Event], now: datetime) -> list[Envelope[Any]]:
    """Events as one aggregate tells them, the first with the sequence 1."""
    return [
        Envelope(id=f"event-{number}", source="test", time=now, data=event, sequence=number)
        for number, event in enumerate(events, 1)
    ]


def deliveries(told: Sequence[Envelope[Any]]) -> st.SearchStrategy[list[Envelope[Any]]]:
    """What was told, any of it any number of times, in any order."""
    return st.lists(st.sampled_from(told), min_size=1, max_size=3 * len(told))


def _sequence(known: Any) -> Any:
    assert known.sequence is not None
    return known.sequence


def check_only_news_counts(
    deciders: Deciders,
    delivered: Sequence[Envelope[Any]],
    facts: Any = None,
    state: P | None = None,
    *,
    rank_of_news: Callable[[Envelope[Any]], Any] = _sequence,
    rank_of_kept: Callable[[P], Any] = _sequence,
) -> P | None:
    """What is known once everything was delivered.

    The ranks say how new a message is, and what is kept: the sequence, where nothing else is said. Each event that is
    newer than what is known leaves its rank; a repeat, or old news, leaves everything as it is, so that the rank never
    falls and the latest word stands.
    """
    for message in delivered:
        before = state
        state = deciders[type(message.data)](before, message, facts, message.time).state_after(before)
        assert state is not None
        if before is not None and rank_of_news(message) <= rank_of_kept(before):
            assert state == before
        else:
            assert rank_of_kept(state) == rank_of_news(message)
    return state
