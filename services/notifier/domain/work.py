"""What a delivery's work is given, and what it brings back."""

from datetime import datetime
from enum import StrEnum

from pydantic import AliasChoices, Field

from services.notifier.domain.mail_content import STORED_ONCE_AS, MailContent
from shared.kernel import State


class DeliveryInput(State):
    """A mail to one recipient."""

    project: str
    address: str
    message_id: str
    date: datetime
    content: MailContent = Field(validation_alias=AliasChoices("content", STORED_ONCE_AS))


class ServerAnswer(StrEnum):
    """What became of one attempt."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: the same mail would be refused again."""
    DEFERRED = "deferred"
    """For now: the server was not there, or asked to try later."""


class Attempt(State):
    """How one attempt ended. `at` is when the server answered; `said` is what, for a person."""

    answer: ServerAnswer
    said: str
    at: datetime
