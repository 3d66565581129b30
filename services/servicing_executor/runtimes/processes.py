"""An environment's services as processes of this machine that outlive the executor.

A folder holds per service `<name>.json` (identity, release, tag), `.lock` (held while it runs), `.ready`
(its pid, written by the service when it serves), `.settings.json` (what it is told) and `.log`.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.servicing_executor.runtimes import launcher
from services.servicing_executor.runtimes.files import write_private
from services.servicing_executor.runtimes.launcher import process_start
from services.servicing_executor.runtimes.port import RuntimeUnavailableError, StepFailedError

_POLL = 0.02
_GRACE = 10.0
_LAST_LINES = 5


@dataclass(frozen=True, slots=True)
class ServiceDefinition:
    """A service of the application: `command` is run with the path of its settings file in the environment
    variable DRYDOCK_SERVICE_SETTINGS; it writes its pid to the settings' `ready_file` when it serves."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServiceProcess:
    """A recorded process; `release` is what it was started from, `tag` the step that started it."""

    pid: int
    start: str
    release: str
    tag: str

    @property
    def lives(self) -> bool:
        """It is that very process that runs, not one that got its pid later."""
        return process_start(self.pid) == self.start


def recorded(folder: Path) -> dict[str, ServiceProcess]:
    """All records of a folder of services, by the service's name; some may have ended."""
    found = {path.stem: _record(path) for path in folder.glob("*.json") if "." not in path.stem}
    return {name: process for name, process in found.items() if process is not None}


def _record(path: Path) -> ServiceProcess | None:
    try:
        record = json.loads(path.read_bytes())
        return ServiceProcess(record["pid"], record["start"], record["release"], record["tag"])
    except (FileNotFoundError, ValueError, KeyError):
        return None


class ServiceProcesses:
    """The services of one environment, in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def running(self, name: str) -> ServiceProcess | None:
        """The recorded process if it is that very process that runs, not one that got its pid later."""
        process = _record(self._folder / f"{name}.json")
        return process if process is not None and process.lives else None

    async def start(
        self, service: ServiceDefinition, settings: Mapping[str, object], release: str, tag: str
    ) -> ServiceProcess:
        """Start a service that does not run; if another executor was quicker, adopt what it started."""
        self._folder.mkdir(parents=True, exist_ok=True)
        settings_file = self._folder / f"{service.name}.settings.json"
        ready_file = self._folder / f"{service.name}.ready"
        write_private(settings_file, json.dumps({**settings, "ready_file": str(ready_file)}))
        while True:
            launch = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", launcher.__file__),
                *(str(self._folder), service.name, release, tag, *service.command),
                stdin=asyncio.subprocess.DEVNULL,
                cwd=self._folder,
                # Only this: what the executor itself is told, secrets included, is not for the services.
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "LANG": "C.UTF-8",
                    "DRYDOCK_SERVICE_SETTINGS": str(settings_file),
                },
            )
            status = await launch.wait()
            if (process := self.running(service.name)) is not None:
                return process
            if status == 0:
                raise StepFailedError(f"service {service.name} ended at once. {self._last_words(service.name)}")
            if status != launcher.ALREADY_RUNNING:
                raise RuntimeUnavailableError(f"service {service.name} could not be launched (status {status})")
            await asyncio.sleep(_POLL)  # the lock's holder has not recorded itself yet, or is about to end

    async def wait_ready(self, name: str) -> None:
        """Return when the service serves; StepFailedError with its last log lines when it ends instead."""
        while True:
            process = self.running(name)
            if process is None:
                raise StepFailedError(f"service {name} ended while it started. {self._last_words(name)}")
            with contextlib.suppress(FileNotFoundError, ValueError):
                if int((self._folder / f"{name}.ready").read_text()) == process.pid:
                    return
            await asyncio.sleep(_POLL)

    async def stop(self, name: str) -> None:
        """End the service and its process group: politely for ten seconds, then by force."""
        if (process := self.running(name)) is not None:
            self._signal(process, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await self._ended(process)
            if process.lives:
                self._signal(process, signal.SIGKILL)
                await self._ended(process)
            self._end_orphans(process)
        while self._lock_is_held(name):
            # Somebody is starting it right now: it records itself, then it can be ended.
            await asyncio.sleep(_POLL)
            if self.running(name) is not None:
                await self.stop(name)
        # What has a record and does not run was not stopped: see watch.py.
        if self.running(name) is None:
            (self._folder / f"{name}.json").unlink(missing_ok=True)

    def _signal(self, process: ServiceProcess, number: signal.Signals) -> None:
        if process.lives:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)

    async def _ended(self, process: ServiceProcess) -> None:
        while process.lives:  # noqa: ASYNC110  # not our child: no event
            await asyncio.sleep(_POLL)

    def _end_orphans(self, process: ServiceProcess) -> None:
        # Children the service left behind keep its group's number from being given to a new process; where
        # a process has that number as its pid again, the group was empty and is not ours any more.
        if process_start(process.pid) is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def _lock_is_held(self, name: str) -> bool:
        try:
            with (self._folder / f"{name}.lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    def last_lines(self, name: str) -> list[str]:
        """The last lines of a service's log; none where it has none."""
        try:
            return (self._folder / f"{name}.log").read_text(errors="replace").splitlines()[-_LAST_LINES:]
        except FileNotFoundError:
            return []

    def _last_words(self, name: str) -> str:
        lines = self.last_lines(name)
        return "Its last words: " + " | ".join(lines) if lines else "It said nothing."
