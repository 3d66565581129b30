"""Where notifications stand, and where they can go from there."""

from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


DELIVERY_LIFECYCLE = Lifecycle(
    DeliveryStatus,
    """
    [*] --> pending
    pending --> sent : the mail server has accepted the mail
    pending --> failed : it refuses the mail, or was not reached in all the time
    """,
)
