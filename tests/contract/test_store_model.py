"""Any sequence of calls: the store in memory answers and keeps what the one on the real server does."""

import asyncio
from collections.abc import Coroutine, Iterator
from datetime import UTC, datetime
from typing import Any, ClassVar, TypeVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from deploy.embedded import Endpoints
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import Store, Write
from tests.support.effort import times
from tests.support.patience import PATIENCE

T = TypeVar("T")

NAMED = ["a", "b", "c", "ä", "a/b"]
IDS = st.sampled_from(NAMED)
VERSIONS = st.integers(1, 3)
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001 - a bound
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.binary(max_size=8)
    | TIMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.fixed_dictionaries(
    {"_id": IDS, "version": VERSIONS}, optional={"due_at": st.none() | TIMES, "state": VALUES}
)
WRITES = st.lists(
    st.builds(Write, DOCUMENTS, st.none() | VERSIONS), max_size=5, unique_by=lambda write: str(write.document["_id"])
)


def exact(answer: object) -> object:
    """Tells apart what equality does not: 1 and True, an order inside of a field, the zone of a datetime."""
    if isinstance(answer, list):
        return [exact(found) for found in answer]
    if isinstance(answer, dict):
        is_document = "version" in answer
        return {name: repr(value) if is_document else exact(value) for name, value in answer.items()}
    return repr(answer)


class BothStores(RuleBasedStateMachine):
    runner: ClassVar[asyncio.Runner]
    server: ClassVar[MotorStore]

    def __init__(self) -> None:
        super().__init__()
        self.memory = MemoryStore()
        self.collection = f"c{uuid4().hex[:12]}"
        self.runner.run(self.server.ensure([self.collection]))

    def agree(self, memory: Coroutine[Any, Any, T], server: Coroutine[Any, Any, T]) -> None:
        in_memory, on_server = self.runner.run(memory), self.runner.run(server)
        assert exact(in_memory) == exact(on_server)

    def stores(self) -> tuple[Store, Store]:
        return self.memory, self.server

    @rule(writes=WRITES)
    def write_many(self, writes: list[Write]) -> None:
        self.agree(*(store.write_many(self.collection, writes) for store in self.stores()))

    @rule(id_=IDS, version=VERSIONS)
    def delete(self, id_: str, version: int) -> None:
        self.agree(*(store.delete(self.collection, id_, version) for store in self.stores()))

    @rule(until=TIMES, limit=st.integers(1, 5))
    def due(self, until: datetime, limit: int) -> None:
        self.agree(*(store.due(self.collection, until, limit) for store in self.stores()))

    @rule(ids=st.lists(IDS, max_size=6))
    def get_many(self, ids: list[str]) -> None:
        self.agree(*(store.get_many(self.collection, ids) for store in self.stores()))

    @invariant()
    def the_same_is_kept(self) -> None:
        self.agree(*(store.get_many(self.collection, NAMED) for store in self.stores()))


@pytest.fixture
def both_stores(engines: Endpoints, database: str) -> Iterator[type[BothStores]]:
    with asyncio.Runner() as runner:
        BothStores.runner = runner
        BothStores.server = MotorStore(engines.mongo, database, timeout=PATIENCE)
        yield BothStores
        runner.run(BothStores.server.close())


@pytest.mark.effort
@pytest.mark.engines
def test_memory_and_server_agree_on_any_sequence_of_calls(both_stores: type[BothStores]) -> None:
    run_state_machine_as_test(
        both_stores,
        settings=settings(
            max_examples=times(20),
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
