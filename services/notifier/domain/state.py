"""The states of the notifier's aggregates."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from services.notifier.domain.letters import Letter
from shared.contracts.extension_compatibility_checker import RemediationDates
from shared.contracts.notifier import DeliveryStatus, Occasion, Recipient
from shared.contracts.parts import ExtensionName, Problem
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


class KnownRemediation(Frozen):
    """An extension that is to be mended or removed, as the checker told of it last."""

    target_major: int
    extension: ExtensionName
    dependents: tuple[ExtensionName, ...] = ()
    """Those that would be removed with it."""
    removal: str | None = None
    """Id of the event that said first that it, with these dependents, is to be removed now; None: none has."""
    dates: RemediationDates


class KnownEnvironment(Frozen):
    """What the mails about extensions of an environment say of it beside what they are about."""

    heard: dict[str, int] = Field(default_factory=dict)
    """For each aggregate that tells of it: the sequence of the latest event that was taken in."""
    base_version: str | None = None
    """Of the base in use; None: not known."""
    promotion_start: datetime | None = None
    """Downtime start of the promotion that was scheduled last; None if that was cancelled."""
    rollout_start: datetime | None = None
    """When the next release is tried, or tried again; None: not by itself."""
    remediations: tuple[KnownRemediation, ...] = ()
    """Those that are open."""


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
