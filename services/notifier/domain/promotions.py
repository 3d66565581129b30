"""Promotions: scheduled and cancelled, with the downtime as a calendar entry, and refused before they were scheduled.

Their start and end are an update's.
"""

from datetime import datetime
from hashlib import sha256

from services.notifier.domain.deliveries import MAIL_DOMAIN
from services.notifier.domain.mail_content import CalendarEntry, CalendarMethod, MailContent, Row, rows
from services.notifier.domain.notifications import Recipients, notify
from services.notifier.domain.state import Notification
from services.notifier.domain.wording import moment, subject
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionRefused,
    PromotionScheduled,
    Reason,
)
from shared.kernel import UNCHANGED, Decision

Told = PromotionScheduled | PromotionCancelled

EXTENSIONS_NAMED = 20
"""Extensions that a mail names, at most."""

_REFUSED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    Reason.EXTENSIONS_INCOMPATIBLE: (
        "promotion refused",
        "extensions of {environment} do not work with the base that it brings",
        (
            (
                "What must be changed in an extension, by file and line, stands in the mail about it; a changed file "
                "is checked before anything is installed: "
                "drydock extension check NEW.app --base BASE.app --old-base BASE-IN-USE.app"
            ),
            "Stage each version that works; the promotion installs it: drydock extension stage {environment} NEW.app",
            "See where the extensions stand: drydock remediation list --environment {environment}",
            "When all of them work, or are uninstalled, schedule it again: {again}",
        ),
    ),
    Reason.EXTENSIONS_UNVERIFIABLE: (
        "promotion refused",
        "it cannot be told whether extensions of {environment} work with the base that it brings",
        (
            (
                "Install or stage versions that come with their symbols or sources: "
                "drydock extension stage {environment} NEW.app"
            ),
            "Or acknowledge that they may stay as they are: {again}{acknowledgements}",
        ),
    ),
    Reason.CANCELLED_BY_USER: (
        "promotion cancelled",
        "somebody cancelled it while its effect on extensions was being checked",
        ("To promote it after all: {again}",),
    ),
}
"""Subject, why in a clause, and what to do, by the reason."""

_NOT_CHECKED = (
    "promotion refused",
    "it could not be checked whether the extensions of {environment} work with the base that it brings",
    ("Nothing is wrong with the extensions as far as is known. Schedule it again later: {again}",),
)


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


def refused(
    state: Notification | None, message: Envelope[PromotionRefused], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A promotion that was asked for will not be scheduled: why, what stands in its way, and what to do."""
    event = message.data
    if state is not None:
        return UNCHANGED
    what, why, steps = _REFUSED.get(event.problem.reason, _NOT_CHECKED)
    words = {
        "environment": event.environment,
        "again": _again(event),
        "acknowledgements": _acknowledgements(event),
    }
    content = MailContent(
        subject=subject(event.project, event.environment, what, event.update.name),
        headline=f'The update "{event.update.name}" of {event.sandbox} was not scheduled for {event.environment}: '
        f"{why.format(**words)}. The environment stays as it is.",
        facts=_facts(event, *_in_the_way(event)),
        reason=event.problem.message,
        next_steps=tuple(step.format(**words) for step in steps),
    )
    return notify(message, Occasion.PROMOTION_REFUSED, content, facts, now, promotion=event.promotion)


def _in_the_way(event: PromotionRefused) -> tuple[tuple[str, str], ...]:
    """The extensions that spoke against it, each with what was found first."""
    named = [
        (
            f"Extension, {one.verdict.value}",
            f"{one.name} {one.version} by {one.publisher} ({one.app_id}): {one.summary}"
            + (f" ({one.blocking} findings in all)" if one.blocking > 1 else ""),
        )
        for one in event.extensions[:EXTENSIONS_NAMED]
    ]
    more = len(event.extensions) - len(named) + event.further_extensions
    return (*named, *((("Further extensions", str(more)),) if more else ()))


def _acknowledgements(event: PromotionRefused) -> str:
    """What the command that schedules it again has in addition, where all that stands in the way may stay."""
    named = "".join(f" --acknowledge-unverifiable {one.app_id}" for one in event.extensions)
    more = event.further_extensions
    return f"{named} and so on for the {more} further extensions" if more else named


def _again(event: PromotionCancelled | PromotionRefused) -> str:
    """The command that schedules it again."""
    source = f'{event.sandbox}/"{event.update.name}"'
    return f"drydock promotion schedule {source} --to {event.environment} --start TIME"


def cancelled(
    state: Notification | None, message: Envelope[PromotionCancelled], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A scheduled promotion will not take place."""
    event = message.data
    if state is not None:
        return UNCHANGED
    content = MailContent(
        subject=subject(event.project, event.environment, "promotion cancelled", event.update.name),
        headline=f'The promotion of "{event.update.name}" to {event.environment}, scheduled for '
        f"{moment(event.downtime.start)}, will not take place. The environment stays as it is.",
        facts=_facts(event),
        reason=event.problem.message,
        next_steps=(f"To promote it at another time: {_again(event)}",),
        calendar=_entry(message, CalendarMethod.CANCEL),
    )
    return notify(message, Occasion.PROMOTION_CANCELLED, content, facts, now, promotion=event.promotion)


def _facts(event: Told | PromotionRefused, *more: tuple[str, str]) -> tuple[Row, ...]:
    contents = event.update.contents
    if isinstance(event, PromotionRefused):
        times = [("Downtime start, asked for", moment(event.start))]
    else:
        end = moment(event.downtime.end)
        times = [("Downtime start", moment(event.downtime.start)), ("Downtime end, expected", end)]
    return rows(
        (
            ("Project", event.project),
            ("Environment", event.environment),
            ("From sandbox", event.sandbox),
            ("Update", event.update.name),
            ("Application version", contents.application_version),
            ("Platform version", contents.platform_version),
            *times,
            ("Promotion", event.promotion),
            *more,
        )
    )


def _entry(message: Envelope[Told], method: CalendarMethod) -> CalendarEntry:
    """The downtime of a promotion in calendars. The sender counts its events, so a later entry has a higher number."""
    event = message.data
    return CalendarEntry(
        method=method,
        uid=f"{sha256(event.promotion.encode()).hexdigest()[:32]}@{MAIL_DOMAIN}",
        sequence=message.number,
        start=event.downtime.start,
        end=event.downtime.end,
        summary=f"Downtime of {event.environment}: {event.update.name}",
        description=f'The update "{event.update.name}" of {event.sandbox} is promoted to {event.environment}.',
        location=event.environment,
    )
