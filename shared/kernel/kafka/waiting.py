"""The library's consumer, mended in two places: an empty answer waits, an unreadable record is one record."""

import time
from collections.abc import Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import UnsupportedCodecError

from shared.kernel.logs import get_logger
from shared.kernel.records import Unfetched

log = get_logger(__name__)

IDLE_WAIT_MS = 500
"""How long a fetch waits for a first record. A record that comes is handed on at once."""

_UNREADABLE = (UnicodeDecodeError, UnsupportedCodecError)
"""What reading a batch raises that the broker has taken: a header's name that is not UTF-8, a codec we do not have."""


class WaitingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # the library has no types
    """A consumer whose `getmany` waits for a record, and gives `Unfetched` for one that it cannot read.

    FastStream sleeps after each empty answer; then a lone record would wait for that sleep to end.
    In the library an unreadable record fails the whole `getmany`: what it has taken from other partitions in the
    same call is lost, and its own partition comes back to it for ever.
    """

    _stuck: tuple[TopicPartition, int] | None = None
    """Where an unreadable record stands; its partition is read alone up to it."""

    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        """As in the library, but for the longer wait, and for records that cannot be read."""
        timeout_ms = max(timeout_ms, IDLE_WAIT_MS)
        if self._stuck:
            return await self._up_to(*self._stuck, timeout_ms=timeout_ms, max_records=max_records or 1)
        before = self._positions()
        try:
            return await super().getmany(*partitions, timeout_ms=timeout_ms, max_records=max_records)
        except _UNREADABLE as error:
            self._stuck = self._unreadable()
            log.warning("record_not_fetched", place=str(self._stuck), error=f"{type(error).__name__}: {error}")
            for partition, position in before.items():
                if partition in self.assignment():
                    self.seek(partition, position)
            return {}

    async def _up_to(
        self, partition: TopicPartition, offset: int, *, timeout_ms: int, max_records: int
    ) -> Mapping[TopicPartition, Any]:
        """The readable records before `offset`; when they are done with, the unreadable one."""
        position = self._positions().get(partition)
        if position is not None and position < offset:
            limit = min(max_records, offset - position)
            found: Mapping[TopicPartition, Any] = await super().getmany(
                partition, timeout_ms=timeout_ms, max_records=limit
            )
            return found
        self._stuck = None
        if position != offset:
            return {}  # the partition is another member's by now, or waits
        self.seek(partition, offset + 1)
        problem = "cannot be read from its batch; header names are UTF-8, and the topic holds no compressed batches"
        return {partition: [Unfetched(partition.topic, partition.partition, offset, int(time.time() * 1000), problem)]}

    def _positions(self) -> dict[TopicPartition, int]:
        """Where reading goes on in the partitions that are read now."""
        subscription = self._subscription.subscription
        assignment = subscription.assignment if subscription else None
        if assignment is None:
            return {}
        states = {partition: assignment.state_value(partition) for partition in assignment.tps}
        return {
            partition: state.position
            for partition, state in states.items()
            if state.has_valid_position and not state.paused
        }

    def _unreadable(self) -> tuple[TopicPartition, int] | None:
        """The place of the record that the library has failed to read: there, its iterator has ended by an error."""
        for partition, fetched in self._fetcher._records.items():
            records = getattr(fetched, "_partition_records", None)
            iterator = records._records_iterator if records else None
            if records and iterator is not None and iterator.gi_frame is None:
                return partition, records.next_fetch_offset
        return None
