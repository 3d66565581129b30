"""Candidates, promotions, releases and rollouts as others see them."""

from services.promotion_scheduler.domain.state import Candidate, Promotion, PublishedRelease, Rollout
from shared.contracts.promotion_scheduler import (
    CandidateSnapshot,
    PromotionSnapshot,
    ReleaseSnapshot,
    RolloutSnapshot,
    RolloutStatus,
    UpdateWindow,
)


def candidate_view(candidate: str, state: Candidate) -> CandidateSnapshot:
    """The candidate as others see it."""
    return CandidateSnapshot(
        candidate=candidate,
        environment=state.environment,
        project=state.project,
        update=state.update,
        marked_at=state.marked_at,
        actor=state.actor,
    )


def promotion_view(state: Promotion) -> PromotionSnapshot:
    """The promotion as others see it."""
    return PromotionSnapshot(
        promotion=state.id,
        environment=state.environment,
        project=state.project,
        sandbox=state.sandbox,
        update=state.update,
        status=state.status,
        downtime=state.downtime,
        operation=state.operation,
        problem=state.problem,
        actor=state.actor,
    )


def release_view(version: str, state: PublishedRelease) -> ReleaseSnapshot:
    """The release as others see it."""
    return ReleaseSnapshot(
        version=version,
        package=state.package,
        platform_version=state.platform_version,
        application_version=state.application_version,
        base_version=state.base_version,
        modules=state.modules,
        published_at=state.published_at,
    )


def rollout_view(environment: str, state: Rollout) -> RolloutSnapshot | None:
    """The rollout as others see it; none while there was no rollout and no window was chosen."""
    if state.status is RolloutStatus.NONE and state.window == UpdateWindow():
        return None
    return RolloutSnapshot(
        rollout=environment,
        project=state.project,
        release=state.release.version if state.release else None,
        status=state.status,
        start=state.start,
        end=state.end,
        remove_extensions=state.planned,
        operation=state.operation,
        problem=state.problem,
        window=state.window,
    )
