"""A window is chosen, and plans move with it."""

from datetime import UTC, datetime, timedelta

import pytest

from services.promotion_scheduler.domain.projections import (
    ServicedEnvironmentProjection,
)
from services.promotion_scheduler.domain.state import Rollout
from services.promotion_scheduler.domain.views import rollout_view
from services.promotion_scheduler.domain.window_setting import WindowFacts, set_window
from shared.contracts.promotion_scheduler import (
    Reason,
    RolloutPlanned,
    RolloutStatus,
    SetUpdateWindow,
    UpdateWindow,
    UpdateWindowSet,
)
from shared.kernel import Decision, NotYet, Rejected
from tests.unit.promotion_scheduler.rollout_story import (
    FREIGHT,
    LABELS,
    OPENS,
    after,
    due,
    ended,
    starting,
    state_of,
    take,
)
from tests.unit.promotion_scheduler.story import NOW, PRODUCTION, envelope, production


def _window(
    state: Rollout | None,
    window: UpdateWindow,
    environment: ServicedEnvironmentProjection | None = None,
    now: datetime = NOW,
) -> Decision[Rollout]:
    command = SetUpdateWindow(environment=PRODUCTION, window=window)
    return set_window(state, envelope(command), WindowFacts(environment or production()), now)


BERLIN = UpdateWindow(opens="22:00", closes="05:00", time_zone="Europe/Berlin")


def test_a_window_is_chosen_and_told_and_plans_keep_to_it() -> None:
    decision = _window(None, BERLIN)
    assert decision.events == [UpdateWindowSet(environment=PRODUCTION, window=BERLIN)]
    view = rollout_view(PRODUCTION, state_of(decision))
    assert view is not None
    assert (view.window, view.status, view.project) == (BERLIN, RolloutStatus.NONE, "contoso")
    planned = state_of(take(decision.state, due()))
    assert planned.start == datetime(2026, 11, 21, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (NOW, datetime(2026, 11, 21, 21, 0, tzinfo=UTC)),
        (datetime(2026, 11, 21, 19, 59, tzinfo=UTC), datetime(2026, 11, 21, 21, 0, tzinfo=UTC)),
    ],
)
def test_another_window_moves_the_plan_and_tells_it_again(now: datetime, start: datetime) -> None:
    decision = _window(after(due()), BERLIN, now=now)
    [chosen, planned] = decision.events
    assert isinstance(chosen, UpdateWindowSet)
    assert isinstance(planned, RolloutPlanned)
    assert (planned.start, planned.end) == (start, start + timedelta(hours=7))
    assert decision.timers == {"start": start}


def test_hours_that_have_begun_move_the_plan_to_the_next_day() -> None:
    early = UpdateWindow(opens="08:00", closes="14:00")
    [_, planned] = _window(after(due()), early).events
    assert isinstance(planned, RolloutPlanned)
    assert planned.start == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def test_the_same_window_again_and_one_while_the_executor_has_it_move_nothing() -> None:
    assert len(_window(after(due()), UpdateWindow()).events) == 1
    assert len(_window(starting(), BERLIN).events) == 1


def test_a_window_is_refused_if_it_cannot_be_used_or_its_environment_is_not_known() -> None:
    with pytest.raises(Rejected) as refused:
        _window(None, UpdateWindow(opens="01:00", closes="06:59"))
    assert refused.value.reason is Reason.WINDOW_INVALID
    command = SetUpdateWindow(environment=PRODUCTION, window=BERLIN)
    with pytest.raises(NotYet, match="there is no environment contoso-prod"):
        set_window(None, envelope(command), WindowFacts(None), NOW)


def test_an_environment_without_window_and_rollout_has_no_view() -> None:
    assert rollout_view(PRODUCTION, state_of(take(None, ended()))) is None
    view = rollout_view(PRODUCTION, after(due(FREIGHT, LABELS)))
    assert view is not None
    assert (view.release, view.remove_extensions, view.start) == ("27.0", (LABELS, FREIGHT), OPENS)
    assert view.window == UpdateWindow()
