"""Messages of notifier: who is told, and what became of it."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from shared.contracts.message import Command, Event, Instant, Part, Snapshot
from shared.contracts.parts import Problem
from shared.contracts.scalars import AppId, BaseId, EnvironmentId, NotificationId, ProjectId, PromotionId

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


class Reason(StrEnum):
    """Why a command is refused, or why somebody was not told."""

    RECIPIENT_EXISTS = "RECIPIENT_EXISTS"
    """This address is told about this environment, or the whole project, already."""
    RECIPIENT_UNKNOWN = "RECIPIENT_UNKNOWN"
    """There is no such recipient to remove."""
    TOO_MANY_RECIPIENTS = "TOO_MANY_RECIPIENTS"
    """A project has at most 100 recipients."""
    REFUSED_BY_SERVER = "REFUSED_BY_SERVER"
    """The mail server refused the mail for good."""
    SERVER_UNREACHABLE = "SERVER_UNREACHABLE"
    """The mail server did not take the mail, however often it was tried."""
    DELIVERY_FAILED = "DELIVERY_FAILED"
    """The mail could not be made or handed over, by a fault of ours."""


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


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"


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


class AddRecipient(Command, key="project"):
    """Tell an address what happens in a project, or in one of its environments."""

    project: ProjectId
    address: Address
    environment: EnvironmentId | None = None
    """Only what concerns this environment; None: everything in the project."""


class RemoveRecipient(Command, key="project"):
    """Tell an address no longer."""

    project: ProjectId
    address: Address
    environment: EnvironmentId | None = None
    """As it was added."""


class AudienceChanged(Event, key="project"):
    """A project's recipients are others now."""

    project: ProjectId
    recipients: tuple[Recipient, ...] = Field(max_length=100)


class NotificationSent(Event, key="project"):
    """The mail server has accepted a mail to one recipient."""

    project: ProjectId
    environment: EnvironmentId | None
    notification: NotificationId
    occasion: Occasion
    address: Address
    message_id: str = Field(max_length=250)
    sent_at: Instant
    app_id: AppId | None
    """The extension, where it is about one."""
    base: BaseId | None
    """What it does not work with."""


class NotificationFailed(Event, key="project"):
    """One recipient could not be told."""

    project: ProjectId
    environment: EnvironmentId | None
    notification: NotificationId
    occasion: Occasion
    address: Address
    problem: Problem


class NobodyTold(Event, key="project"):
    """Something happened that recipients are told about, and there was no recipient."""

    project: ProjectId
    environment: EnvironmentId | None
    notification: NotificationId
    occasion: Occasion
    app_id: AppId | None
    """The extension, where it is about one."""
    base: BaseId | None


class AudienceSnapshot(Snapshot, key="project"):
    """A project's recipients."""

    project: ProjectId
    recipients: tuple[Recipient, ...] = Field(max_length=100)


class NotificationSnapshot(Snapshot, key="notification"):
    """A notification with its deliveries."""

    notification: NotificationId
    project: ProjectId
    environment: EnvironmentId | None
    occasion: Occasion
    subject: str = Field(max_length=250)
    """The mail's subject."""
    promotion: PromotionId | None
    deliveries: tuple[Delivery, ...] = Field(max_length=100)


MESSAGES = (
    AddRecipient,
    RemoveRecipient,
    AudienceChanged,
    NotificationSent,
    NotificationFailed,
    NobodyTold,
    AudienceSnapshot,
    NotificationSnapshot,
)
