"""How every command of the command line runs: errors become one sentence and an exit code, never a stack trace."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import typer

from services.console.cli.printing import when
from services.console.failures import NotSent, Refused, Unreachable
from services.console.installation import Installation, NoInstallation, find_installation
from shared.artifacts.errors import ArtifactStoreError

if TYPE_CHECKING:
    from shared.contracts.common import CommandRejected

T = TypeVar("T")


class Exit(IntEnum):
    """Exit codes; the same in every command."""

    SUCCEEDED = 0
    FAILED = 1
    USAGE = 2
    NOT_FOUND = 3
    REFUSED = 4
    ROLLED_BACK = 5
    CANCELLED = 6
    UNREACHABLE = 8
    TIMED_OUT = 124
    DETACHED = 130


def tell(text: str) -> None:
    """A line of progress, on stderr: stdout is data."""
    typer.echo(text, err=True)


def leave(code: Exit, text: str) -> NoReturn:
    """End with a code, and a sentence on stderr."""
    tell(text)
    raise typer.Exit(int(code))


class Stopped(Exception):
    """What a command asked of the installation was not done; the message says why, `code` is the exit code."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(text)
        self.code = code


def run(work: Callable[[Installation], Coroutine[Any, Any, T]], *, timeout: float | None = None) -> T:
    """Run the work of a command on the installation that the environment names, for at most `timeout` seconds."""
    try:
        return attempt(work, timeout=timeout)
    except Stopped as stopped:
        leave(stopped.code, str(stopped))


def attempt(work: Callable[[Installation], Coroutine[Any, Any, T]], *, timeout: float | None = None) -> T:
    """Like `run`, for a command that has something else to say when it fails: raise Stopped."""
    try:
        installation = find_installation(tell)
        return asyncio.run(_within(timeout, work(installation)))
    except NoInstallation as error:
        raise Stopped(Exit.UNREACHABLE, str(error)) from error
    except TimeoutError as error:  # an OSError as well: it must come first
        if timeout is None:
            raise Stopped(Exit.UNREACHABLE, _words(error)) from error
        raise Stopped(Exit.TIMED_OUT, f"not ended within {timeout:g} s; what was started goes on") from error
    except (Unreachable, OSError) as error:
        raise Stopped(Exit.UNREACHABLE, _words(error)) from error
    except NotSent as error:
        raise Stopped(Exit.USAGE, f"{error.field}: {error}" if error.field else str(error)) from error
    except Refused as refused:
        raise _stopped(refused.answer) from refused
    except ArtifactStoreError as error:
        raise Stopped(Exit.FAILED, f"artifact store: {error}") from error
    except KeyboardInterrupt as error:
        raise Stopped(Exit.DETACHED, "detached; what was started goes on") from error
    except Exception as error:
        if type(error).__module__.startswith("aiokafka"):
            way_out = "is Drydock running? `drydock doctor` looks"
            raise Stopped(Exit.UNREACHABLE, f"Kafka does not answer: {_words(error)}; {way_out}") from error
        raise


async def _within(seconds: float | None, work: Coroutine[Any, Any, T]) -> T:
    async with asyncio.timeout(seconds):
        return await work


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__


def refuse(answer: "CommandRejected") -> NoReturn:
    """Print a refusal and end."""
    stopped = _stopped(answer)
    leave(stopped.code, str(stopped))


def _stopped(answer: "CommandRejected") -> Stopped:
    earliest = f" Accepted from {when(answer.earliest)} on." if answer.earliest else ""
    code = Exit.NOT_FOUND if answer.reason == "UNKNOWN" else Exit.REFUSED
    return Stopped(code, f"refused ({answer.reason}): {answer.message}.{earliest}")


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person, unless `--yes` was given. Without a terminal nobody can answer: end with a usage error."""
    if yes:
        return
    if not sys.stdin.isatty():
        leave(Exit.USAGE, f"{question} Nobody can answer here: add --yes.")
    with suppress(typer.Abort):
        if typer.confirm(question, err=True):
            return
    leave(Exit.CANCELLED, "not confirmed; nothing was done")
