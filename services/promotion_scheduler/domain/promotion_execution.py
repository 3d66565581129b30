"""What becomes of a promotion: cancelled before its start, or started, and then what the executor says."""

from datetime import datetime

from services.promotion_scheduler.domain.promotion_change import Draft
from services.promotion_scheduler.domain.state import Promotion, problem
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.promotion_scheduler import CancelPromotion, PromotionStatus, Reason
from shared.contracts.servicing_executor import ApplyImage, OperationAccepted, OperationFinished, Outcome
from shared.kernel import Decision, Rejected, TimerDue


def cancel(
    state: Promotion | None, message: Envelope[CancelPromotion], facts: None, now: datetime
) -> Decision[Promotion]:
    """A person does not want it any more. Once it was handed to the executor, only the operation can be cancelled."""
    command = message.data
    if state is None or not state.open or command.promotion not in (None, state.id):
        which = f"promotion {command.promotion}" if command.promotion else f"a promotion of {command.environment}"
        raise Rejected(Reason.NO_OPEN_PROMOTION, f"{which} is not open")
    if state.status in (PromotionStatus.STARTING, PromotionStatus.STARTED):
        raise Rejected(
            Reason.STARTED_ALREADY,
            f"promotion {state.id} is {state.status.value}; cancel its operation",
            facts={"promotion": state.id, "operation": state.operation},
        )
    why = problem(Reason.CANCELLED_BY_USER, f"cancelled by {message.actor or 'a person'}")
    draft = Draft(state)
    if state.status is PromotionStatus.CHECKING:
        draft.refuse(why)
    else:
        draft.cancel(why)
    return draft.decision()


def start(state: Promotion | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Promotion]:
    """The downtime begins. However late it is by now, the executor decides whether that is too late."""
    if state is None or state.id != timer.argument or state.status is not PromotionStatus.SCHEDULED:
        return Decision(state)
    draft = Draft(state)
    draft.start(now)
    return draft.decision()


def promoted_environment(told: OperationAccepted | OperationFinished) -> str | None:
    """The environment whose promotion an operation belongs to; None: it belongs to none."""
    return told.environment if told.promotion else None


def operation_accepted(
    state: Promotion | None, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[Promotion]:
    """The executor has begun."""
    accepted = message.data
    if state is None or state.id != accepted.promotion or state.status is not PromotionStatus.STARTING:
        return Decision(state)
    draft = Draft(state)
    draft.started(accepted.operation)
    return draft.decision()


def operation_finished(
    state: Promotion | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[Promotion]:
    """The executor has ended."""
    finished = message.data
    if state is None or state.id != finished.promotion:
        return Decision(state)
    if state.status not in (PromotionStatus.STARTING, PromotionStatus.STARTED):
        return Decision(state)
    draft = Draft(state)
    if state.status is PromotionStatus.STARTING:
        # The word that it has begun became a dead letter; what has ended has begun.
        draft.started(finished.operation)
    if finished.outcome is Outcome.SUCCEEDED:
        draft.complete(finished.operation)
    else:
        unknown = problem(Reason.OPERATION_FAILED, f"its operation ended as {finished.outcome.value}")
        draft.fail(finished.operation, finished.problem or unknown)
    return draft.decision()


def refused_start(rejected: CommandRejected) -> str | None:
    """The environment whose promotion the executor refuses to start; None: it refuses something else."""
    return rejected.command_key if rejected.command_type == ApplyImage.type else None


def start_refused(
    state: Promotion | None, message: Envelope[CommandRejected], facts: None, now: datetime
) -> Decision[Promotion]:
    """The executor's guards, under its lock, spoke against the start."""
    rejected = message.data
    if state is None or state.status is not PromotionStatus.STARTING or rejected.command_id != state.apply_command:
        return Decision(state)
    draft = Draft(state)
    draft.cancel(problem(rejected.reason, rejected.message))
    return draft.decision()


def start_unanswered(state: Promotion | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Promotion]:
    """The executor has not said whether he began, and would not begin any more: production is free again."""
    if state is None or state.id != timer.argument or state.status is not PromotionStatus.STARTING:
        return Decision(state)
    draft = Draft(state)
    why = "servicing-executor did not say whether it began; look at the environment, and schedule it again"
    draft.cancel(problem(Reason.NOT_ANSWERED, why))
    return draft.decision()


def refused_check(rejected: CommandRejected) -> str | None:
    """The environment whose extensions the checker refuses to check; None: it refuses something else."""
    return rejected.command_key if rejected.command_type == CheckCompatibility.type else None


def check_refused(
    state: Promotion | None, message: Envelope[CommandRejected], facts: None, now: datetime
) -> Decision[Promotion]:
    """The extensions cannot be checked: this says nothing about them."""
    rejected = message.data
    if state is None or state.status is not PromotionStatus.CHECKING or rejected.command_id != state.check_command:
        return Decision(state)
    draft = Draft(state)
    why = f"the extensions could not be checked ({rejected.reason}): {rejected.message}"
    draft.refuse(problem(Reason.CHECK_FAILED, why))
    return draft.decision()
