"""Messages of notifier: who is told, and what became of it."""

from shared.contracts.notifier.messages import (
    MESSAGES,
    AddRecipient,
    AudienceChanged,
    AudienceSnapshot,
    NobodyTold,
    NotificationFailed,
    NotificationSent,
    NotificationSnapshot,
    RemoveRecipient,
)
from shared.contracts.notifier.parts import Address, Delivery, Occasion, Recipient
from shared.contracts.notifier.reasons import Reason
from shared.contracts.notifier.states import DELIVERY_LIFECYCLE, DeliveryStatus

LIFECYCLES = (DELIVERY_LIFECYCLE,)

__all__ = [
    "DELIVERY_LIFECYCLE",
    "LIFECYCLES",
    "MESSAGES",
    "AddRecipient",
    "Address",
    "AudienceChanged",
    "AudienceSnapshot",
    "Delivery",
    "DeliveryStatus",
    "NobodyTold",
    "NotificationFailed",
    "NotificationSent",
    "NotificationSnapshot",
    "Occasion",
    "Reason",
    "Recipient",
    "RemoveRecipient",
]
