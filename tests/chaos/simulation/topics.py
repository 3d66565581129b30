"""A broker in memory: topics with partitions, and groups that share them out among their members."""

import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.kernel.client import OutgoingRecord
from shared.kernel.records import Partition

PARTITIONS = 3
"""Of each topic."""


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record where it stands. `timestamp` is in milliseconds since 1970."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]


class Topics:
    """What was ever published. Records of one key stand in one partition, in the order in which they came."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._partitions: dict[Partition, list[StoredRecord]] = defaultdict(list)
        self.log: list[StoredRecord] = []
        """All records, in the order in which they came."""
        self.on_append: Callable[[StoredRecord], None] = lambda record: None

    def append(self, record: OutgoingRecord) -> None:
        """Take a record."""
        partition = zlib.crc32(record.key or b"") % PARTITIONS
        kept = self._partitions[record.topic, partition]
        stored = StoredRecord(
            record.topic,
            partition,
            len(kept),
            int(self._clock().timestamp() * 1000),
            record.key,
            record.value,
            tuple(record.headers),
        )
        kept.append(stored)
        self.log.append(stored)
        self.on_append(stored)

    def read(self, partition: Partition, offset: int, limit: int) -> Sequence[StoredRecord]:
        """At most `limit` records of a partition from `offset` on."""
        return self._partitions[partition][offset : offset + limit]

    def end(self, partition: Partition) -> int:
        """The offset of the next record of a partition."""
        return len(self._partitions[partition])


class ConsumerGroup:
    """Who reads which partitions of some topics, and how far that was acknowledged."""

    def __init__(self, topics: Topics, subscriptions: Iterable[str]) -> None:
        self._topics = topics
        self.partitions = [(topic, number) for topic in subscriptions for number in range(PARTITIONS)]
        self.members: list[object] = []
        self.generation = 0
        """Counts the times at which the partitions were shared out anew."""
        self._acknowledged: dict[Partition, int] = dict.fromkeys(self.partitions, 0)

    def join(self, member: object) -> None:
        """Have a share from now on."""
        self.members.append(member)
        self.generation += 1

    def leave(self, member: object) -> None:
        """Have none from now on."""
        if member in self.members:
            self.members.remove(member)
            self.generation += 1

    def rebalance(self) -> None:
        """Give everybody another's partitions."""
        self.members[:] = [*self.members[1:], *self.members[:1]]
        self.generation += 1

    def share(self, member: object) -> dict[Partition, int]:
        """The partitions of a member, with the offsets to read from."""
        if member not in self.members:
            return {}
        at = self.members.index(member)
        mine = self.partitions[at :: len(self.members)]
        return {partition: self._acknowledged[partition] for partition in mine}

    def acknowledge(self, generation: int, offsets: dict[Partition, int]) -> None:
        """Note how far partitions were processed; who was given them before the last time has no say."""
        if generation == self.generation:
            self._acknowledged.update(offsets)

    def forget(self, records: int) -> None:
        """Lose what was acknowledged last: so many records of each partition are read again."""
        for partition, offset in self._acknowledged.items():
            self._acknowledged[partition] = max(0, offset - records)
        self.generation += 1

    @property
    def lag(self) -> int:
        """Records that were not acknowledged."""
        return sum(self._topics.end(partition) - offset for partition, offset in self._acknowledged.items())
