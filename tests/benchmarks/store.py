"""What the store costs beside pymongo doing the same on the same server.

    python -m tests.benchmarks.store [--url mongodb://...] [--rounds 5]

Each measure runs in rounds that take turns, so that a slow moment of the machine falls on both; the medians of the
rounds are compared. Without --url the embedded engines are started for the run.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from pymongo import MongoClient, ReplaceOne, WriteConcern
from pymongo.collection import Collection
from pymongo.read_concern import ReadConcern

from deploy.embedded import Engines
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import StoredDocument, Write

BATCH = 500
SINGLES = 300
IDS = [f"{number:05}" for number in range(2000)]
BATCHES = [IDS[start : start + BATCH] for start in range(0, len(IDS), BATCH)]
PENDING = 10_000


def document(id_: str, version: int) -> StoredDocument:
    """About one kilobyte, in the shape of an aggregate with an outbox."""
    outbox = [{"seq": seq, "type": "operation-accepted", "data": {"text": "x" * 180}} for seq in range(4)]
    return {"_id": id_, "version": version, "due_at": None, "state": {"name": id_}, "outbox": outbox}


class ByStore:
    """The work through the store; the version of every document is `version` between two measures."""

    def __init__(self, store: MotorStore) -> None:
        self.store = store
        self.version = 1

    async def single(self) -> int:
        for id_ in IDS[:SINGLES]:
            for before, after in ((self.version, self.version + 1), (self.version + 1, self.version)):
                assert await self.store.write_many("store", [Write(document(id_, after), before)]) == [True]
        return 2 * SINGLES

    async def bulk(self) -> int:
        for batch in BATCHES:
            writes = [Write(document(id_, self.version + 1), self.version) for id_ in batch]
            assert all(await self.store.write_many("store", writes))
        self.version += 1
        return len(IDS)

    async def read(self) -> int:
        for batch in BATCHES:
            assert len(await self.store.get_many("store", batch)) == BATCH
        return len(IDS)


class ByPymongo:
    """The same work by hand, in line: no thread, no event loop, no check."""

    def __init__(self, collection: Collection[StoredDocument]) -> None:
        self.collection = collection
        self.version = 1

    async def single(self) -> int:
        for id_ in IDS[:SINGLES]:
            for before, after in ((self.version, self.version + 1), (self.version + 1, self.version)):
                result = self.collection.replace_one({"_id": id_, "version": before}, document(id_, after))
                assert result.matched_count == 1
        return 2 * SINGLES

    async def bulk(self) -> int:
        for batch in BATCHES:
            writes = [
                ReplaceOne({"_id": id_, "version": self.version}, document(id_, self.version + 1)) for id_ in batch
            ]
            assert self.collection.bulk_write(writes, ordered=False).matched_count == BATCH
        self.version += 1
        return len(IDS)

    async def read(self) -> int:
        for batch in BATCHES:
            assert len(list(self.collection.find({"_id": {"$in": batch}}, batch_size=BATCH + 1))) == BATCH
        return len(IDS)


async def rate(work: Callable[[], Awaitable[int]]) -> float:
    started = time.perf_counter()
    return await work() / (time.perf_counter() - started)


async def measure(url: str, rounds: int) -> None:
    name = f"store-benchmark-{uuid4().hex[:8]}"
    store = MotorStore(url, name, timeout=30)
    with MongoClient[StoredDocument](url) as client:
        database = client.get_database(
            name, write_concern=WriteConcern("majority", j=True), read_concern=ReadConcern("majority")
        )
        try:
            # Both collections get the indexes of the store: the server's work is the same.
            await store.ensure(["store", "raw", "due"])
            await store.write_many("store", [Write(document(id_, 1), None) for id_ in IDS])
            database["raw"].insert_many([document(id_, 1) for id_ in IDS])
            ours, theirs = ByStore(store), ByPymongo(database["raw"])
            print(f"{'documents of 1 kB a second':32}{'store':>10}{'pymongo':>10}{'ratio':>8}")
            for label, by_store, by_pymongo in (
                ("compare-and-set, one by one", ours.single, theirs.single),
                (f"compare-and-set, bulk of {BATCH}", ours.bulk, theirs.bulk),
                (f"get_many of {BATCH}", ours.read, theirs.read),
            ):
                await by_store()
                await by_pymongo()
                rates = [(await rate(by_store), await rate(by_pymongo)) for _ in range(rounds)]
                first, second = (statistics.median(column) for column in zip(*rates, strict=True))
                print(f"{label:32}{first:10.0f}{second:10.0f}{first / second:8.2f}")
            await measure_due(store, rounds)
        finally:
            client.drop_database(name)
            await store.close()


async def measure_due(store: MotorStore, rounds: int) -> None:
    """Asks for what is due where nothing is yet: the cost of polling."""
    now = datetime.now(UTC)
    for start in range(0, PENDING, BATCH):
        numbers = range(start, start + BATCH)
        later = [{"_id": f"{n:06}", "version": 1, "due_at": now + timedelta(days=1, seconds=n)} for n in numbers]
        await store.write_many("due", [Write(document, None) for document in later])
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        assert await store.due("due", now, 100) == []
        times.append(time.perf_counter() - started)
    print(f"due, where none of {PENDING:,} is: {statistics.median(times) * 1000:.1f} ms")


@contextmanager
def server(url: str | None) -> Iterator[str]:
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder, Engines(Path(folder)) as engines:
        yield engines.endpoints.mongo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="a server of MongoDB's protocol (default: the embedded one)")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with server(options.url) as url:
        asyncio.run(measure(url, options.rounds))


if __name__ == "__main__":
    main()
