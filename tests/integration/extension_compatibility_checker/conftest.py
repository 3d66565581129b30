"""extension-compatibility-checker as a process, an artifact store beside it, and somebody who asks."""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from deploy.embedded import Endpoints
from shared.artifacts.folder import FolderStore
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import new_id
from shared.contracts.extension_compatibility_checker import (
    BaseIndexed,
    BaseIndexingFailed,
    CheckCompatibility,
    CompatibilityChecked,
    PublishBase,
)
from shared.contracts.message import Message
from shared.contracts.parts import ArtifactRef, Extension, ExtensionScope
from shared.contracts.registry import CATALOGUE
from tests.support.al_packages import base_app, field, table
from tests.support.services import Client, Seen, ServiceProcess, client

MODULE = "services.extension_compatibility_checker.app"
TOPICS = tuple(f"drydock.extension-compatibility-checker.{name}" for name in ("events", "snapshots", "dead-letters"))
PACKAGE = "application/octet-stream"
M = TypeVar("M", bound=Message)


@dataclass
class Asker:
    """Puts packages into the store, asks for checks, and waits for what is told of one base or environment."""

    user: Client
    store: FolderStore

    async def put(self, content: bytes) -> ArtifactRef:
        """A package in the store."""
        kept = await self.store.put_bytes(content, PACKAGE)
        return ArtifactRef.of(kept)

    async def extension(self, content: bytes, app_id: str, name: str, version: str = "1.0.0.0") -> Extension:
        """An extension of a set, its package in the store."""
        return extension_of(await self.put(content), app_id, name, version)

    async def publish(self, base: str, *packages: ArtifactRef) -> None:
        """Ask for a base."""
        await self.user.send(PublishBase(base=base, packages=packages))

    async def ask(
        self,
        environment: str,
        base: str,
        *extensions: Extension,
        operation: str | None = None,
        promotion: str | None = None,
    ) -> None:
        """Ask for a check of set version 1."""
        await self.user.send(
            CheckCompatibility(
                environment=environment,
                project="contoso",
                set_version=1,
                extensions=extensions,
                base=base,
                operation=operation,
                promotion=promotion,
            ),
            source="drydock/servicing-executor",
        )

    async def answers(self, environment: str, count: int = 1, seconds: float = 40) -> list[CompatibilityChecked]:
        """The answers of checks of an environment."""
        return await self._wait(CompatibilityChecked, environment, count, seconds)

    async def told(self, message: type[M], key: str) -> list[M]:
        """What was told by now."""
        await self.user.caught_up()
        return self._seen(message, key)

    async def indexed(self, base: str, count: int = 1) -> list[BaseIndexed]:
        """What was told of a base that has an index."""
        return await self._wait(BaseIndexed, base, count)

    async def not_indexed(self, base: str, count: int = 1) -> list[BaseIndexingFailed]:
        """What was told of a base without an index."""
        return await self._wait(BaseIndexingFailed, base, count)

    async def refused(self, base: str) -> CommandRejected:
        """The refusal of a base."""
        return (await self._wait(CommandRejected, base, 1))[0]

    async def _wait(self, message: type[M], key: str, count: int, seconds: float = 40) -> list[M]:
        await self.user.wait_for(lambda seen: self._is(seen, message, key), count, seconds)
        return self._seen(message, key)

    def _seen(self, message: type[M], key: str) -> list[M]:
        told = [seen.envelope.data for seen in self.user.seen if self._is(seen, message, key)]
        return [one for one in told if isinstance(one, message)]

    def _is(self, seen: Seen, message: type[Message], key: str) -> bool:
        """Whether it is such a message, for the first time: a message may come again under its id."""
        if not isinstance(seen.envelope.data, message) or seen.key != key.encode():
            return False
        return seen is next(one for one in self.user.seen if one.envelope.id == seen.envelope.id)


def extension_of(artifact: ArtifactRef, app_id: str, name: str, version: str = "1.0.0.0") -> Extension:
    """An extension of a set."""
    return Extension(
        app_id=app_id,
        name=name,
        publisher="Contoso",
        version=version,
        scope=ExtensionScope.TENANT,
        artifact=artifact,
        dependencies=(),
    )


@dataclass(frozen=True)
class SmallBase:
    """A base that nobody else has published: a Base Application with the table Customer."""

    id: str
    version: str
    package: bytes


@pytest.fixture
def small_base() -> SmallBase:
    """A base of the test's own; the engines are shared."""
    version = f"25.1.{random.randrange(10**9)}.0"
    return SmallBase(
        f"{version}/W1",
        version,
        base_app(table(18, "Customer", field(1, "No.", "Code[20]")), version=version),
    )


@pytest.fixture
def environment() -> str:
    """An environment of the test's own."""
    return f"contoso-{new_id()[-12:]}"


@pytest.fixture
async def asker(engines: Endpoints, tmp_path: Path) -> AsyncIterator[Asker]:
    """Somebody who asks, with the store that the service reads."""
    async with client(engines, CATALOGUE, TOPICS) as someone:
        yield Asker(someone, FolderStore(tmp_path / "artifacts"))


@pytest.fixture
def checker(engines: Endpoints, tmp_path: Path) -> Iterator[Callable[..., ServiceProcess]]:
    """Makes processes of the service; they are gone after the test."""
    made: list[ServiceProcess] = []

    def make() -> ServiceProcess:
        folders = {name: str(tmp_path / name) for name in ("artifacts", "bases")}
        made.append(ServiceProcess(MODULE, engines, tmp_path, **folders))
        return made[-1]

    yield make
    for process in made:
        if process.started:
            process.end()
