"""A notification on its way: one mail for each recipient, tried until it is accepted, refused, or given up.

A mail server may be away for hours (RFC 5321, section 4.5.4.1, asks senders to go on for days), so that an attempt
that fails for now is repeated by timer, at growing intervals.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from pydantic import BaseModel

from services.notifier.domain.state import Delivery, Notification
from services.notifier.domain.work import Answer, Attempt, DeliveryInput
from shared.contracts.message import Event
from shared.contracts.notifier import DeliveryStatus, NobodyTold, NotificationFailed, NotificationSent, Reason
from shared.contracts.parts import Problem
from shared.contracts.scalars import sentence
from shared.kernel.decision import Decision, TimerDue, WorkEnded

AT_ONCE = 8
"""Deliveries of one notification that are begun together; the next begins when one of them was tried."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)

MAIL_DOMAIN = "notifier.drydock"
"""Right-hand side of the ids of mails and calendar entries: what is left of it is unique by itself."""


def new_delivery(notification: str, address: str) -> Delivery:
    """The delivery of a notification to an address; its ids follow from both."""
    id_ = sha256(f"{notification}\x1f{address.casefold()}".encode()).hexdigest()[:32]
    return Delivery(id=id_, address=address, message_id=f"<{id_}@{MAIL_DOMAIN}>")


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts that were deferred."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


def begin(state: Notification) -> Decision[Notification]:
    """The first deliveries of a new notification; without a recipient, the word that nobody was told."""
    draft = _Draft(state)
    if not state.deliveries:
        draft.nobody()
    for _ in range(AT_ONCE):
        draft.begin_next()
    return draft.decision()


@dataclass(frozen=True)
class Deliveries:
    """What becomes of deliveries. They are given up `keep_trying` after the notification came to be."""

    keep_trying: timedelta

    def attempted(
        self, state: Notification | None, ended: WorkEnded[Attempt], facts: None, now: datetime
    ) -> Decision[Notification]:
        """An attempt has ended."""
        delivery = _pending(state, ended.argument)
        if state is None or delivery is None:
            return Decision(state)
        draft = _Draft(state)
        attempt = ended.result
        if attempt and attempt.answer is Answer.ACCEPTED:
            draft.sent(delivery, attempt.at)
        elif attempt and attempt.answer is Answer.REFUSED:
            draft.failed(delivery, Problem(reason=Reason.REFUSED_BY_SERVER, message=sentence(attempt.said)))
        else:
            self._deferred(draft, delivery, _problem(ended), now)
        draft.begin_next()
        return draft.decision()

    def _deferred(self, draft: "_Draft", delivery: Delivery, problem: Problem, now: datetime) -> None:
        if now >= draft.state.told_at + self.keep_trying:
            draft.failed(delivery, problem)
            return
        attempts = delivery.attempts + 1
        draft.change(delivery, attempts=attempts, problem=problem)
        draft.timers[f"again:{delivery.id}"] = now + wait_after(attempts)


def try_again(state: Notification | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Notification]:
    """It is time for the next attempt."""
    delivery = _pending(state, timer.argument)
    if state is None or delivery is None:
        return Decision(state)
    draft = _Draft(state)
    draft.start(delivery)
    return draft.decision()


def _pending(state: Notification | None, id_: str) -> Delivery | None:
    if state is None:
        return None
    return next((one for one in state.deliveries if one.id == id_ and one.status is DeliveryStatus.PENDING), None)


def _problem(ended: WorkEnded[Attempt]) -> Problem:
    """Why an attempt came to nothing: the server's fault, or ours."""
    if ended.result:
        return Problem(reason=Reason.SERVER_UNREACHABLE, message=sentence(ended.result.said))
    message = ended.failure.message if ended.failure else "it ended without a result"
    return Problem(reason=Reason.DELIVERY_FAILED, message=sentence(message))


class _Draft:
    """One notification while a single decision about it is made."""

    def __init__(self, state: Notification) -> None:
        self.state = state
        self.events: list[Event] = []
        self.timers: dict[str, datetime | None] = {}
        self.work: dict[str, BaseModel | None] = {}

    def change(self, delivery: Delivery, **values: Any) -> Delivery:
        changed = delivery.model_copy(update=values)
        deliveries = tuple(changed if one.id == delivery.id else one for one in self.state.deliveries)
        self.state = self.state.model_copy(update={"deliveries": deliveries})
        return changed

    def begin_next(self) -> None:
        """Begin the first delivery that has not begun, if there is one."""
        waiting = next((one for one in self.state.deliveries if not one.begun), None)
        if waiting:
            self.start(self.change(waiting, begun=True))

    def start(self, delivery: Delivery) -> None:
        assert self.state.letter is not None
        self.work[f"deliver:{delivery.id}"] = DeliveryInput(
            project=self.state.project,
            address=delivery.address,
            message_id=delivery.message_id,
            date=self.state.told_at,
            letter=self.state.letter,
        )

    def nobody(self) -> None:
        state = self.state
        self.events.append(
            NobodyTold(
                project=state.project,
                environment=state.environment,
                notification=state.id,
                occasion=state.occasion,
                app_id=state.app_id,
                base=state.base,
            )
        )

    def sent(self, delivery: Delivery, at: datetime) -> None:
        self.change(delivery, status=DeliveryStatus.SENT, sent_at=at, problem=None)
        state = self.state
        self.events.append(
            NotificationSent(
                project=state.project,
                environment=state.environment,
                notification=state.id,
                occasion=state.occasion,
                address=delivery.address,
                message_id=delivery.message_id,
                sent_at=at,
                app_id=state.app_id,
                base=state.base,
            )
        )

    def failed(self, delivery: Delivery, problem: Problem) -> None:
        self.change(delivery, status=DeliveryStatus.FAILED, problem=problem)
        state = self.state
        self.events.append(
            NotificationFailed(
                project=state.project,
                environment=state.environment,
                notification=state.id,
                occasion=state.occasion,
                address=delivery.address,
                problem=problem,
            )
        )

    def decision(self) -> Decision[Notification]:
        """What was decided; the letter goes when nobody waits for it any more."""
        if all(one.status is not DeliveryStatus.PENDING for one in self.state.deliveries):
            self.state = self.state.model_copy(update={"letter": None})
        return Decision(self.state, events=self.events, timers=self.timers, work=self.work)
