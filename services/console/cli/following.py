"""Follows an operation to its end: its steps live on stderr, its outcome as exit code."""

from collections.abc import AsyncIterator

from services.console.cli.printing import when
from services.console.cli.running import Exit, leave, refuse, tell
from services.console.installation import Installation
from shared.contracts.common import CommandRejected
from shared.contracts.message import Command, Message
from shared.contracts.servicing_executor import (
    EnvironmentStatusChanged,
    OperationAccepted,
    OperationFinished,
    OperationHeld,
    OperationSnapshot,
    Outcome,
    RollbackStarted,
    StepFinished,
    StepStarted,
)
from shared.kernel.kafka.reader import Read

EXECUTOR = "servicing-executor"
_CODES = {
    Outcome.SUCCEEDED: Exit.SUCCEEDED,
    Outcome.FAILED: Exit.FAILED,
    Outcome.ROLLED_BACK: Exit.ROLLED_BACK,
    Outcome.CANCELLED: Exit.CANCELLED,
}


async def start_operation(installation: Installation, command: Command, *, wait: bool, id_: str) -> Message:
    """Send a command that becomes an operation; its acceptance, or with `wait` its end."""
    session = installation.session
    async with session.events_from_now([EXECUTOR]) as reader:
        await session.publish(command, id_=id_)
        async for event in _of_operation(reader.forever(), id_):
            if isinstance(event, CommandRejected):
                refuse(event)
            if isinstance(event, OperationAccepted) and not wait:
                return event
            if wait:
                show(event)
            if isinstance(event, OperationFinished):
                return event
    raise AssertionError("a reader reads for ever")


async def wait_for_operation(installation: Installation, operation: str) -> Message:
    """The end of an operation: at once if it has ended already, else when it does. Its steps are shown meanwhile."""
    session = installation.session
    async with session.events_from_now([EXECUTOR]) as reader:
        for view in (await session.views(OperationSnapshot)).values():
            if isinstance(view, OperationSnapshot) and view.operation == operation:
                return view
        async for event in _of_operation(reader.forever(), operation):
            show(event)
            if isinstance(event, OperationFinished):
                return event
    raise AssertionError("a reader reads for ever")


async def _of_operation(reads: AsyncIterator[Read], operation: str) -> AsyncIterator[Message]:
    async for read in reads:
        if read.envelope is None:
            continue
        event = read.envelope.data
        if isinstance(event, CommandRejected):
            if event.command_id == operation:
                yield event
        elif getattr(event, "operation", None) == operation:
            yield event


def show(event: Message) -> None:
    """One line for a person about what happens in an operation."""
    match event:
        case OperationAccepted():
            tell(f"{event.operation_kind.value} accepted on {event.environment}: {', '.join(event.steps)}")
        case StepStarted():
            tell(f"{when(event.started_at)}  {event.step} ...")
        case StepFinished():
            seconds = ""
            if event.record.started_at and event.record.finished_at:
                seconds = f" ({(event.record.finished_at - event.record.started_at).total_seconds():.1f} s)"
            problem = f": {event.record.problem.message}" if event.record.problem else ""
            tell(f"{when(event.record.finished_at)}  {event.record.name} {event.record.status.value}{seconds}{problem}")
        case EnvironmentStatusChanged():
            tell(f"{event.environment}: {event.previous.value} -> {event.status.value}")
        case RollbackStarted():
            tell(f"rolling back after {event.step}: {event.problem.message}")
        case OperationHeld():
            until = f" until {when(event.deadline)}" if event.deadline else ""
            tell(f"held after {event.step}{until}: {event.problem.message}; resume it or roll it back")
        case OperationFinished():
            tell(f"{event.operation_kind.value} {event.outcome.value}")


def end(finished: Message) -> None:
    """End with the exit code of an operation's outcome; its problem in one sentence."""
    if not isinstance(finished, OperationFinished | OperationSnapshot):
        return
    code = _CODES[finished.outcome]
    if code is not Exit.SUCCEEDED:
        problem = f" ({finished.problem.reason}): {finished.problem.message}" if finished.problem else ""
        leave(code, f"{finished.outcome.value}{problem}")
