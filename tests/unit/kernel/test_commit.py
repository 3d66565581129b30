"""Many inputs in one commit: races, facts, and what one of them may cost the others."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.envelope import new_id
from shared.kernel.commit import ROUNDS
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.inputs.messages import MessageInput
from shared.kernel.inputs.timers import TimerInput
from shared.kernel.outcomes import Conflict
from shared.kernel.store.documents import encode
from shared.kernel.store.memory import _Kept
from shared.kernel.store.port import StoreUnavailable
from tests.support.example.app import COUNTERS
from tests.support.example.example import AddAsMuchAs, AddToCounter, CounterChanged, SetAlarm, Stumble
from tests.support.simulation import Killed, killing_at
from tests.unit.kernel.world import World


def commit(world: World, inputs: Sequence[Input], by: str = "a") -> None:
    world.run(world.replica(by).engine.committer.commit(inputs))


def outcomes(inputs: Sequence[Input]) -> list[Any]:
    return [one.outcome or (type(one.error) if one.error else None) for one in inputs]


def race(world: World, writers: int = 1) -> list[str]:
    """Let replica b write to counter c each time when replica a is about to, so often."""
    other = world.replica("b")
    written: list[str] = []
    write_many = world.replica().store.write_many

    async def late(collection: str, writes: Any) -> list[bool]:
        if len(written) < writers:
            written.append(new_id())
            await other.engine.committer.commit(world.committer_sees(AddToCounter(counter="c", amount=10)))
        return await write_many(collection, writes)

    object.__setattr__(world.replica().store, "write_many", late)
    return written


def test_what_lost_a_race_is_decided_again_on_what_is_there_now(world: World) -> None:
    race(world)
    inputs = world.committer_sees(AddToCounter(counter="c", amount=-5))
    commit(world, inputs)
    assert outcomes(inputs) == [InputOutcome.APPLIED]  # alone it would have been refused
    assert world.value("c") == 5


def test_messages_that_lost_a_race_keep_their_order_and_their_errors_are_judged_again(world: World) -> None:
    race(world)
    messages = (
        AddToCounter(counter="c", amount=1),
        AddToCounter(counter="c", amount=-11),
        AddAsMuchAs(counter="c", other="d"),
        Stumble(counter="c"),
        AddToCounter(counter="c", amount=4),
    )
    inputs = world.committer_sees(*messages)
    commit(world, inputs)
    assert outcomes(inputs) == [
        InputOutcome.APPLIED,
        InputOutcome.APPLIED,
        InputOutcome.PARKED,
        ZeroDivisionError,
        None,
    ]
    assert world.value("c") == 0


def test_facts_that_were_missing_do_not_change_the_order_of_messages_when_a_race_is_lost(world: World) -> None:
    commit(world, world.committer_sees(AddToCounter(counter="d", amount=7)))
    race(world)
    line = world.service.handlers[AddAsMuchAs.type][0]
    assert line.facts
    fact = line.facts.facts["counter"]
    original = fact.ids
    # Which counter is meant follows from the state, which the message before it makes.
    object.__setattr__(fact, "ids", lambda message, state: "d" if state and state.value else "nowhere")
    try:
        inputs = world.committer_sees(
            AddToCounter(counter="c", amount=1),
            AddAsMuchAs(counter="c", other="d"),
            AddToCounter(counter="c", amount=2),
        )
        commit(world, inputs)
    finally:
        object.__setattr__(fact, "ids", original)
    assert outcomes(inputs) == [InputOutcome.APPLIED] * 3
    world.relay("b")
    world.relay()
    amounts = [event.data.amount for event in world.published(CounterChanged)]
    assert amounts[-3:] == [1, 7, 2]


def test_facts_are_no_older_than_what_the_messages_before_leave_also_within_a_batch(world: World) -> None:
    messages = (
        AddToCounter(counter="d", amount=7),
        AddAsMuchAs(counter="c", other="d"),
        AddToCounter(counter="d", amount=1),
        AddAsMuchAs(counter="c", other="d"),
        AddAsMuchAs(counter="d", other="c"),
    )
    inputs = world.committer_sees(*messages)
    commit(world, inputs)
    assert outcomes(inputs) == [InputOutcome.APPLIED] * 5
    # All that stands before is there; and what stands behind in the batch may be there as well.
    assert (world.value("c"), world.value("d")) == (8 + 8, 8 + 16)


def test_two_that_want_each_other_as_facts_are_both_decided(world: World) -> None:
    commit(world, world.committer_sees(AddToCounter(counter="c", amount=1), AddToCounter(counter="d", amount=2)))
    inputs = world.committer_sees(AddAsMuchAs(counter="c", other="d"), AddAsMuchAs(counter="d", other="c"))
    commit(world, inputs)
    assert (world.value("c"), world.value("d")) == (3, 5)


def test_who_loses_every_race_gives_up(world: World) -> None:
    written = race(world, writers=100)
    with pytest.raises(Conflict, match="1 inputs lost 20 races"):
        commit(world, world.committer_sees(AddToCounter(counter="c", amount=1)))
    assert len(written) == ROUNDS


def test_behind_an_error_nothing_of_the_same_aggregate_is_touched_and_others_are_done(world: World) -> None:
    inputs = world.committer_sees(
        AddToCounter(counter="c", amount=1),
        Stumble(counter="c"),
        AddToCounter(counter="c", amount=2),
        AddToCounter(counter="d", amount=3),
    )
    commit(world, inputs)
    assert outcomes(inputs) == [InputOutcome.APPLIED, ZeroDivisionError, None, InputOutcome.APPLIED]
    assert (world.value("c"), world.value("d")) == (1, 3)


def test_a_state_that_no_store_takes_costs_only_the_message_that_makes_it(world: World) -> None:
    inputs = world.committer_sees(
        AddToCounter(counter="c", amount=1),
        AddToCounter(counter="c", amount=2**70),
        AddToCounter(counter="c", amount=2),
        AddToCounter(counter="d", amount=3),
    )
    commit(world, inputs)
    assert outcomes(inputs) == [InputOutcome.APPLIED, ValueError, None, InputOutcome.APPLIED]
    assert (world.value("c"), world.value("d")) == (1, 3)


def test_a_document_that_cannot_be_read_costs_no_other_aggregate(world: World) -> None:
    broken = encode({"_id": "c", "version": 1, "due_at": None, "state": {"value": "x"}, "sequence": 0, "entries": 0,
                     "seen": b"", "outbox": []})  # fmt: skip
    world.store._kept("counters")["c"] = _Kept(1, None, broken)
    inputs = world.committer_sees(
        AddToCounter(counter="c", amount=1), AddToCounter(counter="d", amount=1), AddAsMuchAs(counter="e", other="c")
    )
    commit(world, inputs)
    assert [one.outcome for one in inputs] == [None, InputOutcome.APPLIED, None]
    assert all(one.error and "value" in str(one.error) for one in (inputs[0], inputs[2]))


def test_a_timer_that_the_table_has_no_more_is_kept_and_costs_no_other_aggregate(world: World) -> None:
    commit(world, world.committer_sees(SetAlarm(counter="c", at=world.clock())))
    document = world.store._kept("counters")["c"]
    renamed = document.encoded.replace(b"alarm:c", b"wrong:c")
    world.store._kept("counters")["c"] = document._replace(encoded=renamed)
    gone = TimerInput(aggregate=COUNTERS, id="c", name="wrong:c")
    inputs: list[Input] = [gone, *world.committer_sees(AddToCounter(counter="d", amount=1))]
    commit(world, inputs)
    assert outcomes(inputs) == [InputOutcome.UNDECIDED, InputOutcome.APPLIED]


def test_a_repeat_after_an_unknown_outcome_changes_nothing_and_still_sends_what_was_committed(world: World) -> None:
    replica = world.replica()
    inputs = world.committer_sees(AddToCounter(counter="c", amount=1), ids=["m1"])
    replica.store.faults = [("write_many", "after", StoreUnavailable("the reply was lost"))]
    with pytest.raises(StoreUnavailable):
        commit(world, inputs)
    assert replica.engine.relay.backlog == 0
    again = world.committer_sees(AddToCounter(counter="c", amount=1), ids=["m1"])
    commit(world, again)
    assert outcomes(again) == [InputOutcome.DUPLICATE]
    assert world.value("c") == 1
    world.relay()
    assert [event.causation for event in world.published(CounterChanged)] == ["m1"]


@pytest.mark.parametrize("point", ["commit.loaded", "commit.decided", "commit.written", "commit.settled"])
def test_a_process_that_dies_in_a_commit_leaves_one_effect_after_the_repeat(world: World, point: str) -> None:
    record = world.raw(AddToCounter(counter="c", amount=1), id="m1")
    dead = world.replica()
    with killing_at(point):
        assert world.run(dead.do(dead.engine.inbox.process([record]))) is None
    world.process(record, by="b")
    assert world.value("c") == 1
    world.relay("b")
    assert len({event.id for event in world.published(CounterChanged)}) == 1


def test_a_dead_process_does_nothing_more(world: World) -> None:
    replica = world.replica()
    replica.alive = False
    with pytest.raises(Killed):
        commit(world, world.committer_sees(AddToCounter(counter="c", amount=1)))
    assert "c" not in world.store._kept("counters")


def test_changes_of_one_aggregate_are_one_write(world: World) -> None:
    inputs = world.committer_sees(*[AddToCounter(counter="c", amount=1) for _ in range(50)])
    commit(world, inputs)
    assert world.document("c").version == 1
    assert world.value("c") == 50


def test_nothing_is_written_where_nothing_changes(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    before = world.document("c").version
    skipped = TimerInput(aggregate=COUNTERS, id="c", name="alarm:c")
    commit(world, [skipped])
    assert skipped.outcome is InputOutcome.SKIPPED
    assert world.document("c").version == before


def test_receive_is_a_change_like_any_other(world: World) -> None:
    [arrived] = world.committer_sees(AddToCounter(counter="c", amount=1))
    assert isinstance(arrived, MessageInput)
    world.clock.jump(timedelta(days=1).total_seconds())
    commit(world, [arrived])
    assert arrived.outcome is InputOutcome.APPLIED
