"""`drydock service`: the services of an environment."""

from typing import Annotated

import typer

from services.console.cli.following import operate
from services.console.cli.options import Environment, Timeout, Wait, Yes
from services.console.cli.printing import Form, Output
from services.console.cli.running import confirm
from shared.contracts.servicing_executor import RestartableService, RestartService

app = typer.Typer(no_args_is_help=True, help="Services of an environment.")


@app.callback()
def _service() -> None:
    pass


@app.command()
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
