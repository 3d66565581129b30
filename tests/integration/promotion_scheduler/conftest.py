"""A running promotion-scheduler, and somebody who plays everybody else."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.embedded import Endpoints
from shared.contracts.registry import CATALOGUE
from tests.integration.promotion_scheduler.world import World
from tests.support.services import ServiceProcess, client

TOPICS = (
    "drydock.promotion-scheduler.events",
    "drydock.promotion-scheduler.snapshots",
    "drydock.promotion-scheduler.dead-letters",
    "drydock.servicing-executor.commands",
    "drydock.extension-compatibility-checker.commands",
)


@pytest.fixture(scope="module")
def process(engines: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One process for the tests of a module; each test has environments of its own."""
    folder = tmp_path_factory.mktemp("promotion-scheduler")
    scheduler = ServiceProcess("services.promotion_scheduler.app", engines, folder, start_within="PT2S")
    scheduler.start()
    yield scheduler
    assert scheduler.running
    assert scheduler.end() == 0


@pytest.fixture
async def world(engines: Endpoints, process: ServiceProcess) -> AsyncIterator[World]:
    """A project with a sandbox and production, and their scheduler ready for commands."""
    async with client(engines, CATALOGUE, TOPICS) as someone:
        await process.ready()
        yield World(someone)
        letters = [seen for seen in await someone.caught_up() if seen.topic.endswith("dead-letters")]
        assert not letters
