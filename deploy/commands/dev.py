"""`drydock dev`: all of Drydock on this machine, under one supervisor, until Ctrl-C."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from deploy.embedded import EnginesError
from deploy.stack import Stack, StackError
from services.console.cli.running import Exit, leave, tell

Data = Annotated[Path, typer.Option("--data", envvar="DRYDOCK_DATA", help="Folder of all data and logs.")]


def dev(
    data: Data = Path(".drydock"),
    scale: Annotated[
        list[str] | None, typer.Option(help="Run a service several times, e.g. promotion-scheduler=2. Repeatable.")
    ] = None,
    kafka: Annotated[str | None, typer.Option(envvar="DRYDOCK_KAFKA", help="Use this Kafka, start none.")] = None,
    mongo: Annotated[str | None, typer.Option(envvar="DRYDOCK_MONGO", help="Use this MongoDB, start none.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the dashboard.")] = None,
) -> None:
    """Run engines, services, console and mail catcher until Ctrl-C. A second start goes on where this one stopped.

    For trying and developing: one broker, one store, everything on loopback.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        counts = dict(_count(text) for text in scale or ())
        with Stack(data, say=tell, scale=counts, kafka=kafka, mongo=mongo, console_port=port) as stack:
            record = stack.record
            typer.echo(f"dashboard  {record.console}\nkafka      {record.kafka}\nmail       {record.mail}")
            typer.echo(f"logs       {stack.data / 'logs'}")
            tell("Not for production: one broker, one store, no authentication. Ctrl-C ends it; the data stays.")
            threading.Event().wait()
    except (StackError, EnginesError, OSError) as error:
        leave(Exit.FAILED, str(error))
    except KeyboardInterrupt:
        tell("Ended.")


def _count(text: str) -> tuple[str, int]:
    service, _, count = text.partition("=")
    if not count.isdigit() or not 1 <= int(count) <= 32:
        leave(Exit.USAGE, f"--scale {text}: write SERVICE=COUNT, with a count from 1 to 32")
    return service, int(count)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
