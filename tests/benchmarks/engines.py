"""What the embedded engines cost: `python -m tests.benchmarks.engines [--cold]`.

Start times, resident memory, stop and recovery times, and acknowledged writes a second of the state server.
With `--cold` also the start with an empty cache, which downloads some 50 MB.
"""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil
from pymongo import MongoClient, UpdateOne

from deploy.embedded import EngineProcess, Engines
from deploy.embedded.archive import make, options
from deploy.embedded.filelock import FileLock
from deploy.embedded.jars import KAFKA_LOCK, cache_folder, resolve

ROUNDS = 5


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def report(what: str, figure: str) -> None:
    print(f"{what:<58}{figure:>16}", flush=True)


@contextmanager
def cache_at(folder: Path) -> Iterator[None]:
    before = os.environ.get("DRYDOCK_CACHE")
    os.environ["DRYDOCK_CACHE"] = str(folder)
    try:
        yield
    finally:
        del os.environ["DRYDOCK_CACHE"]
        if before is not None:
            os.environ["DRYDOCK_CACHE"] = before


def make_archive() -> None:
    cache = cache_folder()
    class_path = resolve(KAFKA_LOCK, cache, print)
    if options(class_path, cache):
        return
    lock = FileLock(cache / "archive.lock")
    with lock.wait():
        took = seconds(lambda: make(class_path, cache, lock))
        report("making Kafka's ahead-of-time cache (once)", f"{took:.1f} s")


def starts(scratch: Path) -> None:
    first: list[float] = []
    again: list[float] = []
    stops: list[float] = []
    for number in range(ROUNDS):
        data = scratch / f"data-{number}"
        for times in (first, again):
            engines = Engines(data)
            times.append(seconds(engines.start))
            stops.append(seconds(engines.stop))
    report("start, new data folder, warm cache", f"{median(first):.2f} s")
    report("start, data kept", f"{median(again):.2f} s")
    report("stop", f"{median(stops):.2f} s")


def recovery(name: str, engine: EngineProcess) -> None:
    def kill_and_wait() -> None:
        engine.kill()
        engine.wait_ready()

    report(f"{name}: kill -9 to answering again", f"{median(seconds(kill_and_wait) for _ in range(3)):.2f} s")


def memory(when: str, engines: Engines) -> None:
    for name, engine in (("kafka", engines.kafka), ("state server", engines.state)):
        process = psutil.Process(engine.pid)
        guard = process.parent()
        assert guard is not None
        own, guards = process.memory_info().rss / 1e6, guard.memory_info().rss / 1e6
        report(f"{name}: resident memory {when} (and its guard)", f"{own:.0f} + {guards:.0f} MB")


def writes(url: str) -> None:
    """Acknowledged compare-and-sets of 1 kB documents under a unique index of _id and version."""
    with MongoClient[dict[str, object]](url) as client:
        collection = client["bench"]["aggregates"]
        collection.create_index([("_id", 1), ("version", 1)], unique=True)
        collection.insert_many({"_id": n, "version": 0, "body": "x" * 1000} for n in range(2000))
        versions = [0] * 2000

        def update(number: int) -> UpdateOne:
            versions[number] += 1
            return UpdateOne({"_id": number, "version": versions[number] - 1}, {"$set": {"version": versions[number]}})

        def one_by_one(numbers: range) -> int:
            done = 0
            for _ in range(3):
                for number in numbers:
                    done += collection.bulk_write([update(number)]).modified_count
            return done

        one_by_one(range(500))
        alone = seconds(lambda: one_by_one(range(500)))
        report("state server: compare-and-sets, one client", f"{1500 / alone:.0f}/s")
        with ThreadPoolExecutor(16) as pool:
            lanes = [range(lane, 2000, 16) for lane in range(16)]
            together = seconds(lambda: list(pool.map(one_by_one, lanes)))
        report("state server: compare-and-sets, 16 clients", f"{6000 / together:.0f}/s")

        def in_bulk() -> None:
            for _ in range(3):
                for start in range(0, 2000, 500):
                    batch = [update(number) for number in range(start, start + 500)]
                    assert collection.bulk_write(batch, ordered=False).modified_count == 500

        report("state server: compare-and-sets, bulks of 500", f"{6000 / seconds(in_bulk):.0f}/s")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cold", action="store_true", help="also start with an empty cache")
    with tempfile.TemporaryDirectory(prefix="drydock-bench-") as folder:
        scratch = Path(folder)
        if arguments.parse_args().cold:
            with cache_at(scratch / "cache"):
                engines = Engines(scratch / "cold")
                report("start, empty cache (downloads)", f"{seconds(engines.start):.1f} s")
                engines.stop()
                settle()
        make_archive()
        starts(scratch)
        with Engines(scratch / "measured") as engines:
            memory("idle", engines)
            writes(engines.endpoints.mongo)
            memory("after the writes", engines)
            recovery("kafka", engines.kafka)
            recovery("state server", engines.state)


def settle() -> None:
    """Wait until what the start does in the background is done."""
    for thread in threading.enumerate():
        if thread.name == "kafka-archive":
            thread.join()


if __name__ == "__main__":
    main()
