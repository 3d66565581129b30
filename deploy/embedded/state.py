"""The state engine: MongoDB where it is installed, else the embedded state server."""

import re
import shutil
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.embedded import state_file
from deploy.embedded.process import EnginesError


@dataclass(frozen=True)
class StateServer:
    """The embedded server with its file in `folder`."""

    folder: Path
    port: int

    @classmethod
    def of(cls, data: Path, port: int = 0) -> Self:
        """The server of a data folder."""
        return cls(data / "state", port)

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self.port}"

    @property
    def _file(self) -> Path:
        return self.folder / "state.mv"

    def why(self, code: int) -> str | None:
        """In words why the server ended with an exit code; None where the code says nothing."""
        return state_file.why(code, self.folder)

    def accept_older(self) -> bool:
        """Let the file be served however old it is; whether anything spoke against that. The server must not run."""
        record = state_file.record_of(self._file)
        known = record.exists()
        record.unlink(missing_ok=True)
        return known

    def prepare(self, class_path: Sequence[Path]) -> list[str]:
        """The command that runs the server."""
        self.folder.mkdir(parents=True, exist_ok=True)
        program = Path(__file__).with_name("state_server.py")
        return [sys.executable, str(program), str(self.port), str(self._file), *map(str, class_path)]

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

    def why(self, code: int) -> str | None:
        """Nothing: its log does."""
        return None

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
    embedded, native = StateServer.of(data, port), data / "mongod"
    program = shutil.which("mongod")
    if native.exists() and program is None:
        raise EnginesError(
            f"The state in {native} was written by mongod, which is not on PATH. Put it there, give a "
            "running server with --mongo, or start on another --data folder."
        )
    if program is None or embedded.folder.exists():
        return embedded
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
