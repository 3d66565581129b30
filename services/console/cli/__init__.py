"""The command line `drydock`: one typer application, a module per noun."""

from importlib.metadata import version
from typing import Annotated

import typer

from services.console.cli import base, engines, extension, package, release

app = typer.Typer(no_args_is_help=True, help="Brings ERP environments safely from one version to the next.")
app.add_typer(engines.app, name="engines")
app.add_typer(package.app, name="package")
app.add_typer(release.app, name="release")
app.add_typer(extension.app, name="extension")
app.add_typer(base.app, name="base")


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
    app()
