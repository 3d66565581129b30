"""All of Drydock on a folder of its own, and its command line."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from deploy.stack import Stack
from tests.support import warm

SETTINGS = {"DRYDOCK_SESSION_TIMEOUT": "PT3S", "DRYDOCK_LEASE": "PT3S"}


@contextmanager
def installation(**settings: str) -> Iterator[Stack]:
    """Everything that `drydock dev` runs, on engines of its own; ended and removed at the end.

    `settings` are those of the services, by their names.
    """
    data = Path(tempfile.mkdtemp(prefix="drydock-e2e-"))
    own = {f"DRYDOCK_{name.upper()}": value for name, value in settings.items()}
    try:
        with pytest.MonkeyPatch.context() as environment:
            for name in [one for one in os.environ if one.startswith("DRYDOCK_")]:
                environment.delenv(name)
            with Stack(data, say=print, settings={**SETTINGS, **own}) as stack:
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
