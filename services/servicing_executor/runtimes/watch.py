"""Watches the processes of the services of all environments of this machine.

A service that is stopped takes its record with it (processes.py); one whose record is there and whose process is
not has ended by itself. The kernel says when a process ends (pidfd); that others have begun is seen by the time of
their folder, once in a while. Where there are no pidfds, as on macOS, processes are looked at instead.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.servicing_executor.runtimes.processes import ServiceProcess, recorded

LOOK_EVERY = 1.0
SETTLE = 0.25
_SETTLED_NS = 100_000_000
"""A folder that was changed less than this before it was read may have changed once more in the same tick."""


@dataclass
class _Folder:
    """The records of an environment, and when their folder was changed before they were read."""

    changed: int = 0
    records: dict[str, ServiceProcess] = field(default_factory=dict)


class ServiceWatch:
    """The services of the environments below `root`, for one event loop."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._folders: dict[str, _Folder] = {}
        self._alive: dict[tuple[int, str], int | None] = {}
        """Pidfds of processes that were seen alive, by pid and start; None where there are none."""
        self._ended = asyncio.Event()

    def look(self) -> Mapping[str, Mapping[str, ServiceProcess]]:
        """For each environment the services that have ended by themselves, with what was recorded of them."""
        self._read_folders()
        wanted = {(one.pid, one.start) for folder in self._folders.values() for one in folder.records.values()}
        for key in self._alive.keys() - wanted:
            self._let_go(key)
        return {
            environment: {name: one for name, one in folder.records.items() if not self._lives(one)}
            for environment, folder in self._folders.items()
        }

    async def wait(self) -> None:
        """Return soon after a process has ended that was alive at the last look, or after some time."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), LOOK_EVERY)
            # Whoever has stopped it removes its record now.
            await asyncio.sleep(SETTLE)
        self._ended.clear()

    def close(self) -> None:
        """Let go of all processes."""
        for key in list(self._alive):
            self._let_go(key)

    def _read_folders(self) -> None:
        try:
            names = {entry.name for entry in os.scandir(self._root) if entry.is_dir()}
        except FileNotFoundError:
            names = set()
        for name in self._folders.keys() - names:
            del self._folders[name]
        for name in names:
            services = self._root / name / "services"
            folder = self._folders.setdefault(name, _Folder())
            try:
                changed = services.stat().st_mtime_ns
            except FileNotFoundError:
                continue
            if changed != folder.changed:
                now = time.time_ns()
                folder.records = recorded(services)
                folder.changed = changed if now - changed > _SETTLED_NS else 0

    def _lives(self, process: ServiceProcess) -> bool:
        key = (process.pid, process.start)
        descriptor = self._alive.get(key)
        if descriptor is not None:
            return True
        if not process.lives:
            self._alive.pop(key, None)
            return False
        self._alive[key] = self._pidfd(process)
        return True

    def _pidfd(self, process: ServiceProcess) -> int | None:
        if not hasattr(os, "pidfd_open"):
            return None
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            return None
        asyncio.get_running_loop().add_reader(descriptor, self._saw_end, (process.pid, process.start))
        return descriptor

    def _saw_end(self, key: tuple[int, str]) -> None:
        self._let_go(key)
        self._ended.set()

    def _let_go(self, key: tuple[int, str]) -> None:
        descriptor = self._alive.pop(key, None)
        if descriptor is not None:
            asyncio.get_running_loop().remove_reader(descriptor)
            os.close(descriptor)
