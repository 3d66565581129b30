"""What the kernel changes in the client library, and what it takes from behind the library's face.

The consumer is mended in two places: an empty answer waits, and a batch can always be read. The first is a class of
ours (`WaitingConsumer`), the second replaces a name in the library (`install`). Both, and whoever in this folder
reaches for a private name, were written for the versions in `WRITTEN_FOR`: `check` refuses any other.
"""

import importlib.metadata
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import CodeType
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

WRITTEN_FOR: Mapping[str, str] = {"aiokafka": "0.14.", "faststream": "0.7."}
"""By library, how the versions begin that this was written for."""

PRIVATE_NAMES = (
    "aiokafka.consumer.fetcher:MemoryRecords",
    "aiokafka.record.default_records:_DefaultRecordBatchPy._buffer",
    "aiokafka.record.default_records:_DefaultRecordBatchPy._maybe_uncompress",
    "aiokafka.consumer.consumer:AIOKafkaConsumer._subscription",
    "aiokafka.consumer.subscription_state:SubscriptionState.subscription",
    "aiokafka.consumer.subscription_state:Subscription.assignment",
    "aiokafka.consumer.subscription_state:Assignment.state_value",
    "aiokafka.consumer.subscription_state:TopicPartitionState.has_valid_position",
    "aiokafka.consumer.subscription_state:TopicPartitionState.position",
    "aiokafka.client:AIOKafkaClient._metadata_update",
    "aiokafka.producer.producer:AIOKafkaProducer._closed",
    "aiokafka.producer.producer:AIOKafkaProducer._message_accumulator",
    "aiokafka.producer.producer:AIOKafkaProducer._sender",
    "aiokafka.producer.message_accumulator:MessageAccumulator.fail_all",
    "aiokafka.producer.sender:Sender.close",
    "faststream.kafka.configs.broker:KafkaBrokerConfig.builder",
)
"""All that this folder uses of the libraries and that they do not document, as `<module>:<name>[.<attribute>]`."""

_LENGTH_AT, _FIRST_BYTES = 8, 12
"""Where a batch has its length, and how many bytes stand before what the length counts (Kafka's record batch v2)."""


class UnsupportedLibrary(Exception):
    """A library is not of a version that the kernel was written for; the message says what to install."""


def check(*libraries: str) -> None:
    """Raise UnsupportedLibrary unless `libraries` are those that this was written for, and have all its names."""
    for library in libraries:
        version, begins = importlib.metadata.version(library), WRITTEN_FOR[library]
        if not version.startswith(begins):
            raise UnsupportedLibrary(
                f"{library} {version} is installed; {__name__} was written for {begins}*: install that, or read its "
                "source again and mend what is patched there"
            )
    missing = [name for name in PRIVATE_NAMES if name.startswith(libraries) and not _exists(name)]
    if missing:
        raise UnsupportedLibrary(f"what the kernel uses of its Kafka libraries is not there: {', '.join(missing)}")


def install() -> None:
    """Let every consumer of this process read each batch. Raise UnsupportedLibrary as `check` does."""
    check(*WRITTEN_FOR)
    fetcher.MemoryRecords = ReadableRecords


def _exists(name: str) -> bool:
    """Whether a name of `PRIVATE_NAMES` is there: in its module or class, or set when one of the class is made."""
    module, _, inside = name.partition(":")
    outer, _, attribute = inside.partition(".")
    found = getattr(import_module(module), outer, None)
    if found is None or not attribute or hasattr(found, attribute):
        return found is not None
    code: CodeType | None = getattr(found.__init__, "__code__", None)
    fields = getattr(found, "__dataclass_fields__", {})
    return attribute in fields or (code is not None and attribute in code.co_names)


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
