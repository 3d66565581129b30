"""`drydock snapshots`: what stands on the compacted topics."""

from typing import Annotated

import typer

from services.console.cli.options import Timeout
from services.console.cli.running import run
from shared.contracts.common import RepublishSnapshots, SnapshotsRepublished
from shared.contracts.topics import SERVICES

app = typer.Typer(no_args_is_help=True, help="The newest view of everything, as it stands on the topics.")


@app.callback()
def _group() -> None:
    pass


@app.command()
def republish(
    services: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SERVICE]...", help=f"Whose; all of them where none is named: {', '.join(SERVICES)}."),
    ] = None,
    note: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    timeout: Timeout = None,
) -> None:
    """Have services send the newest snapshot of everything that they have once more."""
    for service in services or SERVICES:
        _republish(RepublishSnapshots(service=service, note=note), timeout)


def _republish(command: RepublishSnapshots, timeout: float | None) -> None:
    event = run(lambda there: there.client.ask(command, SnapshotsRepublished), timeout=timeout)
    typer.echo(f"{event.service}: {event.count} snapshots sent")
