"""Does what has become due: timers, parked messages, work to be claimed, outboxes that somebody left behind.

Any replica may do any of it: each thing is a compare-and-set on the document it stands in.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Protocol

from shared.contracts.cloudevents import Unreadable
from shared.kernel.agenda import LOOKS_AT_ONCE, Agenda
from shared.kernel.changes import Change, Claim, DropParked, Fire, RetryParked, Trim
from shared.kernel.commit import Clock, Committer, Key
from shared.kernel.crash_points import crash_point
from shared.kernel.document import Document, Parked, PendingWork, from_stored
from shared.kernel.fold import position_of
from shared.kernel.logs import get_logger
from shared.kernel.outcomes import Conflict, Permanent
from shared.kernel.relay import Relay
from shared.kernel.service import Aggregate
from shared.kernel.store.port import Store, StoreUnavailable

AFTER_ERROR = timedelta(seconds=5)

log = get_logger(__name__)


class Workers(Protocol):
    """Who does the work that is claimed."""

    owner: str
    lease: timedelta

    @property
    def free(self) -> int:
        """How many pieces of work more may be claimed."""
        ...

    def start(self, aggregate: Aggregate[Any], id_: str, work: PendingWork) -> None:
        """Begin a piece of work whose lease was taken."""
        ...


class Undertaker(Protocol):
    """Who buries messages that never will be processed."""

    async def bury_parked(self, parked: Parked, error: Exception) -> None:
        """Store a dead letter for a parked message."""
        ...


class Attendant:
    """Looks at the documents that the agenda names."""

    def __init__(
        self,
        committer: Committer,
        store: Store,
        agenda: Agenda,
        relay: Relay,
        workers: Workers,
        undertaker: Undertaker,
        clock: Clock,
    ) -> None:
        self._committer = committer
        self._service = committer.service
        self._store = store
        self._agenda = agenda
        self._relay = relay
        self._workers = workers
        self._undertaker = undertaker
        self._clock = clock
        self._no_worker: set[Key] = set()
        self.lateness: list[float] = []
        """Seconds by which timers were late since this was last read."""

    def worker_free(self) -> None:
        """A worker has become free: look again where one was missing."""
        for key in self._no_worker:
            self._agenda.look_at(key, self._clock())
        self._no_worker.clear()

    async def run(self) -> None:
        """Attend until cancelled."""
        while True:
            await self._agenda.wait()
            try:
                await self.step()
            except (StoreUnavailable, Conflict) as error:
                log.warning("attending_failed", error=str(error))
                self._agenda.scan_soon()
                await asyncio.sleep(1)

    async def step(self) -> None:
        """Do everything that is due by now."""
        await self._agenda.scan()
        while keys := self._agenda.due():
            await self._attend(keys)

    async def trim_all(self) -> None:
        """Trim every outbox that was sent, so that the process that comes after this one does not send it again."""
        keys = self._agenda.untrimmed()
        for at in range(0, len(keys), LOOKS_AT_ONCE):
            some = keys[at : at + LOOKS_AT_ONCE]
            await self._committer.commit([Trim(aggregate=self._service.aggregates[name], id=id_) for name, id_ in some])

    async def _attend(self, keys: Sequence[Key]) -> None:
        changes: list[Change] = []
        by_aggregate: dict[str, list[str]] = {}
        for name, id_ in keys:
            by_aggregate.setdefault(name, []).append(id_)
        for name, ids in by_aggregate.items():
            found = await self._store.get_many(name, ids)
            for id_ in ids:
                if id_ not in found:
                    self._relay.forget((name, id_))
            for stored in found.values():
                document = from_stored(stored)
                aggregate = self._service.aggregates[name]
                await self._look_after_outbox(aggregate, document, changes)
                changes.extend(self._due_changes(aggregate, document))
        changes = self._limit_claims(changes)
        if any(isinstance(change, Fire) for change in changes):
            crash_point("timer.due")
        untried: Sequence[Change] = changes
        while untried:
            await self._committer.commit(untried)
            for change in untried:
                if isinstance(change, Claim) and change.claimed:
                    self._workers.start(change.aggregate, change.id, change.claimed)
            # These things have nothing to do with each other: one that fails does not keep the others from happening.
            untried = [change for change in untried if change.outcome is None and change.error is None]
        for change in changes:
            await self._follow_up(change)

    def _due_changes(self, aggregate: Aggregate[Any], document: Document) -> Iterable[Change]:
        now = self._clock()
        key = (aggregate.name, document.id)
        for timer in document.timers.values():
            if timer.due <= now:
                self.lateness.append((now - timer.due).total_seconds())
                yield Fire(aggregate=aggregate, id=document.id, name=timer.name)
        arrived = self._agenda.has_arrived(key)
        for parked in document.parked:
            if arrived or parked.retry <= now:
                yield RetryParked(aggregate=aggregate, id=document.id, parked=parked)
        for work in document.work.values():
            if work.wakes <= now:
                yield Claim(
                    aggregate=aggregate,
                    id=document.id,
                    name=work.name,
                    owner=self._workers.owner,
                    lease=self._workers.lease,
                )
        if later := min((moment for moment in document.moments(outbox=False) if moment > now), default=None):
            self._agenda.look_at(key, later)

    async def _look_after_outbox(self, aggregate: Aggregate[Any], document: Document, changes: list[Change]) -> None:
        now = self._clock()
        key = (aggregate.name, document.id)
        if not document.outbox:
            self._relay.forget(key)
        if document.outbox and document.outbox[0].n <= self._relay.published(key):
            changes.append(Trim(aggregate=aggregate, id=document.id))
        elif document.outbox_due and document.outbox_due <= now:
            # Whoever committed it is gone or cannot send: sending twice is allowed, not sending is not.
            self._relay.take(key, document)
            self._agenda.look_at(key, now + AFTER_ERROR)
        elif document.swept_at and document.swept_at <= now:
            await self._store.delete(aggregate.name, document.id, document.version)

    def _limit_claims(self, changes: Sequence[Change]) -> list[Change]:
        free = self._workers.free
        kept: list[Change] = []
        for change in changes:
            if isinstance(change, Claim):
                free -= 1
                if free < 0:
                    self._no_worker.add((change.aggregate.name, change.id))
                    continue
            kept.append(change)
        return kept

    async def _follow_up(self, change: Change) -> None:
        if isinstance(change, Trim) and change.outcome:
            crash_point("relay.trimmed")
        if change.error is None:
            return
        key = (change.aggregate.name, change.id)
        if isinstance(change, RetryParked) and (
            isinstance(change.error, Permanent | Unreadable) or change.parked.until <= self._clock()
        ):
            await self._undertaker.bury_parked(change.parked, change.error)
            drop = DropParked(aggregate=change.aggregate, id=change.id, position=position_of(change.parked))
            await self._committer.commit([drop])
            return
        log.error("attending_failed", aggregate=key[0], id=key[1], exc_info=change.error)
        self._agenda.look_at(key, self._clock() + AFTER_ERROR)
