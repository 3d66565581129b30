"""package-validator as a process, an artifact store beside it, and somebody who submits packages."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest

from deploy.embedded import Endpoints
from shared.artifacts.folder import FolderStore
from shared.contracts.envelope import new_id
from shared.contracts.message import Command, Message
from shared.contracts.package_validator import SubmitPackage
from shared.contracts.parts import ArtifactRef
from shared.contracts.registry import CATALOGUE
from tests.support.played_services import PlayedServices
from tests.support.services import Client, Seen, ServiceProcess, client

MODULE = "services.package_validator.app"
TOPICS = tuple(f"drydock.package-validator.{name}" for name in ("events", "snapshots", "progress", "dead-letters"))
M = TypeVar("M", bound=Message)


@dataclass
class Submitter:
    """Puts packages into the store, sends commands, and waits for what is told of packages."""

    user: Client
    store: FolderStore
    root: Path
    project: str = field(default_factory=lambda: f"p{new_id()[-12:]}")

    def name(self, package: str) -> str:
        """The id of a package in the test's own project."""
        return f"{self.project}/{package}"

    async def put(self, content: bytes | Path) -> ArtifactRef:
        """A file in the store."""
        if isinstance(content, Path):
            kept = await self.store.put_file(content, "application/zip")
        else:
            kept = await self.store.put_bytes(content, "application/zip")
        return ArtifactRef.of(kept)

    def path(self, artifact: ArtifactRef) -> Path:
        """Where a file of the store lies."""
        return self.root / "blobs" / "sha256" / artifact.digest.removeprefix("sha256:")

    async def submit(self, package: str, content: bytes | Path | ArtifactRef) -> ArtifactRef:
        """Have a package checked."""
        artifact = content if isinstance(content, ArtifactRef) else await self.put(content)
        await self.send(SubmitPackage(package=self.name(package), artifact=artifact, file_name=f"{package}.zip"))
        return artifact

    async def send(self, command: Command) -> str:
        """Send a command; its id."""
        return await self.user.send(command)

    async def told(self, message: type[M], package: str, count: int = 1, seconds: float = 60) -> list[M]:
        """Wait for so many messages about a package; all of them, each once."""
        await self.user.wait_for(lambda seen: self._is(seen, message, package), count, seconds)
        return self.seen(message, package)

    def seen(self, message: type[M], package: str) -> list[M]:
        """What has come by now."""
        found = [seen.envelope.data for seen in self.user.seen if self._is(seen, message, package)]
        return [one for one in found if isinstance(one, message)]

    async def answer(self, command: Command, message: type[M]) -> M:
        """Send a command; the first message of a type that it caused."""
        id_ = await self.send(command)
        [first, *_] = await self.user.wait_for(
            lambda seen: isinstance(seen.envelope.data, message) and seen.envelope.causation == id_
        )
        assert isinstance(first.envelope.data, message)
        return first.envelope.data

    def played(self) -> PlayedServices:
        """Who tells what other services tell."""
        return PlayedServices(self.user)

    def _is(self, seen: Seen, message: type[Message], package: str) -> bool:
        """Whether it is such a message, for the first time: a message may come again under its id."""
        if not isinstance(seen.envelope.data, message) or seen.key != self.name(package).encode():
            return False
        return seen is next(one for one in self.user.seen if one.envelope.id == seen.envelope.id)


@pytest.fixture
async def submitter(engines: Endpoints, tmp_path: Path) -> AsyncIterator[Submitter]:
    """Somebody who submits packages, with the store that the service reads. Nothing may become a dead letter."""
    root = tmp_path / "artifacts"
    async with client(engines, CATALOGUE, TOPICS) as someone:
        yield Submitter(someone, FolderStore(root), root)
        letters = [seen for seen in await someone.caught_up() if seen.topic.endswith("dead-letters")]
        assert not letters


@pytest.fixture
def validator(engines: Endpoints, tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Makes processes of the service; they are gone after the test."""
    made: list[ServiceProcess] = []

    def make(**settings: str) -> ServiceProcess:
        folders = {name: str(tmp_path / name) for name in ("artifacts", "merging")}
        made.append(ServiceProcess(MODULE, engines, tmp_path, **folders, **settings))
        return made[-1]

    yield make
    for process in made:
        if process.started:
            process.end()
