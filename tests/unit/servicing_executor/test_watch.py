"""The watch sees services that end by themselves: from the processes, not from who asked for what."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services.servicing_executor.observer import Observer
from services.servicing_executor.runtimes import watch
from services.servicing_executor.runtimes.launcher import process_start
from services.servicing_executor.runtimes.processes import ServiceProcesses
from services.servicing_executor.runtimes.watch import ServiceWatch
from shared.contracts.message import Command
from shared.contracts.servicing_executor import ReportServices


class Place:
    """Environments on this machine, with processes that do nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self, environment: str, name: str) -> subprocess.Popen[bytes]:
        """Start a service and record it, as the launcher does."""
        folder = self.folder(environment)
        folder.mkdir(parents=True, exist_ok=True)
        process = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
        self.processes.append(process)
        record = {"pid": process.pid, "start": process_start(process.pid), "release": "first", "tag": "apply"}
        (folder / f".{name}.json.draft").write_text(json.dumps(record))
        (folder / f".{name}.json.draft").rename(folder / f"{name}.json")
        (folder / f"{name}.settings.json").write_text("{}")
        return process

    def folder(self, environment: str) -> Path:
        return self.root / environment / "services"

    def down(self, seen: ServiceWatch) -> dict[str, set[str]]:
        return {environment: set(ended) for environment, ended in seen.look().items()}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "installed")
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


async def test_a_service_is_down_when_it_ended_and_not_when_it_was_stopped(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.platform == "linux":  # elsewhere processes are only looked at once in a while
        monkeypatch.setattr(watch, "LOOK_EVERY", 600)
    monkeypatch.setattr(watch, "SETTLE", 0)
    with closing(ServiceWatch(place.root)) as seen:
        assert place.down(seen) == {}
        aos, dixf = place.start("test", "AOS"), place.start("test", "DIXF")
        place.start("prod", "AOS")
        assert place.down(seen) == {"test": set(), "prod": set()}
        waiting = asyncio.create_task(seen.wait())
        await asyncio.sleep(0)
        aos.kill()
        await waiting
        assert place.down(seen) == {"test": {"AOS"}, "prod": set()}
        aos.communicate()
        # Whether who was its parent has noticed makes no difference.
        assert place.down(seen) == {"test": {"AOS"}, "prod": set()}
        dixf.communicate()
        await ServiceProcesses(place.folder("test")).stop("DIXF")
        await ServiceProcesses(place.folder("test")).stop("AOS")
        assert place.down(seen) == {"test": set(), "prod": set()}
        place.start("test", "AOS")
        assert place.down(seen) == {"test": set(), "prod": set()}


async def test_a_watch_that_begins_late_sees_what_ended_before(place: Place) -> None:
    place.start("test", "AOS").communicate()
    with closing(ServiceWatch(place.root)) as seen:
        assert place.down(seen) == {"test": {"AOS"}}


async def test_the_end_of_a_process_is_told_and_what_was_not_taken_is_told_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "LOOK_EVERY", 0.02)
    monkeypatch.setattr(watch, "SETTLE", 0)
    told: list[ReportServices] = []
    taken = iter([True, False, True, True])
    enough = asyncio.Event()

    async def tell(command: Command) -> bool:
        assert isinstance(command, ReportServices)
        told.append(command)
        if len(told) == 1:
            aos.kill()
        if len(told) == 3:
            enough.set()
        return next(taken)

    aos = place.start("test", "AOS")
    observing = asyncio.create_task(Observer(place.root)(tell))
    async with asyncio.timeout(30):
        await enough.wait()
    observing.cancel()
    assert [[one.service for one in report.down] for report in told] == [[], ["AOS"], ["AOS"]]
