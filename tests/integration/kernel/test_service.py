"""A service on real engines: what a user sees of the kernel when nothing goes wrong."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.contracts.common import CommandRejected
from shared.contracts.envelope import new_id
from tests.support.example.example import (
    AddAsMuchAs,
    AddToCounter,
    AlarmRang,
    CounterChanged,
    CounterSnapshot,
    SetAlarm,
    StartErrand,
)
from tests.support.example.neighbour import CountThis, SomethingHappened
from tests.support.services import Client, Seen, ServiceProcess

Example = Callable[..., ServiceProcess]


def of(counter: str, *types: type) -> Callable[[Seen], bool]:
    """Messages of some types about a counter."""
    return lambda seen: isinstance(seen.envelope.data, types) and seen.key == counter.encode()


async def test_commands_events_timers_and_work_change_an_aggregate(user: Client, example: Example) -> None:
    service = example()
    service.cold = True
    await service.start().ready()
    counter = new_id()
    command = await user.send(AddToCounter(counter=counter, amount=98))
    await user.send(SomethingHappened(counter=counter))
    due = datetime.now(UTC) + timedelta(seconds=0.3)
    await user.send(SetAlarm(counter=counter, at=due))
    await user.send(StartErrand(counter=counter, name="one", amount=1))

    changed = [seen.envelope for seen in await user.wait_for(of(counter, CounterChanged), 3)]
    assert sorted(envelope.data.amount for envelope in changed) == [1, 1, 98]  # type: ignore[attr-defined]
    first = next(envelope for envelope in changed if envelope.data.amount == 98)  # type: ignore[attr-defined]
    assert first.causation == command
    assert first.actor == "tester"
    [rang] = await user.wait_for(of(counter, AlarmRang))
    assert isinstance(rang.envelope.data, AlarmRang)
    assert rang.envelope.data.set_for == due
    assert rang.envelope.data.rang_at >= due
    [sent] = await user.wait_for(of(counter, CountThis))
    assert isinstance(sent.envelope.data, CountThis)
    assert sent.envelope.data.value == 100
    snapshots = await user.wait_for(
        lambda seen: of(counter, CounterSnapshot)(seen) and seen.envelope.data.value == 100  # type: ignore[attr-defined]
    )
    assert len(snapshots) == 1
    everything = [seen.envelope.sequence for seen in user.seen if of(counter, CounterChanged, AlarmRang)(seen)]
    assert everything == [1, 2, 3, 4]
    assert await service.stop() == 0


async def test_a_refusal_is_an_answer_and_a_repeat_gets_it_again(user: Client, example: Example) -> None:
    await example().start().ready()
    counter, command = new_id(), new_id()
    await user.send(AddToCounter(counter=counter, amount=-1), id=command)
    await user.wait_for(of(counter, CommandRejected))
    await user.send(AddToCounter(counter=counter, amount=-1), id=command)
    first, again = [seen.envelope for seen in await user.wait_for(of(counter, CommandRejected), 2, copies=True)]
    assert isinstance(first.data, CommandRejected)
    assert first.data.reason == "BELOW_ZERO"
    assert first.data.facts == {"value": 0}
    assert first.data.command_id == command
    assert again == first


async def test_a_repeated_command_changes_nothing_and_gets_its_event_again(user: Client, example: Example) -> None:
    await example().start().ready()
    counter, command = new_id(), new_id()
    events = []
    for times in range(1, 4):
        await user.send(AddToCounter(counter=counter, amount=5), id=command)
        events = [seen.envelope for seen in await user.wait_for(of(counter, CounterChanged), times, copies=True)]
    assert len({event.id for event in events}) == 1
    await user.send(AddToCounter(counter=counter, amount=1))
    last = (await user.wait_for(of(counter, CounterChanged), 4, copies=True))[-1].envelope
    assert isinstance(last.data, CounterChanged)
    assert last.data.value == 6


async def test_a_command_may_come_before_what_it_refers_to(user: Client, example: Example) -> None:
    await example().start().ready()
    counter, other = new_id(), new_id()
    await user.send(AddAsMuchAs(counter=counter, other=other))
    await user.send(AddToCounter(counter=other, amount=7))
    [changed] = await user.wait_for(of(counter, CounterChanged), seconds=8)
    assert isinstance(changed.envelope.data, CounterChanged)
    assert changed.envelope.data.value == 7


async def test_what_never_becomes_known_is_refused_as_unknown(user: Client, example: Example) -> None:
    await example().start().ready()
    counter = new_id()
    command = await user.send(AddAsMuchAs(counter=counter, other=new_id()))
    [refused] = await user.wait_for(of(counter, CommandRejected))
    assert isinstance(refused.envelope.data, CommandRejected)
    assert refused.envelope.data.reason == "UNKNOWN"
    assert refused.envelope.data.command_id == command


async def test_what_is_two_months_away_is_rehearsed_with_the_clock_ahead(user: Client, example: Example) -> None:
    service = await example().start().ready()
    counter, due = new_id(), datetime.now(UTC) + timedelta(days=60)
    await user.send(SetAlarm(counter=counter, at=due))
    await user.no_lag("example", ["drydock.example.commands"])
    assert await service.stop() == 0
    await example(clock_ahead="P61D").start().ready()
    [rang] = await user.wait_for(of(counter, AlarmRang))
    assert isinstance(rang.envelope.data, AlarmRang)
    assert rang.envelope.data.set_for == due
    assert timedelta(0) < rang.envelope.data.rang_at - due < timedelta(days=2)
    assert rang.envelope.time > due
