"""The end of an operation: what it leaves behind is tidied up, then its outcome becomes the environment's state."""

from datetime import datetime

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.health import look_after_operation
from services.servicing_executor.domain.state import UPDATES_KEPT, Environment, Operation
from services.servicing_executor.domain.views import finished_event, history_entry
from services.servicing_executor.domain.work import ClosingDone, ClosingInput
from shared.contracts.parts import ArtifactRef, Update
from shared.contracts.servicing_executor import (
    EnvironmentStatus,
    ExtensionSetChanged,
    OperationKind,
    OperationSnapshot,
    OperationStatus,
    Outcome,
)
from shared.kernel import UNCHANGED, Decision, WorkEnded

BRINGS_IMAGE = frozenset({OperationKind.PROVISION, OperationKind.APPLY, OperationKind.PROMOTE, OperationKind.ROLL_OUT})


def close(change: EnvironmentChange, outcome: Outcome) -> None:
    """All steps have ended: put the log together and remove what is not needed any more, then finish."""
    operation = change.operation.replace(outcome=outcome)
    change.set_operation(operation)
    if not operation.steps:
        _finish(change, None)
        return
    succeeded = outcome is Outcome.SUCCEEDED
    old = operation.previous.image if operation.previous else None
    runs, unused = (operation.image, old) if succeeded else (old, operation.image)
    replaced = operation.kind in BRINGS_IMAGE and runs != unused
    left = ClosingInput(
        environment=change.state.id,
        operation=operation.id,
        logs=operation.logs,
        snapshot=operation.snapshot,
        discard=unused if replaced else None,
        tidy_extensions=operation.extension_change is not None,
    )
    change.start(f"closing:{operation.id}", left)


def closed(state: Environment, ended: WorkEnded[ClosingDone], facts: None, now: datetime) -> Decision[Environment]:
    """Everything is done: say so, once. What could not be tidied up does not change the outcome."""
    if state.operation is None or state.operation.id != ended.argument:
        return UNCHANGED
    change = EnvironmentChange(state, now)
    _finish(change, ended.result.log if ended.result else None)
    return change


def _finish(change: EnvironmentChange, log: ArtifactRef | None) -> None:
    operation = change.operation.move(OperationStatus.FINISHED)
    change.set_operation(operation)
    outcome = operation.outcome or Outcome.FAILED
    if outcome is Outcome.SUCCEEDED:
        _take_effect(change, operation)
    finished = finished_event(change.state, operation, outcome, log, change.now)
    entry = history_entry(finished, operation.actor)
    if outcome is Outcome.SUCCEEDED and operation.kind in BRINGS_IMAGE:
        _remember(change, entry)
    change.move(_last_status(change.state, operation, outcome))
    change.say(finished)
    change.show(entry)
    change.replace(operation=None)
    look_after_operation(change, operation)


def _take_effect(change: EnvironmentChange, operation: Operation) -> None:
    if operation.kind in BRINGS_IMAGE:
        assert operation.image
        assert operation.contents
        update = Update(name=operation.update_name or "", image=operation.image, contents=operation.contents)
        change.replace(running=update)
    set_change, state = operation.extension_change, change.state
    if set_change and (set_change.extensions, set_change.staged) != (state.extensions, state.staged):
        version = state.set_version + 1
        change.replace(extensions=set_change.extensions, staged=set_change.staged, set_version=version)
        change.say(
            ExtensionSetChanged(
                environment=state.id,
                project=state.project,
                set_version=version,
                extensions=set_change.extensions,
                staged=set_change.staged,
                operation=operation.id,
            )
        )


def _remember(change: EnvironmentChange, entry: OperationSnapshot) -> None:
    name, state = (entry.update_name or "").casefold(), change.state
    change.replace(names=(*state.names, name), updates=(*state.updates, entry)[-UPDATES_KEPT:])


def _last_status(state: Environment, operation: Operation, outcome: Outcome) -> EnvironmentStatus:
    """Where the environment stands when the operation has ended."""
    done = outcome is Outcome.SUCCEEDED
    if state.running is None:
        return EnvironmentStatus.FAILED
    if operation.kind is OperationKind.ENABLE_MAINTENANCE:
        return EnvironmentStatus.IN_MAINTENANCE if done else EnvironmentStatus.DEPLOYED
    if operation.kind is OperationKind.DISABLE_MAINTENANCE and not done:
        return EnvironmentStatus.IN_MAINTENANCE
    if operation.kind is OperationKind.RESTART_SERVICE and not done and not operation.recovers:
        return EnvironmentStatus.FAILED
    return EnvironmentStatus.DEPLOYED
