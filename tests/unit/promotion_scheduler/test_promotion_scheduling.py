"""Which promotions are scheduled, which are refused, and when production's extensions are checked first."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.promotion_scheduler.domain import promotion_execution, promotion_scheduling
from services.promotion_scheduler.domain.guards import ScheduleFacts
from services.promotion_scheduler.domain.promotion_scheduling import ProductionFacts
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.parts import Verdict
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    PromotionCheckStarted,
    PromotionRefused,
    PromotionScheduled,
    PromotionStatus,
    Reason,
)
from shared.contracts.servicing_executor import StagedExtension, StageFor
from shared.kernel import KernelReason, NotYet, Rejected, Send, TimerDue
from tests.unit.promotion_scheduler.story import (
    APP,
    EXTENSION,
    NEW_BASE,
    NOW,
    OLD_BASE,
    PRODUCTION,
    PROMOTION,
    SANDBOX,
    SCHEDULING,
    TONIGHT,
    candidate,
    checked,
    checking,
    envelope,
    facts,
    facts_with_extensions,
    only,
    production,
    sandbox,
    schedule_command,
    scheduled,
    state_of,
    update,
)

AFTER_CHECK = ProductionFacts(facts_with_extensions().production)


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


def test_the_same_application_version_may_be_promoted() -> None:
    same = facts(candidate=candidate(update(application="10.0.44.1")))
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


def test_after_an_end_the_next_promotion_may_be_scheduled() -> None:
    ended = state_of(
        promotion_execution.cancel(scheduled(), envelope(CancelPromotion(environment=PRODUCTION)), None, NOW)
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
    assert SCHEDULING.expected_duration(durations) == expected


# -- extensions


def test_another_base_is_checked_before_anything_is_scheduled() -> None:
    decision = SCHEDULING.schedule(None, envelope(schedule_command()), facts_with_extensions(), NOW)
    assert isinstance(only(decision), PromotionCheckStarted)
    [send] = decision.commands
    assert isinstance(send, Send)
    assert send.command == CheckCompatibility(
        environment=PRODUCTION,
        project="contoso",
        set_version=3,
        extensions=(EXTENSION,),
        base=f"{NEW_BASE}/DE",
        current_base=f"{OLD_BASE}/DE",
        promotion=PROMOTION,
    )
    assert send.id == state_of(decision).check_command
    assert decision.timers == {f"check:{PROMOTION}": NOW + timedelta(minutes=10)}
    assert state_of(decision).downtime is None


def test_a_version_that_the_update_will_install_is_checked_instead_of_the_one_that_is_there() -> None:
    newer = EXTENSION.model_copy(update={"version": "9.0.0.0"})
    staged = StagedExtension(extension=newer, stage_for=StageFor.NEXT_MAJOR)
    there = production(extensions=(EXTENSION,)).model_copy(update={"staged": (staged,)})
    known = facts(production=there, candidate=candidate(update(base=NEW_BASE)))
    [send] = SCHEDULING.schedule(None, envelope(schedule_command()), known, NOW).commands
    assert isinstance(send, Send)
    assert isinstance(send.command, CheckCompatibility)
    assert send.command.extensions == (newer,)
    assert send.command.replaced == (EXTENSION,)


@pytest.mark.parametrize(
    "known",
    [
        facts(production=production(), candidate=candidate(update(base=NEW_BASE))),
        facts(production=production(extensions=(EXTENSION,)), candidate=candidate(update(base=OLD_BASE))),
        facts(production=production(extensions=(EXTENSION,)), candidate=candidate(update(base=None))),
    ],
    ids=["no extensions", "the base that runs", "no base"],
)
def test_no_check_is_needed(known: ScheduleFacts) -> None:
    assert isinstance(only(SCHEDULING.schedule(None, envelope(schedule_command()), known, NOW)), PromotionScheduled)


def test_compatible_extensions_let_it_be_scheduled() -> None:
    decision = SCHEDULING.compatibility_checked(checking(), envelope(checked(Verdict.COMPATIBLE)), AFTER_CHECK, NOW)
    assert isinstance(only(decision), PromotionScheduled)
    assert decision.timers == {f"check:{PROMOTION}": None, f"start:{PROMOTION}": TONIGHT}


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.INCOMPATIBLE, Reason.EXTENSIONS_INCOMPATIBLE),
        (Verdict.UNVERIFIABLE, Reason.EXTENSIONS_UNVERIFIABLE),
        (Verdict.CHECK_FAILED, Reason.CHECK_FAILED),
    ],
)
def test_a_verdict_refuses_it(verdict: Verdict, reason: Reason) -> None:
    decision = SCHEDULING.compatibility_checked(checking(), envelope(checked(verdict)), AFTER_CHECK, NOW)
    event = only(decision)
    assert isinstance(event, PromotionRefused)
    assert event.problem.reason == reason
    assert [(one.app_id, one.verdict) for one in event.extensions] == [(APP, verdict)]
    assert state_of(decision).status is PromotionStatus.REFUSED
    assert decision.timers[f"check:{PROMOTION}"] is None


def test_acknowledged_extensions_may_stay_unverified_but_not_incompatible() -> None:
    acknowledged = checking(acknowledge=(APP,))
    for verdict, told in ((Verdict.UNVERIFIABLE, PromotionScheduled), (Verdict.INCOMPATIBLE, PromotionRefused)):
        decision = SCHEDULING.compatibility_checked(acknowledged, envelope(checked(verdict)), AFTER_CHECK, NOW)
        assert isinstance(only(decision), told)


def test_only_what_stands_in_the_way_is_told_with_a_refusal() -> None:
    verdict = checked(Verdict.INCOMPATIBLE)
    [broken] = verdict.extensions
    others = [
        broken.model_copy(update={"app_id": APP[:-1] + digit, "verdict": one})
        for digit, one in zip(
            "abc", (Verdict.COMPATIBLE, Verdict.COMPATIBLE_WITH_WARNINGS, Verdict.UNVERIFIABLE), strict=True
        )
    ]
    answer = verdict.model_copy(update={"extensions": (*others, broken)})
    acknowledged = checking(acknowledge=(others[-1].app_id,))
    event = only(SCHEDULING.compatibility_checked(acknowledged, envelope(answer), AFTER_CHECK, NOW))
    assert isinstance(event, PromotionRefused)
    assert event.extensions == (broken,)


@pytest.mark.parametrize("broken", [0, 10, 49, 50, 51, 150, 200])
def test_of_many_that_stand_in_the_way_those_that_decide_are_told_and_the_others_counted(broken: int) -> None:
    verdict = checked(Verdict.INCOMPATIBLE)
    [one] = verdict.extensions
    many = tuple(
        one.replace(
            app_id=f"{APP[:-3]}{number:03}",
            verdict=Verdict.INCOMPATIBLE if number >= 200 - broken else Verdict.UNVERIFIABLE,
        )
        for number in range(200)
    )
    event = only(
        SCHEDULING.compatibility_checked(checking(), envelope(verdict.replace(extensions=many)), AFTER_CHECK, NOW)
    )
    assert isinstance(event, PromotionRefused)
    told = [each.verdict for each in event.extensions]
    assert told == [Verdict.INCOMPATIBLE] * min(broken, 50) + [Verdict.UNVERIFIABLE] * max(50 - broken, 0)
    assert event.further_extensions == 150


def test_extensions_that_changed_meanwhile_are_checked_again() -> None:
    newer = ProductionFacts(facts_with_extensions(set_version=4).production)
    decision = SCHEDULING.compatibility_checked(checking(), envelope(checked(Verdict.INCOMPATIBLE)), newer, NOW)
    event = only(decision)
    assert isinstance(event, PromotionCheckStarted)
    assert event.set_version == 4
    again = state_of(decision)
    assert again.check_command != checking().check_command
    late = SCHEDULING.compatibility_checked(again, envelope(checked(Verdict.INCOMPATIBLE)), newer, NOW)
    assert late.state == again
    assert not late.events
    answer = checked(Verdict.COMPATIBLE, set_version=4)
    assert isinstance(only(SCHEDULING.compatibility_checked(again, envelope(answer), newer, NOW)), PromotionScheduled)


def test_extensions_that_were_all_removed_meanwhile_need_no_check() -> None:
    none = ProductionFacts(production(set_version=4))
    decision = SCHEDULING.compatibility_checked(checking(), envelope(checked(Verdict.INCOMPATIBLE)), none, NOW)
    assert isinstance(only(decision), PromotionScheduled)


def test_an_answer_to_somebody_else_changes_nothing() -> None:
    for answer in (checked(Verdict.INCOMPATIBLE, promotion=None), checked(Verdict.INCOMPATIBLE, set_version=2)):
        decision = SCHEDULING.compatibility_checked(checking(), envelope(answer), AFTER_CHECK, NOW)
        assert decision.state == checking()
        assert not decision.events


def test_a_check_without_an_answer_refuses_it_for_now() -> None:
    decision = promotion_scheduling.check_overdue(checking(), TimerDue("check", PROMOTION, NOW), None, NOW)
    event = only(decision)
    assert isinstance(event, PromotionRefused)
    assert event.problem.reason == Reason.CHECK_FAILED


@given(st.lists(st.floats(0, 1e6, allow_nan=False), max_size=5).map(tuple))
def test_the_expected_downtime_covers_every_known_one(durations: tuple[float, ...]) -> None:
    expected = SCHEDULING.expected_duration(durations)
    if len(durations) >= 3:
        assert all(timedelta(seconds=seconds) <= expected for seconds in durations)
    else:
        assert expected == timedelta(hours=3)
