"""What the command line and the HTTP API do with topics: publish commands, follow events, read views."""

from asyncio import TimerHandle, get_running_loop
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar, overload

from shared.contracts.catalogue import Catalogue
from shared.contracts.cloudevents import encode
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command, Message, MessageKind, Snapshot
from shared.contracts.registry import CATALOGUE
from shared.contracts.topics import topic_name
from shared.kernel.client import KafkaPublisher, OutgoingRecord, Read, TopicReader

M = TypeVar("M", bound=Message)
N = TypeVar("N", bound=Message)
P = TypeVar("P", bound=Message)

Concerns = Callable[[Message], bool]

SAY_AFTER = 5.0
"""Seconds after which it is said what is waited for."""


class Unreachable(Exception):
    """No broker answers, or it did not take the command; the message says the way out."""


class Refused(Exception):
    """A command was refused."""

    def __init__(self, answer: CommandRejected) -> None:
        super().__init__(f"{answer.reason}: {answer.message}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one installation, as the user `actor`."""

    bootstrap: str
    actor: str
    catalogue: Catalogue = CATALOGUE
    say: Callable[[str], None] = lambda text: None
    """Tells a person what happens meanwhile."""

    async def publish(self, command: Command, *, id_: str | None = None, service: str | None = None) -> str:
        """Send a command; its id. Raise Unreachable. `service` takes it, where every service takes such commands."""
        envelope: Envelope[Message] = Envelope(
            id=id_ or new_id(), source="drydock/console", time=datetime.now(UTC), data=command, actor=self.actor
        )
        record = encode(envelope)
        topic = self.catalogue.topic_of(type(command), service or command.owner)
        publisher = KafkaPublisher(self.bootstrap, "drydock-console")
        try:
            sent = await publisher.send([OutgoingRecord(topic, record.key, record.value, [*record.headers])])
        finally:
            await publisher.stop()
        if not all(sent):
            raise Unreachable(f"Kafka at {self.bootstrap} did not take the command; is Drydock running?")
        return envelope.id

    @asynccontextmanager
    async def events_from_now(self, services: Sequence[str]) -> AsyncIterator[TopicReader]:
        """A reader of the services' events, positioned behind the last one there is."""
        topics = [topic_name(service, MessageKind.EVENT) for service in services]
        async with TopicReader(self.bootstrap, self.catalogue, topics) as reader:
            await reader.from_now()
            yield reader

    @asynccontextmanager
    async def sending(
        self, command: Command, *, id_: str, service: str | None = None
    ) -> AsyncIterator[AsyncIterator[Envelope[Message]]]:
        """Send a command; all that its service tells from then on. The iteration raises Refused if it is refused."""
        service = service or command.owner
        async with self.events_from_now([service]) as reader:
            await self.publish(command, id_=id_, service=service)
            yield _unless_refused(reader.forever(), id_)

    @overload
    async def ask(
        self,
        command: Command,
        answer: type[M],
        /,
        *,
        id_: str | None = None,
        service: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[M | None]] | None = None,
    ) -> M: ...
    @overload
    async def ask(
        self,
        command: Command,
        answer: type[M],
        other: type[N],
        /,
        *,
        id_: str | None = None,
        service: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[M | N | None]] | None = None,
    ) -> M | N: ...
    @overload
    async def ask(
        self,
        command: Command,
        answer: type[M],
        other: type[N],
        third: type[P],
        /,
        *,
        id_: str | None = None,
        service: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[M | N | P | None]] | None = None,
    ) -> M | N | P: ...
    async def ask(
        self,
        command: Command,
        /,
        *answers: type[Message],
        id_: str | None = None,
        service: str | None = None,
        concerns: Concerns | None = None,
        heard: Callable[[Message], Awaitable[Any]] | None = None,
    ) -> Any:
        """Send a command and wait for its answer, which is one of `answers`. Raise Refused.

        An answer that only opens something is not the end: that is caused by what happened meanwhile. It is found by
        the correlation, among the events of the command's key, and where another command may bring it about, by
        `concerns`. What is said before is given to `heard`, which may know the end: a command that is repeated gets
        its first answer again, and no other.
        """
        id_ = id_ or new_id()
        with self.waiting_for(f"{service or command.owner} to answer"):
            async with self.sending(command, id_=id_, service=service) as events:
                async for envelope in events:
                    event = envelope.data
                    ours = envelope.correlation == id_ or (concerns is not None and concerns(event))
                    if envelope.causation != id_ and not (ours and event.key == command.key):
                        continue
                    if isinstance(event, answers):
                        return event
                    if heard and (end := await heard(event)):
                        return end
        raise AssertionError("a reader reads for ever")

    @contextmanager
    def waiting_for(self, what: str) -> Iterator[TimerHandle]:
        """Say what is waited for, if it takes more than a moment; cancel what this gives once it has come."""
        timer = get_running_loop().call_later(SAY_AFTER, self.say, f"waiting for {what}")
        try:
            yield timer
        finally:
            timer.cancel()

    async def views(self, *types: type[Snapshot]) -> dict[str, Message]:
        """The latest view of every aggregate of these types, by key."""
        topics = sorted({self.catalogue.topic_of(one, one.owner) for one in types})
        latest: dict[str, Read] = {}
        async with TopicReader(self.bootstrap, self.catalogue, topics) as reader:
            await reader.from_start()
            async for read in reader.until_now():
                if read.envelope is not None and isinstance(read.envelope.data, types):
                    latest[read.key] = read
        return {key: read.envelope.data for key, read in latest.items() if read.envelope}


async def _unless_refused(reads: AsyncIterator[Read], id_: str) -> AsyncIterator[Envelope[Message]]:
    async for read in reads:
        if read.envelope is None:
            continue
        event = read.envelope.data
        if isinstance(event, CommandRejected) and event.command_id == id_:
            raise Refused(event)
        yield read.envelope
