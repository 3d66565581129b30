"""RemovalDue and RemediationEnded: what is to be removed from an environment, and in which window. How a rollout comes
to be planned, or called off.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.promotion_scheduler.domain.projections import BaseReleaseProjection
from services.promotion_scheduler.domain.rollout_change import RolloutChange
from services.promotion_scheduler.domain.state import BUSY, DueRemoval, EndedRemediation, Rollout
from services.promotion_scheduler.domain.window import next_window
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import RemediationEnded, RemovalDue
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import Reason, RolloutStatus
from shared.kernel import UNCHANGED, Decision, TimerDue

ENDED_KEPT = 400
"""Ended remediations of an environment that are remembered, at most."""


@dataclass(frozen=True)
class BaseReleaseFacts:
    """For each base that the rollout may go to: the release that brings it, if one was published."""

    releases: tuple[BaseReleaseProjection | None, ...]

    def with_base(self, version: str) -> BaseReleaseProjection | None:
        """The release that brings a version of the base."""
        return next((one for one in self.releases if one and one.base_version == version), None)


def bases_of(state: Rollout | None, *more: str) -> tuple[str, ...]:
    """The versions of the bases that a rollout may go to."""
    bases = (*more, *(one.base for one in (state.removals if state else ())))
    return tuple(dict.fromkeys(base.partition("/")[0] for base in bases))


@dataclass(frozen=True)
class RolloutPlanning:
    """Planning as an installation has set it."""

    poll_every: timedelta
    """How often it is looked whether a release that is waited for was published."""

    def removal_due(
        self, state: Rollout | None, message: Envelope[RemovalDue], facts: BaseReleaseFacts, now: datetime
    ) -> Decision[Rollout]:
        """An extension's time is over. Of what is said about it the latest counts."""
        told = message.data
        rollout = state or Rollout(environment=told.environment)
        sequence = message.number
        about = (told.extension.app_id, told.target_major)
        if rollout.heard(*about) >= sequence:
            return UNCHANGED
        settled = {
            one.app_id for one in rollout.ended if one.target_major == told.target_major and one.sequence > sequence
        }
        removal = DueRemoval(
            app_id=told.extension.app_id,
            base=told.base,
            target_major=told.target_major,
            set_version=told.set_version,
            dependents=tuple(one.app_id for one in told.dependents if one.app_id not in settled),
            sequence=sequence,
        )
        others = tuple(one for one in rollout.removals if (one.app_id, one.target_major) != about)
        change = RolloutChange(rollout, now)
        change.replace(project=told.project, removals=(*others, removal))
        self.plan(change, facts)
        return change

    def remediation_ended(
        self, state: Rollout | None, message: Envelope[RemediationEnded], facts: BaseReleaseFacts, now: datetime
    ) -> Decision[Rollout]:
        """An extension need not be removed, by itself or with another. If nothing is left, the plan is called off.

        A plan that has no start waits for the checker, which tells anew what is to be removed when the set changes.
        """
        told = message.data
        rollout = state or Rollout(environment=told.environment)
        sequence = message.number
        app_id = told.extension.app_id
        about = (app_id, told.target_major)
        if rollout.heard(*about) >= sequence:
            return UNCHANGED
        ended = EndedRemediation(app_id=app_id, target_major=told.target_major, sequence=sequence)
        removals = tuple(
            _without(one, app_id) if one.target_major == told.target_major and one.sequence < sequence else one
            for one in rollout.removals
            if (one.app_id, one.target_major) != about
        )
        known = tuple(one for one in rollout.ended if (one.app_id, one.target_major) != about)
        change = RolloutChange(rollout, now)
        change.replace(removals=removals, ended=(*known, ended)[-ENDED_KEPT:])
        if rollout.start is not None or not removals:
            self.plan(change, facts)
        return change

    def poll_releases(self, state: Rollout, timer: TimerDue, facts: BaseReleaseFacts, now: datetime) -> RolloutChange:
        """Was the release published that is waited for?"""
        change = RolloutChange(state, now)
        self.plan(change, facts)
        return change

    def plan(self, change: RolloutChange, facts: BaseReleaseFacts) -> None:
        """Let what is to be removed and when follow from what is known now, unless it is with the executor."""
        rollout = change.state
        if rollout.status in BUSY:
            return
        target = rollout.target
        if not target:
            _call_off(change)
            return
        base = target[0].base
        release = facts.with_base(base.partition("/")[0])
        if release is None:
            self._wait_for_release(change, base)
            return
        change.cancel("look")
        waits = rollout.start is not None and rollout.status is not RolloutStatus.SUCCEEDED and rollout.base == base
        if waits and rollout.release == release and rollout.planned == rollout.wanted:
            change.replace(set_version=rollout.wanted_at)
        elif waits and rollout.start and rollout.end and rollout.start > change.now:
            change.planned(base, release, (rollout.start, rollout.end))
        else:
            change.planned(base, release, next_window(rollout.window, change.now))

    def _wait_for_release(self, change: RolloutChange, base: str) -> None:
        change.at("look", change.now + self.poll_every)
        rollout = change.state
        told = rollout.problem is not None and rollout.problem.reason == Reason.RELEASE_UNKNOWN
        if told and rollout.status is RolloutStatus.SKIPPED and rollout.base == base:
            return
        change.replace(base=base, release=None, planned=rollout.wanted)
        version = base.partition("/")[0]
        why = f"no release with base {version} was published yet; when one is, the update is planned by itself"
        change.skipped(Problem.of(Reason.RELEASE_UNKNOWN, why), None)


def _call_off(change: RolloutChange) -> None:
    """Nothing is to be removed any more. Who was told of a start is told that there is none."""
    change.cancel("look")
    if change.state.start is None or change.state.status is RolloutStatus.SUCCEEDED:
        change.replace(base=None)
        return
    why = "no extension has to be removed any more; the update is called off"
    change.skipped(Problem.of(Reason.NOT_NEEDED, why), None)


def _without(removal: DueRemoval, app_id: str) -> DueRemoval:
    if app_id not in removal.dependents:
        return removal
    return removal.replace(dependents=tuple(one for one in removal.dependents if one != app_id))
