"""Which installation a command is for: what the environment names, else the stack that runs on the data folder."""

import getpass
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.console.client import Client

DATA = Path(".drydock")
RECORD = "stack.json"


class NoInstallation(Exception):
    """Nothing says where Drydock is; the message says the way out."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where an installation is: its topics, its artifacts, its console."""

    client: "Client"
    artifacts: Path
    console: str


def find_installation(say: Callable[[str], None] = lambda text: None) -> Installation:
    """From DRYDOCK_KAFKA and DRYDOCK_ARTIFACTS, else from `stack.json` in DRYDOCK_DATA (`.drydock`).

    Raise NoInstallation if neither says enough.
    """
    from services.console.client import Client  # Kafka's client comes with it: only for who needs it

    data = _data()
    record = _record(data)
    kafka = os.environ.get("DRYDOCK_KAFKA") or record.get("kafka")
    if not kafka:
        raise NoInstallation(
            f"no Drydock runs on {data}: start one with `drydock dev`, or name a Kafka in DRYDOCK_KAFKA"
        )
    actor = os.environ.get("DRYDOCK_ACTOR") or getpass.getuser()
    return Installation(Client(kafka, actor, say=say), artifacts_folder(), record.get("console", ""))


def artifacts_folder() -> Path:
    """Where the artifacts are, whether anything runs or not. Raise NoInstallation where the record is unreadable."""
    data = _data()
    return Path(os.environ.get("DRYDOCK_ARTIFACTS") or _record(data).get("artifacts") or data / "artifacts")


def keys_folder() -> Path:
    """Where the keys and the trust file are, whether anything runs or not."""
    return Path(os.environ.get("DRYDOCK_KEYS") or _data() / "keys")


def _data() -> Path:
    return Path(os.environ.get("DRYDOCK_DATA") or DATA)


def _record(data: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((data / RECORD).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NoInstallation(f"{data / RECORD} cannot be read: {error}") from error
    return found
