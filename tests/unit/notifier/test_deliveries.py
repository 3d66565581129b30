"""A delivery is tried until it is accepted, refused, or given up."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.domain.deliveries import (
    AT_ONCE,
    LONGEST_WAIT,
    Deliveries,
    NotificationChange,
    new_delivery,
    try_again,
    wait_after,
)
from services.notifier.domain.state import Notification
from services.notifier.domain.work import Attempt, ServerAnswer
from shared.contracts.message import Event
from shared.contracts.notifier import DeliveryStatus, NotificationFailed, NotificationSent, Reason
from shared.contracts.parts import Problem
from shared.kernel import UNCHANGED, Decision, Failure, Permanent, TimerDue, WorkEnded
from tests.support.told_events import AT, accepted
from tests.unit.notifier.told import tell

KEEP_TRYING = timedelta(days=4)
POLICY = Deliveries(KEEP_TRYING)


def ended(id_: str, answer: ServerAnswer | None, now: datetime = AT) -> WorkEnded[Attempt]:
    """An attempt with this answer; None: it broke down without one."""
    if answer is None:
        return WorkEnded("deliver", id_, None, Failure("crashed", "the process ended in the middle", 3))
    return WorkEnded("deliver", id_, Attempt(answer=answer, said="550 no", at=now), None)


def fresh(count: int = 1) -> tuple[Notification, list[str]]:
    """A notification that was just made, and the ids of its deliveries."""
    told = tell(accepted("contoso"), [f"person{number}@contoso.example" for number in range(count)]).state
    assert told is not None
    return told, [one.id for one in told.deliveries]


def attempt(state: Notification, id_: str, answer: ServerAnswer | None, now: datetime = AT) -> Decision[Notification]:
    return POLICY.attempted(state, ended(id_, answer, now), None, now)


def test_an_accepted_mail_is_sent_and_what_is_told_is_forgotten() -> None:
    told, [id_] = fresh()
    decision = attempt(told, id_, ServerAnswer.ACCEPTED)
    assert decision.state is not None
    assert decision.state.deliveries[0].status is DeliveryStatus.SENT
    assert decision.state.deliveries[0].sent_at == AT
    assert decision.state.content is None
    [event] = decision.events
    assert isinstance(event, NotificationSent)
    assert event.message_id == told.deliveries[0].message_id


def test_a_refused_mail_has_failed_at_once() -> None:
    told, [id_] = fresh()
    decision = attempt(told, id_, ServerAnswer.REFUSED)
    assert not decision.timers
    [event] = decision.events
    assert isinstance(event, NotificationFailed)
    assert event.problem.reason == Reason.REFUSED_BY_SERVER
    assert event.problem.message == "550 no"


@pytest.mark.parametrize(("early", "given_up"), [(timedelta(microseconds=1), False), (timedelta(), True)])
def test_a_mail_is_tried_up_to_its_last_moment(early: timedelta, *, given_up: bool) -> None:
    told, [id_] = fresh()
    decision = attempt(told, id_, ServerAnswer.DEFERRED, AT + KEEP_TRYING - early)
    assert bool(decision.events) is given_up
    assert bool(decision.timers) is not given_up


@pytest.mark.parametrize(
    ("answer", "reason"), [(ServerAnswer.DEFERRED, Reason.SERVER_UNREACHABLE), (None, Reason.DELIVERY_FAILED)]
)
def test_what_fails_for_now_is_tried_again_and_given_up_in_the_end(answer: ServerAnswer | None, reason: Reason) -> None:
    state, [id_] = fresh()
    now, attempts = AT, 0
    while True:
        decision = attempt(state, id_, answer, now)
        attempts += 1
        assert decision.state is not None
        state = decision.state
        if decision.events:
            break
        [(name, due)] = decision.timers.items()
        assert name == f"again:{id_}"
        assert due is not None
        assert now < due <= now + LONGEST_WAIT
        now = due
        retried = try_again(state, TimerDue("again", id_, due), None, now)
        assert list(retried.work) == [f"deliver:{id_}"]
    [event] = decision.events
    assert isinstance(event, NotificationFailed)
    assert event.problem.reason == reason
    assert AT + KEEP_TRYING <= now <= AT + KEEP_TRYING + LONGEST_WAIT
    assert attempts < 500


def test_the_waits_grow_to_their_limit() -> None:
    waits = [wait_after(attempts).total_seconds() for attempts in range(1, 2000)]
    assert waits[:5] == [2, 4, 8, 16, 32]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT.total_seconds()


@pytest.mark.parametrize("late", list(ServerAnswer))
def test_what_is_told_of_a_delivery_that_has_ended_changes_nothing(late: ServerAnswer) -> None:
    told, [id_] = fresh()
    sent = attempt(told, id_, ServerAnswer.ACCEPTED).state
    assert sent is not None
    assert attempt(sent, id_, late) is UNCHANGED
    assert try_again(sent, TimerDue("again", id_, AT), None, AT) is UNCHANGED


def test_a_delivery_that_was_sent_cannot_fail_any_more() -> None:
    told, [id_] = fresh()
    sent = attempt(told, id_, ServerAnswer.ACCEPTED).state
    assert sent is not None
    change = NotificationChange(sent, AT)
    problem = Problem(reason=Reason.REFUSED_BY_SERVER, message="550 no")
    with pytest.raises(Permanent, match="that is sent cannot become failed"):
        change.failed(sent.deliveries[0], problem)
    assert change.state == sent


def test_ids_follow_from_notification_and_address_in_any_case() -> None:
    one = new_delivery("contoso/e1", "Ada@contoso.example")
    assert one.id == new_delivery("contoso/e1", "ada@contoso.example").id
    assert one.id != new_delivery("contoso/e2", "ada@contoso.example").id
    assert one.message_id == f"<{one.id}@notifier.drydock>"


@given(st.data())
def test_in_any_order_of_answers_each_recipient_is_settled_by_exactly_one_event(data: st.DataObject) -> None:
    count = data.draw(st.integers(1, AT_ONCE + 4))
    addresses = [f"person{number}@contoso.example" for number in range(count)]
    first = tell(accepted("contoso"), addresses)
    assert first.state is not None
    state: Notification = first.state
    open_, timers, told = set(first.work), set[str](), list[Event]()
    while open_ or timers:
        if timers and (not open_ or data.draw(st.booleans())):
            name = timers.pop()
            decision = try_again(state, TimerDue("again", name.partition(":")[2], AT), None, AT)
        else:
            name = data.draw(st.sampled_from(sorted(open_)))
            open_.remove(name)
            answer = data.draw(st.sampled_from([*ServerAnswer, None]))
            late = data.draw(st.integers(0, 10)) > 6
            decision = attempt(state, name.partition(":")[2], answer, AT + KEEP_TRYING * int(late))
        assert decision.state is not None
        state = decision.state
        assert not open_ & set(decision.work)
        open_ |= set(decision.work)
        timers |= set(decision.timers)
        told.extend(decision.events)
    settled = [event.address for event in told if isinstance(event, NotificationSent | NotificationFailed)]
    assert sorted(settled) == sorted(addresses)
    assert state.content is None
