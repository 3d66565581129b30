"""`drydock maintenance`: maintenance mode, which keeps an environment's image."""

import typer

from services.console.cli.following import operate
from services.console.cli.options import Environment, Timeout, Wait
from services.console.cli.printing import Form, Output
from shared.contracts.servicing_executor import DisableMaintenanceMode, EnableMaintenanceMode

app = typer.Typer(no_args_is_help=True, help="Maintenance mode of an environment.")


@app.command()
def on(environment: Environment, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Let in administrators only."""
    operate(EnableMaintenanceMode(environment=environment), output=output, wait=wait, timeout=timeout)


@app.command()
def off(environment: Environment, wait: Wait = False, timeout: Timeout = None, output: Output = Form.TABLE) -> None:
    """Let everybody in again."""
    operate(DisableMaintenanceMode(environment=environment), output=output, wait=wait, timeout=timeout)
