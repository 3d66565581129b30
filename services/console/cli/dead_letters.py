"""`drydock dead-letters`: what nobody could process."""

from typing import Annotated

import typer

from services.console.cli.lists import add_list, add_show
from services.console.cli.options import Timeout
from services.console.cli.running import run
from services.console.nouns import DEAD_LETTERS
from shared.contracts.common import DeadLetterRedriven, RedriveDeadLetter

app = typer.Typer(no_args_is_help=True, help="Records that could not be processed.")
add_list(app, DEAD_LETTERS)
add_show(app, DEAD_LETTERS)


@app.command()
def redrive(
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="Id of the dead letter.")],
    note: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    timeout: Timeout = None,
) -> None:
    """Send a dead letter's record to its topic again, under the id it had: it is applied once at most."""

    command = RedriveDeadLetter(letter_id=letter, note=note)
    event = run(lambda there: there.client.ask(command, DeadLetterRedriven), timeout=timeout)
    typer.echo(f"{event.letter_id} sent to {event.topic}, for the {event.times}. time")
