"""Which documents want to be looked at, and when.

Everything that can become due is in the documents, under one indexed moment, `due_at`. A heap of hints, fed by this
process's own commits, makes it punctual; a scan of the store makes it certain: at the start, after a rebalance, and
from time to time, in at most `SCAN_SHARE` of the time.
"""

import asyncio
import heapq
from collections.abc import Iterable
from datetime import datetime, timedelta

from shared.kernel.commit import Clock, Key
from shared.kernel.document import Document
from shared.kernel.store.port import Store

SCAN_LIMIT = 5000
SCAN_SHARE = 0.02
SCAN_PAUSE = timedelta(seconds=1)
"""Shortest time between two scans."""
HORIZON = timedelta(minutes=5)
"""How far ahead a scan looks, and hints are kept: what is due later is found by a later scan."""
TRIM_AFTER = timedelta(seconds=1)
LOOKS_AT_ONCE = 500


class Agenda:
    """The documents that want to be looked at, by the moment when."""

    def __init__(self, store: Store, collections: Iterable[str], clock: Clock) -> None:
        self._store = store
        self._collections = tuple(collections)
        self._clock = clock
        self._heap: list[tuple[datetime, Key]] = []
        self._waiting: dict[str, set[Key]] = {}
        self._arrived: set[Key] = set()
        self._scan_at: datetime | None = None
        self._wake = asyncio.Event()

    def look_at(self, key: Key, due: datetime) -> None:
        """The document of `key` wants to be looked at when `due` has come."""
        if due > self._clock() + HORIZON:
            return
        if not self._heap or due < self._heap[0][0]:
            self._wake.set()
        heapq.heappush(self._heap, (due, key))

    def committed(self, key: Key, document: Document) -> None:
        """This process has committed `document`: note what it waits for, and wake those that waited for it."""
        if document.due_at:
            self.look_at(key, document.due_at)
        for parked in document.parked:
            if parked.waits_for:
                self._waiting.setdefault(parked.waits_for, set()).add(key)
        for waiting in self._waiting.pop(key[1], ()):
            self._arrived.add(waiting)
            self.look_at(waiting, self._clock())

    def sent(self, key: Key) -> None:
        """The outbox of `key` was sent; unless another commit does it first, it wants to be trimmed."""
        self.look_at(key, self._clock() + TRIM_AFTER)

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
        """Learn from the store what is due within the horizon, unless that was done a short while ago."""
        if self._scan_at and self._scan_at > self._clock():
            return
        loop = asyncio.get_running_loop()
        began = loop.time()
        until = self._clock() + HORIZON
        found = [(due, (name, id_)) for name in self._collections for id_, due in await self._due(name, until)]
        known = set(self._heap)
        self._heap.extend(hint for hint in found if hint not in known)
        heapq.heapify(self._heap)
        pause = timedelta(seconds=(loop.time() - began) / SCAN_SHARE)
        self._scan_at = self._clock() + min(max(pause, SCAN_PAUSE), HORIZON / 2)

    def due(self) -> list[Key]:
        """Some documents that want to be looked at by now; empty if there are none."""
        now = self._clock()
        keys: dict[Key, None] = {}
        while self._heap and self._heap[0][0] <= now and len(keys) < LOOKS_AT_ONCE:
            keys[heapq.heappop(self._heap)[1]] = None
        return list(keys)

    async def _due(self, collection: str, until: datetime) -> list[tuple[str, datetime]]:
        return await self._store.due(collection, until, SCAN_LIMIT)

    def _seconds_until_next(self) -> float:
        if self._scan_at is None:
            return 0.0
        moments = [self._scan_at, self._heap[0][0]] if self._heap else [self._scan_at]
        return (min(moments) - self._clock()).total_seconds()
