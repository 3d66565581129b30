"""The folder that keeps the engines' data, logs and the record of who runs them."""

import json
import os
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import psutil

from deploy.embedded.filelock import FileLock
from deploy.embedded.process import EnginesError

# The guards of a parent that was killed hold the lock until they have ended their engines.
_WAIT_FOR_ORPHANS = 20.0
BEING_MADE = "being-restored"
"""A file in a folder that is not yet an installation, because it is still being restored from a backup."""


@dataclass(frozen=True)
class EngineRecord:
    """What is known of one engine: `url` for clients, `pid` None while it does not run or is not ours."""

    url: str
    port: int | None = None
    pid: int | None = None


@dataclass(frozen=True)
class FolderRecord:
    """Who runs the engines of a data folder. `started` tells it from a later process of its id."""

    supervisor: int | None
    started: float | None
    controller_port: int | None = None
    engines: dict[str, EngineRecord] = field(default_factory=dict)

    def supervisor_lives(self) -> bool:
        if self.supervisor is None or self.started is None:
            return False
        try:
            process = psutil.Process(self.supervisor)
            same = abs(process.create_time() - self.started) < 1
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


class FolderInUseError(EnginesError):
    """Another program runs the engines of the folder: nothing in it was touched."""

    def __init__(self, path: Path, supervisor: int) -> None:
        super().__init__(
            f"The engines on {path} are already run by process {supervisor}; end "
            f"them with `drydock engines down --data {path}`, or choose another --data folder."
        )
        self.supervisor = supervisor


class DataFolder:
    """Paths inside the folder, the lock that one program holds on it, and `engines.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.lock = FileLock(self.path / "engines.lock")

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def _record(self) -> Path:
        return self.path / "engines.json"

    def take(self) -> bool:
        """Lock the folder for this process; whether it was not locked for this process before.

        Raises FolderInUseError when another program has it, EnginesError when it cannot be had. Nothing is
        written to a folder that is not taken.
        """
        if self.lock.held:
            return False
        if (self.path / BEING_MADE).exists():
            raise EnginesError(f"{self.path} is what a restore left that did not end: remove it, and restore again.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EnginesError(
                f"{self.path} cannot be the data folder: {error.strerror}. Choose another one with --data."
            ) from error
        deadline = time.monotonic() + _WAIT_FOR_ORPHANS
        while not self.lock.try_acquire():
            record = self.read()
            if record is not None and record.supervisor is not None and record.supervisor_lives():
                raise FolderInUseError(self.path, record.supervisor)
            if time.monotonic() > deadline:
                raise EnginesError(f"{self.lock.path} is held by a process that is not known; end it first.")
            time.sleep(0.05)
        try:
            self.logs.mkdir(exist_ok=True)
            # At once: whoever starts at the same instant waits only until there is a name to tell.
            last = self.read()
            engines = {name: replace(entry, pid=None) for name, entry in last.engines.items()} if last else {}
            self.write(os.getpid(), last.controller_port if last else None, engines)
        except BaseException:
            self.lock.release()
            raise
        return True

    def read(self) -> FolderRecord | None:
        """The last record, None if there is none or it cannot be read."""
        try:
            raw = json.loads(self._record.read_text(encoding="utf-8"))
            engines = {name: EngineRecord(**entry) for name, entry in raw.pop("engines").items()}
            return FolderRecord(**raw, engines=engines)
        except (FileNotFoundError, ValueError, TypeError, KeyError):
            return None

    def write(self, supervisor: int | None, controller_port: int | None, engines: dict[str, EngineRecord]) -> None:
        """Record that the process `supervisor` runs `engines`; None: that they do not run."""
        started = None if supervisor is None else psutil.Process(supervisor).create_time()
        record = FolderRecord(supervisor, started, controller_port, engines)
        new = self._record.with_name(f".engines.{os.getpid()}.json")
        # For the owner alone: the URL of a server that runs elsewhere may hold a password.
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(record), indent=1), encoding="utf-8")
        new.replace(self._record)
