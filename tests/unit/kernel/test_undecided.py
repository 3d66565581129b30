"""What becomes of timers and of ended work when the service cannot decide what follows: kept, told, decided later."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.common import DecisionFailed
from shared.kernel import Permanent
from shared.kernel.app import Job
from shared.kernel.inputs.undecided import AGAIN_LONGEST, TOLD_AFTER
from tests.support.example.domain import Brought, Errand
from tests.support.example.example import AddToCounter, SetAlarm, StartErrand
from tests.unit.kernel.world import World

Mend = Callable[[], None]


def broken(world: World, kind: str) -> Mend:
    """Let the function of the table's line for timers or work `kind` raise, until it is mended."""
    lines: dict[tuple[str, str], Any] = {**world.service.timers, **world.service.work}
    line = lines["counters", kind]
    decide = line.decide

    def fail(*_: Any) -> Any:
        raise KeyError("of our own making")

    object.__setattr__(line, "decide", fail)
    return lambda: object.__setattr__(line, "decide", decide)


def attend_again(world: World, times: int) -> None:
    """Look at what is due, each time when it becomes due."""
    for _ in range(times):
        due = world.document("c").due_at
        assert due
        world.clock.jump(max((due - world.clock()).total_seconds(), 0.0))
        world.sweep()
        world.relay()


@pytest.fixture
def done(world: World) -> list[Errand]:
    """The errands that were run."""
    run_: list[Errand] = []

    async def run(errand: Errand, job: Job) -> Brought:
        run_.append(errand)
        return Brought(name=errand.name, amount=errand.amount)

    world.with_errands(run)
    return run_


def test_the_end_of_work_is_decided_on_again_and_the_work_is_not_done_again(world: World, done: list[Errand]) -> None:
    mend = broken(world, "errand")
    world.send(StartErrand(counter="c", name="one", amount=7))
    world.sweep()
    attend_again(world, 6)
    assert (len(done), world.value("c")) == (1, 0)
    mend()
    attend_again(world, 1)
    assert (len(done), world.value("c")) == (1, 7)
    assert (world.document("c").undecided, world.document("c").work) == ({}, {})


def test_a_failure_of_work_is_kept_as_one(world: World) -> None:
    async def run(errand: Errand, job: Job) -> Brought:
        raise Permanent("there is no such errand")

    world.with_errands(run)
    mend = broken(world, "errand")
    world.send(StartErrand(counter="c", name="one", amount=7))
    world.sweep()
    mend()
    attend_again(world, 1)
    assert (world.document("c").undecided, world.document("c").work, world.value("c")) == ({}, {}, 0)


def test_a_timer_is_decided_on_again_until_that_succeeds(world: World) -> None:
    mend = broken(world, "alarm")
    world.send(SetAlarm(counter="c", at=world.clock()))
    attend_again(world, 4)
    assert list(world.document("c").timers) == ["alarm:c"]
    mend()
    attend_again(world, 1)
    assert (world.document("c").timers, world.document("c").undecided) == ({}, {})


def test_it_is_told_once_after_three_attempts_with_what_failed(world: World, done: list[Errand]) -> None:
    broken(world, "errand")
    world.send(StartErrand(counter="c", name="one", amount=7))
    world.sweep()
    attend_again(world, TOLD_AFTER - 2)
    assert world.published(DecisionFailed) == []
    attend_again(world, 5)
    [told] = world.published(DecisionFailed)
    assert (told.data.subject, told.data.aggregate, told.data.happening) == ("c", "counters", "work")
    assert (told.data.name, told.data.message) == ("errand:c/one", "KeyError: 'of our own making'")


def test_it_is_tried_less_and_less_often_and_never_more_than_five_minutes_apart(
    world: World, done: list[Errand]
) -> None:
    broken(world, "errand")
    world.send(StartErrand(counter="c", name="one", amount=7))
    world.sweep()
    waits: dict[int, timedelta] = {}
    while len(waits) < 10:
        [undecided] = world.document("c").undecided.values()
        waits.setdefault(undecided.times, undecided.again - world.clock())
        attend_again(world, 1)
    assert list(waits.values()) == sorted(waits.values())
    assert waits[1] == timedelta(seconds=5)
    assert waits[10] == AGAIN_LONGEST


def test_the_aggregate_takes_messages_meanwhile_and_a_timer_set_anew_is_due_when_it_says(world: World) -> None:
    broken(world, "alarm")
    world.send(SetAlarm(counter="c", at=world.clock()))
    attend_again(world, 3)
    later = world.clock() + timedelta(hours=2)
    world.send(AddToCounter(counter="c", amount=1), SetAlarm(counter="c", at=later))
    assert world.value("c") == 1
    assert (world.document("c").undecided, world.document("c").due_at) == ({}, later) or world.document("c").outbox
    world.relay()
    world.run(world.replica().engine.sweeper.trim_all())
    assert world.document("c").due_at == later


def test_the_result_of_work_survives_the_process_that_could_not_decide(world: World, done: list[Errand]) -> None:
    mend = broken(world, "errand")
    world.send(StartErrand(counter="c", name="one", amount=7))
    world.sweep()
    world.run(world.replica().end())
    mend()
    world.clock.jump(6)
    world.sweep("b")
    assert (len(done), world.value("c")) == (1, 7)


def test_a_document_that_cannot_be_read_ends_nothing(world: World) -> None:
    world.send(SetAlarm(counter="c", at=world.clock()), SetAlarm(counter="d", at=world.clock()))
    kept = world.store._kept("counters")
    kept["c"] = kept["c"]._replace(
        encoded=kept["c"].encoded.replace(b"timers", b"tamers").replace(b"outbox", b"outbax")
    )
    world.sweep()
    assert world.document("d").timers == {}
    metrics = world.replica().engine.metrics.registry
    assert metrics.get_sample_value("drydock_unreadable_documents_total", {"aggregate": "counters"}) == 1
