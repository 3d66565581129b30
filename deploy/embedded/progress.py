"""Whether a process that does not answer yet is getting on: patience counts progress, not seconds."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import psutil

PATIENCE = 30.0
"""Seconds without any progress after which a start has failed."""
CEILING = 900.0
"""Seconds after which a start has failed whatever the process does."""
_LOOK_EVERY = 0.5
# Then after twice as long, and so on: several processes start at once.
_FIRST_NEWS = 15.0
# Of one core: what the clockwork of an idle server uses is below.
_WORKING = 1 / 30


class StartProgress:
    """Looks at a starting process: its log, its processor time, and what it says of itself.

    `pid` names the process, None while there is none. All times are in seconds.
    """

    def __init__(self, log: Path, pid: Callable[[], int | None], *, patience: float, ceiling: float) -> None:
        self._log = log
        self._pid = pid
        self._patience = patience
        self._ceiling = ceiling
        self._began = self._advanced = self._looked = time.monotonic()
        self._next_news = _FIRST_NEWS
        self._log_size = self._size()
        self._work = self._processor_time()
        self._heard: set[str] = set()

    @property
    def answer_limit(self) -> float:
        """How long to wait for one answer: longer, the longer the start takes, as everything does then."""
        return min(2.0 + (time.monotonic() - self._began) / 10, 10.0, self._patience)

    @property
    def pause(self) -> float:
        """How long to wait before asking again: a machine that is slow is not asked as often."""
        return min(0.02 + (time.monotonic() - self._began) / 100, 0.25)

    def stalled(self, said: str) -> str | None:
        """None while it gets on, else what is wrong. `said` is why the process does not answer."""
        now = time.monotonic()
        if now - self._looked >= min(_LOOK_EVERY, self._patience / 10):
            self._looked = now
            if self._has_advanced(said):
                self._advanced = now
        if now - self._advanced > self._patience:
            return f"does not answer, and made no progress for {self._patience:g} s: {said}"
        if now - self._began > self._ceiling:
            return f"does not answer after {self._ceiling:g} s: {said}"
        return None

    def news(self, said: str) -> str | None:
        """Now and then a line for people on how far it is; None while nothing is worth saying."""
        waited = time.monotonic() - self._began
        if waited < self._next_news:
            return None
        self._next_news = 2 * waited
        used = self._processor_time()
        return f"has been starting for {waited:.0f} s, with {used:.1f} s of processor time: {said}"

    def _has_advanced(self, said: str) -> bool:
        size, work = self._size(), self._processor_time()
        # What it said before is no news: one that flaps between two answers does not get on.
        advanced = said not in self._heard or size != self._log_size
        self._heard.add(said)
        self._log_size = size
        self._work = min(self._work, work)  # less: it is another process by now
        if work - self._work >= _WORKING * self._patience * _fair_share():
            self._work = work
            return True
        return advanced

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except FileNotFoundError:
            return 0

    def _processor_time(self) -> float:
        pid = self._pid()
        try:
            return sum(psutil.Process(pid).cpu_times()[:4]) if pid is not None else 0.0
        except psutil.Error:
            return 0.0


def _fair_share() -> float:
    """What part of a core a process can expect on this machine now."""
    return min(1.0, (os.cpu_count() or 1) / max(os.getloadavg()[0], 1.0))
