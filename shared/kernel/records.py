"""A record as Kafka gives it, and the partition it stands in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

Partition = tuple[str, int]
"""Topic and number."""

NOT_FETCHED = "drydock-not-fetched"
"""Name of the only header of a record that could not be read from its batch; its value says why."""


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


@dataclass(slots=True)
class Verdict:
    """What became of a batch of records."""

    done: dict[Partition, int] = field(default_factory=dict)
    """Offset of the first record of a partition that is not done with."""
    parked: dict[Partition, float] = field(default_factory=dict)
    """Partitions that wait: read again from `done`, after so many seconds."""
