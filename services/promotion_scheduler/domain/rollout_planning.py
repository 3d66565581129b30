"""What is to be removed from an environment, and in which window: how a rollout comes to be planned, or called off."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.promotion_scheduler.domain.projections import KnownEnvironment
from services.promotion_scheduler.domain.rollout import BUSY, Ended, Removal, Rollout
from services.promotion_scheduler.domain.rollout_change import RolloutDraft
from services.promotion_scheduler.domain.rollout_release import BaseRelease
from services.promotion_scheduler.domain.window import checked, window_days_after
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import RemediationEnded, RemovalDue
from shared.contracts.promotion_scheduler import RolloutStatus, SetUpdateWindow, UpdateWindowSet
from shared.kernel import Decision, NotYet, TimerDue

ENDED_KEPT = 400
"""Ended remediations of an environment that are remembered, at most."""


@dataclass(frozen=True)
class ReleaseFacts:
    """For each base that the rollout may go to: the release that brings it, if one was published."""

    releases: tuple[BaseRelease | None, ...]


@dataclass(frozen=True)
class WindowFacts:
    """The environment that the window is for."""

    environment: KnownEnvironment | None


def set_window(
    state: Rollout | None, message: Envelope[SetUpdateWindow], facts: WindowFacts, now: datetime
) -> Decision[Rollout]:
    """Updates start in other hours from now on. What waits for its start moves to the new hours of that day, or, if
    they have begun, of the next.
    """
    command = message.data
    window = checked(command.window)
    if facts.environment is None:
        raise NotYet(f"there is no environment {command.environment}", waits_for=command.environment)
    draft = RolloutDraft(state or Rollout(environment=command.environment))
    draft.change(window=window, project=facts.environment.project)
    rollout = draft.rollout
    waits = rollout.start and rollout.status not in {*BUSY, RolloutStatus.SUCCEEDED}
    if waits and rollout.start and rollout.base and rollout.release:
        moved = window_days_after(window, rollout.start, 0, now)
        if moved != (rollout.start, rollout.end):
            draft.tell_plan(rollout.base, rollout.release, moved)
    told = UpdateWindowSet(environment=command.environment, window=window)
    return draft.decision((told,))


@dataclass(frozen=True)
class Planning:
    """Planning as an installation has set it."""

    look_every: timedelta
    """How often it is looked whether a release that is waited for was published."""

    def removal_due(
        self, state: Rollout | None, message: Envelope[RemovalDue], facts: ReleaseFacts, now: datetime
    ) -> Decision[Rollout]:
        """An extension's time is over. Of what is said about it the latest counts."""
        told = message.data
        rollout = state or Rollout(environment=told.environment)
        sequence = message.sequence or 0
        about = (told.extension.app_id, told.target_major)
        if rollout.heard(*about) >= sequence:
            return Decision(state)
        settled = {
            one.app_id for one in rollout.ended if one.target_major == told.target_major and one.sequence > sequence
        }
        removal = Removal(
            app_id=told.extension.app_id,
            base=told.base,
            target_major=told.target_major,
            set_version=told.set_version,
            dependents=tuple(one.app_id for one in told.dependents if one.app_id not in settled),
            sequence=sequence,
        )
        others = tuple(one for one in rollout.removals if (one.app_id, one.target_major) != about)
        draft = RolloutDraft(rollout)
        draft.change(project=told.project, removals=(*others, removal))
        draft.plan(facts.releases, now, now + self.look_every)
        return draft.decision()

    def remediation_ended(
        self, state: Rollout | None, message: Envelope[RemediationEnded], facts: ReleaseFacts, now: datetime
    ) -> Decision[Rollout]:
        """An extension need not be removed, by itself or with another. If nothing is left, the plan is called off.

        A plan that has no start waits for the checker, which tells anew what is to be removed when the set changes.
        """
        told = message.data
        rollout = state or Rollout(environment=told.environment)
        sequence = message.sequence or 0
        app_id = told.extension.app_id
        about = (app_id, told.target_major)
        if rollout.heard(*about) >= sequence:
            return Decision(state)
        ended = Ended(app_id=app_id, target_major=told.target_major, sequence=sequence)
        removals = tuple(
            _without(one, app_id) if one.target_major == told.target_major and one.sequence < sequence else one
            for one in rollout.removals
            if (one.app_id, one.target_major) != about
        )
        known = tuple(one for one in rollout.ended if (one.app_id, one.target_major) != about)
        draft = RolloutDraft(rollout)
        draft.change(removals=removals, ended=(*known, ended)[-ENDED_KEPT:])
        if rollout.start is not None or not removals:
            draft.plan(facts.releases, now, now + self.look_every)
        return draft.decision()

    def look(self, state: Rollout | None, timer: TimerDue, facts: ReleaseFacts, now: datetime) -> Decision[Rollout]:
        """Was the release published that is waited for?"""
        if state is None:
            return Decision(state)
        draft = RolloutDraft(state)
        draft.plan(facts.releases, now, now + self.look_every)
        return draft.decision()


def _without(removal: Removal, app_id: str) -> Removal:
    if app_id not in removal.dependents:
        return removal
    return removal.model_copy(update={"dependents": tuple(one for one in removal.dependents if one != app_id)})
