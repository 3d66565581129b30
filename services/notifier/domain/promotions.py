"""Promotions: scheduled and cancelled, with the downtime as a calendar entry, and refused before they were scheduled.

Their start and end are an update's.
"""

from datetime import datetime
from hashlib import sha256

from services.notifier.domain.deliveries import MAIL_DOMAIN
from services.notifier.domain.letters import CalendarEntry, CalendarMethod, Letter, Row, moment, rows, subject
from services.notifier.domain.notifications import Recipients, tell
from services.notifier.domain.state import Notification
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import Occasion
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionRefused,
    PromotionScheduled,
    Reason,
)
from shared.kernel.decision import Decision

Told = PromotionScheduled | PromotionCancelled

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


def refused(
    state: Notification | None, message: Envelope[PromotionRefused], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A promotion that was asked for will not be scheduled: why, what stands in its way, and what to do."""
    told = message.data
    if state is not None:
        return Decision(state)
    what, why, steps = _REFUSED.get(told.problem.reason, _NOT_CHECKED)
    words = {
        "environment": told.environment,
        "again": _again(told),
        "acknowledgements": "".join(f" --acknowledge-unverifiable {one.app_id}" for one in told.extensions),
    }
    letter = Letter(
        subject=subject(told.project, told.environment, what, told.update.name),
        headline=f'The update "{told.update.name}" of {told.sandbox} was not scheduled for {told.environment}: '
        f"{why.format(**words)}. The environment stays as it is.",
        facts=_facts(told, *_in_the_way(told)),
        reason=told.problem.message,
        next_steps=tuple(step.format(**words) for step in steps),
    )
    return tell(message, Occasion.PROMOTION_REFUSED, letter, facts, now, promotion=told.promotion)


def _in_the_way(told: PromotionRefused) -> tuple[tuple[str, str], ...]:
    """The extensions that spoke against it, each with what was found first."""
    named = [
        (
            f"Extension, {one.verdict.value}",
            f"{one.name} {one.version} by {one.publisher} ({one.app_id}): {one.summary}"
            + (f" ({one.blocking} findings in all)" if one.blocking > 1 else ""),
        )
        for one in told.extensions
    ]
    more = told.further_extensions
    return (*named, *((("Further extensions", str(more)),) if more else ()))


def _again(told: PromotionCancelled | PromotionRefused) -> str:
    """The command that schedules it again."""
    source = f'{told.sandbox}/"{told.update.name}"'
    return f"drydock promotion schedule {source} --to {told.environment} --start TIME"


def cancelled(
    state: Notification | None, message: Envelope[PromotionCancelled], facts: Recipients, now: datetime
) -> Decision[Notification]:
    """A scheduled promotion will not take place."""
    told = message.data
    if state is not None:
        return Decision(state)
    letter = Letter(
        subject=subject(told.project, told.environment, "promotion cancelled", told.update.name),
        headline=f'The promotion of "{told.update.name}" to {told.environment}, scheduled for '
        f"{moment(told.downtime.start)}, will not take place. The environment stays as it is.",
        facts=_facts(told),
        reason=told.problem.message,
        next_steps=(f"To promote it at another time: {_again(told)}",),
        calendar=_entry(message, CalendarMethod.CANCEL),
    )
    return tell(message, Occasion.PROMOTION_CANCELLED, letter, facts, now, promotion=told.promotion)


def _facts(told: Told | PromotionRefused, *more: tuple[str, str]) -> tuple[Row, ...]:
    contents = told.update.contents
    if isinstance(told, PromotionRefused):
        times = [("Downtime start, asked for", moment(told.start))]
    else:
        end = moment(told.downtime.end)
        times = [("Downtime start", moment(told.downtime.start)), ("Downtime end, expected", end)]
    return rows(
        (
            ("Project", told.project),
            ("Environment", told.environment),
            ("From sandbox", told.sandbox),
            ("Update", told.update.name),
            ("Application version", contents.application_version),
            ("Platform version", contents.platform_version),
            *times,
            ("Promotion", told.promotion),
            *more,
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
