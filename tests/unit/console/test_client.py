"""What the client makes of what it reads: which event answers a command, and which view is news."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from services.console import client as client_module
from services.console.cli import lists
from services.console.client import Client
from services.console.installation import Installation
from services.console.nouns import EXTENSIONS
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.package_validator import PackageSubmitted, SubmitPackage
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.examples import envelope_of
from shared.contracts.servicing_executor import EnvironmentSnapshot, EnvironmentStatus
from shared.kernel.client import Read
from tests.support.played_services import NOON, environment


class Topics:
    """Stands in for Kafka: what stands on the topics, and what comes then."""

    before: Sequence[Read] = ()
    later: Sequence[Read] = ()

    def __init__(self, *_: Any) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    async def from_start(self) -> None:
        pass

    async def from_now(self) -> None:
        pass

    async def until_now(self) -> AsyncIterator[Read]:
        for one in self.before:
            yield one

    async def forever(self) -> AsyncIterator[Read]:
        for one in self.later:
            yield one

    async def send(self, records: Sequence[Any]) -> list[bool]:
        return [True for _ in records]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(client_module, "TopicReader", Topics)
    return Client("", "ada", publisher=Topics())  # type: ignore[arg-type]  # sends as one does


def read(message: Message, sequence: int = 1, causation: str | None = None) -> Read:
    envelope: Envelope[Message] = Envelope(
        id=str(sequence), source="test", time=NOON, data=message, sequence=sequence, causation=causation
    )
    return Read(CATALOGUE.topic_of(type(message), message.owner), 0, 0, message.key, envelope)


def test_of_the_views_that_come_only_news_are_told(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses = list(islice(EnvironmentStatus, 3))
    first, second, third = (environment("contoso-test", status=status) for status in statuses)
    other = environment("contoso-prod")
    monkeypatch.setattr(Topics, "before", [read(first, 3), read(other, 9)])
    monkeypatch.setattr(Topics, "later", [read(second, 2), read(second, 3), read(other, 10), read(third, 4)])

    async def told() -> list[EnvironmentSnapshot | None]:
        return [view async for view in client.changes(EnvironmentSnapshot, "contoso-test")]

    assert asyncio.run(told()) == [first, third]


@pytest.mark.parametrize("concerned", [True, False])
def test_what_another_command_brought_about_is_an_answer_where_it_concerns_this_one(
    client: Client, monkeypatch: pytest.MonkeyPatch, *, concerned: bool
) -> None:
    command, answer = envelope_of(SubmitPackage).data, envelope_of(PackageSubmitted).data
    assert isinstance(command, SubmitPackage)
    answer = answer.model_copy(update={"package": command.package})
    own = answer.model_copy(update={"file_name": "own.zip"})
    monkeypatch.setattr(Topics, "later", [read(answer, 1, causation="another's"), read(own, 2, causation="mine")])
    asked = client.ask(command, PackageSubmitted, id_="mine", concerns=lambda event: concerned)
    assert asyncio.run(asked) == (answer if concerned else own)


def test_what_is_of_an_environment_is_listed_of_that_one_alone(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Topics, "before", [read(environment("contoso-test")), read(environment("contoso-prod"))])
    there = Installation(client, Path(), "")
    listing, _ = asyncio.run(lists._listing(there, EXTENSIONS, (), {"environment": "contoso-prod"}))
    assert [view.environment for view in listing.views] == ["contoso-prod"]
