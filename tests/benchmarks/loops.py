"""Two ways to process a batch of commands: by the kernel, and by a loop written by hand for just this one service."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import ReplaceOne, UpdateOne, WriteConcern

from deploy.embedded import Endpoints
from shared.contracts.cloudevents import Encoded, decode, encode
from shared.contracts.envelope import Envelope, new_id
from shared.kernel.app import Aggregate, Fact, Load, Service, Settings
from shared.kernel.client import KafkaPublisher
from shared.kernel.engine import Engine, build_engine
from shared.kernel.kafka.consumer import Consumer, Subscription
from shared.kernel.records import BatchResult, RawRecord
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import Store, StoredDocument, Write
from tests.support.example.app import make
from tests.support.example.domain import Counter, Other
from tests.support.example.example import CATALOGUE, AddToCounter, CounterChanged

COMMANDS = "drydock.example.commands"
EVENTS = "drydock.example.events"
SEEN = 256


@dataclass(frozen=True)
class Took:
    """What a number of commands took, from the first record at hand to the last event acknowledged."""

    seconds: float
    cpu: float
    """Seconds of this process's CPU."""
    engines_cpu: float
    """Seconds of CPU of the engines, where they are children of this process."""


class NullStore(MemoryStore):
    """Knows nothing and keeps nothing: every aggregate is new in every batch."""

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, StoredDocument]:
        return {}

    async def write_many(self, collection: str, writes: Sequence[Write]) -> list[bool]:
        return [True] * len(writes)


class Stopwatch:
    """Starts with the first batch."""

    def __init__(self) -> None:
        self._engines = psutil.Process().children(recursive=True)
        self._began: Took | None = None

    def start(self) -> None:
        """Start, unless it runs already."""
        self._began = self._began or self._now()

    def read(self) -> Took:
        """What has passed."""
        assert self._began
        now = self._now()
        began = self._began
        return Took(now.seconds - began.seconds, now.cpu - began.cpu, now.engines_cpu - began.engines_cpu)

    def _now(self) -> Took:
        times = [engine.cpu_times() for engine in self._engines]
        return Took(time.perf_counter(), time.process_time(), sum(one.user + one.system for one in times))


async def by_kernel(engines: Endpoints, count: int, batch: int, store: Store) -> Took:
    """Process `count` commands with the parts that a service process runs, in this process."""
    settings = Settings(batch=batch, session_timeout=timedelta(seconds=6))
    service = _without_view(settings)
    publisher = KafkaPublisher(engines.kafka, "bench")
    engine: Engine = build_engine(service, store, publisher, settings, clock=_now, tell=lambda line: None)
    watch, done, processed = Stopwatch(), asyncio.Event(), 0

    async def process(records: Sequence[RawRecord]) -> BatchResult:
        nonlocal processed
        watch.start()
        verdict = await engine.inbox.process(records)
        processed += len(records)
        if processed >= count:
            done.set()
        return verdict

    failed: list[BaseException] = []
    subscription = Subscription(
        bootstrap=engines.kafka,
        group=service.name,
        client_id="bench",
        topics=(COMMANDS,),
        session_timeout=settings.session_timeout,
        batch=batch,
        stop_within=timedelta(seconds=5),
    )
    consumer = Consumer(
        subscription,
        process,
        assigned=engine.due_index.scan_soon,
        lost=engine.gaps.tell,
        fatal=failed.append,
        metrics=engine.metrics,
    )
    await store.ensure(list(service.aggregates))
    await publisher.start()
    tasks = [asyncio.create_task(engine.relay.run()), asyncio.create_task(engine.sweeper.run())]
    await consumer.start()
    await done.wait()
    assert await engine.relay.drained(30)
    assert not failed, failed
    took = watch.read()
    await consumer.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await engine.sweeper.trim_all()
    await publisher.stop()
    await store.close()
    return took


Batch = Sequence[Envelope[AddToCounter]]


async def by_hand(
    engines: Endpoints, count: int, batch: int, handle: Callable[[Batch, AIOKafkaProducer], Awaitable[None]]
) -> Took:
    """Process `count` commands in a plain loop: consume, decode, handle, commit."""
    consumer = AIOKafkaConsumer(
        COMMANDS,
        bootstrap_servers=engines.kafka,
        group_id="by-hand",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=batch,
        fetch_max_wait_ms=50,
        session_timeout_ms=6000,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=engines.kafka, acks="all", enable_idempotence=True, max_batch_size=64 * 1024
    )
    await producer.start()
    await consumer.start()
    watch, processed = Stopwatch(), 0
    while processed < count:
        found = await consumer.getmany(timeout_ms=500, max_records=batch)
        records = [record for some in found.values() for record in some]
        if not records:
            continue
        watch.start()
        commands = [
            decode(CATALOGUE, COMMANDS, record.key, record.value, record.headers, record_time=_now())
            for record in records
        ]
        await handle(cast("Batch", commands), producer)
        await consumer.commit()
        processed += len(records)
    took = watch.read()
    await consumer.stop()
    await producer.stop()
    return took


async def only_answer(commands: Batch, producer: AIOKafkaProducer) -> None:
    """Publish an event for each command, and wait until all are acknowledged."""
    await _publish(producer, [_event(command, command.data.amount, 1) for command in commands])


class Keeper:
    """Keeps counters as somebody would who writes only this: find, bulk write with outbox, publish, pull."""

    def __init__(self, engines: Endpoints, database: str) -> None:
        self._client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(engines.mongo)
        concern = WriteConcern("majority", j=True)
        self._collection = self._client.get_database(database, write_concern=concern)["counters"]

    async def prepare(self) -> None:
        """Make the index that compare-and-set needs on the embedded server."""
        await self._collection.create_index([("_id", 1), ("version", 1)], unique=True)

    async def handle(self, commands: Batch, producer: AIOKafkaProducer) -> None:
        """Apply a batch."""
        ids = list({command.data.counter for command in commands})
        cursor = self._collection.find({"_id": {"$in": ids}}, batch_size=len(ids) + 1)
        known = {document["_id"]: document for document in await cursor.to_list(len(ids))}
        missing = [id_ for id_ in ids if id_ not in known]
        for id_ in missing:
            known[id_] = {"_id": id_, "version": 0, "value": 0, "sequence": 0, "seen": [], "outbox": []}
        if missing:
            await self._collection.insert_many([known[id_] for id_ in missing], ordered=False)
        before = {id_: document["version"] for id_, document in known.items()}
        events: list[tuple[str, Encoded]] = []
        for command in commands:
            document = known[command.data.counter]
            if command.id in document["seen"]:
                continue
            document["seen"] = [*document["seen"], command.id][-SEEN:]
            document["value"] += command.data.amount
            document["sequence"] += 1
            record = _event(command, document["value"], document["sequence"])
            document["outbox"].append([record.key, record.value, record.headers])
            events.append((command.data.counter, record))
        for document in known.values():
            document["version"] += 1
        await self._collection.bulk_write(
            [ReplaceOne({"_id": id_, "version": before[id_]}, document) for id_, document in known.items()],
            ordered=False,
        )
        await _publish(producer, [record for _, record in events])
        # What a single writer may do instead of $pull, and cheaper: all of it was sent.
        emptied = [UpdateOne({"_id": id_}, {"$set": {"outbox": []}}) for id_ in known]
        await self._collection.bulk_write(emptied, ordered=False)

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()


def motor(engines: Endpoints, database: str) -> MotorStore:
    """The store that services use."""
    return MotorStore(engines.mongo, database, timeout=30)


def _without_view(settings: Settings) -> Service:
    """The example, without snapshots: the loops by hand make none either."""
    made, counters = make(settings), Aggregate("counters", Counter)
    lines = [
        replace(line, aggregate=counters, facts=line.facts and Load(Other, counter=Fact(counters, _other)))
        for line in made.table
    ]
    return Service(made.name, made.catalogue, lines, builtin=made.builtin)


def _other(message: Any, _state: Any) -> str:
    return str(message.other)


def _event(command: Envelope[AddToCounter], value: int, sequence: int) -> Encoded:
    data = command.data
    return encode(
        Envelope(
            id=new_id(),
            source="drydock/example",
            time=_now(),
            data=CounterChanged(counter=data.counter, amount=data.amount, value=value),
            subject=f"counters/{data.counter}",
            correlation=command.id,
            causation=command.id,
            sequence=sequence,
        )
    )


async def _publish(producer: AIOKafkaProducer, records: Sequence[Encoded]) -> None:
    futures = [await producer.send(EVENTS, record.value, key=record.key, headers=record.headers) for record in records]
    await asyncio.gather(*futures)


def _now() -> datetime:
    return datetime.now(UTC)
