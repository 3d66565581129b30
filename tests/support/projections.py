"""What holds for everything that a service keeps of others' events: repeats and old news change nothing."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.kernel import Decision, State

S = TypeVar("S", bound=State)

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)

News = tuple[Any, Callable[[Any, Envelope[Any], None, datetime], Decision[Any]], Event]
"""How new an event is, the function that takes it in, and the event."""


def after_news_in_any_order(
    model: type[S],
    order: random.Random,
    news: Sequence[News],
    *,
    state: S | None = None,
    rank_of: Callable[[S], Any] = lambda kept: kept.sequence,  # type: ignore[attr-defined]  # what has none says its own
) -> S:
    """What a projection keeps after all of `news` have come twice, shuffled.

    `rank_of` says how new what is kept is. It never falls, whatever comes late changes nothing, and the newest is what
    stays. Where the rank is the sequence of the event, `news` have it as a number.
    """
    shuffled = [*news, *news]
    order.shuffle(shuffled)
    for rank, take_in, event in shuffled:
        sequence = rank if isinstance(rank, int) else None
        message = Envelope(id="told", source="test", time=AT, data=event, sequence=sequence, actor="ada")
        before, state = state, take_in(state, message, None, AT).state_after(state)
        assert state is not None
        if before is not None and rank <= rank_of(before):
            assert state == before, f"{rank} is old news"
        else:
            assert rank_of(state) == rank
    assert isinstance(state, model)
    assert rank_of(state) == max(rank for rank, _, _ in news)
    return state
