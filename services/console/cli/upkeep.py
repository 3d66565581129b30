"""`drydock service`, `drydock maintenance`: what keeps an environment's image."""

from typing import Annotated

import typer

from services.console.cli.environment import Environment, Timeout, Wait
from services.console.cli.following import end, start_operation
from services.console.cli.printing import Form, Output, print_id
from services.console.cli.running import confirm, run
from shared.contracts.envelope import new_id
from shared.contracts.message import Command
from shared.contracts.servicing_executor import (
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    RestartableService,
    RestartService,
)

service = typer.Typer(no_args_is_help=True, help="Services of an environment.")
maintenance = typer.Typer(no_args_is_help=True, help="Maintenance mode of an environment.")

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@service.callback()
def _service() -> None:
    pass


@service.command()
def restart(
    environment: Environment,
    name: Annotated[RestartableService, typer.Argument(metavar="SERVICE", help="AOS, DIXF or MR.")],
    yes: Yes = False,
    wait: Wait = False,
    timeout: Timeout = None,
    output: Output = Form.TABLE,
) -> None:
    """Stop and start one service."""
    confirm(f"Restart {name.value} of {environment}?", yes=yes)
    _operate(RestartService(environment=environment, service=name), environment, wait, timeout, output)


@maintenance.command()
def on(environment: Environment, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Let in administrators only."""
    _operate(EnableMaintenanceMode(environment=environment), environment, wait, timeout, output)


@maintenance.command()
def off(environment: Environment, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Let everybody in again."""
    _operate(DisableMaintenanceMode(environment=environment), environment, wait, timeout, output)


def _operate(command: Command, environment: str, wait: bool, timeout: float | None, output: Form) -> None:
    id_ = new_id()
    finished = run(lambda there: start_operation(there, command, wait=wait, id_=id_), timeout=timeout)
    print_id(id_, output, environment=environment)
    end(finished)
