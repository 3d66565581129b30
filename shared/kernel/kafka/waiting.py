"""The client library's consumer, mended in two places: an empty answer waits, and a batch can always be read."""

from collections.abc import Iterator
from typing import Any, SupportsIndex

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer import fetcher
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record.default_records import DefaultRecord, _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords

from shared.kernel.logs import get_logger
from shared.kernel.records import NOT_FETCHED

log = get_logger(__name__)

IDLE_WAIT_MS = 500
"""How long a fetch waits for a first record. A record that comes is handed on at once."""

_LENGTH_AT, _FIRST_BYTES = 8, 12
"""Where a batch has its length, and how many bytes stand before what the length counts (Kafka's record batch v2)."""


class WaitingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # the library has no types
    """A consumer whose `getmany` waits for a record rather than come back empty, as FastStream would have it.

    FastStream sleeps after each empty answer; then a lone record would wait for that sleep to end.
    """

    async def getmany(self, *partitions: Any, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        """As in the library, with a longer wait for the first record."""
        return await super().getmany(*partitions, timeout_ms=max(timeout_ms, IDLE_WAIT_MS), max_records=max_records)


class ReadableRecords:
    """The batches of a fetched partition, each of which can be read.

    In the library one header whose name is not UTF-8, which the broker takes, fails the whole `getmany`: what was
    taken from other partitions in that call is skipped, and the partition comes back to the record for ever.
    """

    def __init__(self, raw: bytes) -> None:
        self._batches = MemoryRecords(raw)
        self._raw = raw
        self._at = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batches, name)

    def next_batch(self) -> Any:
        """The next batch, or None."""
        batch = self._batches.next_batch()
        if batch is None:
            return None
        start = self._at
        length = int.from_bytes(self._raw[start + _LENGTH_AT : start + _FIRST_BYTES], "big")
        self._at = start + _FIRST_BYTES + length
        return _ReadableBatch(batch, self._raw[start : self._at])


class _ReadableBatch:
    """A batch whose records are read at once: leniently if need be, or replaced by what says that they were not."""

    def __init__(self, batch: Any, raw: bytes) -> None:
        self._batch = batch
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __next__(self) -> Any:
        return next(self._batch)

    def __iter__(self) -> Iterator[Any]:
        try:
            return iter(list(self._batch))
        except UnicodeDecodeError as error:
            log.warning("header_name_not_utf8", first_offset=self._batch.base_offset, error=str(error))
            batch = _DefaultRecordBatchPy(self._raw)
            batch._maybe_uncompress()
            batch._buffer = _Lenient(batch._buffer)
            return iter(list(batch))
        except UnsupportedCodecError as error:
            log.warning("batch_not_read", first_offset=self._batch.base_offset, error=str(error))
            return self._replaced(str(error))

    def _replaced(self, problem: str) -> Iterator[Any]:
        headers = [(NOT_FETCHED, problem.encode())]
        for offset in range(self._batch.base_offset, self._batch.next_offset):
            yield DefaultRecord(offset, self._batch.max_timestamp, 0, None, None, headers)


class _Lenient(bytearray):
    """Bytes whose parts become text whatever they are: what is no UTF-8 stands there as an escape."""

    def __getitem__(self, at: SupportsIndex | slice) -> Any:
        part = super().__getitem__(at)
        return _Lenient(part) if isinstance(part, bytearray) else part

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        return super().decode(encoding, "backslashreplace")


fetcher.MemoryRecords = ReadableRecords
