"""`drydock notify`: who is told."""

from typing import Annotated

import typer

from services.console.cli.options import Timeout
from services.console.cli.printing import Form, Output, print_list, print_one
from services.console.cli.running import run
from services.console.installation import Installation
from shared.contracts.notifier import AddRecipient, AudienceChanged, AudienceSnapshot, RemoveRecipient

app = typer.Typer(no_args_is_help=True, help="Recipients of notifications.")

Project = Annotated[str, typer.Argument(metavar="PROJECT", help="The project.")]
Address = Annotated[str, typer.Argument(metavar="ADDRESS", help="A mail address.")]
Only = Annotated[str | None, typer.Option("--environment", help="Only what concerns this environment.")]


@app.command()
def add(
    project: Project, address: Address, environment: Only = None, timeout: Timeout = None, output: Output = Form.TABLE
) -> None:
    """Tell an address what happens in a project."""
    _change(AddRecipient(project=project, address=address, environment=environment), timeout, output)


@app.command()
def remove(
    project: Project, address: Address, environment: Only = None, timeout: Timeout = None, output: Output = Form.TABLE
) -> None:
    """Tell an address no longer."""
    _change(RemoveRecipient(project=project, address=address, environment=environment), timeout, output)


@app.command("list")
def list_(output: Output = Form.TABLE) -> None:
    """List who is told."""

    async def read(installation: Installation) -> list[AudienceSnapshot]:
        views = await installation.session.views(AudienceSnapshot)
        return [one for one in views.values() if isinstance(one, AudienceSnapshot)]

    print_list(
        run(read),
        output,
        [
            ("PROJECT", lambda one: one.project),
            ("RECIPIENTS", lambda one: ", ".join(_words(recipient) for recipient in one.recipients)),
        ],
    )


def _change(command: AddRecipient | RemoveRecipient, timeout: float | None, output: Form) -> None:
    event = run(lambda there: there.session.ask(command, AudienceChanged), timeout=timeout)
    rows: list[tuple[str, object]] = [(event.project, _words(recipient)) for recipient in event.recipients]
    print_one(event, output, rows)


def _words(recipient: object) -> str:
    address = getattr(recipient, "address", "")
    environment = getattr(recipient, "environment", None)
    return f"{address} ({environment} only)" if environment else address
