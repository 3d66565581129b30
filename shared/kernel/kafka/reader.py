"""Reads topics as a user does: from their start or from now on, without a group, acknowledging nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.contracts.catalogue import Catalogue
from shared.contracts.cloudevents import Unreadable, decode
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.kernel.logs import get_logger
from shared.kernel.records import time_of

log = get_logger(__name__)

FETCH_WAIT_MS = 50
WAIT_MS = 1000
PARTITION_BYTES = 4 * 1024 * 1024

Place = tuple[str, int]
"""A topic and the number of one of its partitions."""


@dataclass(frozen=True, slots=True)
class Read:
    """A message, and where it stands. `envelope` is None where a compacted topic says that a key is gone."""

    topic: str
    partition: int
    offset: int
    key: str
    envelope: Envelope[Message] | None


class TopicReader:
    """Reads some topics, all their partitions. Use with `async with`. Raise KafkaError if no broker answers.

    What is no message of this version of Drydock is passed over.
    """

    def __init__(self, bootstrap: str, catalogue: Catalogue, topics: Sequence[str]) -> None:
        self._catalogue = catalogue
        self._topics = topics
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=PARTITION_BYTES,
        )

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
        except BaseException:
            await self._consumer.stop()
            raise
        self._consumer.assign(
            [
                TopicPartition(topic, number)
                for topic in self._topics
                for number in range(self._catalogue.topics[topic].partitions)
            ]
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def from_start(self) -> None:
        """Go to the first message of every topic."""
        await self._consumer.seek_to_beginning()

    async def from_now(self) -> None:
        """Go behind the last message of every topic."""
        partitions = self._consumer.assignment()
        for partition, end in (await self._consumer.end_offsets(list(partitions))).items():
            self._consumer.seek(partition, end)

    def go_to(self, offsets: Mapping[Place, int]) -> None:
        """Go to these offsets; partitions that are not named stay where they are."""
        for place, offset in offsets.items():
            self._consumer.seek(TopicPartition(*place), offset)

    async def starts(self) -> dict[Place, int]:
        """The first offset that every partition still has."""
        found = await self._consumer.beginning_offsets(list(self._consumer.assignment()))
        return {(at.topic, at.partition): offset for at, offset in found.items()}

    async def ends(self) -> dict[Place, int]:
        """The offset behind the last message of every partition."""
        found = await self._consumer.end_offsets(list(self._consumer.assignment()))
        return {(at.topic, at.partition): offset for at, offset in found.items()}

    async def positions(self) -> dict[Place, int]:
        """The offset from which every partition is read next."""
        return {(at.topic, at.partition): await self._consumer.position(at) for at in self._consumer.assignment()}

    async def since(self, moment: datetime) -> dict[Place, int]:
        """The offset of the first message of every partition that is not older than `moment`; its end if none is."""
        asked = dict.fromkeys(self._consumer.assignment(), int(moment.timestamp() * 1000))
        found = await self._consumer.offsets_for_times(asked)
        ends = await self.ends()
        return ends | {(at.topic, at.partition): one.offset for at, one in found.items() if one is not None}

    async def until_now(self) -> AsyncIterator[Read]:
        """What stands from here to the end, as it is when this begins."""
        ends = await self._consumer.end_offsets(list(self._consumer.assignment()))
        open_ = {partition for partition, end in ends.items() if await self._consumer.position(partition) < end}
        while open_:
            for read in await self._some(WAIT_MS):
                yield read
            for partition in list(open_):
                if await self._consumer.position(partition) >= ends[partition]:
                    open_.discard(partition)

    async def forever(self) -> AsyncIterator[Read]:
        """What stands from here on, and what comes."""
        while True:
            for read in await self._some(WAIT_MS):
                yield read
            await asyncio.sleep(0)

    async def _some(self, milliseconds: int) -> list[Read]:
        records = await self._consumer.getmany(timeout_ms=milliseconds)
        found = [self._read(record) for some in records.values() for record in some]
        return [read for read in found if read is not None]

    def _read(self, record: "ConsumerRecord[Any, Any]") -> Read | None:
        envelope = None
        if record.value is not None:
            try:
                envelope = decode(
                    self._catalogue,
                    record.topic,
                    record.key,
                    record.value,
                    record.headers,
                    record_time=time_of(record),
                )
            except Unreadable as error:
                log.debug("record_passed_over", topic=record.topic, offset=record.offset, reason=error.rule)
                return None
        key = (record.key or b"").decode(errors="replace")
        return Read(record.topic, record.partition, record.offset, key, envelope)
