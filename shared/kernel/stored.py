"""The stored form of a document. Names and forms stay: what is stored was written by every release before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from shared.kernel.document import Document, Origin, OutboxEntry, Parked, PendingTimer, PendingWork, Undecided
from shared.kernel.records import OutgoingRecord
from shared.kernel.store.port import StoredDocument

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


def pack(entry: OutboxEntry) -> bytes:
    """An entry as MessagePack: a document has many, and most of one's fields and all of its headers' names recur.

    Its number, topic, key and value are followed by name and value of each header; a name of `_HEADERS` is a number.
    """
    if entry.packed is None:
        record = entry.record
        headers = [part for name, value in record.headers for part in (_HEADER_NUMBER.get(name, name), value)]
        entry.packed = _PACKER.encode([entry.n, record.topic, record.key, record.value, *headers])
    return entry.packed


def unpack(packed: bytes) -> OutboxEntry:
    """The entry that `pack` packed."""
    n, topic, key, value, *fields = _UNPACKER.decode(packed)
    names = (_HEADERS[name] if isinstance(name, int) else name for name in fields[::2])
    headers = list(zip(names, fields[1::2], strict=True))
    return OutboxEntry(n, OutgoingRecord(topic, key, value, headers), packed)


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
    if document.state_version != 1:
        stored["state_version"] = document.state_version
    if document.undecided:
        stored["undecided"] = {
            key: [one.times, one.error, one.again.isoformat(), one.ended] for key, one in document.undecided.items()
        }
    if document.idle_since:
        stored["idle_since"] = document.idle_since.isoformat()
    if document.view_again:
        stored["view_again"] = [document.view_again.isoformat(), *map(pack, document.again)]
    return stored


def from_stored(stored: StoredDocument) -> Document:
    """The document that `to_stored` wrote."""
    get = stored.get
    view_again, *again = get("view_again", (None,))
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
        undecided={
            key: Undecided(times, error, datetime.fromisoformat(again), ended)
            for key, (times, error, again, ended) in get("undecided", {}).items()
        },
        idle_since=_moment(get("idle_since")),
        state_version=get("state_version", 1),
        view_again=_moment(view_again),
        again=[unpack(packed) for packed in again],
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
    stored = {
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
    if work.failing_since:
        stored["failing_since"] = work.failing_since.isoformat()
    return stored


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
        failing_since=_moment(stored.get("failing_since")),
    )
