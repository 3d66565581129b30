"""From the start of a promotion to its one end."""

from datetime import timedelta

import pytest

from services.promotion_scheduler.domain import promotion_cancelling, promotion_checking, promotion_execution
from services.promotion_scheduler.domain.state import Promotion
from services.promotion_scheduler.domain.views import promotion_view
from shared.contracts.common import CommandRejected
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    PromotionCancelled,
    PromotionCompleted,
    PromotionFailed,
    PromotionStarted,
    PromotionStatus,
    Reason,
)
from shared.contracts.servicing_executor import ApplyImage, OperationKind, Outcome, RestartService
from shared.kernel import UNCHANGED, Send, TimerDue
from tests.unit.promotion_scheduler.story import (
    NOW,
    PRODUCTION,
    PROMOTION,
    TONIGHT,
    accepted,
    checking,
    envelope,
    finished,
    only,
    scheduled,
    state_of,
    update,
)

DUE = TimerDue("start", PROMOTION, TONIGHT)


def starting() -> Promotion:
    return state_of(promotion_execution.start(scheduled(), DUE, None, TONIGHT))


def started() -> Promotion:
    return state_of(promotion_execution.operation_accepted(starting(), envelope(accepted()), None, TONIGHT))


def rejected(command: str, command_type: str = ApplyImage.type, reason: str = "OPERATION_RUNNING") -> CommandRejected:
    return CommandRejected(
        command_key=PRODUCTION, command_id=command, command_type=command_type, reason=reason, message="it runs"
    )


def cancel_command(promotion: str | None = None) -> CancelPromotion:
    return CancelPromotion(environment=PRODUCTION, promotion=promotion)


def test_at_its_start_the_executor_gets_the_whole_image_and_a_latest_moment() -> None:
    decision = promotion_execution.start(scheduled(), DUE, None, TONIGHT)
    [send] = decision.commands
    assert isinstance(send, Send)
    assert send.command == ApplyImage(
        environment=PRODUCTION,
        update_name="November release",
        image=update().image,
        promotion=PROMOTION,
        not_after=TONIGHT + timedelta(minutes=30),
    )
    assert send.id == scheduled().apply_command
    assert state_of(decision).status is PromotionStatus.STARTING
    assert not decision.events


def test_a_timer_that_fires_late_leaves_the_latest_moment_as_it_was() -> None:
    [send] = promotion_execution.start(scheduled(), DUE, None, TONIGHT + timedelta(days=1)).commands
    assert isinstance(send, Send)
    assert isinstance(send.command, ApplyImage)
    assert send.command.not_after == TONIGHT + timedelta(minutes=30)


@pytest.mark.parametrize("late", [timedelta(0), timedelta(days=1)])
def test_a_start_that_is_never_answered_is_cancelled_so_that_production_is_free_again(late: timedelta) -> None:
    asked = promotion_execution.start(scheduled(), DUE, None, TONIGHT + late)
    due = max(TONIGHT + timedelta(minutes=30), TONIGHT + late) + timedelta(minutes=30)
    assert asked.timers == {f"answer:{PROMOTION}": due}
    decision = promotion_execution.start_unanswered(state_of(asked), TimerDue("answer", PROMOTION, due), None, due)
    told = only(decision)
    assert isinstance(told, PromotionCancelled)
    assert told.problem.reason == Reason.NOT_ANSWERED
    assert not state_of(decision).open


def test_an_answer_that_came_is_not_waited_for() -> None:
    answered = promotion_execution.operation_accepted(starting(), envelope(accepted()), None, TONIGHT)
    assert answered.timers == {f"answer:{PROMOTION}": None}
    for state in (started(), scheduled()):
        late = promotion_execution.start_unanswered(state, TimerDue("answer", PROMOTION, TONIGHT), None, TONIGHT)
        assert late is UNCHANGED


def test_a_promotion_starts_once() -> None:
    for state in (starting(), started()):
        again = promotion_execution.start(state, DUE, None, TONIGHT)
        assert again is UNCHANGED


def test_it_has_started_when_its_operation_holds_the_environment() -> None:
    decision = promotion_execution.operation_accepted(starting(), envelope(accepted()), None, TONIGHT)
    event = only(decision)
    assert isinstance(event, PromotionStarted)
    assert event.operation == state_of(decision).operation == "operation-1"


def test_a_refused_start_cancels_it_with_the_reason_of_the_executor() -> None:
    refused = rejected(starting().apply_command, reason="START_MISSED")
    decision = promotion_execution.start_refused(starting(), envelope(refused), None, TONIGHT)
    event = only(decision)
    assert isinstance(event, PromotionCancelled)
    assert event.problem == Problem(reason="START_MISSED", message="it runs")
    assert state_of(decision).status is PromotionStatus.CANCELLED


def test_what_others_say_at_length_is_cut() -> None:
    refused = rejected(starting().apply_command).model_copy(update={"message": "x" * 2000})
    event = only(promotion_execution.start_refused(starting(), envelope(refused), None, TONIGHT))
    assert isinstance(event, PromotionCancelled)
    assert len(event.problem.message) == 500


@pytest.mark.parametrize(
    ("outcome", "told", "status"),
    [
        (Outcome.SUCCEEDED, PromotionCompleted, PromotionStatus.COMPLETED),
        (Outcome.FAILED, PromotionFailed, PromotionStatus.FAILED),
        (Outcome.ROLLED_BACK, PromotionFailed, PromotionStatus.FAILED),
        (Outcome.CANCELLED, PromotionFailed, PromotionStatus.FAILED),
    ],
)
def test_the_end_of_its_operation_is_its_end(outcome: Outcome, told: type, status: PromotionStatus) -> None:
    decision = promotion_execution.operation_finished(started(), envelope(finished(outcome)), None, TONIGHT)
    assert isinstance(only(decision), told)
    assert state_of(decision).status is status
    assert decision.snapshots == [promotion_view(state_of(decision))]


def test_a_failed_promotion_says_why() -> None:
    problem = Problem(reason="STEP_FAILED", message="AOS does not answer")
    for told, said in ((problem, problem.reason), (None, Reason.OPERATION_FAILED)):
        ended = finished(Outcome.ROLLED_BACK, problem=told)
        event = only(promotion_execution.operation_finished(started(), envelope(ended), None, TONIGHT))
        assert isinstance(event, PromotionFailed)
        assert event.problem.reason == said


def test_an_end_whose_beginning_was_never_told_tells_both() -> None:
    decision = promotion_execution.operation_finished(starting(), envelope(finished()), None, TONIGHT)
    assert [type(event) for event in decision.events] == [PromotionStarted, PromotionCompleted]


def test_what_is_told_of_another_promotion_changes_nothing() -> None:
    another = f"{PRODUCTION}/another"
    decisions = [
        promotion_execution.start(scheduled(), TimerDue("start", another, TONIGHT), None, TONIGHT),
        promotion_execution.operation_accepted(starting(), envelope(accepted(promotion=another)), None, TONIGHT),
        promotion_execution.operation_finished(started(), envelope(finished(promotion=another)), None, TONIGHT),
        promotion_execution.start_refused(starting(), envelope(rejected("another")), None, TONIGHT),
        promotion_checking.check_refused(checking(), envelope(rejected("another")), None, TONIGHT),
    ]
    assert all(decision is UNCHANGED for decision in decisions)


def test_only_what_concerns_a_promotion_reaches_one() -> None:
    assert promotion_execution.promoted_environment(accepted()) == PRODUCTION
    assert promotion_execution.promoted_environment(accepted(OperationKind.APPLY)) is None
    assert promotion_execution.refused_start(rejected("one")) == PRODUCTION
    assert promotion_execution.refused_start(rejected("one", RestartService.type)) is None
    assert promotion_checking.refused_check(rejected("one")) is None


def test_every_status_is_reached() -> None:
    ended = promotion_execution.operation_finished
    reached = [
        checking(),
        state_of(promotion_cancelling.cancel(checking(), envelope(cancel_command()), None, NOW)),
        scheduled(),
        state_of(promotion_cancelling.cancel(scheduled(), envelope(cancel_command()), None, NOW)),
        starting(),
        started(),
        state_of(ended(started(), envelope(finished()), None, TONIGHT)),
        state_of(ended(started(), envelope(finished(Outcome.FAILED)), None, TONIGHT)),
    ]
    assert {promotion.status for promotion in reached} == set(PromotionStatus)
    assert len(reached) == len(PromotionStatus)
