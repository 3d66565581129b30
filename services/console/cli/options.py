"""Arguments and options that several commands have."""

from typing import Annotated

import typer

Environment = Annotated[str, typer.Argument(metavar="ENVIRONMENT", help="Id of the environment.")]
Wait = Annotated[bool, typer.Option("--wait", help="Show the steps, and end with the operation's outcome.")]
Timeout = Annotated[
    float | None, typer.Option(help="Seconds to wait at most, then exit code 124; what was started goes on.")
]
CommandId = Annotated[str | None, typer.Option(help="Id of the command: repeated, it is done once.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
