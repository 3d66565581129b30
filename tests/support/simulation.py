"""The kernel's own parts in memory: time that passes only when it is told to, a broker that errs on demand, replicas
that can be killed anywhere."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import structlog

from shared.kernel import crash_points
from shared.kernel.app import Service, Settings
from shared.kernel.client import OutgoingRecord
from shared.kernel.document import Document
from shared.kernel.engine import Engine, build_engine
from shared.kernel.store.documents import decode
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.port import Write
from shared.kernel.stored import from_stored

T = TypeVar("T")

EPOCH = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Killed(BaseException):
    """The process ends here: nobody catches it, and nothing is tidied up."""


class InstantLoop(asyncio.SelectorEventLoop):
    """An event loop in which waiting takes no time: when nothing can run, its clock jumps to what is next."""

    def __init__(self) -> None:
        self.seconds = 0.0
        super().__init__(_InstantSelector(self))

    def time(self) -> float:
        return self.seconds


class _InstantSelector(selectors.SelectSelector):
    def __init__(self, loop: InstantLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everything waits for something that never happens")
        self._loop.seconds += timeout
        return super().select(0)


class Clock:
    """What time it is: as long after `EPOCH` as the loop has run, and as far off as the clock was set."""

    def __init__(self, loop: InstantLoop) -> None:
        self._loop = loop
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return EPOCH + timedelta(seconds=self._loop.seconds) + self.offset

    def jump(self, seconds: float) -> None:
        """Set the clock forward or back."""
        self.offset += timedelta(seconds=seconds)


@dataclass
class Broker:
    """What is on the topics, and how the next batch of records fares."""

    log: list[OutgoingRecord] = field(default_factory=list)
    takes: int | None = None
    """How many entries the next batch may write; None: all of them."""
    replies: bool = True
    """Whether the next batch is answered."""
    on_write: Callable[[OutgoingRecord], None] = lambda entry: None

    async def send(self, entries: Sequence[OutgoingRecord]) -> list[bool]:
        """As `relay.Publisher`: it takes the first ones of a batch, and may not say so."""
        await asyncio.sleep(0)
        takes = len(entries) if self.takes is None else min(self.takes, len(entries))
        for entry in entries[:takes]:
            self.on_write(entry)
            self.log.append(entry)
        answers = [self.replies and at < takes for at in range(len(entries))]
        if entries:
            self.takes, self.replies = None, True
        await asyncio.sleep(0)
        return answers


_replica: ContextVar["Replica | None"] = ContextVar("replica", default=None)


class Connection(MemoryStore):
    """A replica's way to a store that it shares with others; it ends with the replica."""

    def __init__(self, shared: MemoryStore, replica: "Replica") -> None:
        super().__init__(before=self._fail("before"), after=self._fail("after"), between=self._fail("between"))
        self._replica = replica
        self._collections = shared._collections
        self.ignores_versions = False
        self.on_effect: Callable[[str], None] = lambda collection: None
        self.faults: list[tuple[str, str, BaseException]] = []
        """Operation, `before`, `between` or `after`, and what to raise there: each once, in this order."""
        self.delay = 0
        """How often others get a turn before a write sets out."""

    async def write_many(self, collection: str, writes: Sequence[Write]) -> list[bool]:
        for _ in range(self.delay):
            await asyncio.sleep(0)
        if self.ignores_versions:
            kept = self._kept(collection)
            there = {id_: kept[id_].version for id_ in kept}
            writes = [Write(write.document, there.get(write.document["_id"])) for write in writes]
        return await super().write_many(collection, writes)

    def _fail(self, where: str) -> Callable[[str, str], None]:
        def hook(operation: str, collection: str) -> None:
            if where != "before":
                self.on_effect(collection)
            self._replica.check()
            if self.faults and self.faults[0][:2] == (operation, where):
                error = self.faults.pop(0)[2]
                if isinstance(error, Killed):
                    self._replica.alive = False
                raise error

        return hook


class _Wire:
    """A replica's way to the broker."""

    def __init__(self, broker: Broker, replica: "Replica") -> None:
        self._broker = broker
        self._replica = replica

    async def send(self, entries: Sequence[OutgoingRecord]) -> list[bool]:
        self._replica.check()
        answers = await self._broker.send(entries)
        self._replica.check()
        return answers


class Replica:
    """One process of a service, as far as the kernel knows: its parts, on a store and a broker that it shares."""

    def __init__(
        self, service: Service, store: MemoryStore, broker: Broker, clock: Clock, *, name: str = "a", **settings: Any
    ) -> None:
        self.alive = True
        self.store = Connection(store, self)
        self.name = name
        self.engine: Engine = build_engine(
            service,
            self.store,
            _Wire(broker, self),
            Settings(instance=name, **settings),
            clock=clock,
            tell=lambda line: None,
        )

    def check(self) -> None:
        """Raise Killed if the process is no more."""
        if not self.alive:
            raise Killed

    async def do(self, what: Coroutine[Any, Any, T]) -> T | None:
        """Run something as this process; None if it is killed meanwhile."""
        token = _replica.set(self)
        try:
            return await what
        except Killed:
            return None
        finally:
            _replica.reset(token)

    async def end(self) -> None:
        """After its end: let its tasks come to theirs."""
        self.alive = False
        tasks = list(self.engine.workers._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def documents(store: MemoryStore) -> Iterator[tuple[str, Document]]:
    """All documents of aggregates in a store, with the names of their collections."""
    for collection, kept in store._collections.items():
        for one in kept.values():
            if one.version is not None:
                yield collection, from_stored(decode(one.encoded))


@contextmanager
def killing_at(point: str, times: int = 1) -> Iterator[None]:
    """Kill the replica that reaches `point` for the `times`-th time."""
    left = times

    def die() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            replica = _replica.get()
            assert replica, "a crash point was reached outside of a replica"
            replica.alive = False
            raise Killed

    before = crash_points._name, crash_points._die
    crash_points._name, crash_points._die = point, die
    try:
        yield
    finally:
        crash_points._name, crash_points._die = before


def silence() -> None:
    """Leave the kernel's logs out: a simulation has thousands of warnings, all of them wanted."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
