"""Messages of notifier: who is told, and what became of it."""

from pydantic import Field

from shared.contracts.message import Command, Event, Instant, Snapshot
from shared.contracts.notifier.parts import Address, Delivery, Occasion, Recipient
from shared.contracts.parts import Problem
from shared.contracts.scalars import AppId, BaseId, EnvironmentId, NotificationId, ProjectId, PromotionId


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
