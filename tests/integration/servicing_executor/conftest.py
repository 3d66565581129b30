"""A running servicing-executor with real environments, and the image-builder that it asks for images."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.demo.reference_application.definition import application
from deploy.embedded import Endpoints
from services.servicing_executor.runtimes.local import LocalRuntime
from services.servicing_executor.runtimes.postgres import PostgresCluster
from shared.artifacts.folder import FolderStore
from shared.contracts.common import DeadLetter
from shared.contracts.registry import CATALOGUE
from tests.integration.servicing_executor.world import World
from tests.support.services import Seen, ServiceProcess, client

TOPICS = (
    "drydock.servicing-executor.events",
    "drydock.servicing-executor.snapshots",
    "drydock.servicing-executor.dead-letters",
    "drydock.extension-compatibility-checker.commands",
)


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


@pytest.fixture
async def world(engines: Endpoints, folder: Path) -> AsyncIterator[World]:
    """An environment's project, and a servicing-executor that is ready for commands."""
    artifacts = str(folder / "artifacts")
    executor = ServiceProcess(
        "services.servicing_executor.app",
        engines,
        folder,
        artifacts=artifacts,
        environments=str(folder / "environments"),
    )
    builder = ServiceProcess("services.image_builder.app", engines, folder, artifacts=artifacts)
    began = datetime.now(UTC)
    async with client(engines, CATALOGUE, TOPICS) as someone:
        try:
            for process in (executor, builder):
                process.start()
            for process in (executor, builder):
                await process.ready()
            yield World(someone, executor, local_runtime(folder), folder)
            # It reads what other tests have told before, too, who play services that it would have asked.
            letters = [one.envelope.data for one in await someone.caught_up() if _is_letter(one, began)]
            assert not letters, letters
        finally:
            for process in (executor, builder):
                if process.running:
                    await process.stop()


def _is_letter(seen: Seen, began: datetime) -> bool:
    """Whether it is a dead letter of a record that came since."""
    return isinstance(seen.envelope.data, DeadLetter) and seen.envelope.data.record_time >= began
