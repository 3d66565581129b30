"""What the kernel costs: against loops written by hand on the same engines in the same run, and by itself.

    python -m tests.benchmarks.kernel [--engines embedded | given] [--records 10000] [--repeats 5]

Ratios above 1 mean that the kernel is faster. `given` uses the engines of DRYDOCK_KAFKA and DRYDOCK_MONGO.
"""

import argparse
import asyncio
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import psutil
from aiokafka import AIOKafkaProducer

from deploy.embedded import Endpoints, Engines
from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope, new_id
from shared.kernel.client import create_topics
from tests.benchmarks import loops
from tests.benchmarks.loops import Took
from tests.support.example.example import CATALOGUE, AddToCounter, CounterChanged
from tests.support.services import ServiceProcess, client
from tests.support.simulation import silence

Way = Callable[[], Awaitable[Took]]


def main() -> None:
    """Measure everything, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engines", choices=("embedded", "given"), default="embedded")
    parser.add_argument("--records", type=int, default=10_000, help="commands in each repetition")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--aggregates", type=int, default=2000)
    parser.add_argument("--batches", type=int, nargs="+", default=[500, 2000])
    parser.add_argument("--latencies", type=int, default=300, help="lone commands to time")
    parser.add_argument("--only", choices=("publish", "store", "latency"))
    options = parser.parse_args()
    silence()
    gc.set_threshold(50_000, 20, 50)  # as a service does
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder, _engines(options.engines, Path(folder)) as engines:
        asyncio.run(_all(engines, options, Path(folder)))


async def _all(engines: Endpoints, options: argparse.Namespace, folder: Path) -> None:
    await create_topics(engines.kafka, CATALOGUE.topics.values())
    run = _Comparison(engines, options.records, options.repeats, options.aggregates)
    for batch in options.batches:
        if options.only in (None, "publish"):
            await run.publish_only(batch)
        if options.only in (None, "store"):
            await run.with_store(batch)
    if options.only in (None, "latency"):
        await _latency(engines, folder, options.latencies)


class _Comparison:
    """Runs two ways on the same commands, by turns."""

    def __init__(self, engines: Endpoints, records: int, repeats: int, aggregates: int) -> None:
        self._engines = engines
        self._records = records
        self._repeats = repeats
        self._aggregates = [new_id() for _ in range(aggregates)]

    async def publish_only(self, batch: int) -> None:
        await self._compare(
            f"no store (kernel: a store that keeps nothing), batches of {batch}",
            lambda: loops.by_kernel(self._engines, self._records, batch, loops.NullStore()),
            lambda: loops.by_hand(self._engines, self._records, batch, loops.only_answer),
        )

    async def with_store(self, batch: int) -> None:
        name = new_id().replace("-", "")[-12:]
        keeper = loops.Keeper(self._engines, f"by_hand_{name}")
        await keeper.prepare()
        await self._compare(
            f"with store, batches of {batch}, {len(self._aggregates)} aggregates",
            lambda: loops.by_kernel(self._engines, self._records, batch, loops.motor(self._engines, f"kernel_{name}")),
            lambda: loops.by_hand(self._engines, self._records, batch, keeper.handle),
        )
        keeper.close()

    async def _compare(self, title: str, kernel: Way, by_hand: Way) -> None:
        """The first repetition warms up and is not counted; who goes first changes each time."""
        kernels: list[Took] = []
        hands: list[Took] = []
        for at in range(self._repeats + 1):
            await self._send_commands()
            for way, results in ((kernel, kernels), (by_hand, hands))[:: 1 if at % 2 else -1]:
                results.append(await way())
        _tell(title)
        _tell_way("kernel", kernels[1:], self._records)
        _tell_way("by hand", hands[1:], self._records)
        ratios = [hand.seconds / own.seconds for own, hand in zip(kernels[1:], hands[1:], strict=True)]
        _tell(f"  ratio     {statistics.median(ratios):.2f}  (each: {', '.join(f'{ratio:.2f}' for ratio in ratios)})")

    async def _send_commands(self) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._engines.kafka, acks="all", max_batch_size=256 * 1024)
        await producer.start()
        now = datetime.now(UTC)
        futures = []
        for at in range(self._records):
            command = AddToCounter(counter=self._aggregates[at * 7919 % len(self._aggregates)], amount=1)
            record = encode(Envelope(id=new_id(), source="bench", time=now, data=command))
            futures.append(
                await producer.send(loops.COMMANDS, record.value, key=record.key, headers=list(record.headers))
            )
        await asyncio.gather(*futures)
        await producer.stop()


async def _latency(engines: Endpoints, folder: Path, count: int) -> None:
    """Lone commands on idle engines, to a service process of its own; start times and memory on the way."""
    process = ServiceProcess("tests.support.example.app", engines, folder)
    process.cold = True
    began = time.perf_counter()
    await process.start().ready()
    _tell(f"service: ready in {time.perf_counter() - began:.2f} s")
    milliseconds = []
    async with client(engines, CATALOGUE, [loops.EVENTS]) as user:
        for at in range(count + 20):
            await asyncio.sleep(0.02)
            sent = time.perf_counter()
            id_ = await user.send(AddToCounter(counter=new_id(), amount=1))
            await user.wait_for(
                lambda seen, id_=id_: seen.envelope.causation == id_ and isinstance(seen.envelope.data, CounterChanged)  # type: ignore[misc]  # mypy infers no type for a default
            )
            user.seen.clear()
            if at >= 20:
                milliseconds.append((time.perf_counter() - sent) * 1000)
    cuts = statistics.quantiles(milliseconds, n=100)
    _tell(f"idle latency, command to event: p50 {cuts[49]:.1f} ms, p90 {cuts[89]:.1f} ms, p99 {cuts[98]:.1f} ms")
    _tell(f"service: {_megabytes(process.pid):.0f} MB")
    await process.stop()


@contextmanager
def _engines(which: str, folder: Path) -> Iterator[Endpoints]:
    if which == "given":
        yield Endpoints(os.environ["DRYDOCK_KAFKA"], os.environ["DRYDOCK_MONGO"])
        return
    for name in ("DRYDOCK_KAFKA", "DRYDOCK_MONGO"):
        os.environ.pop(name, None)
    began = time.perf_counter()
    with Engines(folder / "engines") as engines:
        _tell(f"engines: both ready in {time.perf_counter() - began:.2f} s")
        yield engines.endpoints
        for child in psutil.Process().children(recursive=True):
            if (megabytes := _megabytes(child.pid)) > 20:
                _tell(f"engine process {_words(child.cmdline())}: {megabytes:.0f} MB")


def _words(command: Sequence[str]) -> str:
    return f"{Path(command[0]).name} ... {command[-1][-60:]}"


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_info().rss / 1e6)


def _tell_way(name: str, took: Sequence[Took], records: int) -> None:
    rate = records / statistics.median(one.seconds for one in took)
    cpu = statistics.median(one.cpu for one in took) / records * 1e6
    engines = statistics.median(one.engines_cpu for one in took) / records * 1e6
    _tell(f"  {name:8}  {rate:7.0f} commands/s; CPU of each: {cpu:4.0f} us here, {engines:4.0f} us in the engines")


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
