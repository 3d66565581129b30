"""What a person decides about an operation that runs, waits or has ended."""

from datetime import datetime

from services.servicing_executor.domain.advance import resume, start_rollback
from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.finish import close
from services.servicing_executor.domain.guards import check_held, known, operation_of
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.parts import (
    Problem,
)
from shared.contracts.servicing_executor import (
    CancelOperation,
    OperationKind,
    OperationStatus,
    Outcome,
    Reason,
    ResumeOperation,
    RollBackOperation,
    SignOffUpdate,
    UpdateSignedOff,
)
from shared.kernel import Decision, Rejected

_CANCELLABLE = frozenset(
    {OperationKind.APPLY, OperationKind.PROMOTE, OperationKind.ROLL_OUT, OperationKind.INSTALL_EXTENSION}
)


def cancel_operation(
    state: Environment | None, message: Envelope[CancelOperation], facts: None, now: datetime
) -> Decision[Environment]:
    """An operation that has not stopped the services ends, and leaves everything as it was."""
    state = known(state, message.data.environment)
    operation = operation_of(state, message.data.operation)
    step = operation.step
    if operation.status is not OperationStatus.PREPARING or step is None or operation.kind not in _CANCELLABLE:
        raise Rejected(
            Reason.NOT_CANCELLABLE,
            f"operation {operation.id} is {operation.status.value}; it can no longer be cancelled",
        )
    who = f" by {message.actor}" if message.actor else ""
    problem = Problem(reason=Reason.CANCELLED_BY_USER, message=f"cancelled{who}")
    draft = Draft(state, now)
    draft.timers[f"answer:{operation.id}/{step.name}"] = None
    draft.work[f"step:{operation.id}/{step.name}"] = None
    draft.change_operation(problem=problem)
    close(draft, Outcome.CANCELLED)
    return draft.decision()


def resume_operation(
    state: Environment | None, message: Envelope[ResumeOperation], facts: None, now: datetime
) -> Decision[Environment]:
    """A held operation tries its failed step again."""
    state = known(state, message.data.environment)
    check_held(state, message.data.operation)
    draft = Draft(state, now)
    resume(draft)
    return draft.decision()


def roll_back_operation(
    state: Environment | None, message: Envelope[RollBackOperation], facts: None, now: datetime
) -> Decision[Environment]:
    """A held operation is given up."""
    state = known(state, message.data.environment)
    check_held(state, message.data.operation)
    draft = Draft(state, now)
    who = f" by {message.actor}" if message.actor else ""
    start_rollback(draft, Problem(reason=Reason.ROLLED_BACK_BY_USER, message=f"rolled back{who}"))
    return draft.decision()


def sign_off(
    state: Environment | None, message: Envelope[SignOffUpdate], facts: None, now: datetime
) -> Decision[Environment]:
    """A mark on the history; nothing depends on it."""
    command = message.data
    state = known(state, command.environment)
    wanted = command.update_name.casefold()
    entry = next((one for one in reversed(state.updates) if (one.update_name or "").casefold() == wanted), None)
    if entry is None:
        raise Rejected(Reason.NO_SUCH_UPDATE, f"no update {command.update_name!r} has succeeded in {state.id}")
    signed = entry.model_copy(
        update={"sign_off": command.sign_off, "sign_off_note": command.note, "signed_off_by": message.actor}
    )
    draft = Draft(state, now)
    draft.change(updates=tuple(signed if one is entry else one for one in state.updates))
    draft.snapshots.append(signed)
    draft.events.append(
        UpdateSignedOff(
            environment=state.id,
            project=state.project,
            update_name=entry.update_name or "",
            operation=entry.operation,
            sign_off=command.sign_off,
            note=command.note,
            actor=message.actor,
        )
    )
    return draft.decision()
