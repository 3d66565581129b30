"""How an operation takes hold of an environment."""

from datetime import datetime

from services.servicing_executor.domain.advance import begin_step
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.plans import FIRST_STATUS, plan, planned
from services.servicing_executor.domain.state import Operation
from shared.contracts.envelope import Envelope
from shared.contracts.message import Command
from shared.contracts.parts import ModuleChanges
from shared.contracts.servicing_executor import OperationAccepted, OperationKind


def new_operation(message: Envelope[Command], kind: OperationKind, now: datetime) -> Operation:
    """The operation that a command asks for, before it is said what it is about: `message.id`, without steps."""
    return Operation(id=message.id, kind=kind, actor=message.actor, accepted_at=now)


def start_operation(
    change: EnvironmentChange, wanted: Operation, modules: ModuleChanges | None = None
) -> EnvironmentChange:
    """An operation takes hold of the environment and begins its first step; without steps it ends.

    `modules` is how the modules of what it brings differ from those that run. Returns the change that it was given.
    """
    state, set_change = change.state, wanted.extension_change
    new = set(set_change.extensions) - set(state.extensions) if set_change else set()
    # Setting what the environment has already mends one that has lost something.
    sets = bool(set_change or state.extensions)
    names = plan(wanted.kind, checks=bool(wanted.base), fetches=bool(new), sets=sets)
    operation = wanted.replace(steps=planned(names), previous=state.running)
    change.set_operation(operation)
    change.say(
        OperationAccepted(
            environment=state.id,
            project=state.project,
            operation=operation.id,
            operation_kind=operation.kind,
            update_name=operation.update_name,
            package=operation.package,
            image=operation.image,
            promotion=operation.promotion,
            changes=modules,
            steps=tuple(name.value for name in names),
        )
    )
    change.move(FIRST_STATUS[operation.kind])
    begin_step(change)
    return change
