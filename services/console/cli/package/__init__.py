"""`drydock package`: each verb is loaded when it is asked for, so that a check of a file waits for nothing else."""

import typer

from services.console.cli.lazy import lazy

_HERE = "services.console.cli.package"

app = typer.Typer(
    cls=lazy(
        {
            "check": f"{_HERE}.check:check",
            "rules": f"{_HERE}.files:rules",
            "build": f"{_HERE}.files:build",
            "sample": f"{_HERE}.files:sample",
            "merge": f"{_HERE}.files:merge",
            "diff": f"{_HERE}.files:diff",
            "show": f"{_HERE}.submitted:show",
            "submit": f"{_HERE}.submitted:submit",
            "list": f"{_HERE}.submitted:list_",
            "retire": f"{_HERE}.lifecycle:retire",
            "revalidate": f"{_HERE}.lifecycle:revalidate",
            "combine": f"{_HERE}.lifecycle:combine",
        }
    ),
    no_args_is_help=True,
    help="Packages: check, build and compare files; submit and list.",
)
