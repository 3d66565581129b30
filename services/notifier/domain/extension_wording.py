"""What mails about an extension have in common: what it is about, how it comes to work, and its dates."""

from datetime import datetime

from services.notifier.domain.mail_content import JudgedExtension, Row, rows
from services.notifier.domain.projections import EnvironmentProjection
from services.notifier.domain.wording import in_days, moment, shortened
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    RemediationDates,
    RemediationEnded,
    RemediationReminded,
    RemovalDue,
)
from shared.contracts.parts import ExtensionName

About = ExtensionIncompatible | RemediationReminded | RemovalDue | RemediationEnded


def titled(extension: ExtensionName) -> str:
    """Name and version, as short as a subject needs them."""
    return f"{shortened(extension.name)} {extension.version}"


def major_of(base: str) -> int:
    """The first number of a base's version."""
    return int(base.partition(".")[0])


def target_of(base: str, environment: EnvironmentProjection | None) -> str:
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


def extension_facts(event: About, target: str, *more: tuple[str, str | None]) -> tuple[Row, ...]:
    """What a mail is about."""
    extension = event.extension
    return rows(
        (
            ("Extension name", extension.name),
            ("Extension version", extension.version),
            ("Publisher", extension.publisher),
            ("Extension id", extension.app_id),
            ("Project", event.project),
            ("Environment", event.environment),
            ("Target", target),
            ("Country", event.base.partition("/")[2]),
            *more,
        )
    )


def judged(event: ExtensionIncompatible | RemediationReminded) -> JudgedExtension:
    """The findings, with what a program needs to know of them."""
    return JudgedExtension(
        project=event.project,
        environment=event.environment,
        extension=event.extension,
        base=event.base,
        report=event.report.digest,
        findings=event.findings,
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
