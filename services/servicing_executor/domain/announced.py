"""What promotion-scheduler has announced: promotions and rollouts, as it last told of each.

The executor begins what was announced and nothing else. The scheduler's word may come behind its command, since they
travel on different topics: who decides waits for it.
"""

from datetime import datetime
from enum import StrEnum

from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionCompleted,
    PromotionFailed,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    PromotionStatus,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStarted,
)
from shared.kernel import Decision, State


class AnnouncedPromotion(State):
    """A promotion. It is open while it is `scheduled`."""

    sequence: int
    environment: str
    sandbox: str
    update_name: str
    image: str
    status: PromotionStatus
    start: datetime | None = None
    """None: it has ended, and nothing was known of it before."""


PromotionTold = (
    PromotionScheduled | PromotionStarted | PromotionCompleted | PromotionFailed | PromotionCancelled | PromotionRefused
)


def promotion_scheduled(
    state: AnnouncedPromotion | None, message: Envelope[PromotionScheduled], facts: None, now: datetime
) -> Decision[AnnouncedPromotion]:
    """It waits for its start."""
    return _promotion(state, message, PromotionStatus.SCHEDULED, message.data.downtime.start)


def promotion_started(
    state: AnnouncedPromotion | None, message: Envelope[PromotionStarted], facts: None, now: datetime
) -> Decision[AnnouncedPromotion]:
    """Its operation has begun."""
    return _promotion(state, message, PromotionStatus.STARTED, message.data.downtime.start)


def promotion_completed(
    state: AnnouncedPromotion | None, message: Envelope[PromotionCompleted], facts: None, now: datetime
) -> Decision[AnnouncedPromotion]:
    """Production runs its image."""
    return _promotion(state, message, PromotionStatus.COMPLETED, None)


def promotion_failed(
    state: AnnouncedPromotion | None, message: Envelope[PromotionFailed], facts: None, now: datetime
) -> Decision[AnnouncedPromotion]:
    """Its operation has ended without success."""
    return _promotion(state, message, PromotionStatus.FAILED, None)


def promotion_cancelled(
    state: AnnouncedPromotion | None, message: Envelope[PromotionCancelled], facts: None, now: datetime
) -> Decision[AnnouncedPromotion]:
    """It will not take place."""
    return _promotion(state, message, PromotionStatus.CANCELLED, message.data.downtime.start)


def promotion_refused(
    state: AnnouncedPromotion | None, message: Envelope[PromotionRefused], facts: None, now: datetime
) -> Decision[AnnouncedPromotion]:
    """It was never scheduled."""
    return _promotion(state, message, PromotionStatus.REFUSED, message.data.start)


def _promotion(
    state: AnnouncedPromotion | None, message: Envelope[PromotionTold], status: PromotionStatus, start: datetime | None
) -> Decision[AnnouncedPromotion]:
    sequence, told = message.sequence or 0, message.data
    if state and state.sequence >= sequence:
        return Decision(state)
    return Decision(
        AnnouncedPromotion(
            sequence=sequence,
            environment=told.environment,
            sandbox=told.sandbox,
            update_name=told.update.name,
            image=told.update.image,
            status=status,
            start=start or (state.start if state else None),
        )
    )


class RolloutStage(StrEnum):
    """Where a rollout stands, as far as it was told."""

    PLANNED = "planned"
    STARTED = "started"
    ENDED = "ended"


class AnnouncedRollout(State):
    """The rollout of an environment that was told of last. It is open while it is planned."""

    sequence: int
    stage: RolloutStage
    release: str
    package: str | None = None
    """None: it was planned before this service took note of that."""
    start: datetime | None = None
    """When it starts, if it does by itself."""
    remove_extensions: tuple[str, ...] = ()


def rollout_planned(
    state: AnnouncedRollout | None, message: Envelope[RolloutPlanned], facts: None, now: datetime
) -> Decision[AnnouncedRollout]:
    """It waits for its window."""
    told, sequence = message.data, message.sequence or 0
    if state and state.sequence >= sequence:
        return Decision(state)
    planned = AnnouncedRollout(
        sequence=sequence,
        stage=RolloutStage.PLANNED,
        release=told.release,
        package=told.package,
        start=told.start,
        remove_extensions=told.remove_extensions,
    )
    return Decision(planned)


def rollout_started(
    state: AnnouncedRollout | None, message: Envelope[RolloutStarted], facts: None, now: datetime
) -> Decision[AnnouncedRollout]:
    """Its operation has begun."""
    return _rollout(state, message.sequence, RolloutStage.STARTED, message.data.release, None)


def rollout_finished(
    state: AnnouncedRollout | None, message: Envelope[RolloutFinished], facts: None, now: datetime
) -> Decision[AnnouncedRollout]:
    """Its operation has ended; it may be tried again by itself."""
    return _again(state, message.sequence, message.data.release, message.data.next_start)


def rollout_skipped(
    state: AnnouncedRollout | None, message: Envelope[RolloutSkipped], facts: None, now: datetime
) -> Decision[AnnouncedRollout]:
    """It did not start; it may be tried again by itself."""
    return _again(state, message.sequence, message.data.release, message.data.next_start)


def _again(
    state: AnnouncedRollout | None, sequence: int | None, release: str, start: datetime | None
) -> Decision[AnnouncedRollout]:
    """A plan whose next start is told goes on as it was; no other word of it comes before that start."""
    stage = RolloutStage.PLANNED if start else RolloutStage.ENDED
    return _rollout(state, sequence, stage, release, start)


def _rollout(
    state: AnnouncedRollout | None, sequence: int | None, stage: RolloutStage, release: str, start: datetime | None
) -> Decision[AnnouncedRollout]:
    number = sequence or 0
    if state and state.sequence >= number:
        return Decision(state)
    same = state if state and state.release == release else AnnouncedRollout(sequence=0, stage=stage, release=release)
    return Decision(same.model_copy(update={"sequence": number, "stage": stage, "start": start}))
