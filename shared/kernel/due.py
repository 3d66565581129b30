"""Which documents want to be looked at, and when.

Everything that can become due is in the documents, under one indexed moment, `due_at`. A heap of hints, fed by this
process's own commits, makes it punctual; a scan of the store makes it certain: at the start, after a rebalance, and
from time to time, in at most `SCAN_SHARE` of the time.
"""

import asyncio
import heapq
from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.kernel.commit import Clock
from shared.kernel.document import Document, Key
from shared.kernel.store.port import Store

SCAN_LIMIT = 5000
SCAN_SHARE = 0.02
SCAN_PAUSE = timedelta(seconds=1)
"""Shortest time between two scans."""
FAR_SCAN_LONGEST = timedelta(minutes=10)
"""Longest time between two looks at what seems to be far ahead."""
SCAN_AHEAD = timedelta(seconds=5)
"""How far ahead a scan looks at least."""
HORIZON = timedelta(minutes=5)
"""How far ahead hints are kept, and a scan looks at most: what is due later is found by a later scan."""
TRIM_AFTER = timedelta(seconds=5)
"""How long an outbox that was sent waits for another commit to trim it; less than `OUTBOX_GRACE`."""
LOOKS_AT_ONCE = 500
SOON = ("outbox_due", "parked", "work")
"""Fields whose moments are never far ahead: where one is, it was written by a clock that was wrong."""


class DueIndex:
    """The documents that want to be looked at, by the moment when."""

    def __init__(
        self, store: Store, collections: Iterable[str], clock: Clock, lease: timedelta = timedelta(seconds=30)
    ) -> None:
        self._store = store
        self._collections = tuple(collections)
        self._clock = clock
        self._lease = lease
        self._heap: list[tuple[datetime, Key]] = []
        self._hinted: dict[Key, datetime] = {}
        """The earliest moment that the heap has for a document."""
        self._trims: dict[Key, datetime] = {}
        """Documents whose outboxes were sent, in the order of the moments when they want to be trimmed."""
        self._waiting: dict[str, set[Key]] = {}
        self._arrived: set[Key] = set()
        self._late: set[Key] = set()
        self._scan_at: datetime | None = None
        self._scan_pause = SCAN_PAUSE
        self._far_scan_at: datetime | None = None
        self._wake = asyncio.Event()

    def look_at(self, key: Key, due: datetime) -> None:
        """The document of `key` wants to be looked at when `due` has come."""
        if due > self._clock() + HORIZON or (key in self._hinted and self._hinted[key] <= due):
            return
        if not self._heap or due < self._heap[0][0]:
            self._wake.set()
        self._hinted[key] = due
        heapq.heappush(self._heap, (due, key))

    def committed(self, key: Key, document: Document, *, arrived: bool) -> None:
        """This process has committed `document`: note what it waits for, and wake those that waited for its state.

        One that only waits on wakes nobody: two that wait for each other would do so without end.
        """
        self._trims.pop(key, None)
        # Its outbox needs no hint: the relay of this process has it.
        if due := min(document.moments(outbox=False), default=None):
            self.look_at(key, due)
        for parked in document.parked:
            if parked.waits_for:
                self._waiting.setdefault(parked.waits_for, set()).add(key)
        for waiting in self._waiting.pop(key[1], ()) if arrived else ():
            self._arrived.add(waiting)
            self.look_at(waiting, self._clock())

    def sent(self, key: Key) -> None:
        """The outbox of `key` was sent; unless another commit does it first, it wants to be trimmed."""
        if not self._trims:
            self._wake.set()
        self._trims.pop(key, None)
        self._trims[key] = self._clock() + TRIM_AFTER

    def late(self, key: Key) -> None:
        """What the outbox of `key` held was sent late, or others were faster: look at the document."""
        self._late.add(key)
        self.look_at(key, self._clock())

    def was_late(self, key: Key) -> bool:
        """Whether something of `key` was sent late since this was last asked."""
        if key not in self._late:
            return False
        self._late.remove(key)
        return True

    def untrimmed(self) -> list[Key]:
        """The documents whose outboxes were sent and not yet trimmed."""
        return list(self._trims)

    def has_arrived(self, key: Key) -> bool:
        """Whether what a message of `key` waited for was committed since this was last asked."""
        if key not in self._arrived:
            return False
        self._arrived.remove(key)
        return True

    def scan_soon(self) -> None:
        """Another process may have left something behind: scan at once."""
        self._scan_at = None
        self._wake.set()

    async def wait(self) -> None:
        """Return when a scan or a document is due."""
        while (seconds := self._seconds_until_next()) > 0:
            self._wake.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                return

    async def scan(self) -> None:
        """Learn from the store what is due before the next scan, unless that was done a short while ago."""
        now = self._clock()
        if self._scan_at and now < self._scan_at <= now + HORIZON:  # one further ahead: the clock was set back
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        ahead = min(max(2 * self._scan_pause, SCAN_AHEAD), HORIZON)
        for collection in self._collections:
            for id_, due in await self._store.due(collection, now + ahead, SCAN_LIMIT):
                self.look_at((collection, id_), due)
        self._scan_pause = min(max(timedelta(seconds=(loop.time() - began) / SCAN_SHARE), SCAN_PAUSE), ahead * 0.8)
        self._scan_at = now + self._scan_pause
        if self._far_scan_at is None or not now < self._far_scan_at <= now + FAR_SCAN_LONGEST:
            await self._scan_far(now)

    async def _scan_far(self, now: datetime) -> None:
        """Look at what seems to be far ahead though nothing of its kind is: a clock that was wrong has written it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for collection in self._collections:
            for id_ in await self._store.due_beyond(collection, now + self._lease, SOON, SCAN_LIMIT):
                self.look_at((collection, id_), now)
        pause = max(timedelta(seconds=(loop.time() - began) / SCAN_SHARE), self._lease)
        self._far_scan_at = now + min(pause, FAR_SCAN_LONGEST)

    def due(self) -> list[Key]:
        """Some documents that want to be looked at by now; empty if there are none."""
        now = self._clock()
        keys: dict[Key, None] = {}
        while self._heap and self._heap[0][0] <= now and len(keys) < LOOKS_AT_ONCE:
            due, key = heapq.heappop(self._heap)
            if self._hinted.get(key) == due:  # otherwise it was looked at since, for an earlier hint
                del self._hinted[key]
                keys[key] = None
        while self._trims and len(keys) < LOOKS_AT_ONCE:
            key, due = next(iter(self._trims.items()))
            if due > now:
                break
            del self._trims[key]
            keys[key] = None
        return list(keys)

    def _seconds_until_next(self) -> float:
        now = self._clock()
        if self._scan_at is None:
            return 0.0
        moments = [self._scan_at, now + HORIZON]
        if self._heap:
            moments.append(self._heap[0][0])
        if self._trims:
            moments.append(next(iter(self._trims.values())))
        return (min(moments) - now).total_seconds()
