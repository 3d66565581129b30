"""When production's extensions are checked before a promotion is scheduled, and what their verdicts do to it."""

from datetime import timedelta

import pytest

from services.promotion_scheduler.domain import promotion_checking
from services.promotion_scheduler.domain.promotion_checking import ProductionFacts
from services.promotion_scheduler.domain.promotion_scheduling import ScheduleFacts
from shared.contracts.common import CommandRejected
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.parts import Verdict
from shared.contracts.promotion_scheduler import (
    PromotionCheckStarted,
    PromotionRefused,
    PromotionScheduled,
    PromotionStatus,
    Reason,
)
from shared.contracts.servicing_executor import ApplyImage, StagedExtension, StageFor
from shared.kernel import UNCHANGED, Send, TimerDue
from tests.unit.promotion_scheduler.story import (
    APP,
    CHECKING,
    EXTENSION,
    NEW_BASE,
    NOW,
    OLD_BASE,
    PRODUCTION,
    PROMOTION,
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
    schedule_command,
    state_of,
    update,
)

AFTER_CHECK = ProductionFacts(facts_with_extensions().production)


def rejected(command: str, command_type: str = ApplyImage.type, reason: str = "OPERATION_RUNNING") -> CommandRejected:
    return CommandRejected(
        command_key=PRODUCTION, command_id=command, command_type=command_type, reason=reason, message="it runs"
    )


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
    decision = CHECKING.compatibility_checked(checking(), envelope(checked(Verdict.COMPATIBLE)), AFTER_CHECK, NOW)
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
    decision = CHECKING.compatibility_checked(checking(), envelope(checked(verdict)), AFTER_CHECK, NOW)
    event = only(decision)
    assert isinstance(event, PromotionRefused)
    assert event.problem.reason == reason
    assert [(one.app_id, one.verdict) for one in event.extensions] == [(APP, verdict)]
    assert state_of(decision).status is PromotionStatus.REFUSED
    assert decision.timers[f"check:{PROMOTION}"] is None


def test_acknowledged_extensions_may_stay_unverified_but_not_incompatible() -> None:
    acknowledged = checking(acknowledge=(APP,))
    for verdict, told in ((Verdict.UNVERIFIABLE, PromotionScheduled), (Verdict.INCOMPATIBLE, PromotionRefused)):
        decision = CHECKING.compatibility_checked(acknowledged, envelope(checked(verdict)), AFTER_CHECK, NOW)
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
    event = only(CHECKING.compatibility_checked(acknowledged, envelope(answer), AFTER_CHECK, NOW))
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
        CHECKING.compatibility_checked(checking(), envelope(verdict.replace(extensions=many)), AFTER_CHECK, NOW)
    )
    assert isinstance(event, PromotionRefused)
    told = [each.verdict for each in event.extensions]
    assert told == [Verdict.INCOMPATIBLE] * min(broken, 50) + [Verdict.UNVERIFIABLE] * max(50 - broken, 0)
    assert event.further_extensions == 150


def test_extensions_that_changed_meanwhile_are_checked_again() -> None:
    newer = ProductionFacts(facts_with_extensions(set_version=4).production)
    decision = CHECKING.compatibility_checked(checking(), envelope(checked(Verdict.INCOMPATIBLE)), newer, NOW)
    event = only(decision)
    assert isinstance(event, PromotionCheckStarted)
    assert event.set_version == 4
    again = state_of(decision)
    assert again.check_command != checking().check_command
    late = CHECKING.compatibility_checked(again, envelope(checked(Verdict.INCOMPATIBLE)), newer, NOW)
    assert late is UNCHANGED
    answer = checked(Verdict.COMPATIBLE, set_version=4)
    assert isinstance(only(CHECKING.compatibility_checked(again, envelope(answer), newer, NOW)), PromotionScheduled)


def test_extensions_that_were_all_removed_meanwhile_need_no_check() -> None:
    none = ProductionFacts(production(set_version=4))
    decision = CHECKING.compatibility_checked(checking(), envelope(checked(Verdict.INCOMPATIBLE)), none, NOW)
    assert isinstance(only(decision), PromotionScheduled)


def test_an_answer_to_somebody_else_changes_nothing() -> None:
    for answer in (checked(Verdict.INCOMPATIBLE, promotion=None), checked(Verdict.INCOMPATIBLE, set_version=2)):
        decision = CHECKING.compatibility_checked(checking(), envelope(answer), AFTER_CHECK, NOW)
        assert decision is UNCHANGED


def test_a_check_without_an_answer_refuses_it_for_now() -> None:
    decision = promotion_checking.check_overdue(checking(), TimerDue("check", PROMOTION, NOW), None, NOW)
    event = only(decision)
    assert isinstance(event, PromotionRefused)
    assert event.problem.reason == Reason.CHECK_FAILED


def test_a_check_that_is_refused_says_nothing_about_the_extensions() -> None:
    command = checking().check_command
    assert command
    refused = rejected(command, "extension-compatibility-checker.check-compatibility.v1", "BASE_UNKNOWN")
    event = only(promotion_checking.check_refused(checking(), envelope(refused), None, NOW))
    assert isinstance(event, PromotionRefused)
    assert event.problem.reason == Reason.CHECK_FAILED
    assert "BASE_UNKNOWN" in event.problem.message
