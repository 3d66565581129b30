"""notifier: recipients come and go, and everything that concerns them is told them once."""

from datetime import timedelta

from pydantic import Field, SecretStr

from services.notifier.channels.smtp import Security, SmtpChannel
from services.notifier.domain import audience, deliveries, extensions, known, notifications, promotions, state, updates
from services.notifier.domain.views import audience_view, notification_view
from services.notifier.steps import Steps
from shared.contracts.extension_compatibility_checker import ExtensionIncompatible
from shared.contracts.notifier import AddRecipient, Address, RemoveRecipient
from shared.contracts.promotion_scheduler import PromotionCancelled, PromotionScheduled
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import (
    EnvironmentStatusChanged,
    OperationAccepted,
    OperationFinished,
    OperationHeld,
)
from shared.kernel.app import Aggregate, Fact, Load, On, OnTimer, OnWork, Service, Settings, make_service, run

AUDIENCES = Aggregate("audiences", state.Audience, view=audience_view)
NOTIFICATIONS = Aggregate("notifications", state.Notification, view=notification_view)
OPERATIONS = Aggregate("known_operations", state.KnownOperation)

AUDIENCE = Fact(AUDIENCES, lambda event, told: event.project)
RECIPIENTS = Load(notifications.Recipients, audience=AUDIENCE)
STATUS_FACTS = Load(
    updates.StatusFacts, audience=AUDIENCE, operation=Fact(OPERATIONS, lambda event, told: event.operation)
)
OWN_ID = notifications.notification_id


class NotifierSettings(Settings):
    """What the notifier needs to know beside what every service does."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    smtp_security: Security = "none"
    """`starttls` and `tls` check the server's certificate."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout: timedelta = timedelta(seconds=30)
    """How long one answer of the mail server may take."""
    smtp_from: Address = "drydock@localhost"
    """The sender of all mails."""
    keep_trying: timedelta = timedelta(days=4)
    """How long a mail is tried that the server does not take for now."""


def make(settings: Settings) -> Service:
    """The table of notifier."""
    assert isinstance(settings, NotifierSettings)
    channel = SmtpChannel(
        settings.smtp_host,
        settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password,
        seconds=settings.smtp_timeout.total_seconds(),
    )
    steps = Steps(channel, settings.smtp_from)
    policy = deliveries.Deliveries(settings.keep_trying)
    return make_service(
        "notifier",
        CATALOGUE,
        On(AddRecipient, AUDIENCES, audience.add),
        On(RemoveRecipient, AUDIENCES, audience.remove),
        On(OperationAccepted, OPERATIONS, known.operation_accepted, key=lambda event: event.operation),
        On(OperationFinished, OPERATIONS, known.operation_finished, key=lambda event: event.operation),
        OnTimer("forget", OPERATIONS, known.forget),
        On(OperationAccepted, NOTIFICATIONS, updates.queued, facts=RECIPIENTS, named_by=OWN_ID),
        On(EnvironmentStatusChanged, NOTIFICATIONS, updates.started, facts=STATUS_FACTS, named_by=OWN_ID),
        On(OperationHeld, NOTIFICATIONS, updates.held, facts=RECIPIENTS, named_by=OWN_ID),
        On(OperationFinished, NOTIFICATIONS, updates.finished, facts=RECIPIENTS, named_by=OWN_ID),
        On(PromotionScheduled, NOTIFICATIONS, promotions.scheduled, facts=RECIPIENTS, named_by=OWN_ID),
        On(PromotionCancelled, NOTIFICATIONS, promotions.cancelled, facts=RECIPIENTS, named_by=OWN_ID),
        On(ExtensionIncompatible, NOTIFICATIONS, extensions.incompatible, facts=RECIPIENTS, named_by=OWN_ID),
        OnWork("deliver", NOTIFICATIONS, steps.deliver, policy.attempted, limit=timedelta(minutes=5), attempts=3),
        OnTimer("again", NOTIFICATIONS, deliveries.try_again),
    )


if __name__ == "__main__":
    run(make, NotifierSettings())
