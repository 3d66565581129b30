"""The document of an aggregate: all that is kept of it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.kernel.records import OutgoingRecord

Key = tuple[str, str]
"""Name of an aggregate, and the id of one."""

OUTBOX_GRACE = timedelta(seconds=10)
"""How long the process that committed an outbox entry has the sole right to send it."""
VIEW_AGAIN_AFTER = timedelta(minutes=2)
"""How long after a process went on from what another may still be sending the newest snapshots are sent once more.

Longer than a broker's answer is waited for (`publisher`): what was under way by then has arrived or never will.
"""
ANSWERS_LIMIT = 16
"""Answers that a document keeps at least; at twice as many the earlier ones leave it (`answers`)."""
COMMANDS_TAKEN_FOR = timedelta(days=7)
"""How old a command may be. One that comes again when nobody remembers it is older, and is not decided anew."""
SWEEP_AFTER = COMMANDS_TAKEN_FOR + timedelta(days=1)
"""How long a document whose aggregate never came to be is kept, so that a repeat gets its refusal again."""


@dataclass(slots=True)
class OutboxEntry:
    """A record to send, in the outbox of a document. `n` counts the entries of one document."""

    n: int
    record: OutgoingRecord
    packed: bytes | None = field(default=None, compare=False, repr=False)
    """What `stored.pack` made of it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a message, timer or work was caused by: goes on into what follows from it."""

    correlation: str | None = None
    causation: str | None = None
    actor: str | None = None
    traceparent: str | None = None


@dataclass(slots=True)
class PendingTimer:
    """A timer that was set and is not yet due."""

    name: str
    due: datetime
    origin: Origin


@dataclass(slots=True)
class Parked:
    """A message whose reference is not known yet, as the record it came in."""

    id: str
    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    waits_for: str | None
    until: datetime
    retry: datetime


@dataclass(slots=True)
class PendingWork:
    """Work that was started and has not ended. `epoch` is that of its last claim, 0 before the first."""

    name: str
    input: dict[str, Any]
    origin: Origin
    due: datetime
    epoch: int = 0
    owner: str | None = None
    until: datetime | None = None
    attempts: int = 0
    """How often it was begun, not counting what was cut short by a stop or by an outage."""
    checkpoint: dict[str, Any] | None = None
    error: str | None = None
    failing_since: datetime | None = None
    """Since when every attempt has met with an outage."""

    @property
    def wakes(self) -> datetime:
        """When somebody should look at it: its lease ends, or its next attempt is due."""
        return self.until if self.owner and self.until else self.due


@dataclass(slots=True)
class Undecided:
    """A timer that was due, or work that has ended, of which the service could not decide what follows."""

    times: int
    error: str
    again: datetime
    """When it is decided on next."""
    ended: dict[str, Any] | None = None
    """How the work ended (`inputs.work`): it is not done again for the sake of the decision."""


def timer_key(name: str) -> str:
    """The key of a timer among what is undecided."""
    return f"timer {name}"


def work_key(name: str) -> str:
    """The key of work among what is undecided."""
    return f"work {name}"


@dataclass(slots=True)
class Document:
    """All that is kept of one aggregate; written as one, under one version."""

    id: str
    version: int = 0
    state: dict[str, Any] | None = None
    sequence: int = 0
    entries: int = 0
    epoch: int = 0
    seen: bytes = b""
    """Eight bytes for each handler and message id, the latest last (`seen.seen_mark`)."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """By the id of a command the entry that answered it, packed (`stored.pack`), the latest last."""
    outbox: list[OutboxEntry] = field(default_factory=list)
    outbox_due: datetime | None = None
    timers: dict[str, PendingTimer] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    work: dict[str, PendingWork] = field(default_factory=dict)
    idle_since: datetime | None = None
    """Since when the aggregate has had no state and nothing to do."""
    undecided: dict[str, Undecided] = field(default_factory=dict)
    """By `timer_key` and `work_key`."""
    state_version: int = 1
    """That of the aggregate whose `state` this is."""
    view_again: datetime | None = None
    """When its newest snapshots are sent once more, because older ones may have come behind them."""
    again: list[OutboxEntry] = field(default_factory=list)
    """The snapshots beside the view that are then sent once more, the newest of each key."""

    @property
    def exists(self) -> bool:
        """Whether it is in the store."""
        return self.version > 0

    @property
    def due_at(self) -> datetime | None:
        """When somebody should look at this document; None: only a message will change it."""
        return min(self.moments(), default=None)

    def moments(self, *, outbox: bool = True) -> Iterator[datetime]:
        """All the moments when something in this document becomes due; its `outbox` as well or not."""
        yield from map(self.timer_wakes, self.timers.values())
        yield from (parked.retry for parked in self.parked)
        yield from map(self.work_wakes, self.work.values())
        if outbox and self.outbox_due:
            yield self.outbox_due
        if self.view_again:
            yield self.view_again
        if self.swept_at:
            yield self.swept_at

    def timer_wakes(self, timer: PendingTimer) -> datetime:
        """When it is to be decided what follows from a timer."""
        undecided = self.undecided.get(timer_key(timer.name))
        return undecided.again if undecided else timer.due

    def work_wakes(self, work: PendingWork) -> datetime:
        """When somebody should look at work: as `PendingWork.wakes`, or at its end that is not decided on."""
        undecided = self.undecided.get(work_key(work.name))
        return undecided.again if undecided else work.wakes

    @property
    def swept_at(self) -> datetime | None:
        """When it is deleted, if it stays without a state and with nothing to do."""
        return self.idle_since + SWEEP_AFTER if self.idle_since else None


def new_document(id_: str, now: datetime) -> Document:
    """The document of an aggregate that is not in the store.

    Its entries are counted from the time in microseconds: one that was swept and comes to be again counts on, so
    that nobody takes a new entry for one he knows.
    """
    return Document(id_, entries=int(now.timestamp() * 1_000_000))
