"""The time of day, without the lies that a machine's clock tells for some minutes.

Leases, timers and commands are decided by the time of day. A clock that is put an hour ahead and back again, by a wrong
time server say, would start downtimes and leave leases that last that hour. So a step is not believed at once: time
goes on as it went, by the clock that nobody sets and that goes on while the machine sleeps. A step that lasts is true.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.kernel.logs import get_logger

STEP = timedelta(minutes=1)
"""Less than this is a correction, which is followed at once."""
BELIEVED_AFTER = timedelta(minutes=5)
"""How long a step lasts before it is taken for the time."""

log = get_logger(__name__)

# Linux calls the one that goes on in a sleep so; on macOS the other one does.
_UPTIME = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _time_of_day() -> datetime:
    return datetime.now(UTC)


def _uptime() -> timedelta:
    return timedelta(seconds=time.clock_gettime(_UPTIME))


class SteadyClock:
    """Tells the time of day, in UTC, when it is called."""

    def __init__(self, wall: Callable[[], datetime] = _time_of_day, uptime: Callable[[], timedelta] = _uptime) -> None:
        self._wall = wall
        self._uptime = uptime
        self._anchor = wall()
        self._anchored_at = uptime()
        self._stepped_at: timedelta | None = None
        self.off = timedelta()
        """By how much the machine's clock is ahead of the time that this one tells."""

    def __call__(self) -> datetime:
        wall, uptime = self._wall(), self._uptime()
        steady = self._anchor + (uptime - self._anchored_at)
        off = wall - steady
        if abs(off) < STEP:
            if self._stepped_at is not None:
                log.info("clock_right_again", was_ahead_by=str(self.off))
            return self._follow(wall, uptime)
        if self._stepped_at is None or abs(off - self.off) >= STEP:
            self._stepped_at = uptime
            log.error("clock_stepped", by=str(off), believed_after=str(BELIEVED_AFTER))
        self.off = off
        if uptime - self._stepped_at < BELIEVED_AFTER:
            return steady
        log.error("clock_step_believed", by=str(off))
        return self._follow(wall, uptime)

    def _follow(self, wall: datetime, uptime: timedelta) -> datetime:
        self._anchor, self._anchored_at, self._stepped_at, self.off = wall, uptime, None, timedelta()
        return wall
