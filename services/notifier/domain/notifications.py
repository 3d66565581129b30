"""How a transition becomes a notification to everybody who is a recipient at that moment."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.notifier.domain.audience import addresses
from services.notifier.domain.deliveries import begin, new_delivery
from services.notifier.domain.letters import Letter
from services.notifier.domain.state import Audience, KnownEnvironment, Notification
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    RemediationEnded,
    RemediationReminded,
    RemovalDue,
)
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionRefused,
    PromotionScheduled,
    RolloutPlanned,
    RolloutSkipped,
)
from shared.contracts.servicing_executor import (
    EnvironmentStatusChanged,
    OperationAccepted,
    OperationFinished,
    OperationHeld,
)
from shared.kernel.decision import Decision

Told = (
    OperationAccepted
    | EnvironmentStatusChanged
    | OperationHeld
    | OperationFinished
    | PromotionScheduled
    | PromotionCancelled
    | PromotionRefused
    | ExtensionIncompatible
    | RemediationReminded
    | RemovalDue
    | RemediationEnded
    | RolloutPlanned
    | RolloutSkipped
)
"""The events that recipients are told."""


@dataclass(frozen=True)
class Recipients:
    """Who is to be told."""

    audience: Audience | None


@dataclass(frozen=True)
class EnvironmentFacts(Recipients):
    """Who is to be told, and what is known of the environment."""

    environment: KnownEnvironment | None


def notification_id(message: Envelope[Told]) -> str:
    """`<project>/<id of the event>`: an event that comes twice is one notification."""
    return f"{message.data.project}/{message.id}"


def tell(
    message: Envelope[Told], occasion: Occasion, letter: Letter, facts: Recipients, now: datetime, **values: Any
) -> Decision[Notification]:
    """A new notification with a delivery for each recipient. Without any it is recorded, and said to be told nobody."""
    id_ = notification_id(message)
    told = message.data
    notification = Notification(
        id=id_,
        project=told.project,
        environment=told.environment,
        occasion=occasion,
        subject=letter.subject,
        told_at=now,
        letter=letter,
        deliveries=tuple(new_delivery(id_, address) for address in addresses(facts.audience, told.environment)),
        **values,
    )
    return begin(notification)
