"""The example service on real engines."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded import Endpoints
from tests.support.example.example import CATALOGUE
from tests.support.services import Client, ServiceProcess, client

TOPICS = (
    "drydock.example.events",
    "drydock.example.dead-letters",
    "drydock.example.snapshots",
    "drydock.neighbour.commands",
)


@pytest.fixture
async def user(engines: Endpoints) -> AsyncIterator[Client]:
    """Somebody who publishes commands and reads what comes of them."""
    async with client(engines, CATALOGUE, TOPICS) as someone:
        yield someone


@pytest.fixture
def example(engines: Endpoints, tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Makes processes of the example service; they are gone after the test."""
    made: list[ServiceProcess] = []
    errands = tmp_path / "errands"
    errands.mkdir()

    def make(**settings: str) -> ServiceProcess:
        process = ServiceProcess("tests.support.example.app", engines, tmp_path, **settings)
        process.settings |= {"EXAMPLE_ERRANDS": str(errands), "EXAMPLE_TRIM_AFTER": "0.5"}
        made.append(process)
        return process

    yield make
    for process in made:
        if process.started:
            process.end()
