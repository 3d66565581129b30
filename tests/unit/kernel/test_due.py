"""Documents are looked at when something in them is due: punctually by hints, certainly by scans."""

import asyncio
from datetime import timedelta

from shared.contracts.common import CommandRejected, DeadLettered
from shared.kernel.app import OnTimer
from shared.kernel.document import SWEEP_AFTER
from shared.kernel.due import HORIZON, LOOKS_AT_ONCE, SCAN_LIMIT
from shared.kernel.store.port import StoreUnavailable
from tests.support.example.domain import Brought, Errand
from tests.support.example.example import (
    AddAsMuchAs,
    AddToCounter,
    AlarmRang,
    CounterChanged,
    SetAlarm,
    StartErrand,
)
from tests.unit.kernel.world import World


def in_seconds(world: World, seconds: float) -> SetAlarm:
    return SetAlarm(counter="c", at=world.clock() + timedelta(seconds=seconds))


def rung(world: World, by: str = "a") -> int:
    world.relay(by)
    return len({event.id for event in world.published(AlarmRang)})


def test_a_timer_of_this_process_is_punctual(world: World) -> None:
    world.send(in_seconds(world, 3.5))
    sweeper = world.replica().engine.sweeper

    async def sweep() -> None:
        running = asyncio.create_task(sweeper.run())
        await asyncio.sleep(10)
        running.cancel()

    world.run(sweep())
    [late] = sweeper.lateness
    assert late < 0.01


def test_a_timer_that_another_process_left_is_found_by_a_scan(world: World) -> None:
    world.send(in_seconds(world, 60))
    world.sweep("b")
    world.clock.jump(59)
    world.sweep("b")
    assert rung(world, "b") == 0
    world.clock.jump(1)
    world.sweep("b")
    assert rung(world, "b") == 1


def test_a_timer_beyond_the_horizon_of_hints_is_found_by_a_scan(world: World) -> None:
    world.send(in_seconds(world, HORIZON.total_seconds() + 100))
    world.relay()
    for _ in range(10):
        world.sweep()
        world.clock.jump(45)
    assert rung(world) == 1


def test_scans_are_paced_and_happen_at_once_on_demand(world: World) -> None:
    scans = 0

    def count(operation: str, collection: str) -> None:
        nonlocal scans
        scans += operation == "due" and collection == "counters"

    due_index = world.replica().engine.due_index
    world.replica().store._before = count
    for _ in range(5):
        world.run(due_index.scan())
    assert scans == 1
    due_index.scan_soon()
    world.run(due_index.scan())
    assert scans == 2
    world.clock.jump(1)
    world.run(due_index.scan())
    assert scans == 3


def test_a_clock_that_is_set_back_does_not_put_off_the_scans(world: World) -> None:
    world.run(world.replica().engine.due_index.scan())
    world.clock.jump(-3600)
    world.send(in_seconds(world, 1), by="b")
    world.clock.jump(1)
    world.sweep()
    assert rung(world) == 1


def test_only_some_documents_are_looked_at_at_once_and_each_once(world: World) -> None:
    due_index = world.replica().engine.due_index
    now = world.clock()
    for at in range(LOOKS_AT_ONCE + 10):
        for _ in range(3):
            due_index.look_at(("counters", str(at)), now)
    assert [len(due_index.due()) for _ in range(3)] == [LOOKS_AT_ONCE, 10, 0]
    assert due_index._heap == []


def test_a_scan_asks_for_a_limited_number(world: World) -> None:
    asked: list[int] = []
    due_index = world.replica().engine.due_index
    due = world.replica().store.due

    async def noted(collection: str, until: object, limit: int) -> list[tuple[str, object]]:
        asked.append(limit)
        return await due(collection, until, limit)  # type: ignore[arg-type, return-value]  # handed on

    object.__setattr__(world.replica().store, "due", noted)
    world.run(due_index.scan())
    assert set(asked) == {SCAN_LIMIT}


def test_an_earlier_hint_comes_first_and_a_later_one_is_not_needed(world: World) -> None:
    due_index = world.replica().engine.due_index
    now = world.clock()
    due_index.look_at(("counters", "c"), now + timedelta(seconds=5))
    due_index.look_at(("counters", "c"), now + timedelta(seconds=2))
    due_index.look_at(("counters", "c"), now + timedelta(seconds=9))
    world.clock.jump(2)
    assert due_index.due() == [("counters", "c")]
    world.clock.jump(20)
    assert due_index.due() == []


def test_an_outbox_is_trimmed_only_when_no_commit_did_it(world: World) -> None:
    due_index = world.replica().engine.due_index
    world.send(AddToCounter(counter="c", amount=1))
    world.relay()
    world.clock.jump(4)
    world.send(AddToCounter(counter="c", amount=1))
    world.relay()
    world.clock.jump(4)
    assert due_index.due() == []
    world.clock.jump(1)
    assert due_index.due() == [("counters", "c")]


def test_a_message_is_decided_when_what_it_waits_for_arrives(world: World) -> None:
    world.send(AddAsMuchAs(counter="c", other="d"))
    world.sweep()
    world.send(AddToCounter(counter="d", amount=7))
    world.sweep()
    assert world.value("c") == 7


def test_what_a_message_waits_for_arrives_once(world: World) -> None:
    due_index = world.replica().engine.due_index
    world.send(AddAsMuchAs(counter="c", other="d"))
    assert not due_index.has_arrived(("counters", "c"))
    world.send(AddToCounter(counter="d", amount=7))
    assert [due_index.has_arrived(("counters", "c")) for _ in range(2)] == [True, False]


def test_messages_that_wait_for_each_other_are_refused_in_the_end_and_keep_nobody_busy(world: World) -> None:
    world.send(AddAsMuchAs(counter="c", other="d"), AddAsMuchAs(counter="d", other="c"))
    for _ in range(12):
        world.clock.jump(1)
        world.sweep()
    world.relay()
    assert [event.data.reason for event in world.published(CommandRejected)] == ["UNKNOWN", "UNKNOWN"]
    assert world.document("c").version < 30


def test_an_event_that_never_can_be_applied_becomes_a_dead_letter(world: World) -> None:
    world.send(AddAsMuchAs(counter="c", other="d"))
    kept = world.store._kept("counters")["c"]
    unknown = kept.encoded.replace(b"example.add-as-much-as.v1", b"example.add-as-much-as.v9")
    world.store._kept("counters")["c"] = kept._replace(encoded=unknown)
    world.clock.jump(1)
    world.sweep()
    world.relay()
    assert [event.data.reason for event in world.published(DeadLettered)] == ["unknown-type"]
    assert world.document("c").parked == []


def test_a_parked_command_that_only_fails_becomes_a_dead_letter_when_its_time_is_up(world: World) -> None:
    world.send(AddAsMuchAs(counter="c", other="d"))
    line = world.service.handlers[AddAsMuchAs.type][0]
    decide = line.decide

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a fault in the domain")

    object.__setattr__(line, "decide", fail)
    try:
        for seconds in (1, 8.9):
            world.clock.jump(seconds)
            world.sweep()
            assert len(world.document("c").parked) == 1
        world.clock.jump(6)
        world.sweep()
    finally:
        object.__setattr__(line, "decide", decide)
    world.relay()
    assert world.document("c").parked == []
    [dead] = world.published(DeadLettered)
    assert dead.data.message == "ZeroDivisionError: a fault in the domain"


def test_a_timer_that_fails_keeps_no_other_thing_of_its_aggregate_from_happening(world: World) -> None:
    async def run(errand: Errand, job: object) -> Brought:
        return Brought(name=errand.name, amount=errand.amount)

    world.with_errands(run)
    line = next(one for one in world.service.table if isinstance(one, OnTimer))
    decide = line.decide

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    world.send(SetAlarm(counter="c", at=world.clock()), StartErrand(counter="c", name="e", amount=7))
    object.__setattr__(line, "decide", fail)
    try:
        world.sweep()
        assert world.value("c") == 7
        assert "alarm:c" in world.document("c").timers
    finally:
        object.__setattr__(line, "decide", decide)
    world.clock.jump(6)
    world.sweep()
    assert rung(world) == 1


def test_what_is_due_later_is_not_forgotten_for_what_waits_for_a_worker(world: World) -> None:
    world.replica(work_slots=0)
    world.send(StartErrand(counter="c", name="e", amount=7), in_seconds(world, 3))
    world.sweep()
    assert ("counters", "c") in world.replica().engine.due_index._hinted
    world.clock.jump(3)
    assert world.replica().engine.due_index.due() == [("counters", "c")]


def test_sweeping_goes_on_when_the_store_is_back(world: World) -> None:
    world.send(in_seconds(world, 1))
    replica = world.replica()
    replica.store.faults = [("get_many", "before", StoreUnavailable("away"))]

    async def sweep() -> None:
        running = asyncio.create_task(replica.engine.sweeper.run())
        await asyncio.sleep(5)
        running.cancel()

    world.run(sweep())
    assert rung(world) == 1


def test_an_aggregate_that_never_came_to_be_is_swept(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=-1))
    world.relay()
    world.clock.jump(6)
    world.sweep()
    world.clock.jump(SWEEP_AFTER.total_seconds() - 1)
    world.sweep()
    assert "c" in world.store._kept("counters")
    world.clock.jump(1)
    world.sweep()
    assert "c" not in world.store._kept("counters")
    world.send(AddToCounter(counter="c", amount=1))
    world.relay()
    assert len(world.published(CounterChanged)) == 1
