"""What the notifier keeps of operations, so that a mail can say what an event leaves out."""

from datetime import datetime, timedelta

from services.notifier.domain.state import KnownOperation
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import OperationAccepted, OperationFinished
from shared.kernel.decision import Decision, TimerDue

KEPT_FOR = timedelta(days=15)
"""How long an operation that has ended is remembered: longer than its events are kept, so that each finds it."""


def operation_accepted(
    state: KnownOperation | None, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[KnownOperation]:
    """An operation has begun."""
    accepted = message.data
    return Decision(state or KnownOperation(kind=accepted.operation_kind, update_name=accepted.update_name))


def operation_finished(
    state: KnownOperation | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[KnownOperation]:
    """An operation has ended: it need not be known for ever."""
    return Decision(state, timers={"forget": now + KEPT_FOR} if state else {})


def forget(state: KnownOperation | None, timer: TimerDue, facts: None, now: datetime) -> Decision[KnownOperation]:
    """Nothing is told of the operation any more."""
    return Decision(None)
