"""Which promotions are scheduled, which are refused, and for how long a downtime is expected."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.promotion_scheduler.domain import promotion_cancelling
from services.promotion_scheduler.domain.promotion_scheduling import ScheduleFacts
from services.promotion_scheduler.domain.state import Promotion
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    PromotionScheduled,
    Reason,
)
from shared.kernel import KernelReason, NotYet, Rejected
from tests.unit.promotion_scheduler.story import (
    NOW,
    PRODUCTION,
    PROMOTION,
    SANDBOX,
    SCHEDULING,
    TERMS,
    TONIGHT,
    candidate,
    checking,
    envelope,
    facts,
    only,
    production,
    sandbox,
    schedule_command,
    scheduled,
    state_of,
    update,
)

END, MOMENT = TONIGHT + timedelta(hours=3), timedelta(seconds=1)
"""The end of a scheduled promotion's downtime."""


def refusal(known: ScheduleFacts) -> Rejected:
    with pytest.raises(Rejected) as refused:
        SCHEDULING.schedule(None, envelope(schedule_command()), known, NOW)
    return refused.value


def test_a_candidate_is_scheduled_with_its_whole_image_and_a_timer_at_its_start() -> None:
    decision = SCHEDULING.schedule(None, envelope(schedule_command()), facts(), NOW)
    event = only(decision)
    assert isinstance(event, PromotionScheduled)
    assert (event.promotion, event.update, event.sandbox) == (PROMOTION, update(), SANDBOX)
    assert (event.downtime.start, event.downtime.end) == (TONIGHT, TONIGHT + timedelta(hours=3))
    assert decision.timers[f"start:{PROMOTION}"] == TONIGHT
    assert state_of(decision).not_after == TONIGHT + timedelta(minutes=30)
    assert not decision.commands


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (facts(production=sandbox()), Reason.NOT_PRODUCTION),
        (facts(sandbox=production()), Reason.NOT_SANDBOX),
        (facts(sandbox=sandbox("fabrikam")), Reason.OTHER_PROJECT),
        (facts(candidate=candidate(update(dropped=("ContosoTax",)))), Reason.NOT_PROMOTABLE),
        (facts(candidate=candidate(update(application="10.0.9.1"))), Reason.LOWER_VERSION),
    ],
    ids=lambda value: value.value if isinstance(value, Reason) else "with",
)
def test_a_guard_refuses(known: ScheduleFacts, reason: Reason) -> None:
    assert refusal(known).reason is reason


def test_a_blocked_image_names_the_modules_that_it_dropped() -> None:
    assert refusal(facts(candidate=candidate(update(dropped=("ContosoTax",))))).facts == {"dropped": ["ContosoTax"]}


@pytest.mark.parametrize(
    ("known", "waits_for", "reason"),
    [
        (facts(production=None), PRODUCTION, KernelReason.UNKNOWN),
        (facts(production=production().model_copy(update={"running": None})), PRODUCTION, Reason.NOT_PROVISIONED),
        (facts(sandbox=None), SANDBOX, KernelReason.UNKNOWN),
        (facts(candidate=None), f"{SANDBOX}/november release", Reason.NOT_A_CANDIDATE),
    ],
    ids=["production", "what runs there", "sandbox", "candidate"],
)
def test_what_is_not_known_is_waited_for(known: ScheduleFacts, waits_for: str, reason: Reason) -> None:
    with pytest.raises(NotYet) as waits:
        SCHEDULING.schedule(None, envelope(schedule_command()), known, NOW)
    assert (waits.value.waits_for, waits.value.reason) == (waits_for, reason)


@pytest.mark.parametrize("application", ["10.0.44.1", "10.0.44.2", "10.0.100.0"])
def test_the_same_application_version_or_a_higher_one_may_be_promoted(application: str) -> None:
    same = facts(candidate=candidate(update(application=application)))
    assert SCHEDULING.schedule(None, envelope(schedule_command()), same, NOW).events


def test_a_start_of_a_moment_ago_is_now() -> None:
    promotion = scheduled(NOW - timedelta(seconds=20))
    assert promotion.downtime
    assert promotion.downtime.start == NOW


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (NOW - timedelta(seconds=31), Reason.START_IN_PAST),
        (NOW + timedelta(days=367), Reason.START_TOO_FAR),
        (datetime.max.replace(tzinfo=UTC), Reason.START_TOO_FAR),
    ],
    ids=["past", "next year", "the last moment there is"],
)
def test_a_start_out_of_reach_is_refused(start: datetime, reason: Reason) -> None:
    with pytest.raises(Rejected) as refused:
        SCHEDULING.schedule(None, envelope(schedule_command(start)), facts(), NOW)
    assert refused.value.reason is reason


def test_a_second_promotion_of_an_environment_is_refused_with_the_name_of_the_first() -> None:
    with pytest.raises(Rejected) as refused:
        SCHEDULING.schedule(scheduled(), envelope(schedule_command(), id="another"), facts(), NOW)
    assert refused.value.reason is Reason.PROMOTION_OPEN
    assert refused.value.facts["promotion"] == PROMOTION


@pytest.mark.parametrize(
    ("state", "start", "now", "earliest"),
    [
        (scheduled(), END - MOMENT, NOW, None),
        (scheduled(), END, NOW, END),
        (scheduled(), END + MOMENT, NOW, END),
        (scheduled(), END + MOMENT, END - MOMENT, END),
        (scheduled(), END + MOMENT, END, None),
        (checking(), END + MOMENT, NOW, None),
    ],
    ids=["it starts before that end", "at it", "after it", "nearly over", "overdue", "not scheduled yet"],
)
def test_a_refusal_says_from_when_on_the_same_command_is_accepted_where_the_open_one_s_end_is_known(
    state: Promotion, start: datetime, now: datetime, earliest: datetime | None
) -> None:
    with pytest.raises(Rejected) as refused:
        SCHEDULING.schedule(state, envelope(schedule_command(start), id="another"), facts(), now)
    assert refused.value.reason is Reason.PROMOTION_OPEN
    assert refused.value.earliest == earliest


@pytest.mark.parametrize("start", [NOW - timedelta(seconds=30), NOW, NOW + timedelta(days=366)])
def test_a_start_within_reach_is_taken(start: datetime) -> None:
    promotion = scheduled(start)
    assert promotion.downtime
    assert promotion.downtime.start == max(start, NOW)


def test_a_start_too_far_ahead_can_be_asked_for_later() -> None:
    start = NOW + timedelta(days=370)
    with pytest.raises(Rejected) as refused:
        SCHEDULING.schedule(None, envelope(schedule_command(start)), facts(), NOW)
    earliest = refused.value.earliest
    assert earliest == NOW + timedelta(days=4)
    assert SCHEDULING.schedule(None, envelope(schedule_command(start)), facts(), earliest).events


def test_after_an_end_the_next_promotion_may_be_scheduled() -> None:
    ended = state_of(
        promotion_cancelling.cancel(scheduled(), envelope(CancelPromotion(environment=PRODUCTION)), None, NOW)
    )
    following = SCHEDULING.schedule(ended, envelope(schedule_command(), id="another"), facts(), NOW)
    assert state_of(following).id == f"{PRODUCTION}/another"


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ((), timedelta(hours=3)),
        ((60.0, 90.0), timedelta(hours=3)),
        ((60.0, 90.0, 30.0), timedelta(seconds=90)),
        ((30.0, 60.0, 90.0, 20.0, 10.0), timedelta(seconds=90)),
    ],
)
def test_downtime_is_the_longest_known_one_or_three_hours(durations: tuple[float, ...], expected: timedelta) -> None:
    assert TERMS.expected_duration(durations) == expected


@given(st.lists(st.floats(0, 1e6, allow_nan=False), max_size=5).map(tuple))
def test_the_expected_downtime_covers_every_known_one(durations: tuple[float, ...]) -> None:
    expected = TERMS.expected_duration(durations)
    if len(durations) >= 3:
        assert all(timedelta(seconds=seconds) <= expected for seconds in durations)
    else:
        assert expected == timedelta(hours=3)
