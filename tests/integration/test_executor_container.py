"""The executor with its environments, as they run in one container: they stop and start together."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.demo.packages import PLATFORM
from deploy.demo.reference_application.definition import application
from deploy.embedded import Endpoints
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.postgres import PostgresCluster
from shared.artifacts.folder import FolderStore
from tests.support.demo_images import built
from tests.support.local_machine import step
from tests.support.services import ServiceProcess

ENVIRONMENT = "contoso-test"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that is emptied of all that runs there."""
    path = Path(tempfile.mkdtemp(prefix="drydock-test-"))
    yield path
    asyncio.run(local_runtime(path).shutdown())
    shutil.rmtree(path)


def local_runtime(folder: Path) -> LocalRuntime:
    """The runtime that the executor has in this folder."""
    return LocalRuntime(
        folder / "environments" / "installed",
        FolderStore(folder / "artifacts"),
        application(),
        PostgresCluster(folder / "environments" / "postgres"),
    )


async def provision(runtime: LocalRuntime, folder: Path) -> None:
    """An environment that has run, and was stopped in order."""
    image = (await built(FolderStore(folder / "artifacts"), PLATFORM, folder)).image.digest
    await runtime.provision(step(ENVIRONMENT, "register", "provision"))
    await runtime.prepare_release(step(ENVIRONMENT, "register", "prepare"), image)
    await runtime.switch_release(step(ENVIRONMENT, "register", "switch"), image)
    await runtime.migrate_database(step(ENVIRONMENT, "register", "migrate"), image)
    await runtime.start_services(step(ENVIRONMENT, "register", "start"))
    await runtime.shutdown()


async def answers(runtime: LocalRuntime) -> bool:
    """Whether the environment serves its users."""
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(f"{runtime.address(ENVIRONMENT)}/health")).is_success
        except httpx.ConnectError:
            return False


async def test_environments_run_again_with_the_executor_and_end_with_it(engines: Endpoints, folder: Path) -> None:
    runtime = local_runtime(folder)
    await provision(runtime, folder)
    assert not await answers(runtime)
    executor = ServiceProcess(
        "deploy.stack.executor",
        engines,
        folder,
        artifacts=str(folder / "artifacts"),
        environments=str(folder / "environments"),
    )
    for _ in range(2):
        await executor.start().ready(60)
        assert await answers(runtime)
        assert await executor.stop() == 0
        assert not await answers(runtime)
