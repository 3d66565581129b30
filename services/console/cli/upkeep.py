"""`drydock service`, `drydock maintenance`: what keeps an environment's image."""

from typing import Annotated

import typer

from services.console.cli.following import operate
from services.console.cli.options import Environment, Timeout, Wait, Yes
from services.console.cli.printing import Form, Output
from services.console.cli.running import confirm
from shared.contracts.servicing_executor import (
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    RestartableService,
    RestartService,
)

service = typer.Typer(no_args_is_help=True, help="Services of an environment.")
maintenance = typer.Typer(no_args_is_help=True, help="Maintenance mode of an environment.")


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
    command = RestartService(environment=environment, service=name)
    operate(command, output=output, wait=wait, timeout=timeout)


@maintenance.command()
def on(environment: Environment, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Let in administrators only."""
    operate(EnableMaintenanceMode(environment=environment), output=output, wait=wait, timeout=timeout)


@maintenance.command()
def off(environment: Environment, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Let everybody in again."""
    operate(DisableMaintenanceMode(environment=environment), output=output, wait=wait, timeout=timeout)
