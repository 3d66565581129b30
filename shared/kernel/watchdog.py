"""Sees what nobody else sees: a loop that is blocked, a consumer that lives and does nothing. Ends the process then.

Starting is the recovery, so there is nothing to repair here: whoever supervises the process starts it again.
"""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from shared.kernel.kafka.consumer import Consumer
from shared.kernel.logs import get_logger

log = get_logger(__name__)

EXIT_BLOCKED = 70
EXIT_STOP_TOO_LONG = 71


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogLimits:
    """How long, in seconds, something may be wrong before the process ends."""

    blocked: float = 30.0
    """The event loop runs nothing."""
    silent: float = 30.0
    """An assigned partition, not paused, is not fetched from, though the broker answers."""
    unassigned: float = 120.0
    """The group gives this member no answer."""


class LoopWatch:
    """A thread that ends the process when the event loop has been blocked too long."""

    def __init__(self, limit: float) -> None:
        self._limit = limit
        self._beat = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="loop-watch", daemon=True)

    def start(self) -> None:
        """Watch the running event loop."""
        self._tick(asyncio.get_running_loop())
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()

    @property
    def lag(self) -> float:
        """Seconds since the loop last ran something."""
        return time.monotonic() - self._beat

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        self._beat = time.monotonic()
        if not self._ended.is_set():
            loop.call_later(min(1.0, self._limit / 4), self._tick, loop)

    def _watch(self) -> None:
        while not self._ended.wait(self._limit / 4):
            if self.lag > self._limit:
                sys.stderr.write(f"the event loop has been blocked for {self.lag:.1f} s; the process ends\n")
                os._exit(EXIT_BLOCKED)


async def watch_consumer(
    consumer: Consumer, broker_answers: Callable[[], Awaitable[bool]], limits: WatchdogLimits
) -> str:
    """Return, with the reason, when the consumer is alive in name only."""
    began = time.monotonic()
    while True:
        await asyncio.sleep(min(limits.silent, limits.unassigned) / 6)
        if not consumer.alive:
            return "the loop that fetches records has ended"
        if not consumer.has_assignment and time.monotonic() - began > limits.unassigned:
            return f"no partitions were assigned within {limits.unassigned:.0f} s"
        silent = [
            partition
            for partition, position in consumer.positions().items()
            if not position.paused and position.poll_age > limits.silent
        ]
        if silent and await broker_answers():
            return f"nothing was fetched from {silent[0].topic}/{silent[0].partition} for {limits.silent:.0f} s"


def end_hard_after(seconds: float) -> threading.Timer:
    """End the process after `seconds`, whatever it is doing then. Cancel the timer to keep it."""

    def end() -> None:
        sys.stderr.write(f"the process did not stop within {seconds:.0f} s; it is ended\n")
        os._exit(EXIT_STOP_TOO_LONG)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    return timer
