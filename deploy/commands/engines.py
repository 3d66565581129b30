"""`drydock engines`: Kafka and the state server on this machine, without Java or Docker."""

import json
import os
import signal
import threading
import time
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from deploy.embedded import Engines, EnginesError
from deploy.embedded.data_folder import DataFolder
from deploy.embedded.state import StateServer
from deploy.embedded.status import EngineStatus, engine_status

app = typer.Typer(no_args_is_help=True, help="Kafka and the state server on this machine.")

_DOWN = 30.0

Data = Annotated[Path, typer.Option("--data", envvar="DRYDOCK_DATA", help="Folder of the engines' data and logs.")]
_DATA = Path(".drydock")


class EndpointsFormat(StrEnum):
    """How output is written."""

    TABLE = "table"
    JSON = "json"


@app.command()
def up(
    data: Data = _DATA,
    kafka: Annotated[
        str | None, typer.Option(envvar="DRYDOCK_KAFKA", help="Use this Kafka (host:port), start none.")
    ] = None,
    mongo: Annotated[
        str | None, typer.Option(envvar="DRYDOCK_MONGO", help="Use this MongoDB (URL), start none.")
    ] = None,
    kafka_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port for Kafka.")] = None,
    mongo_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port for the state.")] = None,
) -> None:
    """Start the engines and keep them running until Ctrl-C. A second start resumes with the same data."""
    for number in (signal.SIGTERM, signal.SIGINT):  # a shell starts what runs in its background with SIGINT ignored
        signal.signal(number, _interrupt)
    engines = Engines(data, kafka=kafka, mongo=mongo, kafka_port=kafka_port, mongo_port=mongo_port, say=_progress)
    try:
        endpoints = engines.start()
        typer.echo(f"DRYDOCK_KAFKA={endpoints.kafka}\nDRYDOCK_MONGO={endpoints.mongo}")
        _progress(f"The engines on {engines.folder.path} answer. Ctrl-C ends them; the data stays.")
        threading.Event().wait()
    except (EnginesError, OSError) as error:
        _fail(error)
    except KeyboardInterrupt:
        _progress("Ending the engines.")
    finally:
        engines.stop()


@app.command()
def down(data: Data = _DATA) -> None:
    """End the engines that run on a data folder, and the program that runs them."""
    folder = DataFolder(data)
    record = folder.read()
    if record is None or record.supervisor is None or not record.supervisor_lives():
        _progress(f"No engines run on {folder.path}.")
        return
    os.kill(record.supervisor, signal.SIGTERM)
    deadline = time.monotonic() + _DOWN
    while not folder.lock.try_acquire():
        if time.monotonic() > deadline:
            _fail(EnginesError(f"Process {record.supervisor} did not end the engines within {_DOWN:g} s."))
        time.sleep(0.05)
    folder.lock.release()
    _progress(f"The engines on {folder.path} have ended.")


@app.command()
def accept_older_state(data: Data = _DATA) -> None:
    """Serve a state file although it holds less than was acknowledged. What is missing is lost for good."""
    folder = DataFolder(data)
    server = StateServer.of(folder.path)
    if not server.folder.exists():
        _progress(f"There is no state in {folder.path}.")
        return
    try:
        folder.take()
    except EnginesError as error:
        _fail(error)
    try:
        known = server.accept_older()
    finally:
        folder.lock.release()
    _progress(
        f"The state in {folder.path} is served as it is from the next start on."
        if known
        else f"Nothing speaks against the state in {folder.path}."
    )


@app.command()
def status(
    data: Data = _DATA,
    output: Annotated[EndpointsFormat, typer.Option("-o", "--output", help="table or json.")] = EndpointsFormat.TABLE,
) -> None:
    """Show whether the engines of a data folder run and answer. Exit code 0: both do; 1: not."""
    folder = DataFolder(data)
    rows = engine_status(folder)
    if output is EndpointsFormat.JSON:
        typer.echo(json.dumps({"data": str(folder.path), "engines": [row.as_json() for row in rows]}, indent=2))
    else:
        Console().print(_table(rows))
    if not rows or not all(row.answers for row in rows):
        raise typer.Exit(1)


def _table(rows: list[EngineStatus]) -> Table:
    table = Table("engine", "address", "answers", "process", "memory", box=None)
    for row in rows:
        memory = f"{row.memory_bytes / 1e6:.0f} MB" if row.memory_bytes is not None else "-"
        table.add_row(row.name, row.url, "yes" if row.answers else "no", str(row.pid or "-"), memory)
    return table


def _progress(line: str) -> None:
    typer.echo(line, err=True)


def _fail(error: Exception) -> NoReturn:
    typer.echo(f"Error: {error}", err=True)
    raise typer.Exit(1)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
