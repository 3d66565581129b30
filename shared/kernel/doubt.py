"""Stored moments that cannot be right: a clock that was ahead has written them."""

from datetime import datetime, timedelta

from shared.kernel.commit import Clock
from shared.kernel.document import Key

REMEMBERED = 10_000
"""Moments in doubt that are remembered at once; one that is forgotten is waited for anew."""


class Doubt:
    """Bounds what others have written by what a right clock could have written.

    A lease further ahead than a lease lasts may still be held: by a process whose clock is ahead. It moves the moment
    with every heartbeat. One that stands unmoved, for as long as it could rightly have been ahead, nobody holds. That
    time is counted from when this process saw it first, for what the writer's clock showed is not known.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen: dict[tuple[Key, str], tuple[datetime, datetime]] = {}
        """The moment in doubt, and when it was seen first."""

    def settle(self, key: Key, what: str, moment: datetime, longest: timedelta) -> datetime:
        """When `what` of a document becomes due: at `moment`, unless that is more than `longest` ahead."""
        now = self._clock()
        if moment <= now + longest:
            # Not forgotten: by a clock that goes on, a moment in doubt comes near by itself.
            stood, first = self._seen.get((key, what), (None, now))
            return min(moment, first + longest) if stood == moment and first <= now else moment
        stood, first = self._seen.get((key, what), (None, now))
        if stood != moment or first > now:  # it was moved; or this clock was the one that was ahead
            self._seen.pop((key, what), None)
            if len(self._seen) >= REMEMBERED:
                del self._seen[next(iter(self._seen))]
            self._seen[key, what] = (moment, now)
            return now + longest
        return first + longest
