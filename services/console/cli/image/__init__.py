"""`drydock image`: what images are, what building one would do, how two differ, and their way to other places."""

import typer

from services.console.cli.lazy import lazy

_HERE = "services.console.cli.image"

app = typer.Typer(
    cls=lazy(
        {
            "list": f"{_HERE}.looking:list_",
            "show": f"{_HERE}.looking:show",
            "plan": f"{_HERE}.planning:plan",
            "diff": f"{_HERE}.comparing:diff",
            "verify": f"{_HERE}.verifying:verify",
            "unpack": f"{_HERE}.moving:unpack",
            "export": f"{_HERE}.moving:export",
            "import": f"{_HERE}.moving:import_",
            "push": f"{_HERE}.moving:push",
            "pull": f"{_HERE}.moving:pull",
        }
    ),
    no_args_is_help=True,
    help="Images: list, look at, plan, compare, verify, unpack, bring to other places.",
)
