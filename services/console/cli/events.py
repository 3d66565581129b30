"""`drydock events`, `drydock dead-letters`: what goes over the topics, and what nobody could process."""

import json
import sys
from typing import Annotated

import typer

from services.console.cli.options import Timeout
from services.console.cli.printing import Form, Output, print_list, when
from services.console.cli.running import Exit, leave, run
from services.console.installation import Installation
from shared.contracts.common import DeadLetter, DeadLetterRedriven, RedriveDeadLetter
from shared.contracts.message import MessageKind, utc_text
from shared.contracts.topics import SERVICES, topic_name
from shared.kernel.client import Read, TopicReader

events = typer.Typer(no_args_is_help=True, help="The event streams.")
dead_letters = typer.Typer(no_args_is_help=True, help="Records that could not be processed.")


@events.callback()
def _events() -> None:
    pass


@events.command()
def tail(
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest event kept.")] = False,
    key: Annotated[str | None, typer.Option(help="Only of this environment, package, project ...")] = None,
    output: Output = Form.TABLE,
) -> None:
    """Print events as they come, until Ctrl-C."""

    async def read(installation: Installation) -> None:
        topics = [topic_name(service, MessageKind.EVENT) for service in SERVICES]
        session = installation.session
        async with TopicReader(session.bootstrap, session.catalogue, topics) as reader:
            await (reader.from_start() if from_start else reader.from_now())
            async for one in reader.forever():
                if one.envelope and (key is None or one.key == key):
                    _print(one, output)

    run(read)


@dead_letters.command("list")
def list_(output: Output = Form.TABLE) -> None:
    """List dead letters of all services."""
    letters = run(_letters)
    print_list(
        letters,
        output,
        [
            ("SINCE", lambda one: when(one.dead_since)),
            ("SERVICE", lambda one: one.service),
            ("TYPE", lambda one: one.message_type),
            ("REASON", lambda one: one.reason),
            ("MESSAGE", lambda one: one.message),
            ("ID", lambda one: one.letter_id),
        ],
    )


@dead_letters.command()
def redrive(
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="Id of the dead letter.")],
    note: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    timeout: Timeout = None,
) -> None:
    """Send a dead letter's record to its topic again, under the id it had: it is applied once at most."""

    async def work(installation: Installation) -> DeadLetterRedriven:
        service = letter.partition(":")[0]
        if service not in SERVICES:
            leave(Exit.USAGE, f"{letter!r} is no dead letter: the id begins with a service")
        command = RedriveDeadLetter(letter_id=letter, note=note)
        return await installation.session.ask(command, DeadLetterRedriven, service=service)

    event = run(work, timeout=timeout)
    typer.echo(f"{event.letter_id} sent to {event.topic}, for the {event.times}. time")


async def _letters(installation: Installation) -> list[DeadLetter]:
    topics = [topic_name(service, MessageKind.DEAD_LETTER) for service in SERVICES]
    session = installation.session
    async with TopicReader(session.bootstrap, session.catalogue, topics) as reader:
        await reader.from_start()
        messages = [one.envelope.data async for one in reader.until_now() if one.envelope]
    letters = [message for message in messages if isinstance(message, DeadLetter)]
    return sorted(letters, key=lambda letter: letter.dead_since)


def _print(read: Read, form: Form) -> None:
    envelope = read.envelope
    assert envelope
    if form is Form.ID:
        sys.stdout.write(f"{envelope.id}\n")
    elif form is Form.TABLE:
        sys.stdout.write(f"{when(envelope.time)}  {read.key}  {envelope.data.type}\n")
    else:
        event = {
            "specversion": "1.0",
            "id": envelope.id,
            "source": envelope.source,
            "type": envelope.data.type,
            "time": utc_text(envelope.time),
            "subject": envelope.subject,
            "correlationid": envelope.correlation,
            "causationid": envelope.causation,
            "sequence": envelope.sequence,
            "data": envelope.data.model_dump(mode="json"),
        }
        sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()
