"""The command line `drydock`: one typer application, a module per noun."""

import logging
import sys
from collections.abc import Mapping
from importlib.metadata import version
from io import TextIOWrapper
from types import MappingProxyType
from typing import Annotated

import typer
from pydantic import ValidationError

from services.console.cli.lazy import lazy

_HERE = "services.console.cli"
_USAGE = 2

_NOUNS = {
    "package": f"{_HERE}.package:app",
    "image": f"{_HERE}.image:app",
    "environment": f"{_HERE}.environment:app",
    "update": f"{_HERE}.update:app",
    "candidate": f"{_HERE}.plain:candidate",
    "promotion": f"{_HERE}.promotion:app",
    "rollout": f"{_HERE}.plain:rollout",
    "operation": f"{_HERE}.operation:app",
    "release": f"{_HERE}.release:app",
    "extension": f"{_HERE}.extension:app",
    "check": f"{_HERE}.plain:check",
    "remediation": f"{_HERE}.remediation:app",
    "remediation-policy": f"{_HERE}.plain:remediation_policy",
    "base": f"{_HERE}.base:app",
    "service": f"{_HERE}.service:app",
    "maintenance": f"{_HERE}.maintenance:app",
    "notify": f"{_HERE}.notify:app",
    "notification": f"{_HERE}.plain:notification",
    "events": f"{_HERE}.events:app",
    "store": f"{_HERE}.store:app",
    "keys": f"{_HERE}.keys:app",
    "retention": f"{_HERE}.retention:app",
    "snapshots": f"{_HERE}.snapshots:app",
    "dead-letters": f"{_HERE}.dead_letters:app",
}


def make_app(more: Mapping[str, str] = MappingProxyType({})) -> typer.Typer:
    """The command line, with `more` commands by name, each at `module:attribute`."""
    made = typer.Typer(
        cls=lazy({**_NOUNS, **more}),
        no_args_is_help=True,
        help="Brings ERP environments safely from one version to the next.",
    )
    made.callback()(_root)
    return made


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("drydock"))
        raise typer.Exit


def _root(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


app = make_app()
"""The command line without what starts something on this machine: `deploy.commands` adds that."""


def main(line: typer.Typer = app) -> None:
    """Run a command line."""
    # What Kafka's client has to say about a broker that does not answer is said in a sentence at the end.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    if isinstance(sys.stdout, TextIOWrapper):  # a terminal may lack the letters of a name: they are written as codes
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        line()
    except ValidationError as error:
        # A command is checked before it is sent: what it says of the field is said to the user.
        for one in error.errors(include_url=False, include_context=False, include_input=False):
            typer.echo(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}", err=True)
        sys.exit(_USAGE)
