"""One run: services, users and faults from one seed, then a quiet time in which everything comes to its end."""

import asyncio
import contextlib
import hashlib
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

import uuid_utils

from services.notifier import steps as mail_steps
from services.servicing_executor import steps as executor_steps
from shared.kernel.store.documents import decode
from tests.chaos.simulation.adversity import Adversity, Weights
from tests.chaos.simulation.history import History, Record
from tests.chaos.simulation.outside import Outside
from tests.chaos.simulation.process import SimulatedService, Surroundings
from tests.chaos.simulation.users import PACKAGES, Users
from tests.support.simulation import Clock, InstantLoop, silence

QUIET_SECONDS = 3 * 3600.0
"""How long everything may take to come to its end, after the last fault. A mail is tried again after 15 minutes."""
TRIMMED_SECONDS = 60.0
"""What is left when nothing waits any more: outboxes that were sent are trimmed, offsets acknowledged."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is made of: the same plan, the same run."""

    seed: int
    commands: int
    sandboxes: int = 4
    productions: int = 2
    quiet_seconds: float = QUIET_SECONDS
    weights: Weights = field(default_factory=Weights)


@dataclass(frozen=True, slots=True)
class Run:
    """What happened, and how often which fault was met."""

    history: History
    counts: dict[str, int]

    @property
    def digest(self) -> str:
        """Of every record, effect and mail: the same for the same history."""
        whole = hashlib.sha256()
        for record in self.history.records:
            whole.update(repr((record.topic, record.partition, record.key, record.value, record.headers)).encode())
        for effect in self.history.effects:
            whole.update(repr(effect).encode())
        return whole.hexdigest()


def simulate(plan: Plan, folder: Path) -> Run:
    """Run a plan. `folder` keeps the environments."""
    silence()
    loop = InstantLoop()
    loop.set_exception_handler(lambda loop, context: None)  # tasks of killed processes end in whatever way
    clock = Clock(loop)
    with _same_again(plan.seed, clock):
        try:
            return loop.run_until_complete(_run(plan, clock, folder))
        finally:
            loop.close()


async def _run(plan: Plan, clock: Clock, folder: Path) -> Run:
    draw = random.Random(plan.seed)
    world = Surroundings(clock, random.Random(draw.random()))
    outside = Outside(world, folder)
    outside.packages.update(PACKAGES)
    services = [SimulatedService(service, world) for service in outside.services()]
    users = Users(world, random.Random(draw.random()), plan.commands)
    world.topics.on_append = users.read
    adversity = Adversity(world, services, random.Random(draw.random()), plan.weights)
    running = [asyncio.create_task(service.run()) for service in services]
    try:
        await users.prepare()
        world.rough = True
        faults = asyncio.create_task(adversity.run())
        await users.live(plan.sandboxes, plan.productions)
        await _end(faults)
        world.rough = False
        for service in services:
            for process in service.processes:
                process.connection.faults.clear()
                process.cut_off_until = 0
        settled = await _settle(services, plan.quiet_seconds)
    finally:
        for task in running:
            await _end(task)
    history = _history(world, outside, services, clock())
    if faults.done() and not faults.cancelled() and (error := faults.exception()):
        raise error
    if not settled:
        history.faults.append("the quiet time was over, and something still waited")
    history.faults += [fault for service in services for fault in service.faults]
    counts = {"commands": users.sent, "copies of them": users.copies, **adversity.counts, **history.counts()}
    return Run(history, counts)


async def _end(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _settle(services: list[SimulatedService], seconds: float) -> bool:
    """Wait until nothing waits; whether that came to be within so many seconds."""
    left = seconds
    calm = 0.0
    while calm < TRIMMED_SECONDS:
        await asyncio.sleep(10)
        left -= 10
        calm = 0 if any(service.group.lag or _is_busy(service) for service in services) else calm + 10
        if left < 0:
            return False
    return True


def _is_busy(service: SimulatedService) -> bool:
    for collection in service.store._collections.values():
        for kept in collection.values():
            if kept.due_at is None:
                continue
            document = decode(kept.encoded)
            if any(document.get(part) for part in ("outbox", "work", "parked", "undecided", "view_again")):
                return True
            if any(name.startswith(("again", "start")) for name, _, _ in document.get("timers", ())):
                return True
    return False


def _history(world: Surroundings, outside: Outside, services: list[SimulatedService], now: datetime) -> History:
    records = [
        Record(one.topic, one.partition, one.offset, one.key or b"", one.value or b"", dict(one.headers))
        for one in world.topics.log
    ]
    documents = {
        service.name: {
            collection: {id_: decode(one.encoded) for id_, one in kept.items()}
            for collection, kept in service.store._collections.items()
        }
        for service in services
    }
    return History(records, outside.effects, outside.mails, documents, now)


@contextmanager
def _same_again(seed: int, clock: Clock) -> Iterator[None]:
    """Whatever is drawn or dated follows from the seed and the simulated time."""
    draw = random.Random(seed)
    state = random.getstate()
    uuid7 = uuid_utils.uuid7
    dated: list[tuple[Any, Any]] = [(module, module.datetime) for module in (mail_steps, executor_steps)]
    random.seed(seed)
    vars(uuid_utils)["uuid7"] = lambda: _uuid7(clock, draw)
    for module, _ in dated:
        module.datetime = _told_by(clock)
    try:
        yield
    finally:
        random.setstate(state)
        vars(uuid_utils)["uuid7"] = uuid7
        for module, found in dated:
            module.datetime = found


def _uuid7(clock: Callable[[], datetime], draw: random.Random) -> uuid.UUID:
    """RFC 9562, section 5.7: milliseconds, then what was drawn."""
    milliseconds = int(clock().timestamp() * 1000)
    whole = (milliseconds << 80) | draw.getrandbits(80)
    return uuid.UUID(int=whole & ~(0xF000 << 64) & ~(0xC000 << 48) | (0x7000 << 64) | (0x8000 << 48))


def _told_by(clock: Callable[[], datetime]) -> type[datetime]:
    class Simulated(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return clock()

    return Simulated
