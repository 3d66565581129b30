"""The stores that the contract is tested on: in memory, and on the real server behind a connection that can fail."""

from collections.abc import AsyncIterator, Callable, Iterator
from uuid import uuid4

import pytest
from pymongo import MongoClient

from deploy.embedded import Endpoints
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import Store, StoreUnavailable
from tests.support.connection import Connection
from tests.support.patience import PATIENCE


@pytest.fixture(scope="session")
def database(engines: Endpoints) -> Iterator[str]:
    """The name of a database on the real server that is dropped at the end."""
    name = f"store-contract-{uuid4().hex[:8]}"
    yield name
    with MongoClient[dict[str, object]](engines.mongo) as client:
        client.drop_database(name)


@pytest.fixture(params=["memory", pytest.param("motor", marks=pytest.mark.engines)])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def store(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    if kind == "memory":
        yield MemoryStore()
        return
    endpoints: Endpoints = request.getfixturevalue("engines")
    motor = MotorStore(endpoints.mongo, request.getfixturevalue("database"), timeout=PATIENCE)
    yield motor
    await motor.close()


@pytest.fixture
async def collection(store: Store) -> str:
    """The name of a new collection, as `ensure` leaves it."""
    name = f"c{uuid4().hex[:12]}"
    await store.ensure([name])
    return name


@pytest.fixture
async def forgetful(kind: str, request: pytest.FixtureRequest) -> AsyncIterator[tuple[Store, Callable[[bool], None]]]:
    """A store and a switch: while it is on, requests take effect and their replies are lost."""
    lost = False

    def lose(on: bool) -> None:
        nonlocal lost
        lost = on

    if kind == "memory":

        def after(operation: str, collection: str) -> None:
            if lost:
                raise StoreUnavailable(f"the reply to {operation} on {collection} is lost")

        yield MemoryStore(after=after), lose
        return
    endpoints: Endpoints = request.getfixturevalue("engines")
    async with Connection(endpoints.mongo) as connection:
        motor = MotorStore(connection.url, request.getfixturevalue("database"), timeout=PATIENCE)

        def lose_replies(on: bool) -> None:
            connection.loses_replies = on

        yield motor, lose_replies
        await motor.close()
