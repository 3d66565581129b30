"""The states of audiences and notifications."""

from datetime import datetime

from pydantic import AliasChoices, Field

from services.notifier.domain.mail_content import STORED_ONCE_AS, MailContent
from shared.contracts.notifier import DELIVERY_LIFECYCLE, DeliveryStatus, Occasion, Recipient
from shared.contracts.parts import Problem
from shared.kernel import State


class Audience(State):
    """A project's recipients, in the order in which they were added."""

    recipients: tuple[Recipient, ...] = ()


class DeliveryState(State):
    """A notification for one recipient."""

    lifecycle = DELIVERY_LIFECYCLE

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


class Notification(State):
    """One transition, told to everybody who was a recipient at that moment."""

    id: str
    project: str
    environment: str | None
    occasion: Occasion
    subject: str
    told_at: datetime
    content: MailContent | None = Field(validation_alias=AliasChoices("content", STORED_ONCE_AS))
    """What is told; forgotten when every delivery has ended."""
    promotion: str | None = None
    app_id: str | None = None
    base: str | None = None
    deliveries: tuple[DeliveryState, ...] = ()
