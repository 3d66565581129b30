"""Promotions: scheduled and cancelled, with the downtime as a calendar entry. Their start and end are an update's."""

from datetime import datetime
from hashlib import sha256

from services.notifier.domain.deliveries import MAIL_DOMAIN
from services.notifier.domain.letters import CalendarEntry, CalendarMethod, Letter, Row, moment, rows, subject
from services.notifier.domain.notifications import Recipients, tell
from services.notifier.domain.state import Notification
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import PromotionCancelled, PromotionScheduled
from shared.kernel.decision import Decision

Told = PromotionScheduled | PromotionCancelled


def scheduled(
    state: Notification | None, message: Envelope[PromotionScheduled], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A promotion will take place."""
    told = message.data
    if state is not None:
        return Decision(state)
    letter = Letter(
        subject=subject(
            told.project, told.environment, f"promotion scheduled for {moment(told.downtime.start)}", told.update.name
        ),
        headline=f'The update "{told.update.name}" of {told.sandbox} will be promoted to {told.environment}. '
        f"The environment cannot be used from {moment(told.downtime.start)} until about {moment(told.downtime.end)}.",
        facts=_facts(told),
        next_steps=(
            "Tell everybody who works in the environment to have saved their work by then.",
            f"Until the start it can be cancelled: drydock promotion cancel {told.environment}",
        ),
        calendar=_entry(message, CalendarMethod.REQUEST),
    )
    return tell(message, Occasion.PROMOTION_SCHEDULED, letter, facts, now, promotion=told.promotion)


def cancelled(
    state: Notification | None, message: Envelope[PromotionCancelled], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A scheduled promotion will not take place."""
    told = message.data
    if state is not None:
        return Decision(state)
    source = f'{told.sandbox}/"{told.update.name}"'
    again = f"drydock promotion schedule {source} --to {told.environment} --start TIME"
    letter = Letter(
        subject=subject(told.project, told.environment, "promotion cancelled", told.update.name),
        headline=f'The promotion of "{told.update.name}" to {told.environment}, scheduled for '
        f"{moment(told.downtime.start)}, will not take place. The environment stays as it is.",
        facts=_facts(told),
        reason=told.problem.message,
        next_steps=(f"To promote it at another time: {again}",),
        calendar=_entry(message, CalendarMethod.CANCEL),
    )
    return tell(message, Occasion.PROMOTION_CANCELLED, letter, facts, now, promotion=told.promotion)


def _facts(told: Told) -> tuple[Row, ...]:
    contents = told.update.contents
    return rows(
        (
            ("Project", told.project),
            ("Environment", told.environment),
            ("From sandbox", told.sandbox),
            ("Update", told.update.name),
            ("Application version", contents.application_version),
            ("Platform version", contents.platform_version),
            ("Downtime start", moment(told.downtime.start)),
            ("Downtime end, expected", moment(told.downtime.end)),
            ("Promotion", told.promotion),
        )
    )


def _entry(message: Envelope[Told], method: CalendarMethod) -> CalendarEntry:
    """The downtime of a promotion in calendars. The sender counts its events, so a later entry has a higher number."""
    told = message.data
    return CalendarEntry(
        method=method,
        uid=f"{sha256(told.promotion.encode()).hexdigest()[:32]}@{MAIL_DOMAIN}",
        sequence=message.sequence or 0,
        start=told.downtime.start,
        end=told.downtime.end,
        summary=f"Downtime of {told.environment}: {told.update.name}",
        description=f'The update "{told.update.name}" of {told.sandbox} is promoted to {told.environment}.',
        location=told.environment,
    )
