"""A small world around one replica of the example: what a test sends, and what comes of it."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from shared.contracts.cloudevents import decode, encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Message, MessageKind
from shared.kernel.app import Aggregate, Load, OnWork, Service
from shared.kernel.client import OutgoingRecord
from shared.kernel.document import Document, OutboxEntry, new_document
from shared.kernel.inputs.messages import MessageInput
from shared.kernel.records import BatchResult, RecordPosition
from shared.kernel.store.documents import decode as decode_stored
from shared.kernel.store.memory import MemoryStore
from shared.kernel.stored import from_stored
from shared.kernel.unit_of_work import UnitOfWork
from tests.support.example import app, example
from tests.support.simulation import EPOCH, Broker, Clock, InstantLoop, Replica

T = TypeVar("T")

COMMANDS = "drydock.example.commands"
EVENTS = "drydock.neighbour.events"


@dataclass
class Raw:
    """A record as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    timestamp: int = int(EPOCH.timestamp() * 1000)


@dataclass
class World:
    """One replica of the example by default; more on demand."""

    loop: InstantLoop
    clock: Clock
    store: MemoryStore
    broker: Broker
    service: Service
    replicas: dict[str, Replica] = field(default_factory=dict)
    _offsets: Iterator[int] = field(default_factory=lambda: iter(range(10**6)))

    def replica(self, name: str = "a", **settings: Any) -> Replica:
        """The replica of that name."""
        if name not in self.replicas:
            self.replicas[name] = Replica(self.service, self.store, self.broker, self.clock, name=name, **settings)
        return self.replicas[name]

    def with_errands(self, run: Callable[..., Coroutine[Any, Any, Any]], **fields: Any) -> None:
        """From now on errands are run by `run`."""
        lines = [replace(line, run=run, **fields) if isinstance(line, OnWork) else line for line in self.service.table]
        self.service = Service("example", example.CATALOGUE, lines, builtin=self.service.builtin)

    def run(self, what: Coroutine[Any, Any, T]) -> T:
        """Run something to its end."""
        return self.loop.run_until_complete(what)

    def raw(self, message: Message, *, id: str = "", partition: int = 0, source: str = "test") -> Raw:  # noqa: A002
        """The next record of a partition, with a message."""
        record = encode(Envelope(id=id or new_id(), source=source, time=self.clock(), data=message))
        topic = COMMANDS if message.kind is MessageKind.COMMAND else EVENTS
        return Raw(topic, partition, next(self._offsets), record.key, record.value, record.headers)

    def process(self, *records: Raw, by: str = "a") -> BatchResult:
        """Give records to the inbox."""
        return self.run(self.replica(by).engine.inbox.process(records))

    def send(self, *messages: Message, by: str = "a") -> BatchResult:
        """Give messages to the inbox, in one batch."""
        return self.process(*[self.raw(message) for message in messages], by=by)

    def relay(self, by: str = "a") -> bool:
        """Send what waits in outboxes, once; what waited for too long is looked at again before that."""
        engine = self.replica(by).engine
        sent = self.run(engine.relay.step())
        if engine.due_index._late:
            self.sweep(by)
            sent = self.run(engine.relay.step())
        return sent

    def sweep(self, by: str = "a") -> None:
        """Do what is due, and let work begin that was claimed."""

        async def sweep_and_begin() -> None:
            await self.replica(by).engine.sweeper.step()
            for _ in range(20):
                await asyncio.sleep(0)

        self.run(sweep_and_begin())

    def document(self, id_: str, collection: str = "counters") -> Document:
        """What the store has."""
        return from_stored(decode_stored(self.store._kept(collection)[id_].encoded))

    def value(self, counter: str) -> int:
        """The value of a counter in the store."""
        state = self.document(counter).state
        assert state
        return int(state["value"])

    def published(self, *types: type[Message]) -> list[Envelope[Any]]:
        """The messages of some types on the topics, repeats included."""
        return [envelope for envelope in read(self.broker.log) if isinstance(envelope.data, types)]

    def committer_sees(self, *messages: Message, ids: Sequence[str] = ()) -> list[MessageInput]:
        """The inputs that an inbox would make of messages."""
        named = [*ids, *[new_id() for _ in messages[len(ids) :]]]
        envelopes = [
            Envelope(id=id_, source="test", time=self.clock(), data=message)
            for message, id_ in zip(messages, named, strict=True)
        ]
        return [
            MessageInput(
                aggregate=app.COUNTERS,
                id=envelope.data.key,
                handler=self.service.handlers[envelope.data.type][0],
                envelope=envelope,
                position=RecordPosition(COMMANDS, 0, next(self._offsets)),
                value=encode(envelope).value,
            )
            for envelope in envelopes
        ]

    def unit(self, document: Document | None = None, *, published: int = 0, overtakes: bool = False) -> UnitOfWork:
        """A unit of work on a counter."""
        now = self.clock()
        replica = self.replica()
        return UnitOfWork(
            self.service,
            app.COUNTERS,
            document or new_document("c", now),
            now=now,
            published=published,
            patience=replica.engine.committer._patience,
            overtakes=overtakes,
        )

    def close(self) -> None:
        """End everything."""
        for replica in self.replicas.values():
            self.run(replica.end())
        self.loop.close()


def with_counters(service: Service, counters: Aggregate[Any]) -> Service:
    """The example with another aggregate of that name, as another release has it."""
    lines = []
    for line in service.table:
        facts = line.facts
        if facts:
            facts = Load(facts.model, **{name: replace(fact, aggregate=counters) for name, fact in facts.facts.items()})
        lines.append(replace(line, aggregate=counters, facts=facts))
    return Service("example", example.CATALOGUE, lines, builtin=service.builtin)


def read(sent: Iterable[OutgoingRecord | OutboxEntry]) -> list[Envelope[Any]]:
    """The messages in records, or in the entries of an outbox."""
    records = (one.record if isinstance(one, OutboxEntry) else one for one in sent)
    return [
        decode(example.CATALOGUE, record.topic, record.key, record.value, record.headers, record_time=EPOCH)
        for record in records
    ]
