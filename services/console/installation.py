"""Which installation a command is for: what the environment names, else the stack that runs on the data folder."""

import getpass
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from services.console.client import Client

DATA = Path(".drydock")
RECORD = "stack.json"


class NoInstallation(Exception):
    """Nothing says where Drydock is; the message says the way out."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an installation is: its topics, its artifacts, its console."""

    client: Client
    artifacts: Path
    console: str


def find_installation(say: Callable[[str], None] = lambda text: None) -> Installation:
    """From DRYDOCK_KAFKA and DRYDOCK_ARTIFACTS, else from `stack.json` in DRYDOCK_DATA (`.drydock`).

    Raise NoInstallation if neither says enough.
    """
    data = Path(os.environ.get("DRYDOCK_DATA") or DATA)
    try:
        record = json.loads((data / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        record = {}
    except (OSError, ValueError) as error:
        raise NoInstallation(f"{data / RECORD} cannot be read: {error}") from error
    kafka = os.environ.get("DRYDOCK_KAFKA") or record.get("kafka")
    if not kafka:
        raise NoInstallation(
            f"no Drydock runs on {data}: start one with `drydock dev`, or name a Kafka in DRYDOCK_KAFKA"
        )
    artifacts = os.environ.get("DRYDOCK_ARTIFACTS") or record.get("artifacts") or data / "artifacts"
    actor = os.environ.get("DRYDOCK_ACTOR") or getpass.getuser()
    return Installation(Client(kafka, actor, say=say), Path(artifacts), record.get("console", ""))
