"""A notification on its way: one mail for each recipient, tried until it is accepted, refused, or given up.

A mail server may be away for hours (RFC 5321, section 4.5.4.1, asks senders to go on for days), so that an attempt
that fails for now is repeated by timer, at growing intervals.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from services.notifier.domain.state import DeliveryState, Notification
from services.notifier.domain.work import Attempt, DeliveryInput, ServerAnswer
from shared.contracts.notifier import DeliveryStatus, NobodyTold, NotificationFailed, NotificationSent, Reason
from shared.contracts.parts import Problem
from shared.contracts.scalars import sentence
from shared.kernel import UNCHANGED, Decision, DecisionBuilder, TimerDue, WorkEnded

AT_ONCE = 8
"""Deliveries of one notification that are begun together; the next begins when one of them was tried."""
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)

MAIL_DOMAIN = "notifier.drydock"
"""Right-hand side of the ids of mails and calendar entries: what is left of it is unique by itself."""


def new_delivery(notification: str, address: str) -> DeliveryState:
    """The delivery of a notification to an address; its ids follow from both."""
    id_ = sha256(f"{notification}\x1f{address.casefold()}".encode()).hexdigest()[:32]
    return DeliveryState(id=id_, address=address, message_id=f"<{id_}@{MAIL_DOMAIN}>")


def wait_after(attempts: int) -> timedelta:
    """How long to wait after so many attempts that were deferred."""
    doublings = min(attempts - 1, 20)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)


class NotificationChange(DecisionBuilder[Notification]):
    """A decision about a notification and its deliveries."""

    def change(self, delivery: DeliveryState) -> None:
        """Put a delivery in the place of what it was."""
        self.replace(deliveries=tuple(delivery if one.id == delivery.id else one for one in self.state.deliveries))

    def begin_next(self) -> None:
        """Begin the first delivery that has not begun, if there is one."""
        waiting = next((one for one in self.state.deliveries if not one.begun), None)
        if waiting:
            self.change(waiting.replace(begun=True))
            self.attempt(waiting)

    def attempt(self, delivery: DeliveryState) -> None:
        """Hand a delivery to the mail server."""
        assert self.state.content is not None
        given = DeliveryInput(
            project=self.state.project,
            address=delivery.address,
            message_id=delivery.message_id,
            date=self.state.told_at,
            content=self.state.content,
        )
        self.start(f"deliver:{delivery.id}", given)

    def nobody_told(self) -> None:
        """There is no recipient."""
        state = self.state
        self.say(
            NobodyTold(
                project=state.project,
                environment=state.environment,
                notification=state.id,
                occasion=state.occasion,
                app_id=state.app_id,
                base=state.base,
            )
        )
        self._forget_content()

    def sent(self, delivery: DeliveryState, at: datetime) -> None:
        """The mail server has accepted the mail."""
        self.change(delivery.move(DeliveryStatus.SENT, sent_at=at, problem=None))
        state = self.state
        self.say(
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
        self._forget_content()

    def failed(self, delivery: DeliveryState, problem: Problem) -> None:
        """The recipient cannot be told."""
        self.change(delivery.move(DeliveryStatus.FAILED, problem=problem))
        state = self.state
        self.say(
            NotificationFailed(
                project=state.project,
                environment=state.environment,
                notification=state.id,
                occasion=state.occasion,
                address=delivery.address,
                problem=problem,
            )
        )
        self._forget_content()

    def deferred(self, delivery: DeliveryState, problem: Problem) -> None:
        """The mail server did not take the mail for now: it is tried again."""
        attempts = delivery.attempts + 1
        self.change(delivery.replace(attempts=attempts, problem=problem))
        self.at(f"again:{delivery.id}", self.now + wait_after(attempts))

    def _forget_content(self) -> None:
        """What is told is kept only for those who still wait for it."""
        if all(one.status is not DeliveryStatus.PENDING for one in self.state.deliveries):
            self.replace(content=None)


def begin(state: Notification, now: datetime) -> NotificationChange:
    """The first deliveries of a new notification; without a recipient, the word that nobody was told."""
    change = NotificationChange(state, now)
    if not state.deliveries:
        change.nobody_told()
    for _ in range(AT_ONCE):
        change.begin_next()
    return change


@dataclass(frozen=True)
class Deliveries:
    """What becomes of deliveries. They are given up `keep_trying` after the notification came to be."""

    keep_trying: timedelta

    def attempted(
        self, state: Notification, ended: WorkEnded[Attempt], facts: None, now: datetime
    ) -> Decision[Notification]:
        """An attempt has ended."""
        delivery = _pending(state, ended.argument)
        if delivery is None:
            return UNCHANGED
        change = NotificationChange(state, now)
        attempt = ended.result
        if attempt and attempt.answer is ServerAnswer.ACCEPTED:
            change.sent(delivery, attempt.at)
        elif attempt and attempt.answer is ServerAnswer.REFUSED:
            change.failed(delivery, Problem(reason=Reason.REFUSED_BY_SERVER, message=sentence(attempt.said)))
        elif now >= state.told_at + self.keep_trying:
            change.failed(delivery, _problem(ended))
        else:
            change.deferred(delivery, _problem(ended))
        change.begin_next()
        return change


def try_again(state: Notification, timer: TimerDue, facts: None, now: datetime) -> Decision[Notification]:
    """It is time for the next attempt."""
    delivery = _pending(state, timer.argument)
    if delivery is None:
        return UNCHANGED
    change = NotificationChange(state, now)
    change.attempt(delivery)
    return change


def _pending(state: Notification, id_: str) -> DeliveryState | None:
    return next((one for one in state.deliveries if one.id == id_ and one.status is DeliveryStatus.PENDING), None)


def _problem(ended: WorkEnded[Attempt]) -> Problem:
    """Why an attempt came to nothing: the server's fault, or ours."""
    if ended.result:
        return Problem(reason=Reason.SERVER_UNREACHABLE, message=sentence(ended.result.said))
    message = ended.failure.message if ended.failure else "it ended without a result"
    return Problem(reason=Reason.DELIVERY_FAILED, message=sentence(message))
