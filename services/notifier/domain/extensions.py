"""Extensions that do not work with the base that an update would bring: what must be changed, how, and until when."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notifier.domain.environments import next_attempt, remediation_of
from services.notifier.domain.letters import Judged, Letter, Row, day, moment, rows, shortened, subject
from services.notifier.domain.notifications import EnvironmentFacts, tell
from services.notifier.domain.state import KnownEnvironment, Notification
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    RemediationDates,
    RemediationEnded,
    RemediationReminded,
    RemovalDue,
)
from shared.contracts.notifier import Occasion
from shared.contracts.parts import ExtensionName
from shared.kernel.decision import Decision

About = ExtensionIncompatible | RemediationReminded | RemovalDue | RemediationEnded


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
        told = message.data
        if state is not None:
            return Decision(state)
        extension, target = told.extension, target_of(told.base, facts.environment)
        letter = Letter(
            subject=subject(
                told.project,
                told.environment,
                f"extension not compatible with version {major_of(told.base)}",
                titled(extension),
            ),
            headline=f"The extension {extension.name} {extension.version} by {extension.publisher} does not work with "
            f"{target}. Until that is resolved, {told.environment} cannot be updated to it; "
            "it goes on running as it is.",
            facts=extension_facts(told, target),
            judged=judged(told),
            dates=_dates(told, message.time, facts.environment, now),
            next_steps=steps(told.environment, extension, told.base),
            link=page(self.console_url, told.environment),
        )
        return tell(
            message, Occasion.EXTENSION_INCOMPATIBLE, letter, facts, now, app_id=extension.app_id, base=told.base
        )

    def reminded(
        self, state: Notification | None, message: Envelope[RemediationReminded], facts: EnvironmentFacts, now: datetime
    ) -> Decision[Notification]:
        """An extension is still incompatible, and its time runs out."""
        told = message.data
        if state is not None:
            return Decision(state)
        extension, target = told.extension, target_of(told.base, facts.environment)
        due = told.dates.removal_due_at
        what = f"extension will be removed on {day(due)}" if due else "extension still not compatible"
        until = (
            f" It will be removed, and {told.environment} updated, in the first update window after {moment(due)}, "
            f"{in_days(due, now)}."
            if due
            else f" Until that is resolved, {told.environment} cannot be updated to it."
        )
        letter = Letter(
            subject=subject(told.project, told.environment, what, titled(extension)),
            headline=f"The extension {extension.name} {extension.version} by {extension.publisher} still does not "
            f"work with {target}.{until}",
            facts=extension_facts(told, target, ("Reminder", str(told.reminder))),
            judged=judged(told),
            dates=rows(
                (
                    ("First told", told_at(told.dates)),
                    ("Next attempt", _attempt(facts.environment, now)),
                    ("Removal", removal_at(told.dates, now)),
                )
            ),
            next_steps=steps(told.environment, extension, told.base),
            link=page(self.console_url, told.environment),
        )
        return tell(message, Occasion.EXTENSION_REMINDER, letter, facts, now, app_id=extension.app_id, base=told.base)


def titled(extension: ExtensionName) -> str:
    """Name and version, as short as a subject needs them."""
    return f"{shortened(extension.name)} {extension.version}"


def major_of(base: str) -> int:
    """The first number of a base's version."""
    return int(base.partition(".")[0])


def target_of(base: str, environment: KnownEnvironment | None) -> str:
    """A base in words and as the build that was checked: a build alone looks like another version than the one known.

    `next major 24 (checked build 24.1.17188.0)`; `next update of version 24 (...)` where only a lower number changes,
    and `version 24 (...)` while it is not known what the environment uses.
    """
    build, _, _ = base.partition("/")
    major = major_of(base)
    running = environment.base_version if environment else None
    if running is None:
        words = f"version {major}"
    elif major_of(running) < major:
        words = f"next major {major}"
    else:
        words = f"next update of version {major}"
    return f"{words} (checked build {build})"


def extension_facts(told: About, target: str, *more: tuple[str, str | None]) -> tuple[Row, ...]:
    """What a mail is about."""
    extension = told.extension
    return rows(
        (
            ("Extension name", extension.name),
            ("Extension version", extension.version),
            ("Publisher", extension.publisher),
            ("Extension id", extension.app_id),
            ("Project", told.project),
            ("Environment", told.environment),
            ("Target", target),
            ("Country", told.base.partition("/")[2]),
            *more,
        )
    )


def judged(told: ExtensionIncompatible | RemediationReminded) -> Judged:
    """The findings, with what a program needs to know of them."""
    return Judged(
        project=told.project,
        environment=told.environment,
        extension=told.extension,
        base=told.base,
        report=told.report.digest,
        findings=told.findings,
    )


def steps(environment: str, extension: ExtensionName, base: str) -> tuple[str, ...]:
    """How an extension comes to work with a base, and how that is checked again."""
    return (
        (
            f"Change the extension's source as listed, raise its version above {extension.version}, "
            f"and build it against version {major_of(base)}."
        ),
        (
            "Check the new file now, before anything is installed: "
            "drydock extension check NEW.app --base BASE.app --old-base BASE-IN-USE.app"
        ),
        "Install it in a sandbox on the new version, and try it there.",
        (
            f"Stage it; it is checked again at once, and the update installs it: "
            f"drydock extension stage {environment} NEW.app"
        ),
        (
            f"Does it work on the version in use as well? Then it can be installed now: "
            f"drydock extension install {environment} NEW.app"
        ),
        f"See where it stands: drydock remediation list --environment {environment}",
        (
            f"If nobody needs it any more, remove it (its data stays): "
            f"drydock extension uninstall {environment} {extension.app_id}"
        ),
        (
            "If a finding looks wrong: each names the place in the extension and both declarations of the base; "
            "the attached file has them for programs, and the report everything that was looked at."
        ),
    )


def page(console_url: str | None, environment: str) -> Row | None:
    """The environment's page in the console."""
    if console_url is None:
        return None
    return Row(label=f"{environment} in the console", value=f"{console_url.rstrip('/')}/environments/{environment}")


def told_at(dates: RemediationDates) -> str:
    """When recipients were told first."""
    return moment(dates.first_notified_at) if dates.first_notified_at else "nobody was told before"


def removal_at(dates: RemediationDates, now: datetime) -> str:
    """When an extension is removed."""
    due = dates.removal_due_at
    return f"in the first update window after {moment(due)}, {in_days(due, now)}" if due else "not by itself"


def in_days(at: datetime, now: datetime) -> str:
    """`in 30 days`, `in 1 day` or `today`, counted in whole days."""
    days = (at - now) // timedelta(days=1)
    if days < 1:
        return "today" if at > now else "now"
    return f"in {days} day" if days == 1 else f"in {days} days"


def _attempt(environment: KnownEnvironment | None, now: datetime) -> str:
    start = next_attempt(environment, now)
    return moment(start) if start else "none is scheduled"


def _dates(
    told: ExtensionIncompatible, checked: datetime, environment: KnownEnvironment | None, now: datetime
) -> tuple[Row, ...]:
    """The removal counts from the first mail that was accepted: known once the checker's clock runs."""
    clock = remediation_of(environment, told.extension.app_id, major_of(told.base))
    days = told.removal_days
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
