"""The console on real engines, and somebody who plays the services."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded import Endpoints
from shared.contracts.envelope import new_id
from shared.contracts.registry import CATALOGUE
from shared.contracts.topics import SERVICES
from tests.support.played_services import PlayedServices
from tests.support.services import Client, ServiceProcess, client

Console = Callable[..., ServiceProcess]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the artifact store."""
    return tmp_path_factory.mktemp("artifacts")


@pytest.fixture(scope="module")
def another_console(engines: Endpoints, artifacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Makes processes of the console; they are gone after the tests."""
    made: list[ServiceProcess] = []

    def make() -> ServiceProcess:
        folder = tmp_path_factory.mktemp("console")
        made.append(ServiceProcess("services.console.app", engines, folder, artifacts=str(artifacts)))
        return made[-1].start()

    yield make
    for process in made:
        process.end()


@pytest.fixture(scope="module")
def started_console(another_console: Console) -> ServiceProcess:
    """A console that was started, and may not be ready."""
    return another_console()


@pytest.fixture
async def console(started_console: ServiceProcess) -> ServiceProcess:
    """A console that is ready."""
    return await started_console.ready(60)


@pytest.fixture
async def user(engines: Endpoints) -> AsyncIterator[Client]:
    """Somebody who sees the commands."""
    topics = [f"drydock.{service}.commands" for service in SERVICES]
    async with client(engines, CATALOGUE, topics) as someone:
        yield someone


@pytest.fixture
def played(user: Client) -> PlayedServices:
    """The services, played."""
    return PlayedServices(user)


@pytest.fixture
def name() -> str:
    """The name of an environment of the test's own."""
    return f"c{new_id()[-8:]}-test"
