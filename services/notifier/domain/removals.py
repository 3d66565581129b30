"""Extensions whose time is over, and remediations that have ended."""

from datetime import datetime

from services.notifier.domain.environments import next_attempt, removal_is_known
from services.notifier.domain.extensions import extension_facts, major_of, target_of, titled, told_at
from services.notifier.domain.letters import Letter, moment, rows, subject
from services.notifier.domain.notifications import EnvironmentFacts, tell
from services.notifier.domain.state import Notification
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import RemediationEnded, RemediationEnding, RemovalDue
from shared.contracts.notifier import Occasion
from shared.contracts.parts import ExtensionName
from shared.kernel.decision import Decision

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
    told = message.data
    if state is not None or removal_is_known(facts.environment, message):
        return Decision(state)
    extension, target = told.extension, target_of(told.base, facts.environment)
    start = next_attempt(facts.environment, now)
    dependents = "; ".join(_named(one) for one in told.dependents)
    letter = Letter(
        subject=subject(told.project, told.environment, "extension will be removed", titled(extension)),
        headline=f"The extension {extension.name} {extension.version} by {extension.publisher} does not work with "
        f"{target}, and its time is over. In the next update window it will be removed from {told.environment}, "
        "and the environment will be updated. Its data is kept.",
        facts=extension_facts(told, target, ("Removed with it, since they need it", dependents or "nothing else")),
        dates=rows(
            (
                ("First told", told_at(told.dates)),
                ("Was due", moment(told.dates.removal_due_at) if told.dates.removal_due_at else None),
                ("Removal", f"{moment(start)}, or soon after" if start else "in the next update window"),
            )
        ),
        next_steps=(
            (
                "A version that works, staged before the window opens, stops the removal: "
                f"drydock extension stage {told.environment} NEW.app"
            ),
            f"To see or change the window: drydock environment window {told.environment}",
            "Data of what is removed is kept: a version that works finds it when it is installed later.",
            "If the update fails, the environment gets back what it had, the extensions too.",
        ),
    )
    return tell(message, Occasion.EXTENSION_REMOVAL_DUE, letter, facts, now, app_id=extension.app_id, base=told.base)


def ended(
    state: Notification | None, message: Envelope[RemediationEnded], facts: EnvironmentFacts, now: datetime
) -> Decision[Notification]:
    """The all-clear, for those who were told of the trouble: who was never told of it is not told of its end."""
    told = message.data
    if state is not None or told.ending not in _ENDS or told.dates.first_notified_at is None:
        return Decision(state)
    extension = told.extension
    # By now the environment may run the version: what it was about is said without `next`.
    target = target_of(told.base, None)
    what, headline = _ENDS[told.ending]
    words = {"name": f"{extension.name} by {extension.publisher}", "target": target, "environment": told.environment}
    letter = Letter(
        subject=subject(told.project, told.environment, f"{what} ({major_of(told.base)})", titled(extension)),
        headline=headline.format(**words),
        facts=extension_facts(told, target),
        dates=rows((("First told", told_at(told.dates)), ("Ended", moment(message.time)))),
        next_steps=(_AFTER[told.ending].format(**words),),
    )
    return tell(message, Occasion.EXTENSION_REMEDIATED, letter, facts, now, app_id=extension.app_id, base=told.base)


def _named(extension: ExtensionName) -> str:
    return f"{extension.name} {extension.version} by {extension.publisher} ({extension.app_id})"
