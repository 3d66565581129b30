"""The store's adapter and a server that is not there, hangs, restarts or refuses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pymongo import MongoClient

from deploy.embedded import Endpoints, Engines
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import StoredDocument, StoreUnavailable, Write
from shared.ports import free_port
from tests.support.patience import PATIENCE, QuietClock

CALLS: dict[str, Callable[[MotorStore], Awaitable[object]]] = {
    "get_many": lambda store: store.get_many("c", ["a"]),
    "write_many": lambda store: store.write_many("c", [counter(1)]),
    "delete": lambda store: store.delete("c", "a", 1),
    "due": lambda store: store.due("c", datetime.now(UTC), 1),
    "ensure": lambda store: store.ensure(["c"]),
    "ping": lambda store: store.ping(),
}


def counter(version: int) -> Write:
    document: StoredDocument = {"_id": "counter", "version": version, "due_at": None}
    return Write(document, version - 1 or None)


@asynccontextmanager
async def opened(url: str, seconds: float) -> AsyncIterator[MotorStore]:
    store = MotorStore(url, f"motor-store-{uuid4().hex[:8]}", timeout=seconds)
    yield store
    await store.close()


async def test_without_a_server_every_call_ends_within_the_timeout() -> None:
    async with opened(f"mongodb://127.0.0.1:{free_port()}", seconds=0.3) as store:
        clock = QuietClock()
        outcomes = await asyncio.gather(*(call(store) for call in CALLS.values()), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * len(CALLS)
        assert clock.seconds() < 1.0


@pytest.mark.engines
async def test_a_server_that_stops_answering_ends_every_call_within_the_timeout(
    engines: Endpoints, own_engines: Callable[..., Engines]
) -> None:
    own = own_engines(kafka=engines.kafka)
    async with opened(own.endpoints.mongo, seconds=0.5) as store:
        await store.ensure(["c"])
        own.state.pause()
        clock = QuietClock()
        outcomes = await asyncio.gather(*(call(store) for call in CALLS.values()), return_exceptions=True)
        took = clock.seconds()
        own.state.resume()
        assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * len(CALLS)
        assert took < 2.0


@pytest.mark.engines
async def test_after_a_kill_and_restart_of_the_server_the_store_goes_on_and_has_what_was_acknowledged(
    engines: Endpoints, own_engines: Callable[..., Engines]
) -> None:
    own = own_engines(kafka=engines.kafka)
    async with opened(own.endpoints.mongo, seconds=2.0) as store:
        await store.ensure(["c"])
        killed = False
        unknown = 0
        under_way = asyncio.Event()

        async def count() -> int:
            nonlocal unknown
            version = after_kill = 0
            while after_kill < 20:
                try:
                    written = (await store.write_many("c", [counter(version + 1)]))[0]
                except StoreUnavailable:
                    unknown += 1
                    continue
                # Not written: the attempt of unknown outcome before it was applied.
                assert written or unknown
                version += 1
                after_kill += killed
                if version == 20:
                    under_way.set()
            return version

        counting = asyncio.create_task(count())
        await under_way.wait()
        await asyncio.to_thread(own.state.kill)
        killed = True
        version = await counting
        assert unknown
        assert (await store.get_many("c", ["counter"]))["counter"]["version"] == version


def test_a_database_name_no_server_takes_is_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="database name cannot be used"):
        MotorStore("mongodb://127.0.0.1", "a b")


@pytest.mark.parametrize("url", ["http://127.0.0.1", "mongodb://", "mongodb://a:b@c:d@127.0.0.1", "mongodb://h:99999"])
def test_a_url_that_is_none_is_an_error_of_the_caller(url: str) -> None:
    with pytest.raises(ValueError, match="URL or database name cannot be used"):
        MotorStore(url, "drydock")


@pytest.mark.engines
async def test_a_collection_name_no_server_takes_is_an_error_of_the_caller(engines: Endpoints) -> None:
    async with opened(engines.mongo, seconds=2.0) as store:
        with pytest.raises(ValueError, match="collection"):
            await store.get_many("a..b", ["a"])


@pytest.mark.engines
async def test_the_mark_of_the_store_is_in_the_server_and_not_in_what_is_read(engines: Endpoints) -> None:
    store = MotorStore(engines.mongo, database := f"motor-store-{uuid4().hex[:8]}", timeout=PATIENCE)
    await store.ensure(["c"])
    await store.write_many("c", [counter(1)])
    with MongoClient[StoredDocument](engines.mongo) as client:
        first = client[database]["c"].find_one()
        await store.write_many("c", [counter(2)])
        second = client[database]["c"].find_one()
        client.drop_database(database)
    assert first is not None
    assert second is not None
    assert len(first["_commit"]) == len(second["_commit"]) == 12
    assert first["_commit"] != second["_commit"]
    await store.close()


@pytest.mark.engines
async def test_what_is_polled_and_compared_has_an_index(engines: Endpoints) -> None:
    database = f"motor-store-{uuid4().hex[:8]}"
    store = MotorStore(engines.mongo, database, timeout=PATIENCE)
    await store.ensure(["c"])
    with MongoClient[StoredDocument](engines.mongo) as client:
        indexes = {tuple(index["key"]): index.get("unique", False) for index in client[database]["c"].list_indexes()}
        sessions = client.topology_description.logical_session_timeout_minutes is not None
        client.drop_database(database)
    # Only the server without sessions, the embedded one, needs the second to find a document by (_id, version).
    assert indexes.pop(("due_at", "_id")) is False
    assert (("_id", "version"), True) in indexes.items() or sessions
    assert len(indexes) == (1 if sessions else 2)
    await store.close()
