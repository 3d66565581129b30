"""`drydock notify`: who is told."""

from typing import Annotated

import typer

from services.console.cli.lists import add_list, add_show
from services.console.cli.options import Timeout
from services.console.cli.printing import Form, Output, print_one
from services.console.cli.running import run
from services.console.nouns import AUDIENCES, recipient_words
from shared.contracts.notifier import AddRecipient, AudienceChanged, RemoveRecipient

app = typer.Typer(no_args_is_help=True, help="Recipients of notifications.")
add_list(app, AUDIENCES, say="List who is told.")
add_show(app, AUDIENCES)

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


def _change(command: AddRecipient | RemoveRecipient, timeout: float | None, output: Form) -> None:
    event = run(lambda there: there.client.ask(command, AudienceChanged), timeout=timeout)
    rows: list[tuple[str, object]] = [(event.project, recipient_words(recipient)) for recipient in event.recipients]
    print_one(event, output, rows)
