"""`drydock installation`: backups of all of it, and what is made of one again."""

from pathlib import Path
from typing import Annotated

import typer

from deploy.embedded import EnginesError
from deploy.installation import backup as backups
from deploy.installation import restore as restoring
from deploy.installation.manifest import BackupError, Manifest
from services.console.cli.running import Exit, leave, tell

app = typer.Typer(no_args_is_help=True, help="An installation on this machine as a whole.")

Data = Annotated[Path, typer.Option("--data", envvar="DRYDOCK_DATA", help="Folder of all data and logs.")]
Backup = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]


@app.command()
def backup(
    to: Annotated[Path, typer.Argument(metavar="FILE", help="The backup to make.")], data: Data = Path(".drydock")
) -> None:
    """Back up databases, topics, artifacts and environments of an installation that is stopped, all of one moment."""
    try:
        manifest = backups.back_up(data, to, say=tell)
    except (BackupError, EnginesError) as error:
        leave(Exit.FAILED, str(error))
    typer.echo(f"{to}  {_words(manifest)}")


@app.command()
def verify(file: Backup) -> None:
    """Check every byte of a backup against what it says of itself."""
    try:
        manifest = backups.verify(file)
    except BackupError as error:
        leave(Exit.FAILED, str(error))
    typer.echo(f"{file}  whole  {_words(manifest)}")


@app.command()
def restore(
    file: Backup, to: Annotated[Path, typer.Argument(metavar="FOLDER", help="The data folder to make.")]
) -> None:
    """Make an installation of a backup, in a new folder. Start it with `drydock dev --data FOLDER`."""
    try:
        manifest = restoring.restore(file, to)
    except BackupError as error:
        leave(Exit.FAILED, str(error))
    typer.echo(f"{to}  {_words(manifest)}")
    tell(
        "What was to be sent when the backup was taken will be sent when it starts; where the other installation went "
        "on, it has sent that as well, under the same ids. Do not run both."
    )


def _words(manifest: Manifest) -> str:
    return (
        f"{len(manifest.files)} files, {manifest.size / 1e6:.1f} MB, of {manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC, "
        f"Drydock {manifest.drydock}"
    )
