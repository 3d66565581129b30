"""All of Drydock on a folder of its own, and its command line."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from deploy.embedded import EngineProcess
from deploy.stack import Stack
from tests.support import warm

SETTINGS = {"DRYDOCK_SESSION_TIMEOUT": "PT3S", "DRYDOCK_LEASE": "PT3S"}


class _WarmPart(EngineProcess):
    def __init__(self, name: str, command: Sequence[str], *rest: Any, **options: Any) -> None:
        python, *words = command
        assert python == sys.executable
        super().__init__(name, warm.command(*words), *rest, **options)


@contextmanager
def warm_parts() -> Iterator[None]:
    """Meanwhile, all that a stack starts starts warm, but for the engines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("deploy.stack.stack.EngineProcess", _WarmPart)
        yield


@contextmanager
def installation(*, cold: bool = False, **settings: str) -> Iterator[Stack]:
    """Everything that `drydock dev` runs, on engines of its own; ended and removed at the end.

    `settings` are those of the services, by their names. All but the engines starts warm, unless it is to be `cold`.
    """
    data = Path(tempfile.mkdtemp(prefix="drydock-e2e-"))
    own = {f"DRYDOCK_{name.upper()}": value for name, value in settings.items()}
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name in [one for one in os.environ if one.startswith("DRYDOCK_")]:
                environment.delenv(name)
            with nullcontext() if cold else warm_parts(), Stack(data, say=print, settings={**SETTINGS, **own}) as stack:
                yield stack
    except BaseException:
        for log in sorted((data / "logs").glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-2000:]}")
        raise
    finally:
        shutil.rmtree(data)


@dataclass(frozen=True)
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


def drydock(stack: Stack, *arguments: str) -> Printed:
    """Type a command, in a process of its own."""
    done = subprocess.run(
        warm.drydock(*arguments),
        env={**os.environ, "DRYDOCK_DATA": str(stack.data), "DRYDOCK_ACTOR": "ada"},
        capture_output=True,
        text=True,
        check=False,
    )
    return Printed(done.returncode, done.stdout, done.stderr)


def mails(stack: Stack, project: str) -> list[EmailMessage]:
    """The mails about a project, in the order of their arrival."""
    files = sorted((stack.data / "mail").glob("*.eml"))
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
    return [mail for mail in found if str(mail["Subject"]).startswith(f"{project} / ")]
