"""The clock of each remediation: it runs from the first notification, reminds, and says when the time is over."""

from datetime import datetime

from services.extension_compatibility_checker.domain.extensions import dependents_of
from services.extension_compatibility_checker.domain.remediation_change import RemediationFacts, RemediationsChange
from services.extension_compatibility_checker.domain.remediation_policy import (
    clock_start,
    reminder_moments,
    removal_due,
)
from services.extension_compatibility_checker.domain.state import ExtensionRemediation, Remediations
from shared.contracts.parts import Verdict
from shared.kernel import Decision, TimerDue


def clock(state: Remediations, timer: TimerDue, facts: RemediationFacts, now: datetime) -> Decision[Remediations]:
    """It is time to remind of an extension, or its time is over."""
    return conclude(RemediationsChange(state, facts, now))


def conclude(change: RemediationsChange) -> RemediationsChange:
    """What follows now from all that has changed, and when to look again: every decision ends with it."""
    moments = [moment for item in change.open_items() if (moment := advance_clock(change, item))]
    _ask_about_new_set(change)
    change.send_questions()
    change.keep()
    for timer, due in (("clock", min(moments, default=None)), ("look", change.state.look_at)):
        if due:
            change.at(timer, due)
        else:
            change.cancel(timer)
    return change


def advance_clock(change: RemediationsChange, item: ExtensionRemediation) -> datetime | None:
    """Let a clock run, remind, and say that the time is over; when it has to be looked at next."""
    if item.gone_with:
        return None
    start = clock_start(
        change.rule,
        told_at=item.first_notified_at,
        detected_at=item.detected_at,
        unreachable=item.unreachable,
    )
    due = removal_due(change.rule, start, change.available_at(item.target_major))
    if due != item.removal_due_at:
        item = change.put(item.replace(removal_due_at=due))
    if start and not item.started:
        change.started(item)
        item = change.items[item.key]
    if start and due and change.now >= due:
        _removal_due(change, item)
        return None
    if item.removal_told:
        item = change.put(item.replace(removal_told=None))
    return _remind(change, item, reminder_moments(change.rule, start, due), due) if start and due else None


def _remind(
    change: RemediationsChange, item: ExtensionRemediation, moments: tuple[datetime, ...], due: datetime
) -> datetime:
    """Remind if it is time to; when the clock has to be looked at next."""
    now, until = change.now, item.reminded_until
    past = [moment for moment in moments if moment <= now and (until is None or moment > until)]
    if past and item.verdict is Verdict.INCOMPATIBLE:
        # After a standstill several are past: one reminder says all that there is to say.
        change.reminded(item, until=past[-1])
    return min([moment for moment in moments if moment > now], default=due)


def _removal_due(change: RemediationsChange, item: ExtensionRemediation) -> None:
    if item.verdict is not Verdict.INCOMPATIBLE or item.removal_told == item.judged:
        return
    if change.state.set_version is not None and item.set_version < change.state.set_version:
        return  # the set has changed since: the verdict that was asked for says whether it is still so
    change.removal_due(item, dependents_of(item.extension.app_id, change.state.extensions))


def _ask_about_new_set(change: RemediationsChange) -> None:
    """Bases of open remediations for which this version of the set was not judged yet."""
    version = change.state.set_version
    if version is None:
        return
    for item in change.open_items():
        if item.set_version < version and not item.gone_with:
            change.ask(item.base)
