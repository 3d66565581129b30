"""Receives records in batches through FastStream, and acknowledges exactly those that are done with.

The kernel parses the records itself, so FastStream's parser and decoder hand on what Kafka gave; its acknowledgement
is off, because offsets are committed one by one, after the store. Nothing the handler does raises.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any

from aiokafka import ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.prometheus import KafkaPrometheusMiddleware

from shared.kernel.crash_points import crash_point
from shared.kernel.kafka import patches
from shared.kernel.logs import get_logger
from shared.kernel.metrics import Metrics
from shared.kernel.records import BatchResult, Gap, Partition, RawRecord

log = get_logger(__name__)

FETCH_WAIT_MS = 50
PARTITION_FETCH_BYTES = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a service reads, and as whom."""

    bootstrap: str
    group: str
    client_id: str
    topics: Sequence[str]
    session_timeout: timedelta
    batch: int
    stop_within: timedelta


@dataclass(slots=True)
class PartitionProgress:
    """How far one assigned partition is."""

    lag: int
    paused: bool
    poll_age: float
    """Seconds since the partition was last fetched from."""


@dataclass(slots=True)
class _Turn:
    """The batch that is being processed, and the acknowledgements under way."""

    idle: asyncio.Event = field(default_factory=asyncio.Event)
    acknowledging: set[asyncio.Task[None]] = field(default_factory=set)


class Consumer(ConsumerRebalanceListener):  # type: ignore[misc]  # the library has no types
    """One member of the service's consumer group. Raise UnsupportedLibrary as `patches.install` does."""

    def __init__(
        self,
        subscription: Subscription,
        process: Callable[[Sequence[RawRecord]], Awaitable[BatchResult]],
        *,
        assigned: Callable[[], None],
        lost: Callable[[Gap], Awaitable[None]],
        fatal: Callable[[BaseException], None],
        metrics: Metrics,
    ) -> None:
        patches.install()
        self._subscription = subscription
        self._process = process
        self._assigned = assigned
        self._lost = lost
        self._next: dict[Partition, int] = {}
        """Of partitions that were read from, the offset of the record that comes next."""
        self._fatal = fatal
        self._metrics = metrics
        self._turn = _Turn()
        self._turn.idle.set()
        self._resuming: set[asyncio.TimerHandle] = set()
        self._stopping = False
        self.has_assignment = False
        self._broker = KafkaBroker(
            subscription.bootstrap,
            client_id=subscription.client_id,
            graceful_timeout=subscription.stop_within.total_seconds(),
            logger=None,
            allow_auto_create_topics=False,
            middlewares=[KafkaPrometheusMiddleware(registry=metrics.registry)],
        )
        session_ms = int(subscription.session_timeout.total_seconds() * 1000)
        self._subscriber = self._broker.subscriber(
            *subscription.topics,
            batch=True,
            group_id=subscription.group,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            no_reply=True,
            parser=_hand_on,
            decoder=_records_of,
            listener=self,
            max_records=subscription.batch,
            batch_timeout_ms=1,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            session_timeout_ms=session_ms,
            heartbeat_interval_ms=min(1000, session_ms // 3),
            include_in_schema=False,
        )
        self._subscriber(self._handle)

    async def start(self) -> None:
        """Join the group. Raise KafkaError if no broker answers."""
        await self._broker.connect()
        configuration = self._broker.config.broker_config
        options = getattr(configuration.builder, "keywords", {})
        configuration.builder = partial(patches.WaitingConsumer, **options)
        await self._broker.start()

    async def stop(self) -> None:
        """Finish the batch at hand, acknowledge it, and leave the group."""
        self._stopping = True
        for handle in self._resuming:
            handle.cancel()
        seconds = self._subscription.stop_within.total_seconds()
        await self._drained(seconds)
        # In a task of its own: without a broker the library may wait for ever, or raise the CancelledError with
        # which it has ended a routine of its own, and then the rest of the service would not be stopped.
        leaving = asyncio.create_task(self._broker.stop())
        await asyncio.wait((leaving,), timeout=seconds)
        if not leaving.done() or leaving.cancelled() or leaving.exception():
            log.warning("leaving_failed", error=str(leaving))
            leaving.cancel()

    @property
    def alive(self) -> bool:
        """Whether the loop that fetches records is running."""
        tasks = self._subscriber.tasks
        return bool(self._subscriber.running and tasks and not any(task.done() for task in tasks))

    def positions(self) -> dict[TopicPartition, PartitionProgress]:
        """How far each assigned partition is."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return {}
        now = time.time() * 1000
        paused = consumer.paused()
        found = {}
        for partition in consumer.assignment():
            end = consumer.highwater(partition)
            state = consumer._subscription.subscription.assignment.state_value(partition)
            at = state.position if state and state.has_valid_position else None
            polled = consumer.last_poll_timestamp(partition)
            age = (now - polled) / 1000 if polled else 0.0
            lag = max(0, end - at) if end is not None and at is not None else 0
            found[partition] = PartitionProgress(lag, partition in paused, age)
        return found

    # -- what FastStream and aiokafka call

    async def on_partitions_assigned(self, assigned: object) -> None:
        """Whoever had these partitions before may have left something behind."""
        self.has_assignment = True
        self._assigned()

    async def on_partitions_revoked(self, revoked: object) -> None:
        """Before another member starts: finish the batch and its acknowledgement, while the session lasts."""
        await self._drained(self._subscription.session_timeout.total_seconds() * 0.6)
        self._next.clear()

    async def _handle(self, records: Any) -> None:  # FastStream builds a model of what is annotated
        if self._stopping:
            return
        self._turn.idle.clear()
        try:
            self._observe(records)
            await self._notice_gaps(records)
            result = await self._process(records)
            self._let_wait(result)
            crash_point("inbox.before-acknowledge")
            if self._turn.acknowledging:
                # What an aggregate remembers covers two batches: more must not be unacknowledged.
                await asyncio.wait(self._turn.acknowledging)
            task = asyncio.create_task(self._acknowledge(result))
            self._turn.acknowledging.add(task)
            task.add_done_callback(self._turn.acknowledging.discard)
        except BaseException as error:  # noqa: BLE001 - whatever it is, letting it out would end or skip silently
            self._stopping = True
            self._fatal(error)
        finally:
            self._metrics.oldest.set(0)
            self._turn.idle.set()

    def _observe(self, records: Sequence[RawRecord]) -> None:
        self._metrics.oldest.set(max(0.0, time.time() - min(record.timestamp for record in records) / 1000))

    async def _notice_gaps(self, records: Sequence[RawRecord]) -> None:
        """Tell of records that are gone from a topic and were not read."""
        ends: dict[Partition, int] = {}
        for record in records:
            partition = (record.topic, record.partition)
            if partition not in ends:
                expected = self._next.get(partition)
                if expected is None:
                    expected = await self._acknowledged(partition)
                if expected is not None and record.offset > expected:
                    await self._notice_gap(partition, expected, record.offset)
            ends[partition] = record.offset + 1
        self._next.update(ends)

    async def _acknowledged(self, partition: Partition) -> int | None:
        """Up to where the group had read a partition, which this member begins to read."""
        consumer = self._subscriber.consumer
        place = TopicPartition(*partition)
        if consumer is None or place not in consumer.assignment():
            return None
        try:
            found: int | None = await consumer.committed(place)
        except KafkaError:
            return None
        return found

    async def _notice_gap(self, partition: Partition, expected: int, found: int) -> None:
        """What is gone lies before the beginning; numbers are left out too where somebody writes in transactions."""
        consumer = self._subscriber.consumer
        assert consumer is not None
        try:
            begins = (await consumer.beginning_offsets([TopicPartition(*partition)]))[TopicPartition(*partition)]
        except KafkaError:
            begins = found
        if begins > expected:
            await self._lost(Gap(*partition, first=expected, count=begins - expected))

    async def _acknowledge(self, result: BatchResult) -> None:
        consumer = self._subscriber.consumer
        if consumer is None:
            return
        owned = consumer.assignment()
        offsets = {
            TopicPartition(*partition): offset
            for partition, offset in result.done.items()
            if TopicPartition(*partition) in owned
        }
        try:
            if offsets:
                await consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError, KafkaError) as error:
            # The records come again, here or elsewhere, and are known by their ids.
            log.warning("acknowledging_failed", error=f"{type(error).__name__}: {error}")
            return
        crash_point("inbox.acknowledged")

    def _let_wait(self, result: BatchResult) -> None:
        """Let partitions wait: read them again from where they are, after a while."""
        consumer = self._subscriber.consumer
        loop = asyncio.get_running_loop()
        for partition, seconds in result.waiting.items():
            place = TopicPartition(*partition)
            if consumer is None or place not in consumer.assignment():
                continue
            self._next[partition] = result.done[partition]
            consumer.seek(place, result.done[partition])
            consumer.pause(place)
            handle: asyncio.TimerHandle | None = None

            def resume(place: TopicPartition = place) -> None:
                current = self._subscriber.consumer
                if current is not None and place in current.assignment():
                    current.resume(place)
                self._resuming = {other for other in self._resuming if other.when() > loop.time()}

            handle = loop.call_later(seconds, resume)
            self._resuming.add(handle)

    async def _drained(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._turn.idle.wait()
                if self._turn.acknowledging:
                    await asyncio.wait(self._turn.acknowledging)
        except TimeoutError:
            log.warning("drain_timed_out", seconds=seconds)


async def _hand_on(message: Any, original: Callable[[Any], Awaitable[KafkaMessage]]) -> KafkaMessage:
    """FastStream's message around the untouched records: its own parser would fail on a header that is not UTF-8."""
    first: RawRecord = message[0]
    bare = ConsumerRecord(
        topic=first.topic,
        partition=first.partition,
        offset=first.offset,
        timestamp=first.timestamp,
        timestamp_type=0,
        key=None,
        value=b"",
        checksum=None,
        serialized_key_size=-1,
        serialized_value_size=0,
        headers=(),
    )
    parsed = await original((bare,))
    parsed.raw_message = message
    return parsed


async def _records_of(message: KafkaMessage) -> Any:
    return message.raw_message
