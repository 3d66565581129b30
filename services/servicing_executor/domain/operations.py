"""How an operation takes hold of an environment."""

from typing import Any

from services.servicing_executor.domain.advance import begin_step
from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.plans import FIRST_STATUS, plan, planned
from services.servicing_executor.domain.state import ExtensionChange, Operation
from shared.contracts.envelope import Envelope
from shared.contracts.message import Command
from shared.contracts.parts import (
    ModuleChanges,
)
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    OperationAccepted,
    OperationKind,
)


def start_operation(
    draft: Draft,
    message: Envelope[Command],
    kind: OperationKind,
    *,
    changes: ModuleChanges | None = None,
    extension_change: ExtensionChange | None = None,
    **values: Any,
) -> None:
    """The operation `message.id` takes hold of the environment and begins its first step; without steps it ends."""
    change = extension_change
    new = set(change.extensions) - set(draft.state.extensions) if change else set()
    # Setting what the environment has already mends one that has lost something.
    sets = bool(change or draft.state.extensions)
    names = plan(kind, checks=bool(values.get("base")), fetches=bool(new), sets=sets)
    operation = Operation(
        id=message.id,
        kind=kind,
        actor=message.actor,
        accepted_at=draft.now,
        steps=planned(names),
        previous=draft.state.running,
        extension_change=change,
        **values,
    )
    draft.change(operation=operation)
    draft.change_status(FIRST_STATUS[kind])
    draft.events.insert(
        1 if draft.events and isinstance(draft.events[0], EnvironmentRegistered) else 0,
        OperationAccepted(
            environment=draft.id,
            project=draft.state.project,
            operation=operation.id,
            operation_kind=kind,
            update_name=operation.update_name,
            package=operation.package,
            image=operation.image,
            promotion=operation.promotion,
            changes=changes,
            steps=tuple(name.value for name in names),
        ),
    )
    begin_step(draft)
