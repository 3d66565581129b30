"""One process of a service, and a service of two: each can be killed, stand still, or be cut off, at any moment.

Whatever a process does outside of itself passes its gate: there time passes, it stands still, or it is no more.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from contextvars import ContextVar, copy_context
from random import Random
from typing import Any

from shared.kernel.app import Service, Settings
from shared.kernel.client import OutgoingRecord
from shared.kernel.crash_points import crash_point
from shared.kernel.engine import build_engine
from shared.kernel.records import Partition
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.port import StoreUnavailable
from tests.chaos.simulation.topics import ConsumerGroup, StoredRecord, Topics
from tests.support.simulation import Clock, Killed

current: ContextVar["SimulatedProcess"] = ContextVar("current")
"""The process that runs."""

BATCHES = (1, 5, 50, 500)
POLL_SECONDS = 0.25
RECOVERY_SECONDS = 15.0
"""So long a process that stood still lives on: what it sent too late it mends itself, as `deploy/faults.md` says."""


class SimulatedProcess:
    """A process of a service: its own engine on a store and a broker that it shares with others."""

    def __init__(self, service: Service, store: MemoryStore, world: "Surroundings", group: ConsumerGroup, name: str):
        self.name = name
        self.alive = True
        self.ended = asyncio.Event()
        self.fault: BaseException | None = None
        """What ended it, if nobody killed it."""
        self.still_until = float("-inf")
        self.cut_off_until = 0.0
        """Until when it has no way to its store."""
        self.disturbed_at = float("-inf")
        """When it last stood still, or its clock was set."""
        self.connection = _Connection(store, self, world)
        self._world = world
        self._group = group
        self._loop = asyncio.get_running_loop()
        self._tasks: list[asyncio.Task[None]] = []
        self.engine = build_engine(
            service,
            self.connection,
            _Wire(self, world),
            Settings(instance=name),
            clock=world.clock,
            tell=lambda line: None,
        )

    def start(self) -> None:
        """Begin to relay, to sweep and to read."""
        context = copy_context()
        context.run(current.set, self)
        self._group.join(self)
        for loop in (self.engine.relay.run(), self.engine.sweeper.run(), self._consume()):
            self._tasks.append(self._loop.create_task(self._essential(loop), context=context))

    def check(self) -> None:
        """Raise Killed if the process is no more."""
        if not self.alive:
            raise Killed

    def die(self) -> None:
        """Be no more; nothing is tidied up."""
        self.alive = False
        self.ended.set()

    def stand_still(self, seconds: float) -> None:
        """Do nothing for a while, and know nothing of it."""
        self.still_until = self._loop.time() + seconds
        self.disturbed_at = self.still_until

    @property
    def stands_still(self) -> bool:
        """Whether it does nothing now."""
        return self._loop.time() < self.still_until

    @property
    def recovers(self) -> bool:
        """Whether it stands still, or did a moment ago."""
        return self._loop.time() < self.still_until + RECOVERY_SECONDS

    @property
    def works(self) -> bool:
        """Whether it is at a piece of work."""
        return bool(self.engine.workers._tasks)

    async def passes(self, seconds: float) -> None:
        """Something outside takes its time."""
        await asyncio.sleep(seconds)
        while (left := self.still_until - self._loop.time()) > 0:
            await asyncio.sleep(left)
        self.check()

    async def bury(self) -> None:
        """Let its tasks come to their end."""
        self._group.leave(self)
        tasks = [*self._tasks, *self.engine.workers._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _essential(self, loop: Coroutine[Any, Any, None]) -> None:
        try:
            await loop
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001 - whatever ends a process is a finding
            self.fault = error
        finally:
            self.die()

    async def _consume(self) -> None:
        generation = -1
        offsets: dict[Partition, int] = {}
        waits: dict[Partition, float] = {}
        while True:
            if generation != self._group.generation:
                generation, offsets, waits = self._group.generation, self._group.share(self), {}
                self.engine.due_index.scan_soon()
            batch = self._fetch(offsets, waits)
            if not batch:
                await self.passes(POLL_SECONDS)
                continue
            await self.passes(self._world.latency())
            result = await self.engine.inbox.process(batch)
            crash_point("inbox.before-acknowledge")
            await self.passes(self._world.latency())
            self._group.acknowledge(generation, result.done)
            crash_point("inbox.acknowledged")
            offsets.update(result.done)
            for partition, seconds in result.waiting.items():
                waits[partition] = self._loop.time() + seconds

    def _fetch(self, offsets: dict[Partition, int], waits: dict[Partition, float]) -> list[StoredRecord]:
        left = limit = self._world.draw.choice(BATCHES)
        batch: list[StoredRecord] = []
        for partition, offset in offsets.items():
            if left and offset < self._world.topics.end(partition) and waits.get(partition, 0) <= self._loop.time():
                batch += self._world.topics.read(partition, offset, left)
                left = limit - len(batch)
        return batch


class Surroundings:
    """What all processes share: the time, the broker, and how both fare."""

    def __init__(self, clock: Clock, draw: Random) -> None:
        self.clock = clock
        self.draw = draw
        self.topics = Topics(clock)
        self.rough = False
        """Whether the broker takes and answers only some of what it is sent."""

    def latency(self) -> float:
        """Seconds that a short way takes."""
        return self.draw.expovariate(200)


class _Connection(MemoryStore):
    """A process's way to the store of its service."""

    def __init__(self, shared: MemoryStore, process: SimulatedProcess, world: Surroundings) -> None:
        super().__init__(between=lambda operation, collection: self._meet(operation, "between"))
        self._collections = shared._collections
        self._process = process
        self._world = world
        self.faults: list[tuple[str, str, BaseException]] = []
        """Operation, `before`, `between` or `after`, and what to raise there: each once, in this order."""

    async def _arrive(self, operation: str, collection: str) -> None:
        await self._process.passes(self._world.latency() * (5 if operation == "due" else 1))
        if asyncio.get_running_loop().time() < self._process.cut_off_until:
            await self._process.passes(0.1)
            raise StoreUnavailable("there is no way to it")
        self._meet(operation, "before")

    async def _answer(self, operation: str, collection: str) -> None:
        self._meet(operation, "after")
        await self._process.passes(self._world.latency())

    def _meet(self, operation: str, where: str) -> None:
        self._process.check()
        if self.faults and self.faults[0][:2] == (operation, where) and not self._process.recovers:
            error = self.faults.pop(0)[2]
            if isinstance(error, Killed):
                self._process.die()
            raise error


class _Wire:
    """A process's way to the broker. Where it is rough, a batch is taken in part, or its answer is lost."""

    def __init__(self, process: SimulatedProcess, world: Surroundings) -> None:
        self._process = process
        self._world = world

    async def send(self, records: Sequence[OutgoingRecord]) -> list[bool]:
        await self._process.passes(self._world.latency())
        draw = self._world.draw
        rough = self._world.rough and draw.random() < 0.1
        taken = draw.randrange(len(records) + 1) if rough else len(records)
        for record in records[:taken]:
            self._world.topics.append(record)
        told = draw.randrange(taken + 1) if rough else taken
        await self._process.passes(self._world.latency())
        return [at < told for at in range(len(records))]


class SimulatedService:
    """A service of two processes; where one ends, another is started."""

    def __init__(self, service: Service, world: Surroundings) -> None:
        self.name = service.name
        self.store = MemoryStore()
        self.processes: list[SimulatedProcess] = []
        self.faults: list[str] = []
        """What ended processes that nobody killed."""
        self._service = service
        self._world = world
        self.group = ConsumerGroup(world.topics, service.subscriptions)
        self._made = 0

    async def run(self) -> None:
        """Keep two processes alive, until cancelled."""
        slots = [asyncio.create_task(self._keep_alive()) for _ in range(2)]
        try:
            await asyncio.gather(*slots)
        finally:
            for slot in slots:
                slot.cancel()
            await asyncio.gather(*slots, return_exceptions=True)

    async def _keep_alive(self) -> None:
        while True:
            self._made += 1
            process = SimulatedProcess(self._service, self.store, self._world, self.group, f"{self.name}-{self._made}")
            self.processes.append(process)
            process.start()
            try:
                await self._watch(process)
            finally:
                process.die()
                await process.bury()
                self.processes.remove(process)
            if process.fault:
                self.faults.append(f"{process.name}: {type(process.fault).__name__}: {process.fault}")
            await asyncio.sleep(self._world.draw.uniform(0.5, 8))

    async def _watch(self, process: SimulatedProcess) -> None:
        """Return at its end; while it stands still for long, others have its partitions."""
        while not process.ended.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._world.draw.uniform(6, 30)):
                    await process.ended.wait()
            if process.stands_still:
                self.group.leave(process)
            elif process.alive and process not in self.group.members:
                self.group.join(process)
