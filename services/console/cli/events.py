"""`drydock events`: what goes over the topics."""

import sys
from typing import Annotated

import typer

from services.console.cli.printing import Form, Output, when
from services.console.cli.running import run
from services.console.cloud_events import cloud_event
from services.console.installation import Installation
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.topics import SERVICES

app = typer.Typer(no_args_is_help=True, help="The event streams.")


@app.callback()
def _events() -> None:
    pass


@app.command()
def tail(
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest event kept.")] = False,
    key: Annotated[str | None, typer.Option(help="Only of this environment, package, project ...")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Print events as they come, until Ctrl-C."""

    async def read(installation: Installation) -> None:
        async with installation.client.events_of(SERVICES, from_start=from_start) as reader:
            async for one in reader.forever():
                if one.envelope and (key is None or one.key == key):
                    print_event(one.envelope, output)

    run(read)


def print_event(envelope: Envelope[Message], form: Form) -> None:
    """Print an event: in a line for people, as a CloudEvent for programs, or its id."""
    if form is Form.ID:
        sys.stdout.write(f"{envelope.id}\n")
    elif form is Form.TABLE:
        sys.stdout.write(f"{when(envelope.time)}  {envelope.data.key}  {envelope.data.type}\n")
    else:
        sys.stdout.write(f"{cloud_event(envelope)}\n")
    sys.stdout.flush()
