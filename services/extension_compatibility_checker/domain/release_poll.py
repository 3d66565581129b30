"""Each environment looks ahead by itself: is there a newer base to check its extensions against?"""

from datetime import datetime, timedelta

from services.extension_compatibility_checker.domain.remediation_change import (
    RemediationFacts,
    RemediationRules,
    RemediationsChange,
)
from services.extension_compatibility_checker.domain.remediation_clock import conclude
from services.extension_compatibility_checker.domain.state import Question, Remediations
from shared.kernel import UNCHANGED, Decision, TimerDue

TELL_AGAIN = timedelta(days=7)
"""How often it is tried again to tell of an extension of which nobody was told: no recipient, or no mail arrived."""


class ReleasePoll(RemediationRules):
    """What an environment does on its own every `look_ahead`."""

    def poll_releases(
        self, state: Remediations, timer: TimerDue, facts: RemediationFacts, now: datetime
    ) -> Decision[Remediations]:
        """Ask about the newest release's base, if there is a newer one; try to tell again what nobody was told."""
        if state.look_at is None:
            return UNCHANGED
        change = RemediationsChange(state, facts, now)
        _ask_about_base_ahead(change)
        # The look that is nearest to a week after the last try.
        _tell_again(change, after=TELL_AGAIN - self.look_ahead / 2)
        change.replace(look_at=now + self.look_ahead)
        return conclude(change)


def _ask_about_base_ahead(change: RemediationsChange) -> None:
    state, known = change.state, change.facts.bases
    ahead = known.base_ahead(state.running, state.application) if known else None
    if known is None or ahead is None or not state.country:
        return
    base = f"{ahead}/{state.country}"
    if base in known.bases and Question(set_version=state.set_version or 0, base=base) not in state.judged:
        change.ask(base)


def _tell_again(change: RemediationsChange, after: timedelta) -> None:
    for item in change.open_items():
        if item.first_notified_at is None and not item.gone_with and change.now >= item.tried_at + after:
            change.told_again(item)
