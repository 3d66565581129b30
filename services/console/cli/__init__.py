"""The command line `drydock`: one typer application, a module per noun."""

import logging
import sys
from importlib.metadata import version
from io import TextIOWrapper
from typing import Annotated

import typer
from pydantic import ValidationError

from services.console.cli.lazy import lazy

_HERE = "services.console.cli"
_USAGE = 2

_NOUNS = {
    "package": f"{_HERE}.package:app",
    "environment": f"{_HERE}.environment:app",
    "update": f"{_HERE}.update:app",
    "promotion": f"{_HERE}.promotion:app",
    "operation": f"{_HERE}.operation:app",
    "release": f"{_HERE}.release:app",
    "extension": f"{_HERE}.extension:app",
    "remediation": f"{_HERE}.remediation:app",
    "base": f"{_HERE}.base:app",
    "service": f"{_HERE}.upkeep:service",
    "maintenance": f"{_HERE}.upkeep:maintenance",
    "notify": f"{_HERE}.notify:app",
    "events": f"{_HERE}.events:events",
    "dead-letters": f"{_HERE}.events:dead_letters",
    "dev": f"{_HERE}.dev:dev",
    "engines": f"{_HERE}.engines:app",
    "doctor": f"{_HERE}.doctor:doctor",
}

app = typer.Typer(
    cls=lazy(_NOUNS), no_args_is_help=True, help="Brings ERP environments safely from one version to the next."
)


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
        sys.exit(_USAGE)
