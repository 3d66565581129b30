"""One aggregate in one commit: what each input makes of its document."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, derived_id
from shared.contracts.message import Message
from shared.kernel import Decision, Failure, Permanent
from shared.kernel.client import OutgoingRecord
from shared.kernel.document import (
    ANSWERS_LIMIT,
    OUTBOX_GRACE,
    VIEW_AGAIN_AFTER,
    Document,
    Origin,
    OutboxEntry,
    Parked,
    PendingWork,
    new_document,
)
from shared.kernel.inputs import InputOutcome, ViewAgainInput
from shared.kernel.inputs.messages import DropParkedInput, ParkedInput
from shared.kernel.inputs.timers import TimerInput
from shared.kernel.inputs.work import (
    CheckpointInput,
    ClaimInput,
    HeartbeatInput,
    PutBackInput,
    WorkEndedInput,
    WorkInput,
)
from shared.kernel.records import RecordPosition, position_of
from shared.kernel.seen import SEEN_LIMIT
from shared.kernel.stored import from_stored, to_stored
from shared.kernel.unit_of_work import UnitOfWork
from tests.support.example.app import COUNTERS
from tests.support.example.domain import Brought, Counter, Other
from tests.support.example.example import (
    AddAsMuchAs,
    AddToCounter,
    AlarmRang,
    CounterChanged,
    CounterSnapshot,
    ErrandFailed,
    SetAlarm,
    StartErrand,
    Stumble,
)
from tests.support.example.neighbour import CountThis, SomethingHappened
from tests.unit.kernel.world import World, read

ERRAND = "errand:c/one"
LEASE = timedelta(seconds=30)


def stored(document: Document) -> Document:
    """The document as the next commit finds it."""
    return from_stored(to_stored(document, document.version + 1))


def receive(world: World, unit: UnitOfWork, message: Message, id_: str = "m1", facts: Any = None) -> InputOutcome:
    [arrived] = world.committer_sees(message, ids=[id_])
    return arrived.apply(unit, facts)


def retry(unit: UnitOfWork, parked: Parked, counter: Counter | None) -> InputOutcome:
    return ParkedInput(aggregate=COUNTERS, id="c", parked=parked).apply(unit, Other(counter))


def drop(unit: UnitOfWork, position: RecordPosition) -> InputOutcome:
    return DropParkedInput(aggregate=COUNTERS, id="c", position=position).apply(unit, None)


def fire(unit: UnitOfWork) -> InputOutcome:
    return TimerInput(aggregate=COUNTERS, id="c", name="alarm:c").apply(unit, None)


def claim(unit: UnitOfWork, owner: str) -> PendingWork | None:
    """What `owner` gets of the errand."""
    wanted = ClaimInput(aggregate=COUNTERS, id="c", name=ERRAND, owner=owner, lease=LEASE)
    outcome = wanted.apply(unit, None)
    assert (outcome is InputOutcome.APPLIED) == (wanted.claimed is not None)
    return wanted.claimed


def held(unit: UnitOfWork, kind: type[WorkInput], epoch: int, **fields: Any) -> InputOutcome:
    """What comes of something that a worker does under the lease `epoch`."""
    return kind(aggregate=COUNTERS, id="c", name=ERRAND, epoch=epoch, **fields).apply(unit, None)


def kinds(unit: UnitOfWork) -> list[type]:
    return [type(envelope.data) for envelope in read(unit.document.outbox)]


def test_a_message_changes_the_state_and_leaves_its_event_and_one_snapshot(world: World) -> None:
    unit = world.unit()
    assert receive(world, unit, AddToCounter(counter="c", amount=2), "m1") is InputOutcome.APPLIED
    assert receive(world, unit, AddToCounter(counter="c", amount=3), "m2") is InputOutcome.APPLIED
    document = unit.finish()
    assert document.state == {"value": 5, "changes": 2, "errands": []}
    assert kinds(unit) == [CounterChanged, CounterChanged, CounterSnapshot]
    first, second, snapshot = read(document.outbox)
    assert (first.sequence, second.sequence) == (1, 2)
    assert (first.causation, first.correlation, first.subject) == ("m1", "m1", "counters/c")
    assert snapshot.data.value == 5
    assert snapshot.sequence == document.outbox[-1].n
    assert document.outbox_due == world.clock() + OUTBOX_GRACE


def test_a_view_that_did_not_change_is_not_shown_again(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=2))
    again = world.unit(stored(unit.finish()), published=10**18)
    receive(world, again, SetAlarm(counter="c", at=world.clock() + LEASE), "m2")
    assert again.finish().outbox == []


def test_a_refusal_changes_nothing_but_answers(world: World) -> None:
    unit = world.unit()
    assert receive(world, unit, AddToCounter(counter="c", amount=-1)) is InputOutcome.REJECTED
    document = unit.finish()
    assert document.state is None
    [answer] = read(document.outbox)
    assert isinstance(answer.data, CommandRejected)
    assert (answer.data.reason, answer.data.facts, answer.data.command_id) == ("BELOW_ZERO", {"value": 0}, "m1")
    assert document.idle_since is None
    assert world.unit(stored(document), published=10**18).finish().idle_since == world.clock()


def test_a_repeat_changes_nothing_and_answers_again(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=2))
    again = world.unit(stored(unit.finish()), published=10**18)
    assert receive(world, again, AddToCounter(counter="c", amount=2)) is InputOutcome.DUPLICATE
    assert again.finish().state == {"value": 2, "changes": 1, "errands": []}
    assert read(again.document.outbox) == read(unit.document.outbox)[:1]


def test_an_answer_that_is_sent_again_is_stored_under_a_number_of_its_own(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=2))
    again = world.unit(stored(unit.finish()), published=10**18)
    receive(world, again, AddToCounter(counter="c", amount=2))
    [answer] = stored(again.finish()).outbox
    assert answer.n == again.document.entries == unit.document.entries + 1


def test_a_repeat_adds_no_answer_while_the_first_still_waits(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=2))
    receive(world, unit, AddToCounter(counter="c", amount=2))
    assert kinds(unit) == [CounterChanged]


def test_what_was_seen_and_answered_is_remembered_up_to_a_limit(world: World) -> None:
    unit = world.unit()
    for at in range(SEEN_LIMIT + 1):
        receive(world, unit, AddToCounter(counter="c", amount=1), f"m{at}")
    assert len(unit.document.seen) == SEEN_LIMIT * 8
    # What this commit decides may be decided once more: only what is stored may leave the document.
    assert (len(unit.document.answers), unit.outgrown) == (SEEN_LIMIT + 1, {})
    assert receive(world, unit, AddToCounter(counter="c", amount=1), "m1") is InputOutcome.DUPLICATE
    assert receive(world, unit, AddToCounter(counter="c", amount=1), "m0") is InputOutcome.APPLIED
    following = world.unit(unit.document)
    receive(world, following, AddToCounter(counter="c", amount=1), "one more")
    assert len(following.document.answers) == ANSWERS_LIMIT
    assert len(following.outgrown) > SEEN_LIMIT - ANSWERS_LIMIT


def test_what_was_published_leaves_the_outbox(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=2))
    document = stored(unit.finish())
    unchanged = world.unit(document, published=document.outbox[0].n - 1)
    assert not unchanged.changed
    trimmed = world.unit(document, published=document.outbox[0].n)
    assert trimmed.changed
    assert kinds(trimmed) == [CounterSnapshot]
    assert trimmed.finish().outbox_due == world.clock() + OUTBOX_GRACE
    assert world.unit(stored(document), published=document.entries).finish().outbox_due is None


def test_who_adds_to_an_outbox_has_the_time_anew_to_send_it(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=2))
    document = stored(unit.finish())
    world.clock.jump(10)
    assert world.unit(stored(document)).finish().outbox_due == world.clock() - timedelta(seconds=10) + OUTBOX_GRACE
    added = world.unit(stored(document))
    receive(world, added, AddToCounter(counter="c", amount=2), "m2")
    assert added.finish().outbox_due == world.clock() + OUTBOX_GRACE


def test_a_message_is_parked_until_what_it_refers_to_is_there(world: World) -> None:
    unit = world.unit()
    message = AddAsMuchAs(counter="c", other="d")
    assert receive(world, unit, message, facts=Other(None)) is InputOutcome.PARKED
    assert receive(world, unit, message, facts=Other(None)) is InputOutcome.DUPLICATE
    document = stored(unit.finish())
    [parked] = document.parked
    assert (parked.waits_for, parked.until) == ("d", world.clock() + timedelta(seconds=10))
    later = world.unit(document)
    assert retry(later, parked, Counter(value=7)) is InputOutcome.APPLIED
    assert later.finish().parked == []
    assert later.document.state == {"value": 7, "changes": 1, "errands": []}
    assert retry(later, parked, Counter()) is InputOutcome.SKIPPED


def test_a_parked_command_is_refused_as_unknown_when_its_time_is_up(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddAsMuchAs(counter="c", other="d"), facts=Other(None))
    [parked] = unit.document.parked
    world.clock.jump(9)
    waiting = world.unit(unit.finish())
    assert retry(waiting, parked, None) is InputOutcome.PARKED
    assert waiting.document.parked[0].retry == waiting.document.parked[0].until
    world.clock.jump(1)
    over = world.unit(waiting.finish())
    assert retry(over, parked, None) is InputOutcome.REJECTED
    [answer] = read(over.finish().outbox)
    assert (answer.data.reason, answer.causation) == ("UNKNOWN", "m1")


def test_a_parked_message_that_became_a_dead_letter_is_applied_when_it_is_redriven(world: World) -> None:
    unit = world.unit()
    message = AddAsMuchAs(counter="c", other="d")
    receive(world, unit, message, facts=Other(None))
    position = position_of(unit.document.parked[0])
    assert drop(unit, position) is InputOutcome.APPLIED
    assert drop(unit, position) is InputOutcome.SKIPPED
    assert receive(world, unit, message, facts=Other(Counter(value=7))) is InputOutcome.APPLIED


def test_an_event_cannot_be_refused(world: World) -> None:
    [arrived] = world.committer_sees(SomethingHappened(counter="c"))
    unit = world.unit(Document("c", state={"value": -5, "changes": 0}))
    with pytest.raises(Permanent, match="what happened cannot be refused"):
        arrived.apply(unit, None)


def test_a_timer_fires_once_and_not_before_it_is_due(world: World) -> None:
    unit = world.unit()
    due = world.clock() + timedelta(seconds=5)
    receive(world, unit, SetAlarm(counter="c", at=due))
    assert fire(unit) is InputOutcome.SKIPPED
    document = stored(unit.finish())
    assert document.due_at == due or document.outbox_due
    world.clock.jump(5)
    later = world.unit(document)
    assert fire(later) is InputOutcome.APPLIED
    assert later.changed
    assert fire(later) is InputOutcome.SKIPPED
    [rang] = [envelope for envelope in read(later.finish().outbox) if isinstance(envelope.data, AlarmRang)]
    assert (rang.data.set_for, rang.causation) == (due, "m1")


def test_work_is_claimed_held_and_ended_under_one_epoch(world: World) -> None:
    unit = world.unit()
    receive(world, unit, StartErrand(counter="c", name="one", amount=4))
    first = claim(unit, "a")
    assert first
    assert (first.epoch, first.attempts, first.until) == (1, 1, world.clock() + LEASE)
    assert claim(unit, "b") is None
    world.clock.jump(31)
    later = world.unit(stored(unit.finish()))
    assert claim(later, "b")
    for late in (
        held(later, HeartbeatInput, 1, lease=LEASE),
        held(later, CheckpointInput, 1, reached=Brought(name="one", amount=1)),
        held(later, PutBackInput, 1, due=world.clock(), failed="late"),
        held(later, WorkEndedInput, 1, result=Brought(name="one", amount=4)),
    ):
        assert late is InputOutcome.SKIPPED
    assert held(later, HeartbeatInput, 2, lease=LEASE) is InputOutcome.APPLIED
    assert held(later, CheckpointInput, 2, reached=Brought(name="one", amount=1)) is InputOutcome.APPLIED
    assert held(later, WorkEndedInput, 2, result=Brought(name="one", amount=4)) is InputOutcome.APPLIED
    assert later.finish().state == {"value": 4, "changes": 1, "errands": []}
    assert held(later, WorkEndedInput, 2, result=Brought(name="one", amount=4)) is InputOutcome.SKIPPED


def test_work_that_is_put_back_counts_an_attempt_only_if_it_failed(world: World) -> None:
    unit = world.unit()
    receive(world, unit, StartErrand(counter="c", name="one", amount=4))
    claim(unit, "a")
    held(unit, PutBackInput, 1, due=world.clock())
    assert held(unit, HeartbeatInput, 1, lease=LEASE) is InputOutcome.SKIPPED
    again = claim(unit, "a")
    assert again
    assert again.attempts == 1
    held(unit, PutBackInput, 2, due=world.clock(), failed="it failed")
    last = claim(unit, "a")
    assert last
    assert (last.attempts, last.error) == (2, "it failed")
    failed = Failure("exhausted", "it failed", 2)
    assert held(unit, WorkEndedInput, 3, failure=failed) is InputOutcome.APPLIED
    assert kinds(unit)[-1] is ErrandFailed


def test_a_checkpoint_is_kept_with_its_work(world: World) -> None:
    unit = world.unit()
    receive(world, unit, StartErrand(counter="c", name="one", amount=4))
    claim(unit, "a")
    held(unit, CheckpointInput, 1, reached=Brought(name="one", amount=1))
    assert unit.document.work[ERRAND].checkpoint == {"name": "one", "amount": 1}


def test_a_command_that_follows_has_the_id_it_was_given_and_its_cause(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=100), "m1")
    [command] = [envelope for envelope in read(unit.document.outbox) if isinstance(envelope.data, CountThis)]
    assert (command.id, command.causation, command.sequence) == (derived_id("m1", "count"), "m1", None)


class Unencodable(Brought):
    """A model that cannot be written as JSON."""

    what: Any = object()


HUGE = "x" * 300_000
BAD_DECISIONS: dict[str, Decision[Any]] = {
    "an event that is too large": Decision(
        Counter(),
        [CounterChanged(counter="c", amount=1, value=1), CounterChanged.model_construct(counter=HUGE)],  # type: ignore[call-arg]  # no field is checked
    ),
    "another service's event": Decision(Counter(), [SomethingHappened(counter="c")]),
    "a state of another kind": Decision(Brought(name="x", amount=1)),
    "a timer that is not in the table": Decision(Counter(), timers={"nothing": None}),
    "work that is not in the table": Decision(Counter(), work={"nothing": None}),
    "work that cannot be written": Decision(Counter(), work={"errand:x": Unencodable(name="x", amount=1)}),
}


@pytest.mark.parametrize("what", BAD_DECISIONS)
def test_a_decision_that_cannot_be_kept_changes_nothing(world: World, what: str) -> None:
    unit = world.unit()
    receive(world, unit, SetAlarm(counter="c", at=world.clock()))
    receive(world, unit, StartErrand(counter="c", name="one", amount=4), "m2")
    claim(unit, "a")
    before = to_stored(unit.finish(), 1)
    decision = BAD_DECISIONS[what]
    again = world.unit(from_stored(before))

    def decide(*_: Any) -> Decision[Any]:
        return decision

    [arrived] = world.committer_sees(Stumble(counter="c"))
    steps: tuple[tuple[Any, Callable[[], InputOutcome]], ...] = (
        (again.service.handlers[Stumble.type][0], lambda: arrived.apply(again, None)),
        (again.service.timers["counters", "alarm"], lambda: fire(again)),
        (again.service.work["counters", "errand"], lambda: held(again, WorkEndedInput, 1)),
    )
    for line, step in steps:
        original = line.decide
        object.__setattr__(line, "decide", decide)
        try:
            with pytest.raises((ValueError, TypeError, KeyError, AttributeError)):
                step()
        finally:
            object.__setattr__(line, "decide", original)
    assert not again.changed
    assert to_stored(again.finish(), 1) == before


def test_a_checkpoint_that_cannot_be_kept_changes_nothing(world: World) -> None:
    unit = world.unit()
    receive(world, unit, StartErrand(counter="c", name="one", amount=4))
    claim(unit, "a")
    before = to_stored(unit.document, 1)
    with pytest.raises(ValueError, match="serialize"):
        held(unit, CheckpointInput, 1, reached=Unencodable(name="x", amount=1))
    assert to_stored(unit.document, 1) == before


def test_entries_leave_in_the_order_of_their_numbers(world: World) -> None:
    unit = world.unit()
    receive(world, unit, AddToCounter(counter="c", amount=100))
    document = unit.finish()
    numbers = [entry.n for entry in document.outbox]
    assert numbers == list(range(numbers[0], numbers[0] + 3))
    assert [entry.record.topic for entry in document.outbox] == [
        "drydock.example.events",
        "drydock.neighbour.commands",
        "drydock.example.snapshots",
    ]


def test_a_record_is_sent_as_it_is(world: World) -> None:
    unit = world.unit()
    record = OutgoingRecord("some-topic", None, b"\xff", [("name", None)])
    unit.apply(unit.effects(Decision(Counter(), records=[record]), Origin()))
    assert unit.document.outbox[0].record == record


@pytest.mark.parametrize("beyond", [0, 1])
def test_a_record_is_taken_up_to_what_its_topic_takes(world: World, beyond: int) -> None:
    topic = "drydock.example.events"
    most = world.service.catalogue.topics[topic].max_message_bytes
    record = OutgoingRecord(topic, None, b"x" * (most + beyond - OutgoingRecord(topic, None, b"", []).size), [])
    writer = world.unit().outbox_writer()
    with pytest.raises(ValueError, match="too large") if beyond else nullcontext():
        writer.add(record)
    assert len(writer.new) == 1 - beyond


def test_an_envelope_keeps_who_asked(world: World) -> None:
    unit = world.unit()
    [arrived] = world.committer_sees(AddToCounter(counter="c", amount=1))
    asked = Envelope(
        id="m", source="s", time=world.clock(), data=arrived.envelope.data, correlation="first", actor="ann"
    )
    replace(arrived, envelope=asked).apply(unit, None)
    [event] = read(unit.document.outbox)
    assert (event.correlation, event.causation, event.actor) == ("first", "m", "ann")


def test_snapshots_beside_the_view_are_sent_once_more_as_they_were_last(world: World) -> None:
    """Each under its own key; those of others, and events, are not."""
    first, second, event = (
        OutgoingRecord("drydock.example.snapshots", b"x", b"old", []),
        OutgoingRecord("drydock.example.snapshots", b"y", b"y", []),
        OutgoingRecord("drydock.example.events", b"x", b"event", []),
    )
    document = new_document("c", world.clock())
    document.outbox = [OutboxEntry(document.entries + at, record) for at, record in enumerate((first, second, event))]
    document.entries += 3
    unit = world.unit(document, overtakes=True)
    unit.touch()
    outbox = unit.outbox_writer()
    outbox.add(newer := replace(first, value=b"new"))
    outbox.add(OutgoingRecord("drydock.example.snapshots", b"z", b"z", []))
    outbox.keep()
    document = stored(unit.finish())
    assert document.view_again == world.clock() + VIEW_AGAIN_AFTER
    assert [entry.record for entry in document.again] == [newer, second]

    later = world.unit(document, published=document.entries)
    outbox = later.outbox_writer()
    outbox.add(newest := replace(first, value=b"newest"))
    outbox.keep()
    later.touch()
    document = stored(later.finish())
    later = world.unit(document, published=document.entries)
    later.send_snapshots_again()
    document = stored(later.finish())
    assert [entry.record for entry in document.outbox][:2] == [newest, second]
    assert document.view_again is None
    assert document.again == []


@pytest.mark.parametrize(("late", "expected"), [(False, InputOutcome.SKIPPED), (True, InputOutcome.APPLIED)])
def test_snapshots_that_another_process_has_sent_once_more_are_not_sent_again(
    world: World, late: bool, expected: InputOutcome
) -> None:
    """Unless this process knows that it was late since."""
    unit = world.unit()
    assert receive(world, unit, AddToCounter(counter="c", amount=1)) is InputOutcome.APPLIED
    document = stored(unit.finish())
    again = world.unit(document, published=document.entries - 1)
    again.changed = False
    input_ = ViewAgainInput(aggregate=COUNTERS, id="c", late=late)
    assert input_.apply(again, None) is expected
