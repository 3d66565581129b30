"""What the command line and the HTTP API do with topics: publish commands, follow events, read views."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.catalogue import Catalogue
from shared.contracts.cloudevents import encode
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Command, Message, MessageKind, Snapshot
from shared.contracts.registry import CATALOGUE
from shared.contracts.topics import topic_name
from shared.kernel.document import Entry
from shared.kernel.kafka.publisher import KafkaPublisher
from shared.kernel.kafka.reader import Read, TopicReader


class Unreachable(Exception):  # noqa: N818 - names what the user sees
    """No broker answers, or it did not take the command; the message says the way out."""


@dataclass(frozen=True, slots=True)
class Session:
    """A connection to one installation, as the user `actor`."""

    bootstrap: str
    actor: str
    catalogue: Catalogue = CATALOGUE

    async def publish(self, command: Command, *, id_: str | None = None, service: str | None = None) -> str:
        """Send a command; its id. Raise Unreachable. `service` takes it, where every service takes such commands."""
        envelope: Envelope[Message] = Envelope(
            id=id_ or new_id(), source="drydock/console", time=datetime.now(UTC), data=command, actor=self.actor
        )
        record = encode(envelope)
        topic = self.catalogue.topic_of(type(command), service or command.owner)
        publisher = KafkaPublisher(self.bootstrap, "drydock-console")
        try:
            sent = await publisher.send([Entry(1, topic, record.key, record.value, [*record.headers])])
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

    async def answer(
        self,
        command: Command,
        wanted: Callable[[Message], bool],
        *,
        id_: str | None = None,
        service: str | None = None,
    ) -> Message:
        """Send a command and wait for its answer: the event it caused that is `wanted`, or its refusal."""
        id_ = id_ or new_id()
        service = service or command.owner
        async with self.events_from_now([service]) as reader:
            await self.publish(command, id_=id_, service=service)
            async for read in reader.forever():
                envelope = read.envelope
                if envelope is None or envelope.causation != id_:
                    continue
                if isinstance(envelope.data, CommandRejected) or wanted(envelope.data):
                    return envelope.data
        raise AssertionError("a reader reads for ever")

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
