"""What a person decides about an operation that runs or is held, and what becomes of it when nobody decides."""

from datetime import datetime

from services.servicing_executor.domain.advance import resume, start_rollback
from services.servicing_executor.domain.closing import close
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.guards import check_held, operation_of
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.parts import Problem
from shared.contracts.servicing_executor import (
    CancelOperation,
    OperationKind,
    OperationStatus,
    Outcome,
    Reason,
    ResumeOperation,
    RollBackOperation,
)
from shared.kernel import UNCHANGED, Decision, Rejected, TimerDue

_CANCELLABLE = frozenset(
    {OperationKind.APPLY, OperationKind.PROMOTE, OperationKind.ROLL_OUT, OperationKind.INSTALL_EXTENSION}
)


def cancel_operation(
    state: Environment, message: Envelope[CancelOperation], facts: None, now: datetime
) -> Decision[Environment]:
    """An operation that has not stopped the services ends, and leaves everything as it was."""
    operation = operation_of(state, message.data.operation)
    step = operation.step
    if operation.status is not OperationStatus.PREPARING or step is None or operation.kind not in _CANCELLABLE:
        raise Rejected(
            Reason.NOT_CANCELLABLE,
            f"operation {operation.id} is {operation.status.value}; it can no longer be cancelled",
        )
    change = EnvironmentChange(state, now)
    change.cancel(f"answer:{operation.id}/{step.name}")
    change.call_off(f"step:{operation.id}/{step.name}")
    problem = Problem.of(Reason.CANCELLED_BY_USER, f"cancelled{_by(message.actor)}")
    change.set_operation(operation.replace(problem=problem))
    close(change, Outcome.CANCELLED)
    return change


def resume_operation(
    state: Environment, message: Envelope[ResumeOperation], facts: None, now: datetime
) -> Decision[Environment]:
    """A held operation tries its failed step again."""
    check_held(state, message.data.operation)
    change = EnvironmentChange(state, now)
    resume(change)
    return change


def roll_back_operation(
    state: Environment, message: Envelope[RollBackOperation], facts: None, now: datetime
) -> Decision[Environment]:
    """A held operation is given up."""
    check_held(state, message.data.operation)
    change = EnvironmentChange(state, now)
    start_rollback(change, Problem.of(Reason.ROLLED_BACK_BY_USER, f"rolled back{_by(message.actor)}"))
    return change


def hold_expired(state: Environment, timer: TimerDue, facts: None, now: datetime) -> Decision[Environment]:
    """Nobody has decided about a held operation: it rolls back."""
    operation = state.operation
    if operation is None or operation.id != timer.argument or operation.status is not OperationStatus.HELD:
        return UNCHANGED
    change = EnvironmentChange(state, now)
    start_rollback(change, Problem.of(Reason.HOLD_EXPIRED, "nobody decided before the deadline"))
    return change


def _by(actor: str | None) -> str:
    return f" by {actor}" if actor else ""
