"""notifier: recipients come and go, and everything that concerns them is told them once."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from services.notifier.channels import smtp
from services.notifier.domain import (
    audience,
    deliveries,
    extensions,
    notifications,
    projections,
    promotions,
    removals,
    rollouts,
    state,
    updates,
)
from services.notifier.domain.views import audience_view, notification_view
from services.notifier.steps import Steps
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    RemediationEnded,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.notifier import AddRecipient, Address, RemoveRecipient
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionRefused,
    PromotionScheduled,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
)
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
OPERATIONS = Aggregate("known_operations", projections.OperationProjection)
ENVIRONMENTS = Aggregate("known_environments", projections.EnvironmentProjection)

AUDIENCE = Fact(AUDIENCES, lambda event, notification: event.project)
RECIPIENTS = Load(notifications.Recipients, audience=AUDIENCE)
STATUS_FACTS = Load(
    updates.StatusFacts, audience=AUDIENCE, operation=Fact(OPERATIONS, lambda event, notification: event.operation)
)
ENVIRONMENT_FACTS = Load(
    notifications.EnvironmentFacts,
    audience=AUDIENCE,
    environment=Fact(ENVIRONMENTS, lambda event, notification: event.environment),
)
OWN_ID = notifications.notification_id


def _operation_of(event: OperationAccepted | OperationFinished) -> str:
    return event.operation


class NotifierSettings(Settings):
    """What the notifier needs to know beside what every service does."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=1025, ge=1, le=65535)
    smtp_security: smtp.Security = "none"
    """`starttls` and `tls` check the server's certificate."""
    smtp_user: str | None = None
    smtp_password: SecretStr | None = None
    smtp_timeout: timedelta = timedelta(seconds=smtp.ANSWER_SECONDS)
    """How long one answer of the mail server may take."""
    smtp_data_timeout: timedelta = timedelta(seconds=smtp.DATA_SECONDS)
    """How long its answer to the mail itself may take. A server that was given up too early gets the mail again."""
    smtp_from: Address = "drydock@localhost"
    """The sender of all mails."""
    console_url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$")] | None = None
    """Where recipients find the console; None: the mails do not say it."""
    keep_trying: timedelta = timedelta(days=4)
    """How long a mail is tried that the server does not take for now."""


def make(settings: Settings) -> Service:
    """The table of notifier."""
    assert isinstance(settings, NotifierSettings)
    channel = smtp.SmtpChannel(
        settings.smtp_host,
        settings.smtp_port,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_password,
        seconds=settings.smtp_timeout.total_seconds(),
        data_seconds=settings.smtp_data_timeout.total_seconds(),
    )
    limit = smtp.longest(settings.smtp_timeout, settings.smtp_data_timeout)
    steps = Steps(channel, settings.smtp_from)
    mails = extensions.ExtensionMails(settings.console_url)
    policy = deliveries.Deliveries(settings.keep_trying)
    return make_service(
        "notifier",
        CATALOGUE,
        On(AddRecipient, AUDIENCES, audience.add_recipient),
        On(RemoveRecipient, AUDIENCES, audience.remove_recipient),
        On(OperationAccepted, OPERATIONS, projections.operation_accepted, key=_operation_of),
        On(OperationFinished, OPERATIONS, projections.operation_finished, key=_operation_of, needs_state=True),
        OnTimer("forget", OPERATIONS, projections.forget, needs_state=True),
        On(OperationFinished, ENVIRONMENTS, projections.base_after_operation),
        On(PromotionScheduled, ENVIRONMENTS, projections.promotion_scheduled),
        On(PromotionCancelled, ENVIRONMENTS, projections.promotion_cancelled),
        On(RolloutPlanned, ENVIRONMENTS, projections.rollout_planned),
        On(RolloutSkipped, ENVIRONMENTS, projections.rollout_skipped),
        On(RolloutFinished, ENVIRONMENTS, projections.rollout_finished),
        On(RemediationStarted, ENVIRONMENTS, projections.remediation_started),
        On(RemediationReminded, ENVIRONMENTS, projections.remediation_reminded),
        On(RemovalDue, ENVIRONMENTS, projections.removal_due),
        On(RemediationEnded, ENVIRONMENTS, projections.remediation_ended),
        On(OperationAccepted, NOTIFICATIONS, updates.accepted, facts=RECIPIENTS, named_by=OWN_ID),
        On(EnvironmentStatusChanged, NOTIFICATIONS, updates.status_changed, facts=STATUS_FACTS, named_by=OWN_ID),
        On(OperationHeld, NOTIFICATIONS, updates.held, facts=RECIPIENTS, named_by=OWN_ID),
        On(OperationFinished, NOTIFICATIONS, updates.finished, facts=RECIPIENTS, named_by=OWN_ID),
        On(PromotionScheduled, NOTIFICATIONS, promotions.scheduled, facts=RECIPIENTS, named_by=OWN_ID),
        On(PromotionCancelled, NOTIFICATIONS, promotions.cancelled, facts=RECIPIENTS, named_by=OWN_ID),
        On(PromotionRefused, NOTIFICATIONS, promotions.refused, facts=RECIPIENTS, named_by=OWN_ID),
        On(ExtensionIncompatible, NOTIFICATIONS, mails.incompatible, facts=ENVIRONMENT_FACTS, named_by=OWN_ID),
        On(RemediationReminded, NOTIFICATIONS, mails.reminded, facts=ENVIRONMENT_FACTS, named_by=OWN_ID),
        On(RemovalDue, NOTIFICATIONS, removals.removal_due, facts=ENVIRONMENT_FACTS, named_by=OWN_ID),
        On(RemediationEnded, NOTIFICATIONS, removals.ended, facts=ENVIRONMENT_FACTS, named_by=OWN_ID),
        On(RolloutPlanned, NOTIFICATIONS, rollouts.planned, facts=ENVIRONMENT_FACTS, named_by=OWN_ID),
        On(RolloutSkipped, NOTIFICATIONS, rollouts.skipped, facts=ENVIRONMENT_FACTS, named_by=OWN_ID),
        OnWork("deliver", NOTIFICATIONS, steps.deliver, policy.attempted, limit=limit, attempts=3, needs_state=True),
        OnTimer("again", NOTIFICATIONS, deliveries.try_again, needs_state=True),
    )


if __name__ == "__main__":
    run(make, NotifierSettings())
