"""The process is killed at every named place between two effects; what comes of it is what would have come.

Each victim finds what the one before it left behind, and messages of its own. Kinds that pass a place in the same
batch share a victim. `#2` is the second time: records that cannot be read are committed before the others.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.embedded import Endpoints, Engines
from shared.contracts.common import CommandRejected, DeadLetter, DeadLettered
from shared.contracts.envelope import new_id
from shared.kernel.crash_points import CRASH_POINTS
from tests.chaos.history import check_counter, documents, events_of
from tests.support.example.example import CATALOGUE, AddToCounter, AlarmRang, CounterChanged, SetAlarm, StartErrand
from tests.support.example.neighbour import SomethingHappened
from tests.support.patience import until
from tests.support.services import Client, ServiceProcess, client

READ = ["drydock.example.commands", "drydock.neighbour.events"]
TOPICS = ("drydock.example.events", "drydock.example.dead-letters", "drydock.example.snapshots")
LEASE_SECONDS = 1.0

COMMIT = ("commit.loaded", "commit.decided", "commit.written", "commit.settled")
RECORDS = (
    "inbox.received",
    *(f"{point}#1" for point in COMMIT),  # the dead letter
    "dead-letter.stored",
    *(f"{point}#2" for point in COMMIT),  # command and event
    "relay.taken",
    "relay.published",
    "inbox.before-acknowledge",
    "inbox.acknowledged",
    "relay.trimmed",
)
# At each of these a timer or work that the victim before left is what happens first, before any record comes.
TIMER = ("commit.loaded", "commit.decided", "commit.written")
TIMER_NEW = ("commit.settled", "relay.taken", "relay.published", "relay.trimmed")
WORK = ("commit.loaded", "commit.decided", "commit.written", "commit.settled", "work.done", "commit.loaded#2")
WORK_END = ("commit.decided#2", "commit.written#2")
FULL_BATCH = ("commit.answers-kept", "inbox.before-acknowledge")
WORK_NEW = ("commit.settled#2", "work.recorded", "relay.taken", "relay.published", "relay.trimmed")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Engines that nobody else uses: what happens first after a start is what the victim before left."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DRYDOCK_KAFKA", "DRYDOCK_MONGO"):
            patch.delenv(name, raising=False)
        with Engines(tmp_path_factory.mktemp("crashes")) as engines:
            yield engines.endpoints


@pytest.fixture
async def reader(own: Endpoints) -> AsyncIterator[Client]:
    async with client(own, CATALOGUE, TOPICS) as someone:
        yield someone


@pytest.fixture
def victim(own: Endpoints, tmp_path: Path) -> Iterator[ServiceProcess]:
    process = ServiceProcess(
        "tests.support.example.app",
        own,
        tmp_path,
        session_timeout="PT0.6S",
        lease=f"PT{LEASE_SECONDS}S",
    )
    (tmp_path / "errands").mkdir()
    process.settings |= {"EXAMPLE_ERRANDS": str(tmp_path / "errands"), "EXAMPLE_TRIM_AFTER": "0.5"}
    yield process
    if process.running:
        process.end()


async def dies_at(victim: ServiceProcess, point: str) -> None:
    """Start the victim, which is killed at `point` and nowhere else."""
    before = victim.text.count("crash point ")
    victim.start(DRYDOCK_CRASH_AT=point)
    assert await victim.ended(90) == -signal.SIGKILL, victim.text[-2000:]
    assert victim.text.count("crash point ") == before + 1
    assert f"crash point {point.partition('#')[0]}\n" in victim.text


def test_every_crash_point_has_a_victim() -> None:
    reached = {*RECORDS, *TIMER, *TIMER_NEW, *WORK, *WORK_END, *WORK_NEW, "timer.due", "work.claimed", *FULL_BATCH}
    assert {point.partition("#")[0] for point in reached} == {*CRASH_POINTS}


@pytest.mark.timeout(600)
async def test_commands_events_and_dead_letters_survive_every_crash(
    own: Endpoints, reader: Client, victim: ServiceProcess
) -> None:
    counter = new_id()
    amounts: dict[str, int] = {}
    bad: dict[str, tuple[int, int]] = {}

    async def send(amount: int) -> None:
        amounts[await reader.send(AddToCounter(counter=counter, amount=amount))] = amount
        amounts[await reader.send(SomethingHappened(counter=counter))] = 1

    for number, point in enumerate(RECORDS):
        await send(10 + number)
        id_ = new_id()
        headers: list[tuple[str, bytes | None]] = [("ce_id", id_.encode()), ("ce_type", b"example.fly.v1")]
        bad[id_] = await reader.send_raw(READ[0], counter.encode(), b"{}", headers)
        await dies_at(victim, point)
    await victim.start().ready()
    await send(1)
    await reader.wait_for(lambda seen: seen.envelope.causation == [*amounts][-1])
    await reader.wait_for(lambda seen: seen.envelope.causation == [*amounts][-2])
    await reader.no_lag("example", READ)
    await trimmed(own, "counters")
    # The outbox of a letter whose process died is found by the sweep: nothing else happens to it.
    await trimmed(own, "dead_letters")

    seen = await reader.caught_up()
    check_counter(seen, documents(own.mongo, "counters", [counter])[counter], amounts)
    for type_ in (DeadLetter, DeadLettered, CommandRejected):
        told: dict[str | None, set[str]] = {}
        for one in seen:
            data = one.envelope.data
            if isinstance(data, type_):
                message = data.command_id if isinstance(data, CommandRejected) else data.message_id
                told.setdefault(message, set()).add(one.envelope.id)
        assert {message: len(ids) for message, ids in told.items()} == dict.fromkeys(bad, 1), type_.__name__
    kept = documents(own.mongo, "dead_letters")
    assert {(one["state"]["letter"]["partition"], one["state"]["letter"]["offset"]) for one in kept.values()} == {
        *bad.values()
    }
    assert await victim.stop() == 0


@pytest.mark.parametrize("point", FULL_BATCH)
async def test_a_full_batch_for_one_counter_that_comes_again_changes_it_once(
    own: Endpoints, reader: Client, victim: ServiceProcess, point: str
) -> None:
    counter = new_id()
    amounts = {await reader.send(AddToCounter(counter=counter, amount=1)): 1 for _ in range(600)}
    await dies_at(victim, point)
    await victim.start().ready()
    await reader.wait_for(lambda seen: seen.envelope.causation == [*amounts][-1])
    await reader.no_lag("example", READ)
    await trimmed(own, "counters")
    check_counter(await reader.caught_up(), documents(own.mongo, "counters", [counter])[counter], amounts)
    assert await victim.stop() == 0


@pytest.mark.timeout(600)
async def test_timers_survive_every_crash(own: Endpoints, reader: Client, victim: ServiceProcess) -> None:
    counters: list[str] = []

    async def set_alarm() -> None:
        """The victim has committed the alarm, which is due, and dies before it rings."""
        counters.append(new_id())
        await reader.send(SetAlarm(counter=counters[-1], at=datetime.now(UTC)))
        await dies_at(victim, "timer.due")

    await set_alarm()
    for point in TIMER:
        await dies_at(victim, point)
    for point in TIMER_NEW:
        await set_alarm()
        await dies_at(victim, point)
    await settle(own, reader, victim, counters, lambda counter: 2)
    seen = await reader.caught_up()
    for counter in counters:
        events = events_of(seen, counter)
        assert [type(event.data) for event in events.values()].count(AlarmRang) == 1
        assert documents(own.mongo, "counters", [counter])[counter]["sequence"] == len(events) == 2
        assert "timers" not in documents(own.mongo, "counters", [counter])[counter]
    assert await victim.stop() == 0


@pytest.mark.timeout(600)
async def test_work_survives_every_crash(
    own: Endpoints, reader: Client, victim: ServiceProcess, tmp_path: Path
) -> None:
    counters: list[str] = []

    async def start_errand() -> None:
        """The victim has claimed the errand, and dies before it begins; its lease ends."""
        counters.append(new_id())
        await reader.send(StartErrand(counter=counters[-1], name="one", amount=5))
        await dies_at(victim, "work.claimed")
        await lease_ended()

    async def lease_ended() -> None:
        await asyncio.sleep(LEASE_SECONDS)  # a lease ends by the clock alone

    await start_errand()
    for point in WORK[:3]:
        await dies_at(victim, point)
        if point == "commit.written":
            await lease_ended()
    for point in WORK[3:5]:
        await start_errand()
        await dies_at(victim, point)
        await lease_ended()
    for point in (WORK[5], *WORK_END, *WORK_NEW):
        await start_errand()
        await dies_at(victim, point)
    await lease_ended()
    await settle(own, reader, victim, counters, lambda counter: 2)
    seen = await reader.caught_up()
    for counter in counters:
        changes = [event.data for event in events_of(seen, counter).values() if isinstance(event.data, CounterChanged)]
        assert sorted(change.amount for change in changes) == [1, 5]
        [line] = (tmp_path / "errands").glob(f"{counter}.*")
        assert line.read_text() == "done\n"
        document = documents(own.mongo, "counters", [counter])[counter]
        assert document["sequence"] == 2
        assert "work" not in document
    assert await victim.stop() == 0


async def settle(
    own: Endpoints, reader: Client, victim: ServiceProcess, counters: list[str], events: Callable[[str], int]
) -> None:
    """Start without a crash point; touch each counter, so that what is left in its outbox is sent; wait for all."""
    await victim.start().ready()
    for counter in counters:
        await reader.send(AddToCounter(counter=counter, amount=1))
    for counter in counters:
        await reader.wait_for(
            lambda seen, counter=counter: (  # type: ignore[misc]  # the default binds the loop's value
                seen.envelope.subject == f"counters/{counter}" and seen.envelope.sequence == events(counter)
            )
        )
    await reader.no_lag("example", READ)
    await trimmed(own, "counters")


async def trimmed(own: Endpoints, collection: str) -> None:
    """Return when no document of the collection has anything in its outbox."""
    await until(lambda: not any(one["outbox"] for one in documents(own.mongo, collection).values()))
