"""Batches of records: what becomes of each, how far each partition is, and what becomes a dead letter."""

from dataclasses import replace
from typing import Any

import pytest

from shared.contracts.common import CommandRejected, DeadLetter, DeadLettered, DeadLetterRedriven, RedriveDeadLetter
from shared.kernel import NotYet, Permanent, Transient
from shared.kernel.inbox import SLOWED, WAIT_FIRST, WAIT_LONGEST
from shared.kernel.outcomes import Conflict
from shared.kernel.store.port import StoreUnavailable
from tests.support.example.domain import walk
from tests.support.example.example import AddToCounter, Recount, Stumble
from tests.support.example.neighbour import SomethingHappened
from tests.unit.kernel.world import COMMANDS, EVENTS, Raw, World

GARBAGE = {"value": b"garbage", "headers": [("ce_id", b"\xff")]}


def garbage(world: World, **fields: Any) -> Raw:
    raw = world.raw(AddToCounter(counter="c", amount=1))
    for name, value in (GARBAGE | fields).items():
        setattr(raw, name, value)
    return raw


def failing(world: World, error: Exception) -> None:
    """Let Stumble raise `error`."""
    line = world.service.handlers[Stumble.type][0]

    def fail(*_: Any) -> Any:
        raise error

    object.__setattr__(line, "decide", fail)


def letters(world: World) -> list[Any]:
    world.relay()
    return [envelope.data for envelope in world.published(DeadLetter)]


def test_a_batch_that_is_done_may_be_acknowledged_up_to_its_end(world: World) -> None:
    records = [world.raw(AddToCounter(counter="c", amount=1), partition=at % 2) for at in range(4)]
    other = world.raw(SomethingHappened(counter="c"))
    result = world.process(*records, other)
    ends = {(COMMANDS, 0): records[2].offset + 1, (COMMANDS, 1): records[3].offset + 1, (EVENTS, 0): other.offset + 1}
    assert result.done == ends
    assert result.waiting == {}
    assert world.value("c") == 5


def test_a_record_that_nobody_can_read_is_a_dead_letter_and_costs_its_neighbours_nothing(world: World) -> None:
    good = world.raw(AddToCounter(counter="c", amount=1))
    bad = garbage(world)
    after = world.raw(AddToCounter(counter="c", amount=2))
    result = world.process(good, bad, after)
    assert result.done == {(COMMANDS, 0): after.offset + 1}
    assert world.value("c") == 3
    [letter] = letters(world)
    assert (letter.reason, letter.offset, letter.attempts) == ("header-encoding", bad.offset, 0)


@pytest.mark.parametrize(
    "header",
    [("ce_id", b"with a blank"), ("ce_id", b"x" * 300), ("ce_type", b"t" * 900_000), ("ce_source", b"\x00")],
    ids=lambda header: f"{header[0]} of {len(header[1])} bytes",
)
def test_whatever_stands_in_its_headers_a_record_can_be_a_dead_letter(world: World, header: tuple[str, bytes]) -> None:
    raw = world.raw(AddToCounter(counter="c", amount=1))
    raw.headers = [header if name == header[0] else (name, value) for name, value in raw.headers]
    if header[0] == "ce_source":
        raw.value = b"{}"
    world.process(raw)
    assert len(letters(world)) == 1


def test_a_command_that_nobody_can_read_is_answered_if_its_id_can_be_read(world: World) -> None:
    raw = world.raw(AddToCounter(counter="c", amount=1), id="m1")
    raw.value = b"{}"
    world.process(raw)
    world.relay()
    [answer] = world.published(CommandRejected)
    assert (answer.data.reason, answer.data.command_id, answer.causation) == ("UNREADABLE", "m1", "m1")
    [announced] = world.published(DeadLettered)
    assert announced.data.letter_id.startswith(f"example:{COMMANDS}:0:{raw.offset}:")


@pytest.mark.parametrize(
    "source", ["test", "drydock/example", "drydock/neighbour2", "drydock/neighbou", "neighbour", "DRYDOCK/neighbour"]
)
def test_a_command_of_services_from_anybody_else_uses_up_nothing_and_is_no_answer_to_the_true_one(
    world: World, source: str
) -> None:
    stranger = world.raw(Recount(counter="c", value=-7), id="m1", source=source)
    verdict = world.process(stranger)
    assert verdict.done == {(COMMANDS, 0): stranger.offset + 1}
    [letter] = letters(world)
    assert (letter.reason, letter.message_id, letter.attempts) == ("sender", "m1", 0)
    assert letter.message == f"ce_source: is {source!r}; example.recount.v1 is sent by neighbour"
    assert not world.published(CommandRejected)
    assert "counters" not in world.store._collections
    world.process(world.raw(Recount(counter="c", value=7), id="m1", source="drydock/neighbour"))
    assert world.value("c") == 7


def test_a_redriven_record_of_a_stranger_is_refused_again(world: World) -> None:
    world.process(world.raw(Recount(counter="c", value=-7), id="m1"))
    [letter] = letters(world)
    world.send(RedriveDeadLetter(letter_id=letter.letter_id))
    world.relay()
    again = [entry for entry in world.broker.log if entry.topic == COMMANDS]
    assert again
    world.process(*[Raw(COMMANDS, 0, 900 + at, e.key, e.value, e.headers) for at, e in enumerate(again)])
    assert {one.reason for one in letters(world)} == {"sender"}
    assert "counters" not in world.store._collections


def test_a_partition_waits_at_its_lowest_record_that_is_not_done_while_others_go_on(world: World) -> None:
    before = world.raw(AddToCounter(counter="c", amount=1))
    stuck = world.raw(Stumble(counter="d"))
    after = world.raw(AddToCounter(counter="e", amount=1))
    stuck_too = world.raw(Stumble(counter="f"))
    elsewhere = world.raw(AddToCounter(counter="g", amount=1), partition=1)
    result = world.process(before, stuck, after, stuck_too, elsewhere)
    assert result.done == {(COMMANDS, 0): stuck.offset, (COMMANDS, 1): elsewhere.offset + 1}
    assert list(result.waiting) == [(COMMANDS, 0)]
    assert 0.1 <= result.waiting[COMMANDS, 0] <= 0.3
    assert [world.value(counter) for counter in "ceg"] == [1, 1, 1]
    assert letters(world) == []


@pytest.mark.parametrize("error", [Transient("later"), ZeroDivisionError("a fault")], ids=["transient", "unknown"])
def test_what_fails_is_tried_again_with_growing_waits_and_is_dead_after_its_attempts(
    world: World, error: Exception
) -> None:
    failing(world, error)
    raw = world.raw(Stumble(counter="c"), id="m1")
    waits = []
    for _ in range(4):
        result = world.process(raw)
        waits.append(result.waiting[COMMANDS, 0])
    assert waits[3] > waits[0]
    result = world.process(raw)
    assert (result.waiting, result.done) == ({}, {(COMMANDS, 0): raw.offset + 1})
    [letter] = letters(world)
    assert (letter.attempts, letter.reason) == (5, type(error).__name__)
    assert [answer.data.reason for answer in world.published(CommandRejected)] == ["NOT_PROCESSED"]


def test_a_record_that_succeeds_at_last_has_no_failures_left_to_wait_for(world: World) -> None:
    failing(world, Transient("later"))
    raw = world.raw(Stumble(counter="c"), partition=1)
    for _ in range(4):
        assert world.process(raw).waiting
    object.__setattr__(world.service.handlers[Stumble.type][0], "decide", walk)
    assert world.process(raw).waiting == {}
    failing(world, Transient("later"))
    # It comes again, and stands behind one of its aggregate that fails.
    again = world.process(world.raw(Stumble(counter="c")), raw)
    assert again.waiting[COMMANDS, 1] <= 1.5 * WAIT_FIRST


def test_what_is_permanent_is_dead_at_once_and_those_behind_it_are_done(world: World) -> None:
    failing(world, Permanent("never"))
    bad = world.raw(Stumble(counter="c"))
    behind = world.raw(AddToCounter(counter="c", amount=1))
    result = world.process(bad, behind)
    assert result.done == {(COMMANDS, 0): behind.offset + 1}
    assert world.value("c") == 1
    assert [letter.reason for letter in letters(world)] == ["Permanent"]


def test_a_number_that_no_store_takes_makes_a_dead_letter_of_its_command_only(world: World) -> None:
    world.replica(attempts=1)
    result = world.send(
        AddToCounter(counter="c", amount=1),
        AddToCounter(counter="c", amount=2**70),
        AddToCounter(counter="c", amount=2),
    )
    assert result.waiting == {}
    assert world.value("c") == 3
    assert [letter.reason for letter in letters(world)] == ["ValueError"]


@pytest.mark.parametrize("error", [StoreUnavailable("away"), Conflict("again and again")], ids=["away", "conflict"])
def test_without_a_store_the_whole_batch_waits_longer_each_time_and_nothing_is_counted(
    world: World, error: Exception
) -> None:
    raw = world.raw(Stumble(counter="c"))
    replica = world.replica(attempts=2)
    longest = 0.0
    for _ in range(1100):
        replica.store.faults = [("get_many", "before", error)]
        result = world.process(raw)
        assert result.done == {(COMMANDS, 0): raw.offset}
        longest = max(longest, result.waiting[COMMANDS, 0])
    assert WAIT_LONGEST < longest <= 1.5 * WAIT_LONGEST
    assert world.process(raw).waiting
    assert letters(world) == []


def test_a_partition_from_which_only_dead_letters_come_is_slowed_down_and_nothing_of_it_is_lost(world: World) -> None:
    world.replica(dead_in_a_row=3)
    assert not world.process(garbage(world), garbage(world)).waiting
    world.send(AddToCounter(counter="c", amount=1))
    assert not world.process(garbage(world), garbage(world)).waiting
    last = garbage(world)
    beside = world.raw(AddToCounter(counter="c", amount=1), partition=1)
    slowed = world.process(last, beside)
    assert slowed.waiting == {(COMMANDS, 0): SLOWED}
    assert slowed.done == {(COMMANDS, 0): last.offset + 1, (COMMANDS, 1): beside.offset + 1}
    assert len(letters(world)) == 5
    assert not world.send(AddToCounter(counter="c", amount=1)).waiting


@pytest.mark.parametrize("timestamp", [-(10**15), 10**18, -1, 2**63 - 1], ids=str)
def test_a_timestamp_that_is_no_date_stops_nothing(world: World, timestamp: int) -> None:
    good = world.raw(AddToCounter(counter="c", amount=1))
    good.timestamp = timestamp
    bad = garbage(world, timestamp=timestamp)
    assert world.process(good, bad).done == {(COMMANDS, 0): bad.offset + 1}
    assert world.value("c") == 1
    assert [letter.offset for letter in letters(world)] == [bad.offset]


def test_what_takes_the_place_of_a_dead_letter_on_a_topic_made_anew_is_one_of_its_own(world: World) -> None:
    first = garbage(world)
    world.process(first)
    world.process(replace(first))
    later = replace(first, value=b"other garbage")
    world.process(later)
    assert [letter.record_value for letter in letters(world)] == ["Z2FyYmFnZQ==", "b3RoZXIgZ2FyYmFnZQ=="]


def test_an_event_that_nobody_handles_is_passed_over(world: World) -> None:
    raw = world.raw(AddToCounter(counter="c", amount=1))
    raw.topic = EVENTS
    assert letters(world) == []
    world.process(raw)
    assert [letter.reason for letter in letters(world)] == ["wrong-topic"]


def test_a_dead_letter_that_is_redriven_is_applied_once_and_audited(world: World) -> None:
    line = world.service.handlers[AddToCounter.type][0]
    decide = line.decide
    object.__setattr__(line, "decide", lambda *_: (_ for _ in ()).throw(Permanent("a fault of ours")))
    bad = world.raw(AddToCounter(counter="c", amount=5), id="m1")
    world.process(bad)
    object.__setattr__(line, "decide", decide)
    world.send(AddToCounter(counter="c", amount=1))
    [letter] = letters(world)
    for note in ("mended", "to be sure"):
        world.send(RedriveDeadLetter(letter_id=letter.letter_id, note=note))
    world.relay()
    again = [entry for entry in world.broker.log if entry.topic == COMMANDS]
    assert [(entry.key, entry.value, entry.headers) for entry in again] == [(bad.key, bad.value, bad.headers)] * 2
    world.process(*[Raw(COMMANDS, 0, 900 + at, e.key, e.value, e.headers) for at, e in enumerate(again)])
    assert world.value("c") == 6
    audit = [(event.data.times, event.data.note) for event in world.published(DeadLetterRedriven)]
    assert audit == [(1, "mended"), (2, "to be sure")]


def test_a_letter_that_is_not_there_cannot_be_redriven(world: World) -> None:
    world.send(RedriveDeadLetter(letter_id="nothing"))
    world.relay()
    assert [event.data.reason for event in world.published(CommandRejected)] == ["UNKNOWN"]


def test_one_record_becomes_one_dead_letter(world: World) -> None:
    bad = garbage(world)
    world.process(bad)
    world.process(bad)
    assert len(letters(world)) == 1


def test_how_records_ended_is_counted(world: World) -> None:
    failing(world, NotYet("not here yet"))
    repeated = world.raw(AddToCounter(counter="c", amount=1))
    world.process(
        repeated, replace(repeated, offset=99), world.raw(AddToCounter(counter="c", amount=-5)), garbage(world)
    )
    world.send(Stumble(counter="c"))
    metrics = world.replica().engine.metrics
    counts = {
        outcome: metrics.messages.labels(outcome)._value.get()
        for outcome in ("applied", "duplicate", "rejected", "parked", "dead")
    }
    assert counts == {"applied": 1, "duplicate": 1, "rejected": 1, "parked": 1, "dead": 1}
