"""Records as Kafka gives and takes them, where they stand, and what became of a batch of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

Partition = tuple[str, int]
"""Topic and number."""

NOT_FETCHED = "drydock-not-fetched"
"""Name of the only header of a record that could not be read from its batch; its value says why."""

RECORD_OVERHEAD = 128
"""Bytes of a batch and a record beside key, value and headers: 61, and some numbers of variable length."""


class RawRecord(Protocol):
    """A record nobody has read yet. `timestamp` is in milliseconds since 1970."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes | None]]: ...


@dataclass(frozen=True, slots=True)
class RecordPosition:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


def position_of(record: RawRecord) -> RecordPosition:
    """Where `record` stands."""
    return RecordPosition(record.topic, record.partition, record.offset)


def time_of(record: RawRecord) -> datetime:
    """When a record was made, as its producer says: whatever he writes there, it is a time, at worst 1970."""
    try:
        return datetime.fromtimestamp(record.timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # microseconds, say, or a sign too many
        return datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class OutgoingRecord:
    """A record to send."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]

    @property
    def size(self) -> int:
        """Bytes of the record in a batch of its own, rounded up."""
        headers = sum(len(name.encode()) + len(value or b"") + 10 for name, value in self.headers)
        return RECORD_OVERHEAD + len(self.key or b"") + len(self.value or b"") + headers


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that are gone from a partition and were not read: `count` of them from offset `first` on."""

    topic: str
    partition: int
    first: int
    count: int


@dataclass(slots=True)
class BatchResult:
    """What became of a batch of records."""

    done: dict[Partition, int] = field(default_factory=dict)
    """Offset of the first record of a partition that is not done with."""
    waiting: dict[Partition, float] = field(default_factory=dict)
    """Partitions that wait: read again from `done`, after so many seconds."""
