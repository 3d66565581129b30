"""Sends records: its own publish-only idempotent producer, rebuilt whenever it may be poisoned.

A producer of this library that was refused once is out of sequence for that partition for ever, so any error other
than a timeout ends it and a new one is made. Only an offset from the broker counts as sent.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError, ProducerClosed
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from shared.kernel.kafka import patches
from shared.kernel.logs import get_logger
from shared.kernel.records import OutgoingRecord

log = get_logger(__name__)

SEND_SECONDS = 15.0
BATCH_BYTES = 64 * 1024
METADATA_PAUSE = 0.25

_Batch = tuple[BatchBuilder, list[int]]
_Place = tuple[str, bytes | None]
_Sent = dict[tuple[str, int], list[tuple["asyncio.Future[RecordMetadata]", list[int]]]]


class KafkaPublisher:
    """The producer of one process. Raise UnsupportedLibrary as `patches.check` does."""

    def __init__(self, bootstrap: str, client_id: str, *, send_seconds: float = SEND_SECONDS) -> None:
        patches.check("aiokafka")
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._send_seconds = send_seconds
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self._building = asyncio.Lock()
        self._refused: set[_Place] = set()
        self.rebuilt = 0
        """How often the producer was made anew after an error."""

    async def start(self) -> None:
        """Connect. Raise KafkaError if no broker answers."""
        await self._running()

    async def send(self, records: Sequence[OutgoingRecord]) -> list[bool]:
        """For each record whether the broker has acknowledged it; see `relay.Publisher`.

        Records of a topic and key that were refused are sent by themselves, after the others: one that the broker
        never takes fails whatever is in its batch and behind it in its partition.
        """
        acknowledged = [False] * len(records)
        together: list[int] = []
        apart: dict[_Place, list[int]] = defaultdict(list)
        for at, record in enumerate(records):
            place = (record.topic, record.key)
            (apart[place] if place in self._refused else together).append(at)
        answered = not together or await self._send(records, together, acknowledged)
        for places in apart.values():
            if answered:
                answered = await self._send(records, places, acknowledged)
        return acknowledged

    async def _send(self, records: Sequence[OutgoingRecord], places: Sequence[int], acknowledged: list[bool]) -> bool:
        """Send the records at `places`; whether the broker has answered at all."""
        producer = None
        try:
            async with asyncio.timeout(self._send_seconds):
                producer = await self._running()
                sent = await self._submit(producer, records, places)
                await asyncio.wait([future for futures in sent.values() for future, _ in futures])
        except TimeoutError:
            log.warning("sending_timed_out", entries=len(places))
            return False  # what was submitted may still be written: it is sent again under the same ids
        except (KafkaError, OSError) as error:
            await self._rebuild(producer, error)
            return False
        refusal = _collect(sent, acknowledged)
        for at in places:
            place = (records[at].topic, records[at].key)
            if acknowledged[at]:
                self._refused.discard(place)
        if refusal:
            self._refused.update((records[at].topic, records[at].key) for at in places if not acknowledged[at])
            await self._rebuild(producer, refusal)
        return True

    async def stop(self) -> None:
        """End the producer at once: what was not acknowledged stays in its outbox."""
        if self._producer:
            producer, self._producer = self._producer, None
            await _end(producer)

    async def _submit(
        self, producer: AIOKafkaProducer, records: Sequence[OutgoingRecord], places: Sequence[int]
    ) -> "_Sent":
        by_partition: dict[tuple[str, int], list[int]] = defaultdict(list)
        for at in places:
            record = records[at]
            count = self._partitions.get(record.topic) or await self._count_partitions(producer, record.topic)
            by_partition[record.topic, (murmur2(record.key or b"") & 0x7FFFFFFF) % count].append(at)
        sent: _Sent = {}
        for (topic, partition), inside in by_partition.items():
            sent[topic, partition] = []
            for builder, batch in _batches(producer, records, inside):
                future = await producer.send_batch(builder, topic, partition=partition)
                future.add_done_callback(_look_at)
                sent[topic, partition].append((future, batch))
        return sent

    async def _count_partitions(self, producer: AIOKafkaProducer, topic: str) -> int:
        self._partitions[topic] = len(await producer.partitions_for(topic))
        return self._partitions[topic]

    async def _rebuild(self, producer: AIOKafkaProducer | None, error: BaseException) -> None:
        log.warning("producer_rebuilt", error=f"{type(error).__name__}: {error}")
        self.rebuilt += 1
        if producer is self._producer:
            await self.stop()

    async def _running(self) -> AIOKafkaProducer:
        async with self._building:
            if self._producer is None:
                self._producer = await self._new_producer()
            return self._producer

    async def _new_producer(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=BATCH_BYTES,
            request_timeout_ms=int(self._send_seconds * 1000),
        )
        _slow_down_metadata(producer)
        try:
            await producer.start()
        except BaseException:
            await _end(producer)
            raise
        return producer


def _batches(producer: AIOKafkaProducer, records: Sequence[OutgoingRecord], places: Sequence[int]) -> list[_Batch]:
    """The records at `places`, in order, in batches that the producer takes."""
    batches: list[_Batch] = [(producer.create_batch(), [])]
    for at in places:
        record = records[at]
        while not _append(batches[-1][0], record):
            batches.append((producer.create_batch(), []))
        batches[-1][1].append(at)
    for builder, _ in batches:
        builder.close()
    return batches


def _collect(sent: _Sent, acknowledged: list[bool]) -> BaseException | None:
    """Note what was acknowledged; the error, if the broker refused something."""
    refusal: BaseException | None = None
    for futures in sent.values():
        for future, places in futures:
            error = future.exception()
            if error is None and isinstance(future.result(), RecordMetadata):
                for at in places:
                    acknowledged[at] = True
                continue
            if not isinstance(error, KafkaTimeoutError):
                refusal = error or TypeError(f"{future.result()!r} is no acknowledgement")
            break
    return refusal


def _look_at(future: "asyncio.Future[RecordMetadata]") -> None:
    """Nobody may be waiting for it any more: an error that nobody looks at is logged by the loop."""
    if not future.cancelled():
        future.exception()


def _append(builder: BatchBuilder, record: OutgoingRecord) -> bool:
    added = builder.append(timestamp=None, key=record.key, value=record.value, headers=record.headers)
    return added is not None


def _slow_down_metadata(producer: AIOKafkaProducer) -> None:
    """Pause after a failed update of metadata.

    With a send pending and the broker stopped, the library asks for metadata thousands of times a second; with a
    broker port in the ephemeral range it even ends up connected to itself.
    """
    client = producer.client
    update = client._metadata_update

    async def update_slowly(cluster: object, topics: object) -> bool:
        updated: bool = await update(cluster, topics)
        if not updated:
            await asyncio.sleep(METADATA_PAUSE)
        return updated

    client._metadata_update = update_slowly


async def _end(producer: AIOKafkaProducer) -> None:
    """End a producer without waiting for what it still wants to send: its own `stop` waits for the broker."""
    producer._closed = True
    # Others may wait for what they have sent through it.
    producer._message_accumulator.fail_all(ProducerClosed())
    sender = producer._sender
    if sender is not None:
        await sender.close()
    await producer.client.close()
