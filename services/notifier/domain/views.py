"""Audiences and notifications as others see them."""

from services.notifier.domain import state
from shared.contracts.notifier import AudienceSnapshot, Delivery, NotificationSnapshot


def audience_view(project: str, audience: state.Audience) -> AudienceSnapshot:
    """A project's recipients."""
    return AudienceSnapshot(project=project, recipients=audience.recipients)


def notification_view(notification: str, told: state.Notification) -> NotificationSnapshot:
    """A notification with its deliveries."""
    return NotificationSnapshot(
        notification=notification,
        project=told.project,
        environment=told.environment,
        occasion=told.occasion,
        subject=told.subject,
        promotion=told.promotion,
        deliveries=tuple(
            Delivery(
                address=one.address,
                status=one.status,
                message_id=one.message_id,
                sent_at=one.sent_at,
                problem=one.problem,
            )
            for one in told.deliveries
        ),
    )
