"""Sends records: its own publish-only idempotent producer, rebuilt whenever it may be poisoned.

A producer of this library that was refused once is out of sequence for that partition for ever, so any error other
than a timeout ends it and a new one is made. Only an offset from the broker counts as sent.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, KafkaTimeoutError
from aiokafka.partitioner import murmur2
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata

from shared.kernel.document import Entry
from shared.kernel.logs import get_logger

log = get_logger(__name__)

SEND_SECONDS = 15.0
BATCH_BYTES = 64 * 1024
METADATA_PAUSE = 0.25

_Batch = tuple[BatchBuilder, list[int]]


class KafkaPublisher:
    """The producer of one process."""

    def __init__(self, bootstrap: str, client_id: str, *, send_seconds: float = SEND_SECONDS) -> None:
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._send_seconds = send_seconds
        self._producer: AIOKafkaProducer | None = None
        self._partitions: dict[str, int] = {}
        self.rebuilt = 0
        """How often the producer was made anew after an error."""

    async def start(self) -> None:
        """Connect. Raise KafkaError if no broker answers."""
        self._producer = await self._new_producer()

    async def send(self, entries: Sequence[Entry]) -> list[bool]:
        """For each entry whether the broker has acknowledged it; see `relay.Publisher`."""
        acknowledged = [False] * len(entries)
        if not entries:
            return acknowledged
        try:
            async with asyncio.timeout(self._send_seconds):
                producer = self._producer or await self._new_producer()
                self._producer = producer
                sent = await self._submit(producer, entries)
                await asyncio.wait([future for futures in sent.values() for future, _ in futures])
        except TimeoutError:
            log.warning("sending_timed_out", entries=len(entries))
            return acknowledged  # what was submitted may still be written: it is sent again under the same ids
        except (KafkaError, OSError) as error:
            await self._rebuild(error)
            return acknowledged
        await self._collect(sent, acknowledged)
        return acknowledged

    async def stop(self) -> None:
        """End the producer at once: what was not acknowledged stays in its outbox."""
        if self._producer:
            await _end(self._producer)
            self._producer = None

    async def _submit(
        self, producer: AIOKafkaProducer, entries: Sequence[Entry]
    ) -> "dict[tuple[str, int], list[tuple[asyncio.Future[RecordMetadata], list[int]]]]":
        by_partition: dict[tuple[str, int], list[int]] = defaultdict(list)
        for at, entry in enumerate(entries):
            count = self._partitions.get(entry.topic) or await self._count_partitions(producer, entry.topic)
            by_partition[entry.topic, (murmur2(entry.key or b"") & 0x7FFFFFFF) % count].append(at)
        sent: dict[tuple[str, int], list[tuple[asyncio.Future[RecordMetadata], list[int]]]] = {}
        for (topic, partition), places in by_partition.items():
            sent[topic, partition] = [
                (await producer.send_batch(builder, topic, partition=partition), inside)
                for builder, inside in _batches(producer, entries, places)
            ]
        return sent

    async def _count_partitions(self, producer: AIOKafkaProducer, topic: str) -> int:
        self._partitions[topic] = len(await producer.partitions_for(topic))
        return self._partitions[topic]

    async def _collect(
        self,
        sent: "dict[tuple[str, int], list[tuple[asyncio.Future[RecordMetadata], list[int]]]]",
        acknowledged: list[bool],
    ) -> None:
        refused: BaseException | None = None
        for futures in sent.values():
            for future, places in futures:
                error = future.exception()
                if error is None and isinstance(future.result(), RecordMetadata):
                    for at in places:
                        acknowledged[at] = True
                    continue
                if not isinstance(error, KafkaTimeoutError):
                    refused = error or TypeError(f"{future.result()!r} is no acknowledgement")
                break
        if refused:
            await self._rebuild(refused)

    async def _rebuild(self, error: BaseException) -> None:
        log.warning("producer_rebuilt", error=f"{type(error).__name__}: {error}")
        self.rebuilt += 1
        await self.stop()

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


def _batches(producer: AIOKafkaProducer, entries: Sequence[Entry], places: Sequence[int]) -> list[_Batch]:
    """The entries at `places`, in order, in batches that the producer takes."""
    batches: list[_Batch] = [(producer.create_batch(), [])]
    for at in places:
        entry = entries[at]
        while not _append(batches[-1][0], entry):
            batches.append((producer.create_batch(), []))
        batches[-1][1].append(at)
    for builder, _ in batches:
        builder.close()
    return batches


def _append(builder: BatchBuilder, entry: Entry) -> bool:
    added = builder.append(timestamp=None, key=entry.key, value=entry.value, headers=entry.headers)
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
    sender = producer._sender
    if sender is not None:
        await sender.close()
    await producer.client.close()
