"""Promotions: scheduled and cancelled, with the downtime as a calendar entry. Their start and end are an update's."""

from datetime import datetime
from hashlib import sha256

from services.notifier.domain.deliveries import MAIL_DOMAIN
from services.notifier.domain.mail_content import CalendarEntry, CalendarMethod, MailContent, Row, rows
from services.notifier.domain.notifications import Recipients, notify
from services.notifier.domain.state import Notification
from services.notifier.domain.wording import moment, subject
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import PromotionCancelled, PromotionScheduled
from shared.kernel.decision import UNCHANGED, Decision

Told = PromotionScheduled | PromotionCancelled


def scheduled(
    state: Notification | None, message: Envelope[PromotionScheduled], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A promotion will take place."""
    event = message.data
    if state is not None:
        return UNCHANGED
    content = MailContent(
        subject=subject(
            event.project,
            event.environment,
            f"promotion scheduled for {moment(event.downtime.start)}",
            event.update.name,
        ),
        headline=f'The update "{event.update.name}" of {event.sandbox} will be promoted to {event.environment}. '
        f"The environment cannot be used from {moment(event.downtime.start)} until about {moment(event.downtime.end)}.",
        facts=_facts(event),
        next_steps=(
            "Tell everybody who works in the environment to have saved their work by then.",
            f"Until the start it can be cancelled: drydock promotion cancel {event.environment}",
        ),
        calendar=_entry(message, CalendarMethod.REQUEST),
    )
    return notify(message, Occasion.PROMOTION_SCHEDULED, content, facts, now, promotion=event.promotion)


def cancelled(
    state: Notification | None, message: Envelope[PromotionCancelled], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A scheduled promotion will not take place."""
    event = message.data
    if state is not None:
        return UNCHANGED
    source = f'{event.sandbox}/"{event.update.name}"'
    again = f"drydock promotion schedule {source} --to {event.environment} --start TIME"
    content = MailContent(
        subject=subject(event.project, event.environment, "promotion cancelled", event.update.name),
        headline=f'The promotion of "{event.update.name}" to {event.environment}, scheduled for '
        f"{moment(event.downtime.start)}, will not take place. The environment stays as it is.",
        facts=_facts(event),
        reason=event.problem.message,
        next_steps=(f"To promote it at another time: {again}",),
        calendar=_entry(message, CalendarMethod.CANCEL),
    )
    return notify(message, Occasion.PROMOTION_CANCELLED, content, facts, now, promotion=event.promotion)


def _facts(event: Told) -> tuple[Row, ...]:
    contents = event.update.contents
    return rows(
        (
            ("Project", event.project),
            ("Environment", event.environment),
            ("From sandbox", event.sandbox),
            ("Update", event.update.name),
            ("Application version", contents.application_version),
            ("Platform version", contents.platform_version),
            ("Downtime start", moment(event.downtime.start)),
            ("Downtime end, expected", moment(event.downtime.end)),
            ("Promotion", event.promotion),
        )
    )


def _entry(message: Envelope[Told], method: CalendarMethod) -> CalendarEntry:
    """The downtime of a promotion in calendars. The sender counts its events, so a later entry has a higher number."""
    event = message.data
    return CalendarEntry(
        method=method,
        uid=f"{sha256(event.promotion.encode()).hexdigest()[:32]}@{MAIL_DOMAIN}",
        sequence=message.sequence or 0,
        start=event.downtime.start,
        end=event.downtime.end,
        summary=f"Downtime of {event.environment}: {event.update.name}",
        description=f'The update "{event.update.name}" of {event.sandbox} is promoted to {event.environment}.',
        location=event.environment,
    )
