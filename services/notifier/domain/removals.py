"""Extensions whose time is over, and remediations that have ended."""

from datetime import datetime

from services.notifier.domain.extension_wording import extension_facts, major_of, target_of, titled, told_at
from services.notifier.domain.mail_content import MailContent, rows
from services.notifier.domain.notifications import EnvironmentFacts, notify
from services.notifier.domain.projections import next_attempt, removal_is_known
from services.notifier.domain.state import Notification
from services.notifier.domain.wording import moment, subject
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import RemediationEnded, RemediationEnding, RemovalDue
from shared.contracts.notifier import Occasion
from shared.contracts.parts import ExtensionName
from shared.kernel import UNCHANGED, Decision

_ENDS: dict[RemediationEnding, tuple[str, str]] = {
    RemediationEnding.FIXED: (
        "extension works again",
        "A version of {name} that works with {target} is installed in {environment}. It will not be removed.",
    ),
    RemediationEnding.STAGED: (
        "extension works with the next version",
        (
            "A version of {name} that works with {target} waits in {environment}; the update installs it. "
            "It will not be removed."
        ),
    ),
    RemediationEnding.UNINSTALLED: (
        "extension was uninstalled",
        "{name} was uninstalled from {environment}: it no longer stands in the way of {target}. Its data is kept.",
    ),
    RemediationEnding.REMOVED: (
        "extension was removed",
        "{name} was removed from {environment} with the update to {target}. Its data is kept.",
    ),
}
"""UPDATED is not among them: the environment has come to the version with the extension in it, which the mail about
that update has said."""

_AFTER: dict[RemediationEnding, str] = {
    RemediationEnding.FIXED: "Nothing needs to be done.",
    RemediationEnding.STAGED: "Nothing needs to be done.",
    RemediationEnding.UNINSTALLED: "Nothing needs to be done. "
    "To have it back, install a version that works: drydock extension install {environment} NEW.app",
    RemediationEnding.REMOVED: "To have it back, install a version that works; it finds its data: "
    "drydock extension install {environment} NEW.app",
}


def removal_due(
    state: Notification | None, message: Envelope[RemovalDue], facts: EnvironmentFacts, now: datetime
) -> Decision[Notification]:
    """An extension's time is over: what goes, what stays, when, and what can still be done. The same said again, since
    other extensions have changed, is not told again.
    """
    event = message.data
    if state is not None or removal_is_known(facts.environment, message):
        return UNCHANGED
    extension, target = event.extension, target_of(event.base, facts.environment)
    start = next_attempt(facts.environment, now)
    dependents = "; ".join(_named(one) for one in event.dependents)
    content = MailContent(
        subject=subject(event.project, event.environment, "extension will be removed", titled(extension)),
        headline=f"The extension {extension.name} {extension.version} by {extension.publisher} does not work with "
        f"{target}, and its time is over. In the next update window it will be removed from {event.environment}, "
        "and the environment will be updated. Its data is kept.",
        facts=extension_facts(event, target, ("Removed with it, since they need it", dependents or "nothing else")),
        dates=rows(
            (
                ("First told", told_at(event.dates)),
                ("Was due", moment(event.dates.removal_due_at) if event.dates.removal_due_at else None),
                ("Removal", f"{moment(start)}, or soon after" if start else "in the next update window"),
            )
        ),
        next_steps=(
            (
                "A version that works, staged before the window opens, stops the removal: "
                f"drydock extension stage {event.environment} NEW.app"
            ),
            f"To see or change the window: drydock environment window {event.environment}",
            "Data of what is removed is kept: a version that works finds it when it is installed later.",
            "If the update fails, the environment gets back what it had, the extensions too.",
        ),
    )
    return notify(
        message, Occasion.EXTENSION_REMOVAL_DUE, content, facts, now, app_id=extension.app_id, base=event.base
    )


def ended(
    state: Notification | None, message: Envelope[RemediationEnded], facts: EnvironmentFacts, now: datetime
) -> Decision[Notification]:
    """The all-clear, for those who were told of the trouble: who was never told of it is not told of its end."""
    event = message.data
    if state is not None or event.ending not in _ENDS or event.dates.first_notified_at is None:
        return UNCHANGED
    extension = event.extension
    # By now the environment may run the version: what it was about is said without `next`.
    target = target_of(event.base, None)
    what, headline = _ENDS[event.ending]
    words = {"name": f"{extension.name} by {extension.publisher}", "target": target, "environment": event.environment}
    content = MailContent(
        subject=subject(event.project, event.environment, f"{what} ({major_of(event.base)})", titled(extension)),
        headline=headline.format(**words),
        facts=extension_facts(event, target),
        dates=rows((("First told", told_at(event.dates)), ("Ended", moment(message.time)))),
        next_steps=(_AFTER[event.ending].format(**words),),
    )
    return notify(message, Occasion.EXTENSION_REMEDIATED, content, facts, now, app_id=extension.app_id, base=event.base)


def _named(extension: ExtensionName) -> str:
    return f"{extension.name} {extension.version} by {extension.publisher} ({extension.app_id})"
