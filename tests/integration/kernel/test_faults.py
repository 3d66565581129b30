"""What goes wrong around a service that is well: duplicates, rebalances, pauses, engines that go away and come back."""

import asyncio
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from deploy.embedded import Endpoints, Engines
from shared.contracts.cloudevents import encode
from shared.contracts.common import RecordsLost
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.topics import topics_of
from shared.kernel.app import Settings
from shared.kernel.client import KafkaPublisher, OutgoingRecord
from shared.kernel.engine import build_engine
from shared.kernel.kafka.consumer import Consumer, Subscription
from shared.kernel.kafka.topics import missing_topics
from shared.kernel.metrics import Metrics
from shared.kernel.records import BatchResult, Gap, RawRecord
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import StoreUnavailable, Write
from shared.kernel.watchdog import WatchdogLimits, watch_consumer
from shared.ports import free_port
from tests.chaos.history import check_counter, documents, events_of
from tests.support.effort import EFFORT
from tests.support.example.app import make
from tests.support.example.example import CATALOGUE, AddToCounter, CounterChanged, StartErrand
from tests.support.example.neighbour import SomethingHappened
from tests.support.patience import Patience, until, until_answered
from tests.support.services import Client, Seen, ServiceProcess, client

pytestmark = [pytest.mark.effort, pytest.mark.timeout(300)]

Example = Callable[..., ServiceProcess]

READ = ["drydock.example.commands", "drydock.neighbour.events"]
EVENTS = ("drydock.example.events",)
STORE_PATIENCE = 5.0
"""How long a service waits for an answer of its store."""
AWAY_SECONDS = 2.0 if EFFORT == 1 else 20.0
"""Until a broker is started again; then it waits 6 s more for its old registration to end."""


class Sender:
    """Sends messages to some counters, one in ten of them twice, and knows what should come of them."""

    def __init__(self, user: Client, counters: int, seed: int) -> None:
        self._user = user
        self._random = random.Random(seed)
        self.amounts: dict[str, dict[str, int]] = {new_id(): {} for _ in range(counters)}

    async def send(self, count: int) -> None:
        """Send `count` messages, commands and events of another service mixed."""
        for _ in range(count):
            counter, id_ = self._random.choice([*self.amounts]), new_id()
            amount = self._random.randint(1, 5)
            command = AddToCounter(counter=counter, amount=amount)
            message = command if self._random.random() < 0.7 else SomethingHappened(counter=counter)
            for _ in range(2 if self._random.random() < 0.1 else 1):
                await self._user.send(message, id=id_)
            self.amounts[counter][id_] = amount if message is command else 1

    async def check(self, engines: Endpoints) -> None:
        """Wait until everything came of what was sent, and check that it came once."""
        for counter, amounts in self.amounts.items():
            await self._user.wait_for(
                lambda seen, amounts=amounts: (
                    seen.envelope.causation in amounts and seen.envelope.sequence == len(amounts)
                ),  # type: ignore[misc]  # the default binds the loop's value
                seconds=60,
            )
            assert counter
        await self._user.no_lag("example", READ, seconds=30)
        await no_outbox(engines, self.amounts)
        seen = await self._user.caught_up()
        kept = documents(engines.mongo, "counters", self.amounts)
        for counter, amounts in self.amounts.items():
            check_counter(seen, kept[counter], amounts)


async def no_outbox(engines: Endpoints, counters: Sequence[str] | dict[str, Any]) -> None:
    """Return when the outboxes of the counters are empty."""
    await until(lambda: not any(one["outbox"] for one in documents(engines.mongo, "counters", counters).values()))


def value_of(counter: str) -> Callable[[Seen], bool]:
    return lambda seen: isinstance(seen.envelope.data, CounterChanged) and seen.envelope.data.counter == counter


# -- topics


async def test_topics_that_vanish_end_the_service_and_its_next_start_makes_them_again(
    engines: Endpoints, user: Client, example: Example
) -> None:
    service = await example(topics_checked_every="PT0.5S").start().ready()
    await delete_topics(engines.kafka, "drydock.example.snapshots", "drydock.example.progress")
    assert await service.ended() != 0
    [failure] = service.logged("service_failed")
    assert "drydock.example.progress, drydock.example.snapshots" in failure["exception"]
    after = await example().start().ready()
    assert await missing_topics(engines.kafka, topics_of("example")) == []
    counter = new_id()
    await user.send(AddToCounter(counter=counter, amount=3))
    await user.wait_for(value_of(counter))
    assert await after.stop() == 0


async def test_records_that_are_gone_before_they_were_read_are_told_once(user: Client, example: Example) -> None:
    first = await example().start().ready()
    counter = new_id()
    await user.send(SomethingHappened(counter=counter))
    await user.wait_for(value_of(counter))
    await user.no_lag("example", READ)
    assert await first.stop() == 0
    places = [await send_event(user, SomethingHappened(counter=counter)) for _ in range(6)]
    partition, kept_from = places[4]
    admin = AIOKafkaAdminClient(bootstrap_servers=user.bootstrap)
    await admin.start()
    await admin.delete_records({TopicPartition(READ[1], partition): RecordsToDelete(kept_from)})
    await admin.close()
    after = await example().start().ready()
    [told] = await user.wait_for(
        lambda seen: isinstance(seen.envelope.data, RecordsLost) and seen.envelope.data.partition == partition
    )
    lost = told.envelope.data
    assert isinstance(lost, RecordsLost)
    assert (lost.topic, lost.first_offset, lost.count) == (READ[1], kept_from - 4, 4)
    await user.no_lag("example", READ)
    assert events_of(await user.caught_up(), counter)
    [logged] = after.logged("records_lost")
    assert logged["count"] == 4
    assert await after.stop() == 0


async def send_event(user: Client, event: SomethingHappened) -> tuple[int, int]:
    """Publish an event; its partition and offset."""
    record = encode(Envelope(id=new_id(), source="drydock/neighbour", time=datetime.now(UTC), data=event))
    return await user.send_raw(READ[1], record.key, record.value, record.headers)


async def delete_topics(kafka: str, *names: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.delete_topics(list(names))
    await admin.close()
    await until_answered(lambda: missing_topics(kafka, [one for one in topics_of("example") if one.name in names]))


# -- replicas


async def test_duplicates_and_a_rebalance_while_batches_run_change_nothing_twice(
    engines: Endpoints, user: Client, example: Example
) -> None:
    first = await example(batch="20").start().ready()
    sender = Sender(user, 10, seed=1)
    sending = asyncio.create_task(sender.send(600))
    second = await example(batch="20").start().ready()
    assert await second.stop() == 0
    await sending
    await sender.check(engines)
    assert await first.stop() == 0


async def test_the_late_write_of_a_worker_that_was_paused_beyond_its_lease_is_fenced(
    engines: Endpoints, user: Client, example: Example, tmp_path: Path
) -> None:
    paused = await example(lease="PT1S").start().ready()
    counter = new_id()
    await user.send(StartErrand(counter=counter, name="long", amount=7, seconds=1.5))
    claimed = await work_of(engines, counter, lambda work: bool(work and work["owner"]))
    paused.kill(signal.SIGSTOP)
    other = await example(lease="PT1S").start().ready()
    taken_over = await work_of(engines, counter, lambda work: not work or work["owner"] not in (None, claimed["owner"]))
    assert not taken_over or taken_over["epoch"] > claimed["epoch"]
    paused.kill(signal.SIGCONT)
    await user.wait_for(value_of(counter))
    await until(lambda: paused.logged("late_write_fenced") or paused.logged("lease_lost"), 10)
    await user.no_lag("example", READ)
    events = events_of(await user.caught_up(), counter)
    assert [event.data.amount for event in events.values() if isinstance(event.data, CounterChanged)] == [7]
    assert documents(engines.mongo, "counters", [counter])[counter]["state"]["value"] == 7
    assert len(list((tmp_path / "errands").glob(f"{counter}.*"))) == 1
    assert await paused.stop() == 0
    assert await other.stop() == 0


async def work_of(engines: Endpoints, counter: str, wanted: Callable[[dict[str, Any] | None], bool]) -> dict[str, Any]:
    """The work in the document of a counter, when it is as wanted."""

    def look() -> tuple[dict[str, Any]] | None:
        document = documents(engines.mongo, "counters", [counter]).get(counter, {})
        work = next(iter(document.get("work", ())), None)
        return (work or {},) if document and wanted(work) else None

    return (await until(look, 20))[0]


async def test_a_stop_while_busy_gives_the_work_back_and_another_process_ends_it(
    engines: Endpoints, user: Client, example: Example
) -> None:
    first = await example(lease="PT30S").start().ready()
    counter = new_id()
    await user.send(StartErrand(counter=counter, name="long", amount=7, seconds=3))
    await work_of(engines, counter, lambda work: bool(work and work["owner"]))
    sender = Sender(user, 3, seed=2)
    await sender.send(50)
    assert await first.stop() == 0
    left = await work_of(engines, counter, lambda work: True)
    assert left["owner"] is None
    assert left["attempts"] == 0
    second = await example(lease="PT30S").start().ready()
    await user.wait_for(value_of(counter), seconds=15)
    await sender.check(engines)
    assert await second.stop() == 0


# -- the producer


def record(topic: str, key: bytes, size: int) -> OutgoingRecord:
    return OutgoingRecord(topic, key, b"x" * size, [])


async def test_a_refused_record_costs_its_neighbours_one_repeat_and_later_ones_nothing(user: Client) -> None:
    """`user` has created the topics; one partition, so that all of them are neighbours."""
    topic = "drydock.example.dead-letters"
    publisher = KafkaPublisher(user.bootstrap, "test", send_seconds=5)
    await publisher.start()
    try:
        assert await publisher.send([record(topic, b"before", 10)]) == [True]
        records = [record(topic, b"a", 10), record(topic, b"huge", 4 * 1024 * 1024), record(topic, b"b", 10)]
        acknowledged = await publisher.send(records)
        assert not acknowledged[1]
        assert publisher.rebuilt == 1
        assert await publisher.send(records) == [True, False, True]
        assert await publisher.send([*records, record(topic, b"c", 10)]) == [True, False, True, True]
        assert await publisher.send([record(topic, b"huge", 10)]) == [True]
        rebuilt = publisher.rebuilt
        assert await publisher.send([record(topic, b"huge", 10), record(topic, b"a", 10)]) == [True, True]
        assert publisher.rebuilt == rebuilt
    finally:
        await publisher.stop()


# -- engines that go away


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    """Engines that a test may kill, and starts again."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DRYDOCK_KAFKA", "DRYDOCK_MONGO"):
            patch.delenv(name, raising=False)
        with Engines(tmp_path_factory.mktemp("frail"), supervise=False) as engines:
            yield engines


@pytest.fixture
async def onlooker(frail: Engines) -> AsyncIterator[Client]:
    async with client(frail.endpoints, CATALOGUE, EVENTS) as someone:
        yield someone


@pytest.fixture
def service(frail: Engines, tmp_path: Path) -> Iterator[ServiceProcess]:
    process = ServiceProcess("tests.support.example.app", frail.endpoints, tmp_path, stop_within="PT4S")
    process.settings["EXAMPLE_TRIM_AFTER"] = "0.5"
    yield process
    if process.running:
        process.end()


async def away(engine: Any, seconds: float) -> None:
    """Kill an engine and start it again after a while."""
    await asyncio.to_thread(engine.kill)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(engine.start)
    await asyncio.to_thread(engine.wait_ready)


async def test_a_broker_that_was_away_costs_nothing(frail: Engines, onlooker: Client, service: ServiceProcess) -> None:
    await service.start().ready()
    sender = Sender(onlooker, 5, seed=3)
    await sender.send(100)
    await away(frail.kafka, AWAY_SECONDS)
    await sender.send(100)
    await sender.check(frail.endpoints)
    assert await service.stop() == 0


async def test_a_store_that_was_killed_while_commands_flow_loses_and_repeats_nothing(
    frail: Engines, onlooker: Client, service: ServiceProcess
) -> None:
    await service.start().ready()
    sender = Sender(onlooker, 5, seed=4)
    for seconds in (0, STORE_PATIENCE + 1):
        await asyncio.gather(sender.send(200), away(frail.state, seconds))
    await sender.check(frail.endpoints)
    assert service.logged("batch_waits")
    assert await service.stop() == 0


async def test_a_stop_without_a_broker_ends_in_time(frail: Engines, onlooker: Client, service: ServiceProcess) -> None:
    await service.start().ready()
    await onlooker.send(AddToCounter(counter=new_id(), amount=1))
    await asyncio.to_thread(frail.kafka.kill)
    service.kill(signal.SIGTERM)
    try:
        assert await service.ended(4 + 5 + 2) is not None
    finally:
        await asyncio.to_thread(frail.kafka.start)
        await asyncio.to_thread(frail.kafka.wait_ready)


async def test_a_start_without_a_broker_ends_at_once_and_says_why(tmp_path: Path, engines: Endpoints) -> None:
    nowhere = Endpoints(f"127.0.0.1:{free_port()}", engines.mongo)
    service = ServiceProcess("tests.support.example.app", nowhere, tmp_path).start()
    assert await service.ended(20) == 1
    [stopped] = service.logged("service_stopped")
    assert nowhere.kafka in stopped["failure"]
    assert "Traceback" not in service.text


# -- a commit whose outcome is unknown


class Forgetful(MotorStore):
    """The real store, but every so often the answer to a write that was applied is lost."""

    lost = 0

    async def write_many(self, collection: str, writes: Sequence[Write]) -> list[bool]:
        written = await super().write_many(collection, writes)
        self.lost += 1
        if self.lost % 2:
            raise StoreUnavailable("the answer was lost")
        return written


class Kept:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.sent: dict[str, list[OutgoingRecord]] = defaultdict(list)

    async def send(self, entries: Sequence[OutgoingRecord]) -> list[bool]:
        for one in entries:
            self.sent[one.topic].append(one)
        return [True] * len(entries)


async def test_a_commit_whose_outcome_is_unknown_is_settled_by_reading(engines: Endpoints, user: Client) -> None:
    store = Forgetful(engines.mongo, "drydock_unknown")
    publisher = Kept()
    settings = Settings(work_slots=0)
    engine = build_engine(
        make(settings), store, publisher, settings, clock=lambda: datetime.now(UTC), tell=lambda line: None
    )
    await store.ensure(list(make(settings).aggregates))
    counter = new_id()
    for _ in range(3):
        await user.send(AddToCounter(counter=counter, amount=5))
    records = await read(user, READ[0], counter)
    results = [await engine.inbox.process(records) for _ in range(2)]
    assert results[0].waiting
    assert not results[1].waiting
    await engine.relay.step()
    values = sorted(one.value or b"" for one in publisher.sent["drydock.example.events"])
    assert len(values) == 3
    [document] = (await store.get_many("counters", [counter])).values()
    assert document["state"]["value"] == 15
    assert document["sequence"] == 3
    await store.close()


async def read(user: Client, topic: str, counter: str) -> list[RawRecord]:
    """The records of a topic with a key, as a service gets them."""
    from aiokafka import AIOKafkaConsumer

    consumer = AIOKafkaConsumer(topic, bootstrap_servers=user.bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    found: list[RawRecord] = []
    try:
        patience = Patience(20, lambda: len(found))
        while len(found) < 3:
            batches = await consumer.getmany(timeout_ms=500)
            found.extend(one for batch in batches.values() for one in batch if one.key == counter.encode())
            patience.check()
    finally:
        await consumer.stop()
    return found


# -- a consumer that is alive in name only


async def test_the_watchdog_sees_that_the_consuming_loop_has_ended(user: Client) -> None:
    async def process(records: Sequence[RawRecord]) -> BatchResult:
        return BatchResult()

    consumer = Consumer(
        Subscription(
            bootstrap=user.bootstrap,
            group=f"watched-{new_id()}",
            client_id="watched",
            topics=READ,
            session_timeout=Settings().session_timeout,
            batch=10,
            stop_within=Settings().stop_within,
        ),
        process,
        assigned=lambda: None,
        lost=nothing_is_lost,
        fatal=lambda error: None,
        metrics=Metrics("watched"),
    )
    await consumer.start()
    watching = asyncio.create_task(watch_consumer(consumer, answers, WatchdogLimits(silent=1.2, unassigned=60)))
    [loop] = consumer._subscriber.tasks
    loop.cancel()
    await until(watching.done, 10)
    assert "has ended" in watching.result()
    await consumer.stop()


async def answers() -> bool:
    return True


async def nothing_is_lost(gap: Gap) -> None:
    raise AssertionError(gap)
