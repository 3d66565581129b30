"""A clock that was ahead has written moments that are far away: others wait a lease or two for them, not the hour."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from shared.kernel.app import Job
from tests.support.example.domain import Brought, Errand
from tests.support.example.example import AddToCounter, CounterChanged, StartErrand
from tests.support.simulation import Clock, Replica
from tests.unit.kernel.world import World

HOUR = 3600
LEASE = 30


@pytest.fixture
def begun(world: World) -> list[int]:
    """The epochs of the errands that were begun; none ever ends."""
    epochs: list[int] = []

    async def run(errand: Errand, job: Job) -> Brought:
        epochs.append(job.epoch)
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    world.with_errands(run, attempts=9, limit=timedelta(hours=9))
    return epochs


def sweep_for(world: World, seconds: int, by: str) -> None:
    for _ in range(seconds):
        world.sweep(by)
        world.run(asyncio.sleep(1))


def start_errand(world: World, by: str) -> None:
    world.send(StartErrand(counter="c", name="one", amount=7), by=by)
    world.sweep(by)


def test_a_lease_of_a_dead_process_whose_clock_was_ahead_is_taken_over_within_two(
    world: World, begun: list[int]
) -> None:
    world.clock.jump(HOUR)
    start_errand(world, "a")
    world.run(world.replica("a").end())
    world.clock.jump(-HOUR)
    sweep_for(world, LEASE - 1, "b")
    assert begun == [1]
    sweep_for(world, LEASE + 3, "b")
    assert begun == [1, 2]


def test_a_lease_of_a_living_process_whose_clock_is_ahead_is_not_taken_over(world: World, begun: list[int]) -> None:
    ahead = Clock(world.loop)
    ahead.jump(HOUR)
    world.replicas["a"] = Replica(world.service, world.store, world.broker, ahead, name="a")
    start_errand(world, "a")
    sweep_for(world, 5 * LEASE, "b")
    assert begun == [1]


def test_work_that_a_clock_ahead_has_put_back_is_begun_again(world: World, begun: list[int]) -> None:
    world.clock.jump(HOUR)
    start_errand(world, "a")
    world.run(world.replica("a").engine.workers.stop())  # gives it back: due at once, by its clock
    world.clock.jump(-HOUR)
    sweep_for(world, 4 * LEASE + 3, "b")
    assert begun == [1, 2]


def test_an_outbox_of_a_dead_process_whose_clock_was_ahead_is_sent(world: World) -> None:
    world.clock.jump(HOUR)
    world.send(AddToCounter(counter="c", amount=1), by="a")
    world.clock.jump(-HOUR)
    sweep_for(world, 2 * LEASE, "b")
    world.relay("b")
    assert [event.data.value for event in world.published(CounterChanged)] == [1]


def test_what_seems_far_ahead_is_looked_for_once_a_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    store = world.replica("b").engine.due_index._store
    look = store.due_beyond

    async def due_beyond(collection: str, after: datetime, fields: Sequence[str], limit: int) -> list[str]:
        asked.append(collection)
        return await look(collection, after, fields, limit)

    monkeypatch.setattr(store, "due_beyond", due_beyond)
    sweep_for(world, 2 * LEASE, "b")
    assert len(asked) == 2 * len(world.service.aggregates)
