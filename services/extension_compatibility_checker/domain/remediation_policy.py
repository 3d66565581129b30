"""What becomes of a project's extensions that stay incompatible, and the dates that follow from it."""

import calendar
from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.state import ProjectPolicy
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    Regime,
    RemediationPolicy,
    RemediationPolicyChanged,
    SetRemediationPolicy,
    WithoutRecipient,
)
from shared.kernel import Decision, DecisionBuilder

SEED = RemediationPolicy()
"""The rule without any policy: removed 90 days after the first notification
(seeds/update-lifecycle-for-tenant-customizations.txt, "Automatic Extension Removal").
"""


def set_policy(
    state: ProjectPolicy | None, message: Envelope[SetRemediationPolicy], facts: None, now: datetime
) -> Decision[ProjectPolicy]:
    """Another policy holds. Clocks that run follow it at their environment's next event, timer or daily look."""
    command = message.data
    change = DecisionBuilder(ProjectPolicy(project=command.project, policy=command.policy), now)
    change.say(RemediationPolicyChanged(project=command.project, policy=command.policy))
    return change


def rule(state: ProjectPolicy | None) -> RemediationPolicy:
    """The policy that holds: the one that was set, else the seed's."""
    return state.policy if state else SEED


def removal_days(policy: RemediationPolicy) -> int | None:
    """Days from the first notification to the removal; None under a policy that does not count from there."""
    return policy.removal_days if policy.regime is Regime.AFTER_NOTIFICATION else None


def clock_start(
    policy: RemediationPolicy, *, told_at: datetime | None, detected_at: datetime, unreachable: bool
) -> datetime | None:
    """Since when a clock runs; None while nobody was told, unless the policy lets it run where nobody can be."""
    if told_at is None and unreachable and policy.without_recipient is WithoutRecipient.FROM_DETECTION:
        return detected_at
    return told_at


def removal_due(policy: RemediationPolicy, start: datetime | None, available_at: datetime | None) -> datetime | None:
    """When an extension is to be removed; None while no clock runs and where the policy sets no date.

    `available_at` is the general availability of the first release with the target's base major, None if none was
    published. Under `release-periods` the update period and the grace period begin there, in calendar months, and
    nothing is removed before the clock runs, that is before somebody was told.
    """
    if start is None or policy.regime is Regime.NEVER:
        return None
    if policy.regime is Regime.AFTER_NOTIFICATION:
        return start + timedelta(days=policy.removal_days)
    if available_at is None:
        return None
    return max(add_months(available_at, policy.update_months + policy.grace_months), start)


def reminder_moments(policy: RemediationPolicy, start: datetime, due: datetime) -> tuple[datetime, ...]:
    """When recipients are reminded, earliest first: those days before the removal that lie after the start."""
    moments = {due - timedelta(days=days) for days in policy.reminder_days}
    return tuple(sorted(moment for moment in moments if moment > start))


def add_months(moment: datetime, months: int) -> datetime:
    """The same day and time so many calendar months later; the month's last day where it has no such day."""
    year, month = divmod(moment.month - 1 + months, 12)
    year += moment.year
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)
