"""Does what has become due: timers, parked messages, work to be claimed, outboxes that somebody left behind.

Any replica may do any of it: each thing is a compare-and-set on the document it stands in.
"""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from shared.contracts.cloudevents import Unreadable
from shared.kernel.commit import Clock, Committer
from shared.kernel.crash_points import crash_point
from shared.kernel.document import OUTBOX_GRACE, Document, Key, Parked, PendingWork, work_key
from shared.kernel.doubt import Doubt
from shared.kernel.due import LOOKS_AT_ONCE, DueIndex
from shared.kernel.inputs import Input, InputOutcome, TrimInput, ViewAgainInput
from shared.kernel.inputs.messages import DropParkedInput, ParkedInput
from shared.kernel.inputs.timers import TimerInput
from shared.kernel.inputs.work import ClaimInput, WorkEndedAgainInput
from shared.kernel.logs import get_logger
from shared.kernel.metrics import Metrics
from shared.kernel.outcomes import Conflict, Permanent
from shared.kernel.records import position_of
from shared.kernel.relay import Relay
from shared.kernel.store.port import Store, StoredDocument, StoreUnavailable
from shared.kernel.stored import from_stored
from shared.kernel.table import Aggregate
from shared.kernel.worker import RETRY_LATEST

AFTER_ERROR = timedelta(seconds=5)
AFTER_UNREADABLE = timedelta(minutes=5)

log = get_logger(__name__)


class WorkClaimer(Protocol):
    """Who claims work, and does it."""

    owner: str
    lease: timedelta

    @property
    def free(self) -> int:
        """How many pieces of work more may be claimed."""
        ...

    def holds(self, aggregate: str, id_: str, name: str) -> bool:
        """Whether it is at this piece of work."""
        ...

    def start(self, aggregate: Aggregate[Any], id_: str, work: PendingWork) -> None:
        """Begin a piece of work whose lease was taken."""
        ...


class DeadLetterSink(Protocol):
    """Where messages go that never will be processed."""

    async def store_parked(self, parked: Parked, error: Exception) -> None:
        """Store a dead letter for a parked message."""
        ...


class Sweeper:
    """Looks at the documents that the index of what is due names."""

    def __init__(
        self,
        committer: Committer,
        store: Store,
        due_index: DueIndex,
        relay: Relay,
        workers: WorkClaimer,
        dead_letters: DeadLetterSink,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._committer = committer
        self._service = committer.service
        self._store = store
        self._due_index = due_index
        self._relay = relay
        self._workers = workers
        self._dead_letters = dead_letters
        self._metrics = metrics
        self._clock = clock
        self._doubt = Doubt(clock)
        self._no_worker: set[Key] = set()
        self.lateness: list[float] = []
        """Seconds by which timers were late since this was last read."""

    def worker_free(self) -> None:
        """A worker has become free: look again where one was missing."""
        for key in self._no_worker:
            self._due_index.look_at(key, self._clock())
        self._no_worker.clear()

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            await self._due_index.wait()
            try:
                await self.step()
            except (StoreUnavailable, Conflict) as error:
                log.warning("attending_failed", error=str(error))
                self._due_index.scan_soon()
                await asyncio.sleep(1)

    async def step(self) -> None:
        """Do everything that is due by now."""
        await self._due_index.scan()
        while keys := self._due_index.due():
            await self._sweep(keys)

    async def trim_all(self) -> None:
        """Trim every outbox that was sent, so that the process that comes after this one does not send it again."""
        keys = self._due_index.untrimmed()
        for at in range(0, len(keys), LOOKS_AT_ONCE):
            some = keys[at : at + LOOKS_AT_ONCE]
            await self._committer.commit(
                [TrimInput(aggregate=self._service.aggregates[name], id=id_) for name, id_ in some]
            )

    async def _sweep(self, keys: Sequence[Key]) -> None:
        inputs: list[Input] = []
        try:
            await self._do_what_is_due(keys, inputs)
        except (StoreUnavailable, Conflict):
            # The store does not know of all of it: that a view was late, say, is in the memory of this process alone.
            for key in keys:
                self._due_index.look_at(key, self._clock() + AFTER_ERROR)
            for input_ in inputs:
                if isinstance(input_, ViewAgainInput) and input_.late:
                    self._due_index.late((input_.aggregate.name, input_.id))
            raise

    async def _do_what_is_due(self, keys: Sequence[Key], inputs: list[Input]) -> None:
        by_aggregate: dict[str, list[str]] = {}
        for name, id_ in keys:
            by_aggregate.setdefault(name, []).append(id_)
        for name, ids in by_aggregate.items():
            found = await self._store.get_many(name, ids)
            for id_ in ids:
                if id_ not in found:
                    self._relay.forget((name, id_))
            for id_, stored in found.items():
                document = self._read((name, id_), stored)
                if document is None:
                    continue
                aggregate = self._service.aggregates[name]
                await self._look_after_outbox(aggregate, document, inputs)
                inputs.extend(self._due_inputs(aggregate, document))
        inputs[:] = self._limit_claims(inputs)
        if any(isinstance(input_, TimerInput) for input_ in inputs):
            crash_point("timer.due")
        untried: Sequence[Input] = inputs
        while untried:
            await self._committer.commit(untried)
            for input_ in untried:
                if isinstance(input_, ClaimInput) and input_.claimed:
                    self._workers.start(input_.aggregate, input_.id, input_.claimed)
            # These things have nothing to do with each other: one that fails does not keep the others from happening.
            untried = [input_ for input_ in untried if input_.outcome is None and input_.error is None]
        for input_ in inputs:
            await self._follow_up(input_)

    def _read(self, key: Key, stored: StoredDocument) -> Document | None:
        """The document; None where this version cannot read it, which costs no other document anything."""
        try:
            return from_stored(stored)
        except Exception:
            log.exception("document_unreadable", aggregate=key[0], id=key[1])
            self._metrics.unreadable.labels(key[0]).inc()
            self._due_index.look_at(key, self._clock() + AFTER_UNREADABLE)
            return None

    def _due_inputs(self, aggregate: Aggregate[Any], document: Document) -> Iterable[Input]:
        now = self._clock()
        key = (aggregate.name, document.id)
        for timer in document.timers.values():
            if document.timer_wakes(timer) <= now:
                self.lateness.append((now - timer.due).total_seconds())
                yield TimerInput(aggregate=aggregate, id=document.id, name=timer.name)
        arrived = self._due_index.has_arrived(key)
        for parked in document.parked:
            # To try one too early costs nothing.
            if arrived or self._settled(key, f"parked {parked.id}", parked.retry, self._workers.lease) <= now:
                yield ParkedInput(aggregate=aggregate, id=document.id, parked=parked)
        late = self._due_index.was_late(key)
        if late or (document.view_again and document.view_again <= now):
            yield ViewAgainInput(aggregate=aggregate, id=document.id, late=late)
        for work in document.work.values():
            wakes = document.work_wakes(work)
            undecided = work_key(work.name) in document.undecided
            longest = self._workers.lease if work.owner else RETRY_LATEST
            if (wakes if undecided else self._settled(key, f"work {work.name}", wakes, longest)) > now:
                continue
            if undecided:
                yield WorkEndedAgainInput(aggregate=aggregate, id=document.id, name=work.name)
            elif self._workers.holds(*key, work.name):
                self._no_worker.add(key)
            else:
                yield ClaimInput(
                    aggregate=aggregate,
                    id=document.id,
                    name=work.name,
                    owner=self._workers.owner,
                    lease=self._workers.lease,
                    disbelieved=wakes if wakes > now else None,
                )
        if later := min((moment for moment in document.moments(outbox=False) if moment > now), default=None):
            self._due_index.look_at(key, later)

    def _settled(self, key: Key, what: str, moment: datetime, longest: timedelta) -> datetime:
        """When something that others have written becomes due, of which `longest` ahead is the furthest it can be."""
        settled = self._doubt.settle(key, what, moment, longest)
        if settled != moment and settled > self._clock():
            self._due_index.look_at(key, settled)
        return settled

    async def _look_after_outbox(self, aggregate: Aggregate[Any], document: Document, inputs: list[Input]) -> None:
        now = self._clock()
        key = (aggregate.name, document.id)
        if not document.outbox:
            self._relay.forget(key)
        if document.outbox and document.outbox[0].n <= self._relay.published(key):
            inputs.append(TrimInput(aggregate=aggregate, id=document.id))
        elif document.outbox_due and self._settled(key, "outbox", document.outbox_due, OUTBOX_GRACE) <= now:
            # Whoever committed it is gone or cannot send: sending twice is allowed, not sending is not.
            inputs.append(TrimInput(aggregate=aggregate, id=document.id))
            self._due_index.look_at(key, now + AFTER_ERROR)
        elif document.swept_at and document.swept_at <= now:
            await self._store.delete(aggregate.name, document.id, document.version)

    def _limit_claims(self, inputs: Sequence[Input]) -> list[Input]:
        free = self._workers.free
        kept: list[Input] = []
        for input_ in inputs:
            if isinstance(input_, ClaimInput):
                free -= 1
                if free < 0:
                    self._no_worker.add((input_.aggregate.name, input_.id))
                    continue
            kept.append(input_)
        return kept

    async def _follow_up(self, input_: Input) -> None:
        if isinstance(input_, TrimInput) and input_.outcome:
            crash_point("relay.trimmed")
        if input_.outcome is InputOutcome.UNDECIDED:
            log.error("undecided", aggregate=input_.aggregate.name, id=input_.id, what=type(input_).__name__)
            self._metrics.undecided.labels(input_.aggregate.name).inc()
        if input_.error is None:
            return
        key = (input_.aggregate.name, input_.id)
        if isinstance(input_, ParkedInput) and (
            isinstance(input_.error, Permanent | Unreadable) or input_.parked.until <= self._clock()
        ):
            await self._dead_letters.store_parked(input_.parked, input_.error)
            drop = DropParkedInput(aggregate=input_.aggregate, id=input_.id, position=position_of(input_.parked))
            await self._committer.commit([drop])
            return
        log.error("attending_failed", aggregate=key[0], id=key[1], exc_info=input_.error)
        self._due_index.look_at(key, self._clock() + AFTER_ERROR)
