"""What befalls the processes: kills anywhere, standstills, outages, a clock that is set, partitions in other hands.

A process that stood still is not killed right after that (`SimulatedProcess.recovers`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from shared.kernel import crash_points
from shared.kernel.crash_points import CRASH_POINTS
from shared.kernel.store.port import StoreUnavailable
from tests.chaos.simulation.process import SimulatedProcess, SimulatedService, Surroundings, current
from tests.support.simulation import Killed


@dataclass(frozen=True, slots=True)
class Weights:
    """How often each fault is drawn, against the others, and how many seconds pass between two of them."""

    kills: float = 6
    standstills: float = 2
    outages: float = 2
    clock_jumps: float = 0.3
    rebalances: float = 1
    forgotten_offsets: float = 0.5
    every: float = 4.0
    still_seconds: tuple[float, float] = (5, 90)


class Adversity:
    """Draws faults until it is cancelled. Counts what happened."""

    def __init__(
        self, world: Surroundings, services: Sequence[SimulatedService], draw: Random, weights: Weights
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._world = world
        self._services = services
        self._draw = draw
        self._weights = weights
        self._countdown = 0
        self._at_the_point: Callable[[SimulatedProcess], None] = self._end

    async def run(self) -> None:
        """Until cancelled."""
        faults: dict[Callable[[], None], float] = {
            self._kill: self._weights.kills,
            self._stand_still: self._weights.standstills,
            self._cut_off: self._weights.outages,
            self._set_clock: self._weights.clock_jumps,
            self._rebalance: self._weights.rebalances,
            self._forget_offsets: self._weights.forgotten_offsets,
        }
        with self._crash_points():
            while True:
                await asyncio.sleep(self._draw.expovariate(1 / self._weights.every))
                [fault] = self._draw.choices(list(faults), list(faults.values()))
                if self._everybody():
                    fault()

    @contextmanager
    def _crash_points(self) -> Iterator[None]:
        before = crash_points._name, crash_points._die
        crash_points._name, crash_points._die = "", self._reached
        try:
            yield
        finally:
            crash_points._name, crash_points._die = before

    def _reached(self) -> None:
        """A process is at the crash point that was drawn."""
        self._countdown -= 1
        if self._countdown <= 0 and not current.get().recovers:
            crash_points._name = ""
            self._at_the_point(current.get())

    def _at_a_crash_point(self, act: Callable[[SimulatedProcess], None]) -> None:
        """Let this happen to the next process that comes to a crash point."""
        crash_points._name = self._draw.choice(CRASH_POINTS)
        self._countdown = self._draw.choice((1, 1, 2, 5))
        self._at_the_point = act

    def _end(self, process: SimulatedProcess) -> None:
        process.die()
        self.counts["kills"] += 1
        raise Killed

    def _pause(self, process: SimulatedProcess) -> None:
        if process.stands_still:
            return
        process.stand_still(self._draw.uniform(*self._weights.still_seconds))
        self.counts["standstills"] += 1

    def _kill(self) -> None:
        """At a crash point, within a store's answer, or in the middle of work."""
        match self._draw.randrange(4):
            case 0 | 1:
                self._at_a_crash_point(self._end)
            case 2:
                operation = self._draw.choice(("write_many", "write_many", "get_many", "due"))
                where = self._draw.choice(("before", "between", "after"))
                self._anybody().connection.faults.append((operation, where, Killed()))
                self.counts["kills"] += 1
            case _:
                process = self._somebody_at_work()
                if not process.recovers:
                    process.die()
                    self.counts["kills"] += 1

    def _stand_still(self) -> None:
        """At a crash point, in the middle of work, or anywhere."""
        match self._draw.randrange(3):
            case 0:
                self._at_a_crash_point(self._pause)
            case 1:
                self._pause(self._somebody_at_work())
            case _:
                self._pause(self._anybody())

    def _cut_off(self) -> None:
        """A store is away: for a service, for one of its processes, or for one moment of one of them."""
        service = self._draw.choice(self._services)
        until = asyncio.get_running_loop().time() + self._draw.choice((0.5, 3, 15, 60))
        match self._draw.randrange(3):
            case 0:
                for process in service.processes:
                    process.cut_off_until = until
            case 1:
                self._anybody().cut_off_until = until
            case _:
                where = self._draw.choice(("before", "between", "after"))
                self._anybody().connection.faults.append(("write_many", where, StoreUnavailable("it went away")))
        self.counts["outages"] += 1

    def _set_clock(self) -> None:
        """Further ahead than a lease lasts."""
        self._world.clock.jump(self._draw.uniform(31, 60))
        for process in self._everybody():
            process.disturbed_at = max(process.disturbed_at, asyncio.get_running_loop().time())
        self.counts["clock jumps"] += 1

    def _rebalance(self) -> None:
        self._draw.choice(self._services).group.rebalance()
        self.counts["rebalances"] += 1

    def _forget_offsets(self) -> None:
        self._draw.choice(self._services).group.forget(self._draw.choice((1, 20, 200)))
        self.counts["forgotten offsets"] += 1

    def _everybody(self) -> list[SimulatedProcess]:
        return [process for service in self._services for process in service.processes if process.alive]

    def _somebody_at_work(self) -> SimulatedProcess:
        return self._draw.choice([one for one in self._everybody() if one.works] or self._everybody())

    def _anybody(self) -> SimulatedProcess:
        return self._draw.choice(self._everybody())
