"""How a transition becomes a notification to everybody who is a recipient at that moment."""

from dataclasses import dataclass
from datetime import datetime

from services.notifier.domain.audience import addresses
from services.notifier.domain.deliveries import begin, new_delivery
from services.notifier.domain.mail_content import MailContent
from services.notifier.domain.projections import EnvironmentProjection
from services.notifier.domain.state import Audience, Notification
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
from shared.kernel import Decision

NotifiedEvent = (
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

    environment: EnvironmentProjection | None


def notification_id(message: Envelope[NotifiedEvent]) -> str:
    """`<project>/<id of the event>`: an event that comes twice is one notification."""
    return f"{message.data.project}/{message.id}"


def notify(
    message: Envelope[NotifiedEvent],
    occasion: Occasion,
    content: MailContent,
    facts: Recipients,
    now: datetime,
    *,
    promotion: str | None = None,
    app_id: str | None = None,
    base: str | None = None,
) -> Decision[Notification]:
    """A new notification with a delivery for each recipient. Without any it is recorded, and said to be told nobody."""
    id_ = notification_id(message)
    event = message.data
    notification = Notification(
        id=id_,
        project=event.project,
        environment=event.environment,
        occasion=occasion,
        subject=content.subject,
        told_at=now,
        content=content,
        promotion=promotion,
        app_id=app_id,
        base=base,
        deliveries=tuple(new_delivery(id_, address) for address in addresses(facts.audience, event.environment)),
    )
    return begin(notification, now)
