"""The document of an aggregate, and its form in the store."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec

from shared.kernel.store.port import StoredDocument

OUTBOX_GRACE = timedelta(seconds=10)
"""How long the process that committed an outbox entry has the sole right to send it."""
SEEN_LIMIT = 4096
"""Messages that an aggregate remembers: at least what can come again after a crash, which is two full batches.

One batch is being processed while the one before it is being acknowledged, and all of it may be for one aggregate.
"""
ANSWERS_LIMIT = 16
RECORD_OVERHEAD = 128
"""Bytes of a batch and a record beside key, value and headers: 61, and some numbers of variable length."""
SWEEP_AFTER = timedelta(hours=1)
"""How long a document whose aggregate never came to be is kept, so that a repeat gets its refusal again."""


_HEADERS = (
    "content-type",
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_subject",
    "ce_correlationid",
    "ce_causationid",
    "ce_sequence",
    "ce_actor",
    "ce_traceparent",
)
"""Names of headers that are stored as their number here: append only."""
_HEADER_NUMBER = {name: number for number, name in enumerate(_HEADERS)}
_FIRST = datetime(1, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)
_PACKER = msgspec.msgpack.Encoder()
_UNPACKER = msgspec.msgpack.Decoder()


@dataclass(slots=True)
class Entry:
    """A record to send. `n` counts the entries of one document."""

    n: int
    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    packed: bytes | None = field(default=None, compare=False, repr=False)
    """What `pack` made of it."""

    @property
    def size(self) -> int:
        """Bytes of the record in a batch of its own, rounded up."""
        headers = sum(len(name.encode()) + len(value or b"") + 10 for name, value in self.headers)
        return RECORD_OVERHEAD + len(self.key or b"") + len(self.value or b"") + headers


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
    checkpoint: dict[str, Any] | None = None
    error: str | None = None

    @property
    def wakes(self) -> datetime:
        """When somebody should look at it: its lease ends, or its next attempt is due."""
        return self.until if self.owner and self.until else self.due


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
    """Eight bytes for each handler and message id, the latest last (`seen_mark`)."""
    answers: dict[str, bytes] = field(default_factory=dict)
    """By the id of a command the entry that answered it, packed (`pack`), the latest last."""
    outbox: list[Entry] = field(default_factory=list)
    outbox_due: datetime | None = None
    timers: dict[str, PendingTimer] = field(default_factory=dict)
    parked: list[Parked] = field(default_factory=list)
    work: dict[str, PendingWork] = field(default_factory=dict)
    idle_since: datetime | None = None
    """Since when the aggregate has had no state and nothing to do."""

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
        yield from (timer.due for timer in self.timers.values())
        yield from (parked.retry for parked in self.parked)
        yield from (work.wakes for work in self.work.values())
        if outbox and self.outbox_due:
            yield self.outbox_due
        if self.swept_at:
            yield self.swept_at

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


def seen_mark(handler: str, message_id: str) -> bytes:
    """The eight bytes by which a document remembers that `handler` has dealt with a message."""
    return blake2b(f"{handler} {message_id}".encode(), digest_size=8).digest()


def has_seen(seen: bytes, mark: bytes) -> bool:
    """Whether `mark` is one of those in `seen`."""
    return _find(seen, mark) >= 0


def without_mark(seen: bytes, mark: bytes) -> bytes:
    """`seen` without `mark`."""
    at = _find(seen, mark)
    return seen if at < 0 else seen[:at] + seen[at + len(mark) :]


def _find(seen: bytes, mark: bytes) -> int:
    at = seen.find(mark)
    while at >= 0 and at % len(mark):
        at = seen.find(mark, at + 1)
    return at


def pack(entry: Entry) -> bytes:
    """An entry as MessagePack: a document has many, and most of one's fields and all of its headers' names recur.

    Its number, topic, key and value are followed by name and value of each header; a name of `_HEADERS` is a number.
    """
    if entry.packed is None:
        headers = [part for name, value in entry.headers for part in (_HEADER_NUMBER.get(name, name), value)]
        entry.packed = _PACKER.encode([entry.n, entry.topic, entry.key, entry.value, *headers])
    return entry.packed


def unpack(packed: bytes) -> Entry:
    """The entry that `pack` packed."""
    n, topic, key, value, *fields = _UNPACKER.decode(packed)
    names = (_HEADERS[name] if isinstance(name, int) else name for name in fields[::2])
    return Entry(n, topic, key, value, list(zip(names, fields[1::2], strict=True)), packed)


def to_stored(document: Document, version: int) -> StoredDocument:
    """The stored form of `document` at `version`. Moments that must not come early are rounded up or kept as text."""
    due_at = document.due_at
    stored: StoredDocument = {
        "_id": document.id,
        "version": version,
        "due_at": _up_to_millisecond(due_at) if due_at else None,
        "state": document.state,
        "sequence": document.sequence,
        "entries": document.entries,
        "seen": document.seen,
        "outbox": [pack(entry) for entry in document.outbox],
    }
    if document.outbox_due:
        stored["outbox_due"] = document.outbox_due.isoformat()
    if document.epoch:
        stored["epoch"] = document.epoch
    if document.answers:
        stored["answers"] = [*document.answers.items()]
    if document.timers:
        stored["timers"] = [[t.name, t.due.isoformat(), _origin_to(t.origin)] for t in document.timers.values()]
    if document.parked:
        stored["parked"] = [_parked_to(parked) for parked in document.parked]
    if document.work:
        stored["work"] = [_work_to(work) for work in document.work.values()]
    if document.idle_since:
        stored["idle_since"] = document.idle_since.isoformat()
    return stored


def from_stored(stored: StoredDocument) -> Document:
    """The document that `to_stored` wrote."""
    get = stored.get
    return Document(
        id=stored["_id"],
        version=stored["version"],
        state=stored["state"],
        sequence=stored["sequence"],
        entries=stored["entries"],
        epoch=get("epoch", 0),
        seen=stored["seen"],
        answers=dict(get("answers", ())),
        outbox=[unpack(packed) for packed in stored["outbox"]],
        outbox_due=_moment(get("outbox_due")),
        timers={
            name: PendingTimer(name, datetime.fromisoformat(due), Origin(*origin))
            for name, due, origin in get("timers", ())
        },
        parked=[_parked_from(parked) for parked in get("parked", ())],
        work={work["name"]: _work_from(work) for work in get("work", ())},
        idle_since=_moment(get("idle_since")),
    )


def _up_to_millisecond(moment: datetime) -> datetime:
    try:
        moment = moment.astimezone(UTC)
        rest = moment.microsecond % 1000
        return moment + timedelta(microseconds=1000 - rest) if rest else moment
    except OverflowError:  # at either end of the calendar: never, or always
        return _LAST if moment.year > 1 else _FIRST


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _origin_to(origin: Origin) -> list[str | None]:
    return [origin.correlation, origin.causation, origin.actor, origin.traceparent]


def _parked_to(parked: Parked) -> dict[str, Any]:
    return {
        "id": parked.id,
        "record": [
            parked.topic,
            parked.partition,
            parked.offset,
            parked.timestamp,
            parked.key,
            parked.value,
            parked.headers,
        ],
        "waits_for": parked.waits_for,
        "until": parked.until.isoformat(),
        "retry": parked.retry.isoformat(),
    }


def _parked_from(stored: dict[str, Any]) -> Parked:
    topic, partition, offset, timestamp, key, value, headers = stored["record"]
    return Parked(
        id=stored["id"],
        topic=topic,
        partition=partition,
        offset=offset,
        timestamp=timestamp,
        key=key,
        value=value,
        headers=[(name, header) for name, header in headers],
        waits_for=stored["waits_for"],
        until=datetime.fromisoformat(stored["until"]),
        retry=datetime.fromisoformat(stored["retry"]),
    )


def _work_to(work: PendingWork) -> dict[str, Any]:
    return {
        "name": work.name,
        "input": work.input,
        "origin": _origin_to(work.origin),
        "due": work.due.isoformat(),
        "epoch": work.epoch,
        "owner": work.owner,
        "until": work.until.isoformat() if work.until else None,
        "attempts": work.attempts,
        "checkpoint": work.checkpoint,
        "error": work.error,
    }


def _work_from(stored: dict[str, Any]) -> PendingWork:
    return PendingWork(
        name=stored["name"],
        input=stored["input"],
        origin=Origin(*stored["origin"]),
        due=datetime.fromisoformat(stored["due"]),
        epoch=stored["epoch"],
        owner=stored["owner"],
        until=_moment(stored["until"]),
        attempts=stored["attempts"],
        checkpoint=stored["checkpoint"],
        error=stored["error"],
    )
