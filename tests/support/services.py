"""Runs a service as a process of its own, as a user would, and talks to it over Kafka."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.embedded import Endpoints
from shared.contracts.catalogue import Catalogue
from shared.contracts.cloudevents import decode, encode
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Message
from shared.kernel.client import create_topics
from tests.support import warm
from tests.support.patience import Patience, computed, until, until_answered, until_now
from tests.support.warm import WarmProcess

READY_SECONDS = 60.0
ANSWER_SECONDS = 60.0
"""Both without progress, on a quiet machine: see Patience."""


class ServiceProcess:
    """`python -m <module>` with the settings of a test: short sessions and leases, a log in a file, time to stop.

    It starts warm (see warm.py) unless it is `cold`.
    """

    def __init__(self, module: str, engines: Endpoints, folder: Path, **settings: str) -> None:
        self._module = module
        self._log = folder / f"{module.rpartition('.')[2]}-{new_id()[-6:]}.log"
        self.settings = {
            "DRYDOCK_KAFKA": engines.kafka,
            "DRYDOCK_MONGO": engines.mongo,
            "DRYDOCK_SESSION_TIMEOUT": "PT1S",
            "DRYDOCK_LEASE": "PT2S",
            "DRYDOCK_PATIENCE": "PT3S",
            "DRYDOCK_STOP_WITHIN": "PT2M",
            **{f"DRYDOCK_{name.upper()}": value for name, value in settings.items()},
        }
        self._process: WarmProcess | subprocess.Popen[bytes] | None = None
        self._earlier = 0
        self.cold = False

    def start(self, **environment: str) -> "ServiceProcess":
        """Start it; `environment` is for this start only."""
        self._earlier = len(self.logged("service_started"))
        all_of_it = {**os.environ, **self.settings, **environment}
        with self._log.open("ab") as log:
            words = ["-m", self._module]
            if self.cold:
                self._process = subprocess.Popen([sys.executable, *words], env=all_of_it, stderr=log, stdout=log)
            else:
                self._process = warm.start(words, all_of_it, log)
        return self

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process
        return self._process.pid

    @property
    def started(self) -> bool:
        """Whether it was ever started."""
        return self._process is not None

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def text(self) -> str:
        """All that it has written, in every run."""
        return self._log.read_text() if self._log.exists() else ""

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log lines."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{") and line.endswith("}")]

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        return [line for line in self.log if line["event"] == event]

    async def ready(self, seconds: float = READY_SECONDS) -> "ServiceProcess":
        """Return when it is a member of its group and its store answers."""
        await until_answered(lambda: asyncio.to_thread(self._is_ready), seconds, progress=lambda: computed(self.pid))
        return self

    def _is_ready(self) -> bool:
        assert self.running, f"ended with {self.exit_code}: {self._log.read_text()[-3000:]}"
        started = self.logged("service_started")
        if len(started) == self._earlier:
            return False
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{started[-1]['port']}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def get(self, path: str) -> str:
        """What its health port answers to `path`."""
        port = self.logged("service_started")[-1]["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return str(answer.read().decode())

    @property
    def exit_code(self) -> int | None:
        """The code it ended with; negative: the signal that ended it."""
        return self._process.poll() if self._process else None

    async def ended(self, seconds: float = 20) -> int:
        """Wait for its end; the exit code."""
        await until(lambda: not self.running, seconds)
        assert self.exit_code is not None
        return self.exit_code

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal."""
        if self.running:
            os.kill(self.pid, number)

    async def stop(self) -> int:
        """Ask it to stop; the exit code."""
        return await asyncio.to_thread(self.end)

    def end(self) -> int:
        """Ask it to stop, and see that it does; the exit code."""
        assert self._process
        self.kill(signal.SIGCONT)
        self.kill(signal.SIGTERM)
        try:
            until_now(lambda: not self.running, 20)
        except TimeoutError:
            self.kill()
            self._process.wait()
            raise
        return self._process.wait()


@dataclass
class Seen:
    """A message on a topic, with where it stood."""

    envelope: Envelope[Message]
    topic: str
    partition: int
    offset: int
    key: bytes | None


@dataclass
class Client:
    """What a user has: a producer, and a consumer that has read the topics from their start."""

    catalogue: Catalogue
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer
    bootstrap: str
    seen: list[Seen] = field(default_factory=list)

    async def send(
        self,
        message: Message,
        *,
        id: str | None = None,  # noqa: A002
        service: str = "",
        actor: str = "tester",
        source: str = "test",
    ) -> str:
        """Publish a message as anybody may; its id. What services alone send needs one of them as its `source`."""
        envelope = Envelope(
            id=id or new_id(), source=source, time=datetime.now(UTC), data=message, actor=actor, correlation=None
        )
        record = encode(envelope)
        topic = self.catalogue.topic_of(type(message), service)
        await self.producer.send_and_wait(topic, record.value, key=record.key, headers=record.headers)
        return envelope.id

    async def send_raw(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes | None]],
        partition: int | None = None,
    ) -> tuple[int, int]:
        """Publish a record as it is; partition and offset."""
        sent = await self.producer.send_and_wait(topic, value, key=key, headers=headers, partition=partition)
        return sent.partition, sent.offset

    async def no_lag(self, group: str, topics: list[str], seconds: float = ANSWER_SECONDS) -> None:
        """Return when `group` has acknowledged every record on `topics`."""
        left = 0

        async def none_left() -> bool:
            nonlocal left
            left = await self.lag(group, topics)
            return not left

        await until_answered(none_left, seconds, progress=lambda: left)

    async def wait_for(
        self,
        wanted: Callable[[Seen], bool],
        count: int = 1,
        seconds: float = ANSWER_SECONDS,
        *,
        copies: bool = False,
    ) -> list[Seen]:
        """Read until `count` messages that are wanted were seen; all of them.

        A message that stands on its topic twice counts once, unless `copies` are asked for.
        """

        def found_so_far() -> list[Seen]:
            found = [seen for seen in self.seen if wanted(seen)]
            if copies:
                return found
            distinct: dict[tuple[str, str], Seen] = {}
            for seen in found:
                distinct.setdefault((seen.topic, seen.envelope.id), seen)
            return [*distinct.values()]

        patience = Patience(seconds, lambda: len(self.seen))
        while len(found := found_so_far()) < count:
            await self._read(1000)
            try:
                patience.check()
            except TimeoutError as over:
                last = "\n".join(str(seen.envelope.data)[:300] for seen in self.seen[-10:])
                raise AssertionError(f"{len(found)} of {count} came: {over}; the last seen:\n{last}") from None
        return found

    async def caught_up(self) -> list[Seen]:
        """Read what is on the topics by now; all that was seen."""
        ends = await self.consumer.end_offsets(list(self.consumer.assignment()))
        patience = Patience(ANSWER_SECONDS, lambda: len(self.seen))
        while any([await self.consumer.position(partition) < end for partition, end in ends.items()]):
            await self._read(100)
            patience.check()
        return self.seen

    async def _read(self, milliseconds: int) -> None:
        for partition, records in (await self.consumer.getmany(timeout_ms=milliseconds)).items():
            for record in records:
                if record.value is None:
                    continue
                envelope = decode(
                    self.catalogue,
                    record.topic,
                    record.key,
                    record.value,
                    record.headers,
                    record_time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
                )
                self.seen.append(Seen(envelope, record.topic, partition.partition, record.offset, record.key))

    async def lag(self, group: str, topics: list[str]) -> int:
        """Records on `topics` that `group` has not acknowledged."""
        reader = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=group, enable_auto_commit=False)
        await reader.start()
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in (await self.producer.partitions_for(topic))
            ]
            reader.assign(partitions)
            ends = await reader.end_offsets(partitions)
            starts = await reader.beginning_offsets(partitions)
            return sum(
                [ends[partition] - (await reader.committed(partition) or starts[partition]) for partition in partitions]
            )
        finally:
            await reader.stop()


@asynccontextmanager
async def client(engines: Endpoints, catalogue: Catalogue, topics: Sequence[str]) -> AsyncIterator[Client]:
    """A client that reads `topics` from now on."""
    await create_topics(engines.kafka, catalogue.topics.values())
    producer = AIOKafkaProducer(bootstrap_servers=engines.kafka, acks="all", max_request_size=4 * 1024 * 1024)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=engines.kafka,
        enable_auto_commit=False,
        fetch_max_wait_ms=50,
        max_partition_fetch_bytes=4 * 1024 * 1024,
    )
    await producer.start()
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, number) for topic in topics for number in await producer.partitions_for(topic)
        ]
        consumer.assign(partitions)
        await consumer.seek_to_end(*partitions)
        for partition in partitions:
            await consumer.position(partition)
        yield Client(catalogue, producer, consumer, engines.kafka)
    finally:
        await producer.stop()
        # With the broker just gone, the library may raise the CancelledError of a routine it has ended.
        await asyncio.wait((asyncio.create_task(consumer.stop()),))
