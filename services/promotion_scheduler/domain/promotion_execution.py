"""What becomes of a scheduled promotion: it starts at its time, and then what the executor says."""

from datetime import datetime

from services.promotion_scheduler.domain.promotion_change import PromotionChange
from services.promotion_scheduler.domain.state import Promotion
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import PromotionStatus, Reason
from shared.contracts.servicing_executor import ApplyImage, OperationAccepted, OperationFinished, Outcome
from shared.kernel import UNCHANGED, Decision, TimerDue


def start(state: Promotion, timer: TimerDue, facts: None, now: datetime) -> Decision[Promotion]:
    """The downtime begins. However late it is by now, the executor decides whether that is too late."""
    if state.id != timer.argument or state.status is not PromotionStatus.SCHEDULED:
        return UNCHANGED
    change = PromotionChange(state, now)
    change.starting()
    return change


def promoted_environment(told: OperationAccepted | OperationFinished) -> str | None:
    """The environment whose promotion an operation belongs to; None: it belongs to none."""
    return told.environment if told.promotion else None


def operation_accepted(
    state: Promotion, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[Promotion]:
    """The executor has begun."""
    accepted = message.data
    if state.id != accepted.promotion or state.status is not PromotionStatus.STARTING:
        return UNCHANGED
    change = PromotionChange(state, now)
    change.started(accepted.operation)
    return change


def operation_finished(
    state: Promotion, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[Promotion]:
    """The executor has ended."""
    finished = message.data
    if state.id != finished.promotion:
        return UNCHANGED
    if state.status not in (PromotionStatus.STARTING, PromotionStatus.STARTED):
        return UNCHANGED
    change = PromotionChange(state, now)
    if state.status is PromotionStatus.STARTING:
        # The word that it has begun became a dead letter; what has ended has begun.
        change.started(finished.operation)
    if finished.outcome is Outcome.SUCCEEDED:
        change.completed(finished.operation)
    else:
        unknown = Problem.of(Reason.OPERATION_FAILED, f"its operation ended as {finished.outcome.value}")
        change.failed(finished.operation, finished.problem or unknown)
    return change


def refused_start(rejected: CommandRejected) -> str | None:
    """The environment whose promotion the executor refuses to start; None: it refuses something else."""
    return rejected.command_key if rejected.command_type == ApplyImage.type else None


def start_refused(
    state: Promotion, message: Envelope[CommandRejected], facts: None, now: datetime
) -> Decision[Promotion]:
    """The executor's guards, under its lock, spoke against the start."""
    rejected = message.data
    if state.status is not PromotionStatus.STARTING or rejected.command_id != state.apply_command:
        return UNCHANGED
    change = PromotionChange(state, now)
    change.cancelled(Problem.of(rejected.reason, rejected.message))
    return change


def start_unanswered(state: Promotion, timer: TimerDue, facts: None, now: datetime) -> Decision[Promotion]:
    """The executor has not said whether he began, and would not begin any more: production is free again."""
    if state.id != timer.argument or state.status is not PromotionStatus.STARTING:
        return UNCHANGED
    change = PromotionChange(state, now)
    why = "servicing-executor did not say whether it began; look at the environment, and schedule it again"
    change.cancelled(Problem.of(Reason.NOT_ANSWERED, why))
    return change
