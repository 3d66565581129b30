"""A message that our own fault has failed is put aside, answered, and sent again when the fault is mended."""

from collections.abc import Callable

import pytest

from shared.contracts.common import (
    CommandRejected,
    DeadLetter,
    DeadLettered,
    DeadLetterRedriven,
    RedriveDeadLetter,
)
from shared.contracts.envelope import new_id
from tests.support.example.example import AddToCounter, CounterChanged, Stumble
from tests.support.services import Client, Seen, ServiceProcess

pytestmark = pytest.mark.timeout(300)

Example = Callable[..., ServiceProcess]

COMMANDS = ["drydock.example.commands"]


def changed(counter: str) -> Callable[[Seen], bool]:
    return lambda seen: isinstance(seen.envelope.data, CounterChanged) and seen.envelope.data.counter == counter


def values(found: list[Seen]) -> list[int]:
    return [seen.envelope.data.value for seen in found if isinstance(seen.envelope.data, CounterChanged)]


def letter_of(command: str) -> Callable[[Seen], bool]:
    return lambda seen: isinstance(seen.envelope.data, DeadLetter) and seen.envelope.data.message_id == command


def refusal_of(command: str) -> Callable[[Seen], bool]:
    return lambda seen: isinstance(seen.envelope.data, CommandRejected) and seen.envelope.data.command_id == command


async def test_a_fault_of_the_domain_is_tried_again_then_a_dead_letter_and_a_refusal(
    user: Client, example: Example
) -> None:
    service = await example(attempts="3").start().ready()
    counter, other = new_id(), new_id()
    await user.send(AddToCounter(counter=counter, amount=1))
    command = await user.send(Stumble(counter=counter))
    await user.send(AddToCounter(counter=counter, amount=1))
    await user.send(AddToCounter(counter=other, amount=1))

    [seen] = await user.wait_for(letter_of(command))
    letter = seen.envelope.data
    assert isinstance(letter, DeadLetter)
    assert letter.attempts == 3
    assert letter.reason == "ZeroDivisionError"
    assert letter.message_type == "example.stumble.v1"
    failed = [line for line in service.logged("record_failed") if line["offset"] == letter.offset]
    assert [line["attempt"] for line in failed if line["partition"] == letter.partition] == [1, 2, 3]
    [seen] = await user.wait_for(refusal_of(command))
    refusal = seen.envelope.data
    assert isinstance(refusal, CommandRejected)
    assert refusal.reason == "NOT_PROCESSED"
    assert refusal.facts == {"dead_letter": letter.letter_id, "rule": "ZeroDivisionError"}
    [seen] = await user.wait_for(
        lambda seen: isinstance(seen.envelope.data, DeadLettered) and seen.envelope.data.letter_id == letter.letter_id
    )
    assert seen.envelope.causation == command

    assert values(await user.wait_for(changed(counter), 2)) == [1, 2]
    assert values(await user.wait_for(changed(other))) == [1]
    await user.no_lag("example", COMMANDS)
    assert await service.stop() == 0


async def test_a_redriven_message_is_applied_once_though_later_ones_were_applied_before(
    user: Client, example: Example
) -> None:
    faulty = await example(attempts="1").start().ready()
    counter = new_id()
    command = await user.send(Stumble(counter=counter))
    for _ in range(3):
        await user.send(AddToCounter(counter=counter, amount=10))
    [seen] = await user.wait_for(letter_of(command))
    letter = seen.envelope.data
    assert isinstance(letter, DeadLetter)
    assert values(await user.wait_for(changed(counter), 3)) == [10, 20, 30]
    assert await faulty.stop() == 0

    mended = example()
    mended.start(EXAMPLE_MENDED="yes")
    await mended.ready()
    for note in ("mended in 1.2", "once more"):
        await user.send(RedriveDeadLetter(letter_id=letter.letter_id, note=note), service="example", actor="ada")
    audit = await user.wait_for(lambda seen: isinstance(seen.envelope.data, DeadLetterRedriven), 2)
    records = [seen.envelope.data for seen in audit]
    assert [
        (record.letter_id, record.message_id, record.actor, record.note, record.times)
        for record in records
        if isinstance(record, DeadLetterRedriven)
    ] == [
        (letter.letter_id, command, "ada", "mended in 1.2", 1),
        (letter.letter_id, command, "ada", "once more", 2),
    ]
    applied = await user.wait_for(lambda seen: changed(counter)(seen) and seen.envelope.causation == command)
    assert set(values(applied)) == {31}
    await user.send(AddToCounter(counter=counter, amount=1))
    await user.wait_for(lambda seen: changed(counter)(seen) and values([seen]) == [32])
    await user.no_lag("example", COMMANDS)
    ids = {seen.envelope.id for seen in await user.caught_up() if changed(counter)(seen)}
    assert len(ids) == 5
    assert await mended.stop() == 0


async def test_the_redrive_of_a_letter_that_does_not_exist_is_refused(user: Client, example: Example) -> None:
    service = await example().start().ready()
    command = await user.send(RedriveDeadLetter(letter_id=f"example:nowhere:0:{new_id()}"), service="example")
    [seen] = await user.wait_for(refusal_of(command))
    assert isinstance(seen.envelope.data, CommandRejected)
    assert seen.envelope.data.reason == "UNKNOWN"
    assert await service.stop() == 0


async def test_a_record_too_large_for_its_letter_is_named_by_its_place_and_cannot_be_redriven(
    user: Client, example: Example
) -> None:
    service = await example().start().ready()
    place = await user.send_raw(COMMANDS[0], b"huge", b"x", [("n" * 900_000, b"")])
    [seen] = await user.wait_for(
        lambda seen: (
            isinstance(seen.envelope.data, DeadLetter)
            and (seen.envelope.data.partition, seen.envelope.data.offset) == place
            and seen.envelope.data.topic == COMMANDS[0]
        )
    )
    letter = seen.envelope.data
    assert isinstance(letter, DeadLetter)
    assert letter.record_value is None
    assert letter.record_headers == []
    command = await user.send(RedriveDeadLetter(letter_id=letter.letter_id), service="example")
    [seen] = await user.wait_for(refusal_of(command))
    assert isinstance(seen.envelope.data, CommandRejected)
    assert seen.envelope.data.reason == "NOT_KEPT"
    assert await service.stop() == 0
