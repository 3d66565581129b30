"""Sends what committed documents hold in their outboxes: publish first, forget afterwards.

Entries of one document leave in their order. One that was sent is trimmed from the document by its next commit, or
by the sweeper soon after; a crash in between sends it again under the same id, never not at all.

The last record of a key is the one that stays on a compacted topic, so an old snapshot must not come behind a newer
one. Two processes that commit a document within moments may overtake each other, and one that stood still may be very
late. Whoever goes on from what another may still be sending notes in the document that the newest is sent once more
when that is over (`unit_of_work`). A process that stood still for longer than its sole right to an outbox lasts reads
the document again instead of sending, and where it finds that it was late with a snapshot it sends the newest again
at once.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from shared.kernel.commit import Clock
from shared.kernel.crash_points import crash_point
from shared.kernel.document import OUTBOX_GRACE, Document, Key, OutboxEntry
from shared.kernel.records import OutgoingRecord

BATCH = 2000
"""Entries sent in one go, at most."""
RETRY_SECONDS = 0.5


class Publisher(Protocol):
    """Sends records to Kafka."""

    async def send(self, records: Sequence[OutgoingRecord]) -> list[bool]:
        """For each record whether the broker has acknowledged it. Records of one topic and key keep their order.

        Behind one that was not acknowledged, none of the same topic and key is.
        """
        ...


class Sent(Protocol):
    """Who wants to know that an outbox was emptied."""

    def sent(self, key: Key) -> None:
        """All that the outbox of `key` held was sent; the document may be trimmed."""
        ...

    def late(self, key: Key) -> None:
        """Others may have sent what came later in the outbox of `key` before: the document is to be looked at."""
        ...


@dataclass(slots=True)
class _Entries:
    """Entries of one outbox that wait, and since when this process has had the right to send them."""

    since: datetime
    """By the clock, which goes on while a machine sleeps."""
    loop_since: float
    """By the loop, which nobody sets."""
    entries: list[OutboxEntry] = field(default_factory=list)


@dataclass(slots=True)
class _Outbox:
    """What this process knows of the outbox of one document."""

    published: int = 0
    taken: int = 0


class Relay:
    """The outboxes of all documents that this process has committed."""

    def __init__(self, publisher: Publisher, clock: Clock) -> None:
        self._publisher = publisher
        self._clock = clock
        self._known: dict[Key, _Outbox] = {}
        self._waiting: dict[Key, _Entries] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._busy_since = 0.0
        self._watcher: Sent | None = None

    def watched_by(self, watcher: Sent) -> None:
        """Tell `watcher` when an outbox was emptied."""
        self._watcher = watcher

    def published(self, key: Key) -> int:
        """Up to which entry the outbox of `key` was sent by this process."""
        known = self._known.get(key)
        return known.published if known else 0

    def overtakes(self, key: Key, document: Document) -> bool:
        """Whether another process may be sending what the outbox of a document holds that was read."""
        known = self._known.get(key)
        taken = known.taken if known else 0
        return any(entry.n > taken for entry in document.outbox)

    def take(self, key: Key, document: Document, since: datetime) -> None:
        """Send what is left in the outbox of a document that this process has committed, and not before `since`."""
        known = self._known.setdefault(key, _Outbox())
        new = [entry for entry in document.outbox if entry.n > known.taken]
        if new:
            now = asyncio.get_running_loop().time()
            if not self._waiting:
                self._busy_since = now
            known.taken = new[-1].n
            self._waiting.setdefault(key, _Entries(since, now)).entries.extend(new)
            self._wake.set()
            self._idle.clear()

    def forget(self, key: Key) -> None:
        """The outbox of `key` is empty in the store: nothing is left to remember of it."""
        known = self._known.get(key)
        if known and known.published == known.taken and key not in self._waiting:
            del self._known[key]

    @property
    def backlog(self) -> int:
        """Entries that wait to be sent."""
        return sum(len(waiting.entries) for waiting in self._waiting.values())

    @property
    def oldest_seconds(self) -> float:
        """How long the relay has had something to send without a moment of having nothing."""
        return asyncio.get_running_loop().time() - self._busy_since if self._waiting else 0.0

    async def run(self) -> None:
        """Send until cancelled."""
        while True:
            await self._wake.wait()
            if not await self.step():
                await asyncio.sleep(RETRY_SECONDS)

    async def drained(self, seconds: float) -> bool:
        """Wait until `run` has sent everything, for at most `seconds`; whether it has."""
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True

    async def step(self) -> bool:
        """Send one batch; False if something in it could not be sent, which then waits on."""
        batch = self._next_batch()
        crash_point("relay.taken")
        numbered = [(key, entry) for key, waiting in batch.items() for entry in waiting.entries]
        answers = await self._publisher.send([entry.record for _, entry in numbered])
        crash_point("relay.published")
        failed = {
            (key, entry.n) for (key, entry), acknowledged in zip(numbered, answers, strict=True) if not acknowledged
        }
        for key, waiting in batch.items():
            self._settle(key, waiting, failed)
            if self._watcher and self._is_late(waiting):
                self._watcher.late(key)
        if not self._waiting:
            self._wake.clear()
            self._idle.set()
        return not failed

    def _next_batch(self) -> dict[Key, _Entries]:
        batch: dict[Key, _Entries] = {}
        size = 0
        while self._waiting and size < BATCH:
            key = next(iter(self._waiting))
            waiting = self._waiting.pop(key)
            if self._watcher and self._is_late(waiting):
                # As if it had never been taken: the sweeper takes what is there now, if that is still anybody's.
                self._known[key].taken = self._known[key].published
                self._watcher.late(key)
                continue
            batch[key] = waiting
            size += len(waiting.entries)
        return batch

    def _is_late(self, waiting: _Entries) -> bool:
        grace = OUTBOX_GRACE.total_seconds()
        by_loop = asyncio.get_running_loop().time() - waiting.loop_since
        return max(by_loop, (self._clock() - waiting.since).total_seconds()) >= grace

    def _settle(self, key: Key, sent: _Entries, failed: set[tuple[Key, int]]) -> None:
        """Remember what was sent; put back what was not, before anything that came meanwhile."""
        known = self._known[key]
        entries = sent.entries
        done = 0
        while done < len(entries) and (key, entries[done].n) not in failed:
            done += 1
        if done:
            known.published = entries[done - 1].n
        if done < len(entries):
            later = self._waiting.get(key)
            sent.entries = entries[done:] + (later.entries if later else [])
            self._waiting[key] = sent
        elif self._watcher and known.published == known.taken:
            self._watcher.sent(key)
