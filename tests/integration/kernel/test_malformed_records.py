"""One bad record costs its neighbours nothing, and nothing of it is lost."""

from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count

import pytest
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from shared.contracts.cloudevents import encode
from shared.contracts.common import CommandRejected, DeadLetter, DeadLettered
from shared.contracts.envelope import Envelope, new_id
from shared.contracts.message import Message
from tests.integration.kernel.malformed import ADDITIONS, EVERYWHERE, Malformed, Raw, raw
from tests.support.example.example import AddToCounter, CounterChanged
from tests.support.example.neighbour import SomethingHappened
from tests.support.services import Client, Seen, ServiceProcess

pytestmark = pytest.mark.timeout(300)

Example = Callable[..., ServiceProcess]

READ = ["drydock.example.commands", "drydock.neighbour.events"]


def record(message: Message, id_: str) -> Raw:
    return raw(encode(Envelope(id=id_, source="test", time=datetime.now(UTC), data=message)))


def letters(user: Client, topic: str) -> dict[tuple[int, int], DeadLetter]:
    """The dead letters seen so far for records of `topic`, by partition and offset."""
    found = {}
    for seen in user.seen:
        letter = seen.envelope.data
        if isinstance(letter, DeadLetter) and letter.topic == topic:
            found[letter.partition, letter.offset] = letter
    return found


def bytes_of(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)


@pytest.mark.parametrize(
    ("topic", "message", "cases"),
    [
        (READ[0], lambda counter: AddToCounter(counter=counter, amount=1), [*EVERYWHERE, *ADDITIONS]),
        (READ[1], lambda counter: SomethingHappened(counter=counter), EVERYWHERE),
    ],
    ids=["commands", "events"],
)
async def test_every_malformed_record_is_a_dead_letter_and_every_good_one_between_them_is_applied(
    user: Client, example: Example, topic: str, message: Callable[[str], Message], cases: Sequence[Malformed]
) -> None:
    counter = new_id()
    sent: dict[tuple[int, int], tuple[Malformed, Raw, str]] = {}
    number = count()
    for case in cases:
        good = record(message(counter), new_id())
        await user.send_raw(topic, good.key, good.value, good.headers, partition=next(number) % 2)
        id_ = new_id()
        bad = case.make(record(message(counter), id_))
        place = await user.send_raw(topic, bad.key, bad.value, bad.headers, partition=next(number) % 2)
        sent[place] = (case, bad, id_)
    service = await example(attempts="2").start().ready()

    await user.wait_for(
        lambda seen: isinstance(seen.envelope.data, DeadLetter) and seen.envelope.data.topic == topic, len(sent), 60
    )
    found = letters(user, topic)
    assert found.keys() == sent.keys()
    for place, (case, bad, id_) in sent.items():
        letter = found[place]
        assert letter.reason == case.rule, f"{case.name}: {letter.message}"
        assert letter.service == "example"
        assert letter.letter_id.startswith(f"example:{topic}:{place[0]}:{place[1]}:")
        assert bytes_of(letter.record_key) == bad.key, case.name
        assert bytes_of(letter.record_value) == bad.value, case.name
        assert [(name, bytes_of(value)) for name, value in letter.record_headers] == bad.headers, case.name
        assert letter.message_id == (id_ if case.readable_id else None), case.name
    await user.wait_for(
        lambda seen: isinstance(seen.envelope.data, DeadLettered) and seen.envelope.data.topic == topic, len(sent)
    )
    applied = await user.wait_for(lambda seen: of(seen, counter) is not None, len(cases))
    assert sorted(of(seen, counter) or 0 for seen in applied) == list(range(1, len(cases) + 1))
    await user.no_lag("example", READ)

    answered = {id_ for case, _, id_ in sent.values() if case.readable_id and topic == READ[0]}
    refusals = [
        seen.envelope.data for seen in await user.caught_up() if isinstance(seen.envelope.data, CommandRejected)
    ]
    ids = {id_ for _, _, id_ in sent.values()}
    assert {refusal.command_id for refusal in refusals if refusal.command_id in ids} == answered
    reasons = {refusal.facts["rule"]: refusal.reason for refusal in refusals if refusal.command_id in ids}
    assert reasons.pop("ValueError", "NOT_PROCESSED") == "NOT_PROCESSED"
    assert set(reasons.values()) <= {"UNREADABLE"}
    assert await service.stop() == 0


def of(seen: Seen, counter: str) -> int | None:
    """The value that a counter was changed to."""
    data = seen.envelope.data
    return data.value if isinstance(data, CounterChanged) and data.counter == counter else None


class NotUtf8(str):
    """A header's name that other clients of Kafka may send."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"\xff\xfe"


async def test_a_header_name_that_is_not_utf8_stops_nothing(user: Client, example: Example) -> None:
    counter = new_id()
    service = await example().start().ready()
    for partition in (0, 1):
        batch = user.producer.create_batch()
        batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1 << 20)
        for number in range(3):
            good = record(AddToCounter(counter=counter, amount=1), new_id())
            bad_name: list[tuple[str, bytes | None]] = [(NotUtf8("name"), b"value")] if number == 1 else []
            batch.append(timestamp=None, key=good.key, value=good.value, headers=[*good.headers, *bad_name])
        batch.close()
        await (await user.producer.send_batch(batch, READ[0], partition=partition))
    applied = await user.wait_for(lambda seen: of(seen, counter) is not None, 6)
    assert sorted(of(seen, counter) or 0 for seen in applied) == [1, 2, 3, 4, 5, 6]
    await user.no_lag("example", READ)
    assert service.logged("header_name_not_utf8")
    assert await service.stop() == 0


async def test_a_flood_of_dead_letters_slows_its_partition_down_and_ends_nothing(
    user: Client, example: Example
) -> None:
    topic = READ[0]
    places = {await user.send_raw(topic, b"flood", b"no message", [], partition=0) for _ in range(40)}
    service = await example(dead_in_a_row="10", batch="20").start().ready()
    counter = new_id()
    await user.send(AddToCounter(counter=counter, amount=3))
    await user.wait_for(lambda seen: of(seen, counter) == 3)
    await user.no_lag("example", READ)
    await user.caught_up()
    assert places <= letters(user, topic).keys()
    assert service.logged("partition_slowed")
    assert await service.stop() == 0
