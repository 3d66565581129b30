"""`drydock operation`: wait for one, read its log, decide about one that is held."""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from services.console.cli.following import end, wait_for_operation
from services.console.cli.options import Timeout
from services.console.cli.printing import Form, Output, print_id, print_one, when
from services.console.cli.running import Exit, leave, run, tell
from services.console.installation import Installation
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.contracts.message import Command, Message
from shared.contracts.servicing_executor import (
    CancelOperation,
    EnvironmentSnapshot,
    OperationFinished,
    OperationSnapshot,
    ResumeOperation,
    RollBackOperation,
    RollbackStarted,
    StepStarted,
)

app = typer.Typer(no_args_is_help=True, help="Operations: wait for, read the log of, decide about.")

Operation = Annotated[str, typer.Argument(metavar="OPERATION", help="Id of the operation.")]
LOG_LIMIT = 64 * 1024 * 1024


@app.command()
def wait(
    operation: Operation,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Wait until an operation has ended; at once if it has. Exit code: its outcome."""
    finished = run(lambda there: wait_for_operation(there, operation), timeout=timeout)
    print_one(
        finished,
        output,
        [
            ("operation", f"{finished.operation_kind.value} {finished.operation}"),
            ("environment", finished.environment),
            ("update", finished.update_name),
            ("outcome", finished.outcome.value),
            ("finished", when(finished.finished_at)),
        ],
    )
    end(finished)


@app.command()
def logs(operation: Operation) -> None:
    """Print the whole log of an operation that has ended."""

    async def read(installation: Installation) -> bytes:
        ended = (await installation.client.read(OperationSnapshot)).ended_operation(operation)
        if ended is None:
            leave(Exit.NOT_FOUND, f"no operation {operation} has ended; watch it with `drydock operation wait`")
        if ended.log is None:
            leave(Exit.NOT_FOUND, f"operation {operation} has no log: none of its own steps had begun")
        try:
            return await FolderStore(installation.artifacts).read(ended.log.digest, limit=LOG_LIMIT)
        except ArtifactMissingError:
            leave(Exit.NOT_FOUND, f"the log of operation {operation} is no longer kept: `drydock retention show`")

    sys.stdout.write(run(read).decode(errors="replace"))


@app.command()
def cancel(operation: Operation, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Cancel an operation that has not stopped the services yet."""
    _decide(
        operation, lambda environment: CancelOperation(environment=environment, operation=operation), timeout, output
    )


@app.command()
def resume(operation: Operation, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Try the failed step of a held operation again."""
    _decide(
        operation, lambda environment: ResumeOperation(environment=environment, operation=operation), timeout, output
    )


@app.command("roll-back")
def roll_back(operation: Operation, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Give up a held operation, and roll the environment back."""
    _decide(
        operation, lambda environment: RollBackOperation(environment=environment, operation=operation), timeout, output
    )


def _decide(operation: str, make: Callable[[str], Command], timeout: float | None, output: Form) -> None:
    async def work(installation: Installation) -> Message:
        running = (await installation.client.read(EnvironmentSnapshot)).running_operation(operation)
        if running is None:
            leave(Exit.NOT_FOUND, f"no operation {operation} runs")
        return await installation.client.ask(make(running[0]), OperationFinished, StepStarted, RollbackStarted)

    event = run(work, timeout=timeout)
    tell(type(event).__name__)
    print_id(operation, output)
