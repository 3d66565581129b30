"""Commands that come again, and others under their ids: decided once, and never after everybody has forgotten them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.common import CommandRejected
from shared.kernel.document import ANSWERS_LIMIT, COMMANDS_TAKEN_FOR, SWEEP_AFTER
from shared.kernel.seen import command_mark, has_seen, has_seen_id, seen_mark
from shared.kernel.store.port import Write
from tests.support.example.example import AddAsMuchAs, AddToCounter, CounterChanged
from tests.unit.kernel.world import World

DAY = timedelta(days=1)


def refusals(world: World) -> list[str]:
    world.relay()
    return [answer.data.reason for answer in world.published(CommandRejected)]


def test_an_id_that_was_used_for_one_command_is_refused_for_another(world: World) -> None:
    world.process(world.raw(AddToCounter(counter="c", amount=5), id="m1"))
    world.process(world.raw(AddToCounter(counter="c", amount=7), id="m1"))
    assert world.value("c") == 5
    assert refusals(world) == ["ID_USED"]


def test_who_sends_the_first_again_gets_its_answer_though_another_was_refused_meanwhile(world: World) -> None:
    first = world.raw(AddToCounter(counter="c", amount=5), id="m1")
    world.process(first)
    world.process(world.raw(AddToCounter(counter="c", amount=7), id="m1"))
    world.relay()
    world.process(replace(first, offset=99))
    world.relay()
    assert [event.data.amount for event in world.published(CounterChanged)] == [5, 5]
    assert world.value("c") == 5


def test_the_form_of_its_json_makes_no_other_command(world: World) -> None:
    first = world.raw(AddToCounter(counter="c", amount=5), id="m1")
    world.process(first)
    world.process(replace(first, value=b'{ "amount" : 5,\n "counter": "c" }'))
    assert world.value("c") == 5
    assert refusals(world) == []


def test_what_was_dealt_with_before_commands_were_told_apart_is_a_repeat(world: World) -> None:
    document = world.unit().document
    document.seen = seen_mark(AddToCounter.type, "m1")
    mark = command_mark(AddToCounter.type, "m1", b"{}")
    assert not has_seen_id(document.seen, mark)
    [again] = world.committer_sees(AddToCounter(counter="c", amount=5), ids=["m1"])
    unit = world.unit(document)
    assert again.apply(unit, None).name == "DUPLICATE"


@given(st.lists(st.binary(min_size=8, max_size=8), max_size=20), st.binary(max_size=20))
def test_a_mark_is_found_only_where_one_begins(others: list[bytes], value: bytes) -> None:
    mark = command_mark("handler", "m1", value)
    seen = b"".join(others)
    assert has_seen_id(seen + mark, mark)
    assert has_seen(seen + mark, mark)
    assert has_seen_id(seen, mark) == any(one.startswith(mark[:5]) for one in others)


def test_a_command_older_than_anybody_remembers_is_refused_and_says_what_to_do(world: World) -> None:
    old = world.raw(AddToCounter(counter="c", amount=5), id="m1")
    world.clock.jump((COMMANDS_TAKEN_FOR + timedelta(minutes=1)).total_seconds())
    world.process(old)
    assert refusals(world) == ["EXPIRED"]
    [answer] = world.published(CommandRejected)
    assert "send it again, under a new id" in answer.data.message
    assert world.document("c").state is None


def test_a_command_that_was_refused_is_not_decided_anew_while_it_may_come_again(world: World) -> None:
    """Refused, because there was nothing to add; read again, from its topic's beginning say, when there is."""
    command = world.raw(AddAsMuchAs(counter="c", other="d"), id="m1")
    world.process(command)
    world.clock.jump(11)
    world.sweep()
    assert refusals(world) == ["UNKNOWN"]
    world.send(AddToCounter(counter="d", amount=7))
    for days in (COMMANDS_TAKEN_FOR.days, SWEEP_AFTER.days + 1):
        world.clock.jump(days * DAY.total_seconds())
        world.sweep()
        world.process(replace(command, offset=1000 + days))
        world.relay()
        world.clock.jump(6)
        world.sweep()  # from here on nothing happens to it, until it is swept
    assert world.document("c").state is None
    assert refusals(world) == ["UNKNOWN", "UNKNOWN", "EXPIRED"]


def test_a_command_that_comes_again_after_any_number_of_others_gets_its_answer_again(world: World) -> None:
    commands = [world.raw(AddToCounter(counter="c", amount=1), id=f"m{number}") for number in range(200)]
    for command in commands:
        world.process(command)
    world.relay()
    answered = len(world.published(CounterChanged))
    for number in (0, 1, 100, 199):
        world.process(replace(commands[number], offset=1000 + number))
    world.relay()
    again = world.published(CounterChanged)[answered:]
    assert [event.causation for event in again] == ["m0", "m1", "m100", "m199"]
    assert world.value("c") == 200
    assert len(world.document("c").answers) <= 2 * ANSWERS_LIMIT


def test_an_answer_that_is_kept_is_the_one_that_was_given_though_a_race_was_lost(world: World) -> None:
    """Many commands in one batch, whose first decision comes to nothing because another process was faster."""
    commands = [world.raw(AddToCounter(counter="c", amount=1), id=f"m{number}") for number in range(4 * ANSWERS_LIMIT)]
    other = world.replica("b").engine.inbox
    faster = world.raw(AddToCounter(counter="c", amount=1000), partition=1)
    store = world.replica().store
    write = store.write_many

    async def write_after_the_other(collection: str, writes: Sequence[Write]) -> list[bool]:
        if collection == "counters":
            store.write_many = write  # type: ignore[method-assign]
            await other.process([faster])
        return await write(collection, writes)

    store.write_many = write_after_the_other  # type: ignore[method-assign]
    world.process(*commands)
    world.process(world.raw(AddToCounter(counter="c", amount=1), id="last"))
    world.relay()
    given = {event.causation: event.data.value for event in world.published(CounterChanged)}
    assert given["m0"] == 1001
    before = len(world.published(CounterChanged))
    world.process(*[replace(command, offset=2000 + command.offset) for command in commands])
    world.relay()
    again = {event.causation: event.data.value for event in world.published(CounterChanged)[before:]}
    assert again == {command: given[command] for command in again}
    assert len(again) == len(commands)


def test_answers_that_left_their_document_are_swept_when_no_command_can_come_again(world: World) -> None:
    for number in range(2 * ANSWERS_LIMIT + 1):
        world.process(world.raw(AddToCounter(counter="c", amount=1), id=f"m{number}"))
    kept = world.store._kept("answers")
    assert len(kept) == ANSWERS_LIMIT + 1
    world.clock.jump(SWEEP_AFTER.total_seconds() + 1)
    world.sweep()
    assert not kept


def test_where_the_clock_is_put_ahead_commands_do_not_expire(world: World) -> None:
    old = world.raw(AddToCounter(counter="c", amount=5))
    world.clock.jump(90 * DAY.total_seconds())
    world.replica(clock_ahead=90 * DAY)
    world.process(old)
    assert world.value("c") == 5
