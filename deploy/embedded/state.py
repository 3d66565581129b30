"""The state engine: MongoDB where it is installed, else the embedded state server."""

import re
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.embedded.process import EnginesError


@dataclass(frozen=True)
class StateServer:
    """The embedded server with its file in `folder`."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    def prepare(self, class_path: Sequence[Path]) -> list[str]:
        """The command that runs the server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = Path(__file__).with_name("state_server.py")
        file = self.folder / "state.mv"
        return [sys.executable, str(program), str(self.port), str(file), *map(str, class_path)]

    def answers(self, timeout: float) -> None:
        """Return when a write is acknowledged. Raises OSError otherwise."""
        _answers(self.url, self.port, timeout)


@dataclass(frozen=True)
class Mongod:
    """MongoDB's own server with its data in `folder`."""

    program: str
    folder: Path
    port: int

    @property
    def url(self) -> str:
        # An acknowledged write is in the journal: then it survives a kill here too.
        return f"mongodb://127.0.0.1:{self.port}/?journal=true"

    def prepare(self) -> list[str]:
        """The command that runs the server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return [
            self.program,
            "--dbpath",
            str(self.folder),
            "--bind_ip",
            "127.0.0.1",
            "--port",
            str(self.port),
        ]

    def answers(self, timeout: float) -> None:
        """Return when a write is acknowledged. Raises OSError otherwise."""
        _answers(self.url, self.port, timeout)


def choose(data: Path, port: int) -> StateServer | Mongod:
    """The engine whose data is in `data`; for a new folder `mongod` if it is on PATH, else the state server.

    Raises EnginesError when the data is mongod's and mongod is not there.
    """
    embedded, native = data / "state", data / "mongod"
    program = shutil.which("mongod")
    if native.exists() and program is None:
        raise EnginesError(
            f"The state in {native} was written by mongod, which is not on PATH. Put it there, give a "
            "running server with --mongo, or start on another --data folder."
        )
    if program is None or embedded.exists():
        return StateServer(embedded, port)
    return Mongod(program, native, port)


def _answers(url: str, port: int, timeout: float) -> None:
    # The driver would look again only after half a second.
    socket.create_connection(("127.0.0.1", port), timeout).close()
    check(url, timeout, write=True)


def check(url: str, timeout: float, *, write: bool) -> None:
    """Return when the server answers a ping and, if asked, acknowledges a write. Raises ConnectionError."""
    # Costs 0.1 s, which passes while an engine starts; commands that need no engine do without.
    from pymongo import MongoClient
    from pymongo.errors import PyMongoError

    limit = max(50, int(timeout * 1000))
    try:
        with MongoClient[dict[str, object]](
            url, serverSelectionTimeoutMS=limit, connectTimeoutMS=limit, socketTimeoutMS=limit
        ) as client:
            client.admin.command("ping")
            if write:
                readiness = client["drydock-engines"]["readiness"]
                readiness.update_one({"_id": 1}, {"$inc": {"starts": 1}}, upsert=True)
    except (PyMongoError, ValueError) as error:
        raise ConnectionError(re.split(r" \(configured timeouts|, Timeout:", str(error))[0]) from error
