"""How long a test waits for other processes: as long as something moves, and in the seconds of a quiet machine."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")

PATIENCE = 60.0
"""Seconds of a quiet machine in which nothing moves."""
_CEILING = 5
"""A wait ends after so many times its patience, whatever moves."""
_CORES = os.cpu_count() or 1


def crowding() -> float:
    """How many processes want each core, at least 1: so many times longer takes what computes."""
    with suppress(OSError, ValueError):
        average, _, _, wanting, *_ = Path("/proc/loadavg").read_text().split()
        return max(1.0, float(average) / _CORES, int(wanting.partition("/")[0]) / _CORES)
    return max(1.0, os.getloadavg()[0] / _CORES)


class QuietClock:
    """Seconds since it was made, as if the machine had been quiet; exact as far as it is looked at often."""

    def __init__(self) -> None:
        self._seen = time.monotonic()
        self._seconds = 0.0

    def seconds(self) -> float:
        """Seconds until now."""
        now = time.monotonic()
        self._seconds += (now - self._seen) / crowding()
        self._seen = now
        return self._seconds


class Patience:
    """Ends when nothing has moved for `seconds` of a quiet machine, or after five times as long whatever moves.

    `progress` returns anything that is another thing when something has moved.
    """

    def __init__(self, seconds: float = PATIENCE, progress: Callable[[], object] = lambda: None) -> None:
        self._patience = seconds
        self._progress = progress
        self._clock = QuietClock()
        self._moved = 0.0
        self._last = progress()

    def check(self) -> None:
        """Raise TimeoutError when it has ended."""
        now = self._clock.seconds()
        if (progress := self._progress()) != self._last:
            self._last, self._moved = progress, now
        if now - self._moved > self._patience:
            raise TimeoutError(f"nothing has moved for {self._patience:g} s of a quiet machine")
        if now > _CEILING * self._patience:
            raise TimeoutError(f"it is not over after {now:.0f} s of a quiet machine, though something moves")


async def until(
    condition: Callable[[], T | None],
    seconds: float = PATIENCE,
    *,
    progress: Callable[[], object] = lambda: None,
    every: float = 0.05,
) -> T:
    """What the condition returns, as soon as it is true; raises TimeoutError when patience ends (see Patience)."""
    patience = Patience(seconds, progress)
    while not (found := condition()):
        patience.check()
        await asyncio.sleep(every)
    return found


async def until_answered(
    ask: Callable[[], Awaitable[T | None]],
    seconds: float = PATIENCE,
    *,
    progress: Callable[[], object] = lambda: None,
    every: float = 0.05,
) -> T:
    """As `until`, for a condition that has to be awaited."""
    patience = Patience(seconds, progress)
    while not (found := await ask()):
        patience.check()
        await asyncio.sleep(every)
    return found


def until_now(
    condition: Callable[[], T | None],
    seconds: float = PATIENCE,
    *,
    progress: Callable[[], object] = lambda: None,
    every: float = 0.05,
) -> T:
    """As `until`, where nothing else runs in this thread meanwhile."""
    patience = Patience(seconds, progress)
    while not (found := condition()):
        patience.check()
        time.sleep(every)
    return found


def computed(pid: int) -> int:
    """Whole seconds of CPU time that a process has used: progress of one that computes."""
    with suppress(psutil.Error):
        used = psutil.Process(pid).cpu_times()
        return int(used.user + used.system)
    return 0
