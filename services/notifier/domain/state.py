"""The states of the notifier's aggregates."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from services.notifier.domain.letters import Letter
from shared.contracts.notifier import DeliveryStatus, Occasion, Recipient
from shared.contracts.parts import Problem
from shared.contracts.servicing_executor import OperationKind


class Frozen(BaseModel):
    """A value that is never changed."""

    model_config = ConfigDict(frozen=True)


class Audience(Frozen):
    """A project's recipients, in the order in which they were added."""

    recipients: tuple[Recipient, ...] = ()


class KnownOperation(Frozen):
    """What the mails about an operation call it."""

    kind: OperationKind
    update_name: str | None


class Delivery(Frozen):
    """A notification for one recipient."""

    id: str
    """Derived from notification and address: names its work, its timer and its mail."""
    address: str
    message_id: str
    begun: bool = False
    """A first attempt was started; those behind it in the queue wait for it."""
    attempts: int = 0
    """How many have ended without the server's acceptance."""
    status: DeliveryStatus = DeliveryStatus.PENDING
    sent_at: datetime | None = None
    problem: Problem | None = None
    """Why it failed; of one that is pending: why its last attempt did."""


class Notification(Frozen):
    """One transition, told to everybody who was a recipient at that moment."""

    id: str
    project: str
    environment: str | None
    occasion: Occasion
    subject: str
    told_at: datetime
    letter: Letter | None
    """What is told; forgotten when every delivery has ended."""
    promotion: str | None = None
    app_id: str | None = None
    base: str | None = None
    deliveries: tuple[Delivery, ...] = ()
