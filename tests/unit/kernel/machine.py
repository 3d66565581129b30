"""A model of everything that may befall the example service, and what must hold whatever befalls it.

Records come twice, partitions in any order, processes die at every named point, replies get lost, clocks jump, two
replicas do the same at the same time, workers sleep through their leases. Time and the broker are simulated; all
that decides, commits, sends and sweeps is the kernel itself.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.contracts.cloudevents import encode
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event, Message, MessageKind
from shared.kernel import Permanent
from shared.kernel.app import Job, OnWork, Service, Settings
from shared.kernel.client import OutgoingRecord
from shared.kernel.crash_points import CRASH_POINTS
from shared.kernel.records import BatchResult, Partition
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.port import StoreUnavailable
from tests.support.example import app, example, neighbour
from tests.support.example.domain import Brought, Errand
from tests.support.simulation import (
    Broker,
    Clock,
    InstantLoop,
    Killed,
    Replica,
    documents,
    killing_at,
    silence,
)
from tests.unit.kernel.history import History, brought_under, content
from tests.unit.kernel.world import COMMANDS, EVENTS, read

COUNTERS = ("c1", "c2", "c3")
PARTITION_OF = {(COMMANDS, "c1"): 0, (COMMANDS, "c2"): 0, (COMMANDS, "c3"): 1}
PARTITIONS: tuple[Partition, ...] = ((COMMANDS, 0), (COMMANDS, 1), (EVENTS, 0))
ANSWERS = (example.CounterChanged, example.ErrandFailed, CommandRejected)
GARBAGE = "garbage"


@dataclass(frozen=True)
class Record:
    """A record on a topic, as a consumer gets it."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


@dataclass
class Running:
    """A piece of work that a worker of some replica, alive or not, is doing."""

    ends: "asyncio.Future[str]"

    def end(self, how: str) -> None:
        """Let it end in a `result`, an `error` or a `permanent` failure, unless it was cut off."""
        if not self.ends.done():
            self.ends.set_result(how)


class ServiceModel(RuleBasedStateMachine):
    """Two replicas of the example service."""

    def __init__(self) -> None:
        super().__init__()
        silence()
        self.loop = InstantLoop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.clock = Clock(self.loop)
        self.running: list[Running] = []
        self.service = self._service()
        self.store = MemoryStore()
        self.history = History()
        self.broker = Broker(on_write=self._on_write)
        self.sent: dict[str, Message] = {}
        self.log: dict[Partition, list[Record]] = {partition: [] for partition in PARTITIONS}
        self.acknowledged: dict[Partition, int] = dict.fromkeys(PARTITIONS, 0)
        self.position = self.acknowledged.copy()
        self.replicas = [self._replica("a"), self._replica("b")]

    # -- parts that a test of this checker replaces

    acknowledges_first = False

    def prepare(self, replica: Replica) -> None:
        """Change a replica before it runs."""

    # -- what the world does

    @rule(counter=st.sampled_from(COUNTERS), amount=st.sampled_from((100, 1, 50, -1, -100)))
    def send_add(self, counter: str, amount: int) -> None:
        self._send(example.AddToCounter(counter=counter, amount=amount))

    @rule(counter=st.sampled_from(COUNTERS), other=st.sampled_from((*COUNTERS, "nowhere")))
    def send_reference(self, counter: str, other: str) -> None:
        self._send(example.AddAsMuchAs(counter=counter, other=other))

    @rule(counter=st.sampled_from(COUNTERS), seconds=st.sampled_from((0, 0.2, 2, 30, -1)))
    def send_alarm(self, counter: str, seconds: float) -> None:
        # A moment of its own for each alarm, finer than a store's milliseconds.
        moment = self.clock() + timedelta(seconds=seconds, microseconds=len(self.sent) + 1)
        self._send(example.SetAlarm(counter=counter, at=moment))

    @rule(counter=st.sampled_from(COUNTERS), name=st.sampled_from(("e1", "e2")))
    def send_errand(self, counter: str, name: str) -> None:
        self._send(example.StartErrand(counter=counter, name=name, amount=7))

    @rule(counter=st.sampled_from(COUNTERS))
    def send_event(self, counter: str) -> None:
        self._send(neighbour.SomethingHappened(counter=counter))

    @rule(counter=st.sampled_from(COUNTERS), what=st.sampled_from(("stumble", GARBAGE, "too much")))
    def send_trouble(self, counter: str, what: str) -> None:
        if what == "stumble":
            self._send(example.Stumble(counter=counter))
        elif what == "too much":  # more than the store can keep in a number
            self._send(example.AddToCounter(counter=counter, amount=2**70))
        else:
            self._append((COMMANDS, 0), counter.encode(), GARBAGE.encode(), [("ce_id", b"\xff")])

    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        if records := [record for log in self.log.values() for record in log]:
            record = data.draw(st.sampled_from(records))
            self._append((record.topic, record.partition), record.key, record.value, record.headers)

    @rule(seconds=st.sampled_from((0.3, 2, 11, 40, 400, -5)))
    def set_clock(self, seconds: float) -> None:
        self.clock.jump(seconds)

    @rule(seconds=st.sampled_from((0.1, 1, 12)))
    def let_time_pass(self, seconds: float) -> None:
        self._run(asyncio.sleep(seconds))

    @rule(partition=st.sampled_from(PARTITIONS))
    def rebalance(self, partition: Partition) -> None:
        self.position[partition] = self.acknowledged[partition]
        for replica in self.replicas:
            replica.engine.due_index.scan_soon()

    # -- what the service does

    @rule(
        who=st.sampled_from((0, 1)),
        partitions=st.sets(st.sampled_from(PARTITIONS), min_size=1),
        count=st.integers(1, 4),
        acknowledge=st.booleans(),
    )
    def process(self, who: int, partitions: set[Partition], count: int, acknowledge: bool) -> None:
        self._run(self._process(self.replicas[who], sorted(partitions), count, acknowledge=acknowledge))

    @rule(who=st.sampled_from((0, 1)), takes=st.sampled_from((None, None, 0, 1, 2)), replies=st.booleans())
    def relay(self, who: int, takes: int | None, replies: bool) -> None:
        self.broker.takes, self.broker.replies = takes, replies
        self._run(self.replicas[who].do(self.replicas[who].engine.relay.step()))

    @rule(who=st.sampled_from((0, 1)))
    def sweep(self, who: int) -> None:
        self._run(self._sweep(self.replicas[who]))

    @rule(data=st.data(), how=st.sampled_from(("result", "result", "error", "permanent")))
    def end_errand(self, data: st.DataObject, how: str) -> None:
        if self.running:
            self._end(data.draw(st.sampled_from(self.running)), how)

    @rule(who=st.sampled_from((0, 1)))
    def oversleep(self, who: int) -> None:
        """A worker is paused beyond its lease, another one takes its work, and the first wakes."""
        self._run(self._sweep(self.replicas[who]))
        self.clock.jump(40)
        self._run(self._sweep(self.replicas[1 - who]))
        if self.running:
            self._end(self.running[0], "result")

    @rule(
        partitions=st.sets(st.sampled_from(PARTITIONS), min_size=1),
        delays=st.tuples(st.integers(0, 3), st.integers(0, 3)),
        sweeping=st.booleans(),
        takes=st.sampled_from((None, 1)),
    )
    def race(self, partitions: set[Partition], delays: tuple[int, int], sweeping: bool, takes: int | None) -> None:
        """Both replicas do the same, as when one does not know yet that its partitions are another's."""
        self.broker.takes = takes
        both: list[Any] = []
        for replica, delay in zip(self.replicas, delays, strict=True):
            replica.store.delay = delay
            both.append(self._process(replica, sorted(partitions), 3, acknowledge=False))
            both.append(replica.do(replica.engine.relay.step()))
            if sweeping:
                both.append(self._sweep(replica))
        self._run(_all(both))
        for replica in self.replicas:
            replica.store.delay = 0

    @rule(
        who=st.sampled_from((0, 1)),
        point=st.sampled_from(CRASH_POINTS),
        times=st.integers(1, 2),
        partitions=st.sets(st.sampled_from(PARTITIONS), min_size=1),
    )
    def crash(self, who: int, point: str, times: int, partitions: set[Partition]) -> None:
        """Work on until a replica dies at a named point, or all is done."""
        with killing_at(point, times):
            self._run(self._everything(self.replicas[who], sorted(partitions)))
        self._replace_the_dead()

    @rule(
        who=st.sampled_from((0, 1)),
        operation=st.sampled_from(("write_many", "write_many", "get_many")),
        where=st.sampled_from(("before", "between", "after")),
        kills=st.booleans(),
        partitions=st.sets(st.sampled_from(PARTITIONS), min_size=1),
    )
    def fault(self, who: int, operation: str, where: str, kills: bool, partitions: set[Partition]) -> None:
        """The store does not answer, or the process dies, before, in the middle of or after an effect."""
        replica = self.replicas[who]
        replica.store.faults = [(operation, where, Killed() if kills else StoreUnavailable("by chance"))]
        self._run(self._everything(replica, sorted(partitions)))
        replica.store.faults = []
        self._replace_the_dead()

    # -- what must hold

    @invariant()
    def every_commit_and_every_event_is_sound(self) -> None:
        assert not self.history.faults, self.history.faults

    def teardown(self) -> None:
        try:
            self._settle()
            self._check_end()
        finally:
            self._run(_all([replica.end() for replica in self.replicas]))
            self.loop.close()

    def _check_end(self) -> None:
        self.every_commit_and_every_event_is_sound()
        written = {content(record) for record in self.broker.log}
        missing = self.history.promised - written
        assert not missing, f"committed and never sent: {missing}"
        for collection, document in documents(self.store):
            assert not document.outbox, f"{collection} {document.id} has something left to send"
            assert not [*document.timers, *document.parked, *document.work], f"{document.id} is not at rest"
        events = self._events()
        self._check_answers(events)
        self._check_alarms(events)
        self._check_states(events)

    def _check_answers(self, events: list[Envelope[Event]]) -> None:
        answers: dict[str | None, set[str]] = defaultdict(set)
        for event in events:
            if isinstance(event.data, ANSWERS):
                answers[event.causation].add(event.id)
        for id_, message in self.sent.items():
            if isinstance(message, example.SetAlarm):
                continue
            if isinstance(message, example.Stumble) or getattr(message, "amount", 0) == 2**70:
                assert answers[id_], f"{message} has no answer"  # one for each of its dead letters
                continue
            assert len(answers[id_]) == 1, f"{message} has {len(answers[id_])} answers"

    def _check_alarms(self, events: list[Envelope[Event]]) -> None:
        rung = [event.data for event in events if isinstance(event.data, example.AlarmRang)]
        for ring in rung:
            assert ring.rang_at >= ring.set_for, f"{ring} is early"
        assert len({ring.set_for for ring in rung}) == len(rung), "an alarm rang twice"
        set_for = {message.at for message in self.sent.values() if isinstance(message, example.SetAlarm)}
        assert {ring.set_for for ring in rung} <= set_for
        assert bool(rung) == bool(set_for)

    def _check_states(self, events: list[Envelope[Event]]) -> None:
        changes: dict[str, list[int]] = defaultdict(list)
        sequences: dict[str | None, list[int | None]] = defaultdict(list)
        for event in events:
            sequences[event.subject].append(event.sequence)
            if isinstance(event.data, example.CounterChanged):
                changes[event.data.counter].append(event.data.amount)
        for subject, numbers in sequences.items():
            assert numbers == list(range(1, len(numbers) + 1)), f"{subject}: {numbers}"
        for collection, document in documents(self.store):
            if collection == "counters" and document.state:
                assert document.state["value"] == sum(changes[document.id]), document.id
                assert document.state["changes"] == len(changes[document.id]), document.id
                assert document.state["errands"] == [], document.id
                assert self._view_of(document.id) == document.state["value"], f"{document.id} is not as it is shown"

    def _view_of(self, counter: str) -> int:
        """What a projection shows that replaces a view only by one of a higher sequence."""
        views = {
            message.sequence or 0: message.data.value
            for message in read(self.broker.log)
            if isinstance(message.data, example.CounterSnapshot) and message.data.counter == counter
        }
        return views[max(views)]

    # -- how it is done

    def _service(self) -> Service:
        async def run_errand(errand: Errand, job: Job) -> Brought:
            running = Running(asyncio.get_running_loop().create_future())
            self.running.append(running)
            how = await running.ends
            if how == "error":
                raise ConnectionError("this attempt fails")
            if how == "permanent":
                raise Permanent("this errand cannot be done")
            return Brought(name=errand.name, amount=brought_under(job.epoch))

        made = app.make(Settings())
        lines = [replace(line, run=run_errand) if isinstance(line, OnWork) else line for line in made.table]
        return Service(made.name, made.catalogue, lines, builtin=made.builtin)

    def _replica(self, name: str) -> Replica:
        made = Replica(
            self.service, self.store, self.broker, self.clock, name=name, attempts=2, work_slots=2, dead_in_a_row=10**6
        )
        made.store.on_effect = lambda collection: self.history.record(self.store, collection)
        self.prepare(made)
        return made

    def _on_write(self, record: OutgoingRecord) -> None:
        if content(record) not in self.history.promised:
            self.history.faults.append(f"on {record.topic} without a commit: {record.value!r}")

    def _send(self, message: Message) -> None:
        id_ = f"m{len(self.sent)}"
        self.sent[id_] = message
        record = encode(Envelope(id=id_, source="test", time=self.clock(), data=message))
        topic = COMMANDS if message.kind is MessageKind.COMMAND else EVENTS
        partition = PARTITION_OF.get((topic, message.key), 0)
        self._append((topic, partition), record.key, record.value, list(record.headers))

    def _append(
        self, partition: Partition, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
    ) -> None:
        log = self.log[partition]
        log.append(Record(*partition, len(log), int(self.clock().timestamp() * 1000), key, value, headers))

    async def _process(
        self, replica: Replica, partitions: Iterable[Partition], count: int, *, acknowledge: bool
    ) -> None:
        batch: list[Record] = []
        for partition in partitions:
            batch += self.log[partition][self.position[partition] :][:count]
        if not batch:
            return
        if self.acknowledges_first:
            for record in batch:
                self.acknowledged[record.topic, record.partition] = record.offset + 1
        result = await replica.do(replica.engine.inbox.process(batch))
        if isinstance(result, BatchResult):
            self.position.update(result.done)
            if acknowledge:
                for partition, offset in result.done.items():
                    self.acknowledged[partition] = max(self.acknowledged[partition], offset)

    async def _sweep(self, replica: Replica) -> None:
        try:
            await replica.do(replica.engine.sweeper.step())
        except StoreUnavailable:
            replica.engine.due_index.scan_soon()
        await self._let_tasks_run()

    async def _everything(self, replica: Replica, partitions: Iterable[Partition]) -> None:
        await self._process(replica, partitions, 3, acknowledge=True)
        for _ in range(2):
            if replica.alive:
                await replica.do(replica.engine.relay.step())
            if replica.alive:
                await self._sweep(replica)
        for running in self.running[-1:]:
            self.running.remove(running)
            running.end("result")
        await self._let_tasks_run()

    def _end(self, running: Running, how: str) -> None:
        self.running.remove(running)
        running.end(how)
        self._run(self._let_tasks_run())

    async def _let_tasks_run(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)

    def _replace_the_dead(self) -> None:
        for at, replica in enumerate(self.replicas):
            if not replica.alive:
                self._run(replica.end())
                self.replicas[at] = self._replica(replica.name)
                self.position = self.acknowledged.copy()

    def _settle(self) -> None:
        """Let everything that can happen happen, without further trouble."""
        self.position = self.acknowledged.copy()
        for _ in range(40):
            self._replace_the_dead()
            self._run(_all([self._process(replica, PARTITIONS, 50, acknowledge=True) for replica in self.replicas]))
            for replica in self.replicas:
                self._run(self._sweep(replica))
                for running in self.running:
                    running.end("result")
                self.running.clear()
                self._run(self._let_tasks_run())
                self._run(replica.do(replica.engine.relay.step()))
            if self._at_rest():
                return
            self.clock.jump(20)
        unread = {at: log[self.acknowledged[at] :] for at, log in self.log.items()}
        raise AssertionError(f"it never comes to rest: {unread}, {list(documents(self.store))}")

    def _at_rest(self) -> bool:
        read = all(self.acknowledged[partition] == len(log) for partition, log in self.log.items())
        return read and not any(
            document.outbox or document.timers or document.parked or document.work
            for _, document in documents(self.store)
        )

    def _events(self) -> list[Envelope[Event]]:
        """The service's events as a consumer sees them that knows each id once."""
        once: dict[str, Envelope[Any]] = {}
        for message in read(self.broker.log):
            if message.data.kind is MessageKind.EVENT:
                once.setdefault(message.id, message)
        return list(once.values())

    def _run(self, what: Any) -> Any:
        return self.loop.run_until_complete(what)


async def _all(these: Iterable[Any]) -> None:
    for result in await asyncio.gather(*these, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
