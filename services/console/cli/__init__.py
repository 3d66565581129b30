"""The command line `drydock`: one typer application, a module per noun."""

import logging
import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer
from pydantic import ValidationError

from services.console.cli import (
    base,
    engines,
    environment,
    events,
    extension,
    notify,
    operation,
    package,
    package_lifecycle,
    promotion,
    release,
    remediation,
    telemetry,
    update,
    upkeep,
)
from services.console.cli.dev import dev
from services.console.cli.doctor import doctor
from services.console.cli.running import Exit

app = typer.Typer(no_args_is_help=True, help="Brings ERP environments safely from one version to the next.")
package_lifecycle.add_to(package.app)
app.add_typer(package.app, name="package")
app.add_typer(environment.app, name="environment")
app.add_typer(update.app, name="update")
app.add_typer(promotion.app, name="promotion")
app.add_typer(operation.app, name="operation")
app.add_typer(release.app, name="release")
app.add_typer(extension.app, name="extension")
extension.app.command("telemetry")(telemetry.telemetry)
app.add_typer(remediation.app, name="remediation")
app.add_typer(base.app, name="base")
app.add_typer(upkeep.service, name="service")
app.add_typer(upkeep.maintenance, name="maintenance")
app.add_typer(notify.app, name="notify")
app.add_typer(events.events, name="events")
app.add_typer(events.dead_letters, name="dead-letters")
app.command()(dev)
app.add_typer(engines.app, name="engines")
app.command()(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("drydock"))
        raise typer.Exit


@app.callback()
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run the command line; the console script `drydock`."""
    # What Kafka's client has to say about a broker that does not answer is said in a sentence at the end.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal may lack the letters of a name: they are written as codes
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except ValidationError as error:
        # A command is checked before it is sent: what it says of the field is said to the user.
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            typer.echo(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}", err=True)
        sys.exit(Exit.USAGE)
