"""Leased work: how many at once, attempts, and what a worker that lost its lease may still do (nothing)."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from shared.kernel import Permanent, Transient
from shared.kernel.app import Job
from shared.kernel.store.port import StoreUnavailable
from shared.kernel.worker import LeaseLost
from tests.support.example.domain import Brought, Errand
from tests.support.example.example import ErrandFailed, StartErrand
from tests.unit.kernel.world import World

Run = Callable[[Errand, Job], Coroutine[Any, Any, Brought]]


def errand(name: str = "one", counter: str = "c") -> StartErrand:
    return StartErrand(counter=counter, name=name, amount=7)


def work(world: World, name: str = "one") -> Any:
    return world.document("c").work.get(f"errand:c/{name}")


def failures(world: World) -> list[tuple[str, str]]:
    world.relay()
    return [(event.data.failure, event.data.message) for event in world.published(ErrandFailed)]


def wait(world: World, seconds: float) -> None:
    world.run(asyncio.sleep(seconds))


class Steps:
    """Errands that go on until they are told to end, one by one."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.ends: list[asyncio.Future[None]] = []

    async def __call__(self, errand: Errand, job: Job) -> Brought:
        self.jobs.append(job)
        self.ends.append(asyncio.get_running_loop().create_future())
        await self.ends[-1]
        return Brought(name=errand.name, amount=errand.amount)


@pytest.fixture
def steps(world: World) -> Steps:
    made = Steps()

    async def run(errand: Errand, job: Job) -> Brought:
        return await made(errand, job)

    world.with_errands(run, attempts=3, limit=timedelta(seconds=60))
    return made


def test_no_more_work_is_claimed_than_there_are_slots(world: World, steps: Steps) -> None:
    world.replica(work_slots=2)
    world.send(*[errand(name) for name in ("one", "two", "three")])
    world.sweep()
    assert len(steps.jobs) == 2
    assert world.replica().engine.workers.free == 0
    assert [one.owner for one in world.document("c").work.values()] == ["a", "a", None]
    steps.ends[0].set_result(None)
    wait(world, 0.1)
    world.sweep()
    assert len(steps.jobs) == 3


def test_work_that_ends_gives_its_result(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    assert (steps.jobs[0].label, steps.jobs[0].attempt) == ("c.errand:c/one", 1)
    steps.ends[0].set_result(None)
    world.run(world.replica().engine.workers.idle())
    assert world.value("c") == 7
    assert work(world) is None


def test_a_lease_is_extended_while_its_worker_lives(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    wait(world, 50)
    assert work(world).until > world.clock()
    world.sweep("b")
    assert len(steps.jobs) == 1


def test_work_whose_worker_died_is_done_by_another_under_a_higher_epoch(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.run(world.replica().end())
    world.clock.jump(29)
    world.sweep("b")
    assert len(steps.jobs) == 1
    world.clock.jump(1)
    world.sweep("b")
    assert [job.epoch for job in steps.jobs] == [1, 2]


def test_a_worker_that_was_paused_beyond_its_lease_is_cut_off_and_changes_nothing(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.clock.jump(31)
    world.sweep("b")
    with pytest.raises(LeaseLost, match=r"c\.errand:c/one"):
        world.run(steps.jobs[0].reached(Brought(name="one", amount=1)))
    wait(world, 11)  # its next heartbeat tells it
    assert steps.ends[0].cancelled()
    assert world.replica().engine.workers.free == 4
    assert work(world).owner == "b"
    steps.ends[1].set_result(None)
    world.run(world.replica("b").engine.workers.idle())
    assert world.value("c") == 7


def test_a_late_result_is_fenced(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.clock.jump(31)
    world.sweep("b")
    steps.ends[0].set_result(None)
    world.run(world.replica().engine.workers.idle())
    assert work(world).epoch == 2
    assert world.value("c") == 0


def test_a_worker_without_store_gives_up_when_its_lease_is_over(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.replica().store.faults = [("get_many", "before", StoreUnavailable("away"))] * 9
    wait(world, 45)
    assert steps.ends[0].cancelled()


def test_work_that_fails_is_tried_again_later_and_has_failed_after_its_attempts(world: World) -> None:
    async def run(errand: Errand, job: Job) -> Brought:
        raise ConnectionError(f"attempt {job.attempt}")

    world.with_errands(run, attempts=3)
    world.send(errand())
    waits = []
    for _ in range(3):
        world.sweep()
        if still := work(world):
            waits.append((still.due - world.clock()).total_seconds())
            world.clock.jump(waits[-1])
    assert 0.25 <= waits[0] <= 0.75
    assert 0.5 <= waits[1] <= 1.5
    assert failures(world) == [("exhausted", "ConnectionError: attempt 3")]


def attend_until(world: World, ended: Callable[[], bool], tries: int = 1000) -> int:
    """Attend whenever the errand is due, until it has `ended`; how often."""
    for tried in range(tries):
        world.sweep()
        if ended():
            return tried + 1
        world.clock.jump(max((work(world).due - world.clock()).total_seconds(), 0.0))
    raise AssertionError(f"not ended after {tries} attempts")


def test_an_outage_is_waited_for_by_time_however_many_attempts_it_takes(world: World) -> None:
    back = world.clock() + timedelta(minutes=40)

    async def run(errand: Errand, job: Job) -> Brought:
        if world.clock() < back:
            raise Transient("the disk is full")
        return Brought(name=errand.name, amount=errand.amount)

    world.with_errands(run, attempts=2, retry_for=lambda errand: timedelta(hours=1))
    world.send(errand())
    assert attend_until(world, lambda: world.value("c") == 7) > 20
    assert world.clock() - back < timedelta(minutes=2)
    assert failures(world) == []


def test_an_outage_that_lasts_too_long_ends_the_work_and_says_what_it_was(world: World) -> None:
    async def run(errand: Errand, job: Job) -> Brought:
        raise Transient("the disk is full")

    begun = world.clock()
    world.with_errands(run, retry_for=lambda errand: timedelta(minutes=5))
    world.send(errand())
    attend_until(world, lambda: work(world) is None)
    assert timedelta(minutes=5) <= world.clock() - begun < timedelta(minutes=6)
    assert failures(world) == [("exhausted", "the disk is full (tried again for 0:05:00)")]


def test_an_outage_without_end_is_waited_for_without_end(world: World) -> None:
    async def run(errand: Errand, job: Job) -> Brought:
        raise Transient("the disk is full")

    world.with_errands(run, retry_for=lambda errand: None)
    world.send(errand())
    world.clock.jump(30 * 24 * 3600)
    with pytest.raises(AssertionError, match="not ended"):
        attend_until(world, lambda: work(world) is None, tries=50)
    assert work(world).attempts == 0


def test_progress_between_two_outages_begins_the_time_anew(world: World) -> None:
    seen: list[Any] = []

    async def run(errand: Errand, job: Job) -> Brought:
        seen.append((job.failing_since, job.attempt))
        if len(seen) == 3:
            await job.reached(Brought(name="half", amount=3))
        raise Transient("the disk is full")

    begun = world.clock()
    world.with_errands(run, retry_for=lambda errand: timedelta(minutes=5))
    world.send(errand())
    attend_until(world, lambda: len(seen) == 5)
    assert [since for since, _ in seen[:3]] == [None, begun, begun]
    assert seen[3][0] == seen[4][0] > begun
    assert {attempt for _, attempt in seen} == {1}


def test_a_clock_that_jumps_over_the_lease_makes_no_process_do_its_own_work_twice(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.clock.jump(31)
    world.sweep()
    assert len(steps.jobs) == 1
    steps.ends[0].set_result(None)
    world.run(world.replica().engine.workers.idle())
    assert world.value("c") == 7


def test_work_that_says_so_has_failed_at_once(world: World) -> None:
    async def run(errand: Errand, job: Job) -> Brought:
        raise Permanent("there is no such errand")

    world.with_errands(run)
    world.send(errand())
    world.sweep()
    assert failures(world) == [("permanent", "there is no such errand")]


def test_work_that_ends_its_process_each_time_has_crashed_after_its_attempts(world: World, steps: Steps) -> None:
    world.send(errand())
    for name in ("a", "b", "c"):
        world.sweep(name)
        world.run(world.replica(name).end())
        world.clock.jump(31)
    world.sweep("d")
    world.run(world.replica("d").engine.workers.idle())
    assert len(steps.jobs) == 3
    world.relay("d")
    [failed] = world.published(ErrandFailed)
    assert failed.data.failure == "crashed"


def test_an_attempt_has_a_limit_and_a_step_s_own_time_out_is_reported_as_such(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    wait(world, 61)
    assert work(world).error == "TimeoutError: not finished within 0:01:00"

    async def run(errand: Errand, job: Job) -> Brought:
        raise TimeoutError("the runtime did not answer")

    other = World(world.loop, world.clock, world.store, world.broker, world.service)
    other.with_errands(run, attempts=1)
    other.send(errand("two"))
    other.sweep()
    assert failures(other)[-1] == ("exhausted", "TimeoutError: the runtime did not answer")


def test_a_process_that_stops_gives_its_work_back_at_once(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.run(world.replica().engine.workers.stop())
    assert (work(world).owner, work(world).attempts) == (None, 0)
    world.sweep("b")
    assert steps.jobs[-1].attempt == 1


def test_what_was_reached_is_there_for_the_next_worker(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.run(steps.jobs[0].reached(Brought(name="half", amount=3)))
    world.run(world.replica().engine.workers.stop())
    world.sweep("b")
    assert steps.jobs[-1].checkpoint == {"name": "half", "amount": 3}


def test_a_result_waits_for_the_store_to_be_back(world: World, steps: Steps) -> None:
    world.send(errand())
    world.sweep()
    world.replica().store.faults = [("write_many", "before", StoreUnavailable("away"))] * 3
    steps.ends[0].set_result(None)
    world.run(world.replica().engine.workers.idle())
    assert world.value("c") == 7
