"""The end of an operation: what it leaves behind is tidied up, then its outcome becomes the environment's state."""

from datetime import datetime

from services.servicing_executor.domain.draft import Draft
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
from shared.kernel import Decision, WorkEnded

BRINGS_IMAGE = frozenset({OperationKind.PROVISION, OperationKind.APPLY, OperationKind.PROMOTE, OperationKind.ROLL_OUT})


def close(draft: Draft, outcome: Outcome) -> None:
    """All steps have ended: put the log together and remove what is not needed any more, then finish."""
    draft.change_operation(outcome=outcome)
    operation = draft.operation
    if not operation.steps:
        _finish(draft, None)
        return
    succeeded = outcome is Outcome.SUCCEEDED
    old = operation.previous.image if operation.previous else None
    runs, unused = (operation.image, old) if succeeded else (old, operation.image)
    replaced = operation.kind in BRINGS_IMAGE and runs != unused
    draft.work[f"closing:{operation.id}"] = ClosingInput(
        environment=draft.id,
        operation=operation.id,
        logs=operation.logs,
        snapshot=operation.snapshot,
        discard=unused if replaced else None,
        tidy_extensions=operation.extension_change is not None,
    )


def closed(
    state: Environment | None, ended: WorkEnded[ClosingDone], facts: None, now: datetime
) -> Decision[Environment]:
    """Everything is done: say so, once. What could not be tidied up does not change the outcome."""
    if state is None or state.operation is None or state.operation.id != ended.argument:
        return Decision(state)
    draft = Draft(state, now)
    _finish(draft, ended.result.log if ended.result else None)
    return draft.decision()


def _finish(draft: Draft, log: ArtifactRef | None) -> None:
    operation = draft.operation
    outcome = operation.outcome or Outcome.FAILED
    draft.change_operation(status=OperationStatus.FINISHED)
    if outcome is Outcome.SUCCEEDED:
        _take_effect(draft, operation)
    finished = finished_event(draft.state, operation, outcome, log, draft.now)
    entry = history_entry(finished, operation.actor)
    if outcome is Outcome.SUCCEEDED and operation.kind in BRINGS_IMAGE:
        _remember(draft, entry)
    draft.change_status(_last_status(draft, operation, outcome))
    draft.events.append(finished)
    draft.snapshots.append(entry)
    draft.change(operation=None)


def _take_effect(draft: Draft, operation: Operation) -> None:
    if operation.kind in BRINGS_IMAGE:
        assert operation.image
        assert operation.contents
        update = Update(name=operation.update_name or "", image=operation.image, contents=operation.contents)
        draft.change(running=update)
    change, state = operation.extension_change, draft.state
    if change and (change.extensions, change.staged) != (state.extensions, state.staged):
        draft.change(extensions=change.extensions, staged=change.staged, set_version=state.set_version + 1)
        draft.events.append(
            ExtensionSetChanged(
                environment=draft.id,
                project=state.project,
                set_version=draft.state.set_version,
                extensions=change.extensions,
                staged=change.staged,
                operation=operation.id,
            )
        )


def _remember(draft: Draft, entry: OperationSnapshot) -> None:
    name = (entry.update_name or "").casefold()
    draft.change(names=(*draft.state.names, name), updates=(*draft.state.updates, entry)[-UPDATES_KEPT:])


def _last_status(draft: Draft, operation: Operation, outcome: Outcome) -> EnvironmentStatus:
    """Where the environment stands when the operation has ended."""
    done = outcome is Outcome.SUCCEEDED
    if draft.state.running is None:
        return EnvironmentStatus.FAILED
    if operation.kind is OperationKind.ENABLE_MAINTENANCE:
        return EnvironmentStatus.IN_MAINTENANCE if done else EnvironmentStatus.DEPLOYED
    if operation.kind is OperationKind.DISABLE_MAINTENANCE and not done:
        return EnvironmentStatus.IN_MAINTENANCE
    if operation.kind is OperationKind.RESTART_SERVICE and not done:
        return EnvironmentStatus.FAILED
    return EnvironmentStatus.DEPLOYED
