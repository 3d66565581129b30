"""One aggregate in one commit."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.kernel.changes import Receive
from shared.kernel.decision import Archived, Decision, Failure, Record, Send
from shared.kernel.document import ANSWERS_LIMIT, OUTBOX_GRACE, SEEN_LIMIT, Document, Origin, from_stored, to_stored
from shared.kernel.fold import Fold, Outcome, position_of
from shared.kernel.outcomes import Permanent
from tests.support.example.domain import Brought, Counter, Other
from tests.support.example.example import (
    AddAsMuchAs,
    AddToCounter,
    AlarmRang,
    CounterChanged,
    CounterSnapshot,
    ErrandFailed,
    Recount,
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


def receive(world: World, fold: Fold, message: Message, id_: str = "m1", facts: Any = None) -> Outcome:
    [change] = world.committer_sees(message, ids=[id_])
    return fold.receive(change.handler, change.envelope, facts, change.position)


def kinds(fold: Fold) -> list[type]:
    return [type(envelope.data) for envelope in read(fold.document.outbox)]


def test_a_message_changes_the_state_and_leaves_its_event_and_one_snapshot(world: World) -> None:
    fold = world.fold()
    assert receive(world, fold, AddToCounter(counter="c", amount=2), "m1") is Outcome.APPLIED
    assert receive(world, fold, AddToCounter(counter="c", amount=3), "m2") is Outcome.APPLIED
    document = fold.finish()
    assert document.state == {"value": 5, "changes": 2, "errands": []}
    assert kinds(fold) == [CounterChanged, CounterChanged, CounterSnapshot]
    first, second, snapshot = read(document.outbox)
    assert (first.sequence, second.sequence) == (1, 2)
    assert (first.causation, first.correlation, first.subject) == ("m1", "m1", "counters/c")
    assert snapshot.data.value == 5
    assert snapshot.sequence == document.outbox[-1].n
    assert document.outbox_due == world.clock() + OUTBOX_GRACE


def test_a_view_that_did_not_change_is_not_shown_again(world: World) -> None:
    fold = world.fold()
    receive(world, fold, AddToCounter(counter="c", amount=2))
    again = world.fold(stored(fold.finish()), published=10**18)
    receive(world, again, SetAlarm(counter="c", at=world.clock() + LEASE), "m2")
    assert again.finish().outbox == []


def test_a_refusal_changes_nothing_but_answers(world: World) -> None:
    fold = world.fold()
    assert receive(world, fold, AddToCounter(counter="c", amount=-1)) is Outcome.REJECTED
    document = fold.finish()
    assert document.state is None
    [answer] = read(document.outbox)
    assert isinstance(answer.data, CommandRejected)
    assert (answer.data.reason, answer.data.facts, answer.data.command_id) == ("BELOW_ZERO", {"value": 0}, "m1")
    assert document.idle_since is None
    assert world.fold(stored(document), published=10**18).finish().idle_since == world.clock()


def test_a_repeat_changes_nothing_and_answers_again(world: World) -> None:
    fold = world.fold()
    receive(world, fold, AddToCounter(counter="c", amount=2))
    again = world.fold(stored(fold.finish()), published=10**18)
    assert receive(world, again, AddToCounter(counter="c", amount=2)) is Outcome.DUPLICATE
    assert again.finish().state == {"value": 2, "changes": 1, "errands": []}
    assert read(again.document.outbox) == read(fold.document.outbox)[:1]


def test_a_repeat_adds_no_answer_while_the_first_still_waits(world: World) -> None:
    fold = world.fold()
    receive(world, fold, AddToCounter(counter="c", amount=2))
    receive(world, fold, AddToCounter(counter="c", amount=2))
    assert kinds(fold) == [CounterChanged]


def test_what_was_seen_and_answered_is_remembered_up_to_a_limit(world: World) -> None:
    fold = world.fold()
    for at in range(SEEN_LIMIT + 1):
        receive(world, fold, AddToCounter(counter="c", amount=1), f"m{at}")
    assert len(fold.document.seen) == SEEN_LIMIT * 8
    assert len(fold.document.answers) == ANSWERS_LIMIT
    assert receive(world, fold, AddToCounter(counter="c", amount=1), "m1") is Outcome.DUPLICATE
    assert receive(world, fold, AddToCounter(counter="c", amount=1), "m0") is Outcome.APPLIED


def test_what_was_published_leaves_the_outbox(world: World) -> None:
    fold = world.fold()
    receive(world, fold, AddToCounter(counter="c", amount=2))
    document = stored(fold.finish())
    unchanged = world.fold(document, published=document.outbox[0].n - 1)
    assert not unchanged.changed
    trimmed = world.fold(document, published=document.outbox[0].n)
    assert trimmed.changed
    assert kinds(trimmed) == [CounterSnapshot]
    assert trimmed.finish().outbox_due == world.clock() + OUTBOX_GRACE
    assert world.fold(stored(document), published=document.entries).finish().outbox_due is None


def test_a_message_is_parked_until_what_it_refers_to_is_there(world: World) -> None:
    fold = world.fold()
    message = AddAsMuchAs(counter="c", other="d")
    assert receive(world, fold, message, facts=Other(None)) is Outcome.PARKED
    assert receive(world, fold, message, facts=Other(None)) is Outcome.DUPLICATE
    document = stored(fold.finish())
    [parked] = document.parked
    assert (parked.waits_for, parked.until) == ("d", world.clock() + timedelta(seconds=10))
    later = world.fold(document)
    assert later.retry_parked(position_of(parked), Other(Counter(value=7))) is Outcome.APPLIED
    assert later.finish().parked == []
    assert later.document.state == {"value": 7, "changes": 1, "errands": []}
    assert later.retry_parked(position_of(parked), Other(Counter())) is Outcome.SKIPPED


def test_a_parked_command_is_refused_as_unknown_when_its_time_is_up(world: World) -> None:
    fold = world.fold()
    receive(world, fold, AddAsMuchAs(counter="c", other="d"), facts=Other(None))
    [parked] = fold.document.parked
    world.clock.jump(9)
    waiting = world.fold(fold.finish())
    assert waiting.retry_parked(position_of(parked), Other(None)) is Outcome.PARKED
    assert waiting.document.parked[0].retry == waiting.document.parked[0].until
    world.clock.jump(1)
    over = world.fold(waiting.finish())
    assert over.retry_parked(position_of(parked), Other(None)) is Outcome.REJECTED
    [answer] = read(over.finish().outbox)
    assert (answer.data.reason, answer.causation) == ("UNKNOWN", "m1")


def test_a_parked_message_that_became_a_dead_letter_is_applied_when_it_is_redriven(world: World) -> None:
    fold = world.fold()
    message = AddAsMuchAs(counter="c", other="d")
    receive(world, fold, message, facts=Other(None))
    position = position_of(fold.document.parked[0])
    assert fold.drop_parked(position) is Outcome.APPLIED
    assert fold.drop_parked(position) is Outcome.SKIPPED
    assert receive(world, fold, message, facts=Other(Counter(value=7))) is Outcome.APPLIED


def test_an_event_cannot_be_refused(world: World) -> None:
    [change] = world.committer_sees(SomethingHappened(counter="c"))
    fold = world.fold(Document("c", state={"value": -5, "changes": 0}))
    with pytest.raises(Permanent, match="what happened cannot be refused"):
        fold.receive(change.handler, change.envelope, None, change.position)


def test_a_timer_fires_once_and_not_before_it_is_due(world: World) -> None:
    fold = world.fold()
    due = world.clock() + timedelta(seconds=5)
    receive(world, fold, SetAlarm(counter="c", at=due))
    assert fold.fire("alarm:c", None) is Outcome.SKIPPED
    document = stored(fold.finish())
    assert document.due_at == due or document.outbox_due
    world.clock.jump(5)
    later = world.fold(document)
    assert later.fire("alarm:c", None) is Outcome.APPLIED
    assert later.fire("alarm:c", None) is Outcome.SKIPPED
    [rang] = [envelope for envelope in read(later.finish().outbox) if isinstance(envelope.data, AlarmRang)]
    assert (rang.data.set_for, rang.causation) == (due, "m1")


def test_work_is_claimed_held_and_ended_under_one_epoch(world: World) -> None:
    fold = world.fold()
    receive(world, fold, StartErrand(counter="c", name="one", amount=4))
    assert fold.claim(ERRAND, "a", LEASE) is Outcome.APPLIED
    [first] = fold.claimed
    assert (first.epoch, first.attempts, first.until) == (1, 1, world.clock() + LEASE)
    assert fold.claim(ERRAND, "b", LEASE) is Outcome.SKIPPED
    world.clock.jump(31)
    later = world.fold(stored(fold.finish()))
    assert later.claim(ERRAND, "b", LEASE) is Outcome.APPLIED
    for late in (
        later.beat(ERRAND, 1, LEASE),
        later.checkpoint(ERRAND, 1, Brought(name="one", amount=1), []),
        later.put_back(ERRAND, 1, world.clock(), "late"),
        later.end(ERRAND, 1, Brought(name="one", amount=4), None, None),
    ):
        assert late is Outcome.SKIPPED
    assert later.beat(ERRAND, 2, LEASE) is Outcome.APPLIED
    assert later.checkpoint(ERRAND, 2, Brought(name="one", amount=1), []) is Outcome.APPLIED
    assert later.end(ERRAND, 2, Brought(name="one", amount=4), None, None) is Outcome.APPLIED
    assert later.finish().state == {"value": 4, "changes": 1, "errands": []}
    assert later.end(ERRAND, 2, Brought(name="one", amount=4), None, None) is Outcome.SKIPPED


def test_work_that_is_put_back_counts_an_attempt_only_if_it_failed(world: World) -> None:
    fold = world.fold()
    receive(world, fold, StartErrand(counter="c", name="one", amount=4))
    fold.claim(ERRAND, "a", LEASE)
    fold.put_back(ERRAND, 1, world.clock(), None)
    fold.claim(ERRAND, "a", LEASE)
    assert fold.claimed[-1].attempts == 1
    fold.put_back(ERRAND, 2, world.clock(), "it failed")
    fold.claim(ERRAND, "a", LEASE)
    assert (fold.claimed[-1].attempts, fold.claimed[-1].error) == (2, "it failed")
    failed = Failure("exhausted", "it failed", 2)
    assert fold.end(ERRAND, 3, None, failed, None) is Outcome.APPLIED
    assert kinds(fold)[-1] is ErrandFailed


def test_a_checkpoint_sends_its_commands_with_it(world: World) -> None:
    fold = world.fold()
    receive(world, fold, StartErrand(counter="c", name="one", amount=4))
    fold.claim(ERRAND, "a", LEASE)
    sent = Send(CountThis(counter="c", value=1), id="derived")
    fold.checkpoint(ERRAND, 1, Brought(name="one", amount=1), [sent])
    [command] = [envelope for envelope in read(fold.document.outbox) if isinstance(envelope.data, CountThis)]
    assert (command.id, command.causation, command.sequence) == ("derived", "m1", None)
    assert fold.document.work[ERRAND].checkpoint == {"name": "one", "amount": 1}


def test_a_service_sends_no_command_whose_contract_does_not_name_it(world: World) -> None:
    fold = world.fold()
    receive(world, fold, StartErrand(counter="c", name="one", amount=4))
    fold.claim(ERRAND, "a", LEASE)
    with pytest.raises(TypeError, match=r"example is no sender of example\.recount\.v1"):
        fold.checkpoint(ERRAND, 1, Brought(name="one", amount=1), [Recount(counter="c", value=1)])


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
    "a record that no store takes": Decision(Counter(), archive=[Archived("kept", "1", {"number": 2**70})]),
}


@pytest.mark.parametrize("what", BAD_DECISIONS)
def test_a_decision_that_cannot_be_kept_changes_nothing(world: World, what: str) -> None:
    fold = world.fold()
    receive(world, fold, SetAlarm(counter="c", at=world.clock()))
    receive(world, fold, StartErrand(counter="c", name="one", amount=4), "m2")
    fold.claim(ERRAND, "a", LEASE)
    before = to_stored(fold.finish(), 1)
    decision = BAD_DECISIONS[what]
    again = world.fold(from_stored(before))

    def decide(*_: Any) -> Decision[Any]:
        return decision

    [change] = world.committer_sees(Stumble(counter="c"))
    steps: tuple[tuple[Any, Callable[[], Outcome]], ...] = (
        (again.service.handlers[Stumble.type][0], lambda: _receive(again, change)),
        (again.service.timers["counters", "alarm"], lambda: again.fire("alarm:c", None)),
        (again.service.work["counters", "errand"], lambda: again.end(ERRAND, 1, None, None, None)),
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


def _receive(fold: Fold, change: Receive) -> Outcome:
    return fold.receive(change.handler, change.envelope, None, change.position)


def test_a_checkpoint_that_cannot_be_kept_changes_nothing(world: World) -> None:
    fold = world.fold()
    receive(world, fold, StartErrand(counter="c", name="one", amount=4))
    fold.claim(ERRAND, "a", LEASE)
    entries = fold.document.entries
    with pytest.raises(ValueError, match="serialize"):
        fold.checkpoint(ERRAND, 1, Unencodable(name="x", amount=1), [CountThis(counter="c", value=1)])
    assert fold.document.entries == entries


def test_entries_leave_in_the_order_of_their_numbers(world: World) -> None:
    fold = world.fold()
    receive(world, fold, AddToCounter(counter="c", amount=100))
    document = fold.finish()
    numbers = [entry.n for entry in document.outbox]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert [entry.topic for entry in document.outbox] == [
        "drydock.example.events",
        "drydock.neighbour.commands",
        "#changes",
        "drydock.example.snapshots",
    ]


def test_a_record_is_sent_as_it_is(world: World) -> None:
    fold = world.fold()
    record = Record("some-topic", None, b"\xff", [("name", None)])
    fold._apply(fold._effects(Decision(Counter(), records=[record]), Origin()))
    entry = fold.document.outbox[0]
    assert (entry.topic, entry.key, entry.value, entry.headers) == ("some-topic", None, b"\xff", [("name", None)])


def test_an_envelope_keeps_who_asked(world: World) -> None:
    fold = world.fold()
    [change] = world.committer_sees(AddToCounter(counter="c", amount=1))
    asked = Envelope(
        id="m", source="s", time=world.clock(), data=change.envelope.data, correlation="first", actor="ann"
    )
    fold.receive(change.handler, asked, None, change.position)
    [event] = read(fold.document.outbox)
    assert (event.correlation, event.causation, event.actor) == ("first", "m", "ann")
