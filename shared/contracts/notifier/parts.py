"""What messages of notifier are made of."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from shared.contracts.message import Instant, Part
from shared.contracts.notifier.states import DeliveryStatus
from shared.contracts.parts import Problem
from shared.contracts.scalars import EnvironmentId

_ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"

Address = TypeAliasType(
    "Address",
    Annotated[
        str,
        StringConstraints(
            max_length=254,
            pattern=rf"^{_ATEXT}(\.{_ATEXT})*@{_LABEL}(\.{_LABEL})*$",  # RFC 5322, section 3.4.1, a dot-atom each side
        ),
        Field(description="Mail address.", examples=["erp-team@contoso.example"]),
    ],
)


class Occasion(StrEnum):
    """What recipients are told about."""

    UPDATE_QUEUED = "update-queued"
    UPDATE_STARTED = "update-started"
    UPDATE_SUCCEEDED = "update-succeeded"
    UPDATE_FAILED = "update-failed"
    UPDATE_ROLLED_BACK = "update-rolled-back"
    UPDATE_CANCELLED = "update-cancelled"
    UPDATE_HELD = "update-held"
    PROMOTION_SCHEDULED = "promotion-scheduled"
    PROMOTION_CANCELLED = "promotion-cancelled"
    PROMOTION_REFUSED = "promotion-refused"
    EXTENSION_INCOMPATIBLE = "extension-incompatible"
    EXTENSION_REMINDER = "extension-reminder"
    EXTENSION_REMOVAL_DUE = "extension-removal-due"
    EXTENSION_REMEDIATED = "extension-remediated"
    ROLLOUT_PLANNED = "rollout-planned"
    ROLLOUT_SKIPPED = "rollout-skipped"


class Recipient(Part):
    """Somebody who is told."""

    address: Address
    environment: EnvironmentId | None
    """Only what concerns this environment; None: everything in the project."""


class Delivery(Part):
    """What became of a notification for one recipient."""

    address: Address
    status: DeliveryStatus
    message_id: str = Field(max_length=250)
    """The mail's Message-ID, the same if it had to be sent again."""
    sent_at: Instant | None
    problem: Problem | None
