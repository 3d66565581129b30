"""A rollout starts once in its window; what the executor says decides whether, and when, it is tried again."""

from datetime import datetime, timedelta

import pytest

from services.promotion_scheduler.domain import rollout_execution
from services.promotion_scheduler.domain.projections import UpdateProjection
from services.promotion_scheduler.domain.rollout_execution import (
    NEXT_WINDOW,
    NOT_ANNOUNCED,
    OVER,
    WAITS_FOR_CHECKER,
    is_behind,
)
from services.promotion_scheduler.domain.state import BUSY, Rollout
from shared.contracts import servicing_executor
from shared.contracts.common import CommandRejected
from shared.contracts.promotion_scheduler import (
    ROLLOUT_LIFECYCLE,
    Reason,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
    RolloutStatus,
)
from shared.contracts.servicing_executor import OperationKind, Outcome
from shared.kernel import UNCHANGED, Decision, KernelReason, TimerDue
from tests.unit.promotion_scheduler.rollout_story import (
    CLOSES,
    DAY,
    EXECUTION,
    FREIGHT,
    LABELS,
    NEXT_RELEASE,
    OPENS,
    RELEASE,
    RELEASES,
    SCALES,
    WEEK,
    after,
    begun,
    behind,
    due,
    ended,
    open_window,
    over,
    refusal,
    sent,
    started,
    starting,
    state_of,
    take,
)
from tests.unit.promotion_scheduler.story import PRODUCTION, accepted, envelope, finished, production, update

NEWER = f"{NEXT_RELEASE.base_version}/DE"


def _refuse(state: Rollout, reason: str, now: datetime = OPENS) -> Decision[Rollout]:
    return EXECUTION.start_refused(state, envelope(refusal(state, reason)), RELEASES, now)


def _finish(
    state: Rollout, outcome: Outcome = Outcome.SUCCEEDED, reason: str | None = None, now: datetime = OPENS
) -> Decision[Rollout]:
    return EXECUTION.operation_finished(state, envelope(over(state, outcome, reason)), RELEASES, now)


# -- the start


@pytest.mark.parametrize("late", [timedelta(0), timedelta(hours=9, minutes=59)])
def test_when_the_window_opens_the_executor_is_asked_under_an_id_of_the_window(late: timedelta) -> None:
    planned = after(due(FREIGHT, LABELS))
    decision = open_window(planned, now=OPENS + late)
    id_, command = sent(decision)
    assert id_ == planned.apply_command
    assert (command.environment, command.release, command.package) == (PRODUCTION, "27.0", "contoso/release-27.0")
    assert (command.update_name, command.not_after) == ("Release 27.0", CLOSES)
    assert (command.remove_extensions, command.set_version) == ((LABELS, FREIGHT), 3)
    assert state_of(decision).status is RolloutStatus.STARTING
    assert not decision.events


def test_a_timer_that_fires_again_or_early_does_nothing() -> None:
    planned = after(due())
    assert open_window(planned, now=OPENS - timedelta(seconds=1)) is UNCHANGED
    for state in (starting(), started(), state_of(_finish(started()))):
        assert open_window(state, now=OPENS + timedelta(minutes=1)) is UNCHANGED


def test_a_window_that_has_closed_is_missed_and_the_next_one_is_taken() -> None:
    decision = open_window(after(due()), now=CLOSES)
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.problem.reason, told.next_start) == (Reason.WINDOW_MISSED, OPENS + DAY)
    assert decision.timers == {"start": OPENS + DAY}
    assert not decision.commands
    again = open_window(state_of(decision))
    assert sent(again)[0] != after(due()).apply_command


def test_what_was_judged_at_several_versions_of_the_set_is_not_sent() -> None:
    decision = open_window(after(due(FREIGHT, set_version=3), due(SCALES, set_version=4)))
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.problem.reason, told.next_start) == ("EXTENSION_SET_CHANGED", None)
    assert not decision.commands
    judged_again = take(decision.state, due(FREIGHT, set_version=4), sequence=3, now=OPENS)
    [planned] = judged_again.events
    assert isinstance(planned, RolloutPlanned)
    assert (planned.start, planned.set_version) == (OPENS + DAY, 4)


def test_a_rollout_goes_only_to_an_environment_behind_the_release() -> None:
    current = update(application="27.0.38460.0").contents.model_copy(update={"platform_version": "27.0.1.0"})
    known = production(running=update().model_copy(update={"contents": current}))
    decision = open_window(after(due()), facts=behind(known))
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.problem.reason, told.next_start) == ("HIGHER_VERSION", None)
    assert not decision.commands
    assert state_of(decision).removals == ()


@pytest.mark.parametrize(
    ("outcome", "name"),
    [(Outcome.SUCCEEDED, "Release 27.0 (2026-11-21)"), (Outcome.FAILED, "Release 27.0"), (None, "Release 27.0")],
)
def test_a_name_that_a_successful_update_has_gets_the_day(outcome: Outcome | None, name: str) -> None:
    known = UpdateProjection(sequence=1, operation="operation-1", outcome=outcome)
    planned = after(due())
    assert rollout_execution.update_meant(planned) == f"{PRODUCTION}/release 27.0"
    assert sent(open_window(planned, facts=behind(update=known)))[1].update_name == name


def test_a_name_that_the_executor_finds_taken_gets_the_day_the_next_time() -> None:
    refused = _refuse(starting(), "UPDATE_NAME_TAKEN")
    assert sent(open_window(state_of(refused)))[1].update_name == "Release 27.0 (2026-11-22)"


@pytest.mark.parametrize(
    ("application", "expected"), [("26.9", True), ("27.0.38459.9", True), ("27.0.38460.0", False), ("27.1", False)]
)
def test_an_environment_is_behind_a_release_of_a_higher_version(application: str, expected: bool) -> None:
    release = RELEASE.model_copy(update={"platform_version": update().contents.platform_version})
    assert is_behind(update(application=application), release) is expected


# -- the executor's answers


def test_an_accepted_operation_is_told_once() -> None:
    state = starting()
    decision = rollout_execution.operation_accepted(state, envelope(begun(state)), None, OPENS)
    [told] = decision.events
    assert isinstance(told, RolloutStarted)
    assert told.operation == state.apply_command
    again = rollout_execution.operation_accepted(state_of(decision), envelope(begun(state)), None, OPENS)
    assert again is UNCHANGED


def test_another_operation_is_not_the_rollout_s() -> None:
    state = starting()
    other = accepted(OperationKind.ROLL_OUT, operation="somebody-s", name="Release 27.0")
    assert rollout_execution.operation_accepted(state, envelope(other), None, OPENS) is UNCHANGED
    ended_ = finished(kind=OperationKind.ROLL_OUT)
    assert EXECUTION.operation_finished(state, envelope(ended_), RELEASES, OPENS) is UNCHANGED
    assert rollout_execution.rolled_out_environment(other) == PRODUCTION
    assert rollout_execution.rolled_out_environment(accepted(OperationKind.PROMOTE)) is None


def test_success_settles_what_was_to_be_removed() -> None:
    decision = _finish(started(due(FREIGHT, LABELS), due(SCALES)))
    [told] = decision.events
    assert isinstance(told, RolloutFinished)
    assert (told.problem, told.next_start) == (None, None)
    state = state_of(decision)
    assert (state.status, state.removals) == (RolloutStatus.SUCCEEDED, ())
    late = take(state, ended(), sequence=9)
    assert not late.events


def test_after_success_what_is_due_for_a_later_major_is_planned() -> None:
    decision = _finish(started(due(), due(SCALES, base=NEWER)))
    finished_, planned = decision.events
    assert isinstance(finished_, RolloutFinished)
    assert isinstance(planned, RolloutPlanned)
    assert (planned.release, planned.remove_extensions, planned.start) == ("28.0", (SCALES,), OPENS + DAY)


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.ROLLED_BACK, Outcome.CANCELLED])
def test_a_failure_is_tried_again_seven_days_later(outcome: Outcome) -> None:
    decision = _finish(started(), outcome, "STEP_FAILED")
    [told] = decision.events
    assert isinstance(told, RolloutFinished)
    assert told.problem is not None
    assert (told.problem.reason, told.next_start) == ("STEP_FAILED", OPENS + WEEK)
    assert decision.timers == {"start": OPENS + WEEK}
    state = state_of(decision)
    assert state.status is RolloutStatus.FAILED
    assert sent(open_window(state))[1].remove_extensions == (FREIGHT,)


def test_a_failure_without_a_problem_is_said_in_words() -> None:
    [told] = _finish(started(), Outcome.FAILED).events
    assert isinstance(told, RolloutFinished)
    assert told.problem is not None
    assert told.problem.reason == Reason.OPERATION_FAILED


@pytest.mark.parametrize("reason", sorted(WAITS_FOR_CHECKER))
def test_an_operation_that_ends_since_the_set_does_not_fit_waits_for_the_checker(reason: str) -> None:
    decision = _finish(started(), Outcome.FAILED, reason)
    [told] = decision.events
    assert isinstance(told, RolloutFinished)
    assert told.next_start is None
    assert decision.timers == {"start": None}
    again = take(decision.state, due(set_version=4), sequence=9, now=OPENS)
    [planned] = again.events
    assert isinstance(planned, RolloutPlanned)
    assert planned.start == OPENS + DAY


def test_an_end_without_its_beginning_tells_both() -> None:
    told = _finish(starting()).events
    assert [type(one) for one in told] == [RolloutStarted, RolloutFinished]


REFUSALS: list[tuple[str, datetime | None]] = [
    *((reason, None) for reason in sorted(WAITS_FOR_CHECKER)),
    *((reason, OPENS + DAY) for reason in sorted(NEXT_WINDOW)),
    *((reason, None) for reason in sorted(OVER)),
    *((reason, OPENS + WEEK) for reason in ("NOT_DEPLOYED", "EXTENSIONS_UNVERIFIABLE", "PACKAGE_NOT_VALID", "ANY")),
]


@pytest.mark.parametrize(("reason", "again"), REFUSALS)
def test_a_refused_start_is_told_with_the_next_try(reason: str, again: datetime | None) -> None:
    decision = _refuse(starting(), reason)
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.problem.reason, told.problem.message, told.next_start) == (reason, "in words", again)
    assert decision.timers == {"start": again, "answer": None}
    state = state_of(decision)
    assert state.status is RolloutStatus.SKIPPED
    assert (state.removals == ()) is (reason in OVER)


def test_every_reason_of_a_start_s_refusal_is_the_executor_s_or_the_kernel_s() -> None:
    known = {*servicing_executor.Reason, *KernelReason}
    assert known >= WAITS_FOR_CHECKER | NEXT_WINDOW | OVER | NOT_ANNOUNCED


@pytest.mark.parametrize("reason", sorted(NOT_ANNOUNCED))
def test_a_plan_that_the_executor_has_not_heard_of_is_told_anew_for_the_next_window(reason: str) -> None:
    decision = _refuse(starting(due(FREIGHT, LABELS)), reason)
    skipped, planned = decision.events
    assert isinstance(skipped, RolloutSkipped)
    assert (skipped.problem.reason, skipped.next_start) == (reason, None)
    assert isinstance(planned, RolloutPlanned)
    assert (planned.start, planned.package) == (OPENS + DAY, "contoso/release-27.0")
    assert planned.remove_extensions == (LABELS, FREIGHT)
    assert decision.timers["start"] == OPENS + DAY


def test_a_start_that_is_never_answered_is_skipped_and_comes_in_the_next_window() -> None:
    asked = open_window(after(due()))
    late = CLOSES + timedelta(minutes=30)
    assert asked.timers == {"start": None, "answer": late}
    timer = TimerDue("answer", "", late)
    decision = rollout_execution.start_unanswered(state_of(asked), timer, None, late)
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.problem.reason, told.next_start) == (Reason.NOT_ANSWERED, OPENS + DAY)
    for other in (started(), state_of(decision)):
        assert rollout_execution.start_unanswered(other, timer, None, late) is UNCHANGED


def test_a_refusal_that_comes_late_in_the_window_takes_the_next_one() -> None:
    [told] = _refuse(starting(), "OPERATION_RUNNING", CLOSES + timedelta(hours=3)).events
    assert isinstance(told, RolloutSkipped)
    assert told.next_start == OPENS + DAY


def test_a_refusal_of_another_command_is_not_the_rollout_s() -> None:
    state = starting()
    other = refusal(state, "OPERATION_RUNNING").model_copy(update={"command_id": "another"})
    assert EXECUTION.start_refused(state, envelope(other), RELEASES, OPENS) is UNCHANGED
    assert rollout_execution.refused_rollout(other) == PRODUCTION
    promotion = CommandRejected(
        command_key=PRODUCTION,
        command_id="a",
        command_type="servicing-executor.apply-image.v1",
        reason="A",
        message="b",
    )
    assert rollout_execution.refused_rollout(promotion) is None


# -- what is learned meanwhile


def test_what_became_due_while_the_start_was_decided_is_planned_after_a_refusal() -> None:
    meanwhile = state_of(take(starting(), due(SCALES, set_version=4), sequence=5))
    skipped, planned = _refuse(meanwhile, "EXTENSION_SET_CHANGED").events
    assert isinstance(skipped, RolloutSkipped)
    assert isinstance(planned, RolloutPlanned)
    assert planned.remove_extensions == (FREIGHT, SCALES)
    assert planned.start == OPENS + DAY


def test_what_was_mended_while_the_operation_ran_is_not_removed_by_the_next_try() -> None:
    meanwhile = state_of(take(started(due(), due(SCALES)), ended(SCALES), sequence=5))
    decision = _finish(meanwhile, Outcome.ROLLED_BACK, "STEP_FAILED")
    failed, planned = decision.events
    assert isinstance(failed, RolloutFinished)
    assert isinstance(planned, RolloutPlanned)
    assert (planned.remove_extensions, planned.start) == ((FREIGHT,), OPENS + WEEK)


def test_with_everything_mended_while_the_operation_ran_there_is_no_next_try() -> None:
    meanwhile = state_of(take(started(), ended(), sequence=5))
    decision = _finish(meanwhile, Outcome.ROLLED_BACK, "STEP_FAILED")
    _, skipped = decision.events
    assert isinstance(skipped, RolloutSkipped)
    assert (skipped.problem.reason, skipped.next_start) == (Reason.NOT_NEEDED, None)
    assert decision.timers["start"] is None


def test_while_the_executor_has_it_nothing_is_planned() -> None:
    for status in BUSY:
        assert RolloutStatus.PLANNED not in ROLLOUT_LIFECYCLE.moves[status]
