"""Extensions that do not work with the base that an update would bring: what must be changed, how, and until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notifier.domain.extension_wording import (
    extension_facts,
    judged,
    major_of,
    page,
    removal_at,
    steps,
    target_of,
    titled,
    told_at,
)
from services.notifier.domain.mail_content import MailContent, Row, rows
from services.notifier.domain.notifications import EnvironmentFacts, notify
from services.notifier.domain.projections import EnvironmentProjection, next_attempt, remediation_of
from services.notifier.domain.state import Notification
from services.notifier.domain.wording import day, in_days, moment, subject
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    RemediationReminded,
)
from shared.contracts.notifier import Occasion
from shared.kernel import UNCHANGED, Decision


@dataclass(frozen=True)
class ExtensionMails:
    """The mails with findings, as an installation has set them."""

    console_url: str | None
    """Address of the console; None: it is not said."""

    def incompatible(
        self,
        state: Notification | None,
        message: Envelope[ExtensionIncompatible],
        facts: EnvironmentFacts,
        now: datetime,
    ) -> Decision[Notification]:
        """An extension must be changed before the environment can be updated: which, why, until when, and how."""
        event = message.data
        if state is not None:
            return UNCHANGED
        extension, target = event.extension, target_of(event.base, facts.environment)
        content = MailContent(
            subject=subject(
                event.project,
                event.environment,
                f"extension not compatible with version {major_of(event.base)}",
                titled(extension),
            ),
            headline=f"The extension {extension.name} {extension.version} by {extension.publisher} does not work with "
            f"{target}. Until that is resolved, {event.environment} cannot be updated to it; "
            "it goes on running as it is.",
            facts=extension_facts(event, target),
            judged=judged(event),
            dates=_dates(event, message.time, facts.environment, now),
            next_steps=steps(event.environment, extension, event.base),
            link=page(self.console_url, event.environment),
        )
        return notify(
            message, Occasion.EXTENSION_INCOMPATIBLE, content, facts, now, app_id=extension.app_id, base=event.base
        )

    def reminded(
        self, state: Notification | None, message: Envelope[RemediationReminded], facts: EnvironmentFacts, now: datetime
    ) -> Decision[Notification]:
        """An extension is still incompatible, and its time runs out."""
        event = message.data
        if state is not None:
            return UNCHANGED
        extension, target = event.extension, target_of(event.base, facts.environment)
        due = event.dates.removal_due_at
        what = f"extension will be removed on {day(due)}" if due else "extension still not compatible"
        until = (
            f" It will be removed, and {event.environment} updated, in the first update window after {moment(due)}, "
            f"{in_days(due, now)}."
            if due
            else f" Until that is resolved, {event.environment} cannot be updated to it."
        )
        content = MailContent(
            subject=subject(event.project, event.environment, what, titled(extension)),
            headline=f"The extension {extension.name} {extension.version} by {extension.publisher} still does not "
            f"work with {target}.{until}",
            facts=extension_facts(event, target, ("Reminder", str(event.reminder))),
            judged=judged(event),
            dates=rows(
                (
                    ("First told", told_at(event.dates)),
                    ("Next attempt", _attempt(facts.environment, now)),
                    ("Removal", removal_at(event.dates, now)),
                )
            ),
            next_steps=steps(event.environment, extension, event.base),
            link=page(self.console_url, event.environment),
        )
        return notify(
            message, Occasion.EXTENSION_REMINDER, content, facts, now, app_id=extension.app_id, base=event.base
        )


def _attempt(environment: EnvironmentProjection | None, now: datetime) -> str:
    start = next_attempt(environment, now)
    return moment(start) if start else "none is scheduled"


def _dates(
    event: ExtensionIncompatible, checked: datetime, environment: EnvironmentProjection | None, now: datetime
) -> tuple[Row, ...]:
    """The removal counts from the first mail that was accepted: known once the checker's clock runs."""
    clock = remediation_of(environment, event.extension.app_id, major_of(event.base))
    days = event.removal_days
    if clock:
        first, removal = told_at(clock.dates), removal_at(clock.dates, now)
    elif days is None:
        first, removal = "with this mail, unless an earlier one was accepted", "no date is set"
    else:
        first = "with this mail, unless an earlier one was accepted"
        removal = (
            f"{days} days after this mail: {day(now + timedelta(days=days))}, "
            "if it is the first and accepted today; then in the next update window, and its data stays"
        )
    return rows(
        (
            ("Checked", moment(checked)),
            ("First told", first),
            ("Next attempt", _attempt(environment, now)),
            ("Removal", removal),
        )
    )
