"""Follows an operation to its end: its steps live on stderr, its outcome as exit code."""

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from services.console.cli.printing import Form, print_id, when
from services.console.cli.running import Exit, leave, refuse, run, tell
from services.console.installation import Installation
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import new_id
from shared.contracts.message import Command, Message
from shared.contracts.servicing_executor import (
    EnvironmentHealthChanged,
    EnvironmentSnapshot,
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

if TYPE_CHECKING:
    from shared.kernel.client import Read

EXECUTOR = "servicing-executor"
_CODES = {
    Outcome.SUCCEEDED: Exit.SUCCEEDED,
    Outcome.FAILED: Exit.FAILED,
    Outcome.ROLLED_BACK: Exit.ROLLED_BACK,
    Outcome.CANCELLED: Exit.CANCELLED,
}


BEGINS_WITHIN = 12.0
"""Seconds in which what is waited for must become known: a command may be on its way, and is refused after 10 s."""


def operate(
    command: Command, *, output: Form, wait: bool = False, timeout: float | None = None, command_id: str | None = None
) -> None:
    """Send a command that becomes an operation, print the operation's id, and with `wait` end as it ends."""
    id_ = command_id or new_id()
    told = run(
        lambda there: start_operation(there, command, wait=wait, id_=id_, repeated=command_id is not None),
        timeout=timeout,
    )
    print_id(id_, output, environment=command.key)
    end(told)


async def start_operation(
    installation: Installation, command: Command, *, wait: bool, id_: str, repeated: bool = False
) -> Message:
    """Send a command that becomes an operation; its answer, or with `wait` its end.

    `repeated`: it may have been sent before, and its operation have ended. It then gets its first answer again.
    """
    client = installation.client
    with client.waiting_for(f"{command.owner} to answer") as reminder:
        async with client.sending(command, id_=id_) as events:
            async for envelope in events:
                event = envelope.data
                if envelope.causation != id_ and getattr(event, "operation", None) != id_:
                    continue
                reminder.cancel()
                if not wait:
                    return event
                show(event)
                if isinstance(event, OperationFinished):
                    return event
                if repeated and (ended := await _ended(installation, id_)):
                    return ended
                repeated = False
    raise AssertionError("a reader reads for ever")


async def wait_for_operation(installation: Installation, operation: str) -> OperationFinished | OperationSnapshot:
    """The end of an operation: at once if it has ended already, else when it does. Its steps are shown meanwhile.

    One that nobody knows, and that does not begin either, ends the command.
    """
    client = installation.client
    async with client.events_of([EXECUTOR]) as reader:
        if ended := await _ended(installation, operation):
            return ended
        running = await _running(installation, operation)
        tell(running or f"operation {operation} is not known yet; waiting {BEGINS_WITHIN:g} s for it to begin")
        try:
            async with asyncio.timeout(None if running else BEGINS_WITHIN) as patience:
                async for event in _of_operation(reader.forever(), operation):
                    patience.reschedule(None)
                    show(event)
                    if isinstance(event, CommandRejected):
                        refuse(event)
                    if isinstance(event, OperationFinished):
                        return event
        except TimeoutError:
            if ended := await _ended(installation, operation):
                return ended
            leave(Exit.NOT_FOUND, f"there is no operation {operation}")
    raise AssertionError("a reader reads for ever")


async def _ended(installation: Installation, operation: str) -> OperationSnapshot | None:
    return (await installation.client.read(OperationSnapshot)).ended_operation(operation)


async def _running(installation: Installation, operation: str) -> str | None:
    """What an operation does that has not ended, in words; None: no environment is held by it."""
    found = (await installation.client.read(EnvironmentSnapshot)).running_operation(operation)
    if found is None:
        return None
    environment, running = found
    step = next((f", {one.name}" for one in running.steps if one.started_at and not one.finished_at), "")
    return f"{running.operation_kind.value} on {environment} is {running.status.value}{step}; waiting for its end"


async def _of_operation(reads: "AsyncIterator[Read]", operation: str) -> AsyncIterator[Message]:
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
        case EnvironmentHealthChanged():
            down = ", ".join(one.service for one in event.health.services)
            tell(f"{event.environment}: {event.health.level.value}" + (f", {down} ended by itself" if down else ""))
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
