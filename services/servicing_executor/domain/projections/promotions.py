"""Promotions as promotion-scheduler last told of them.

The executor begins what was announced and nothing else. The scheduler's word may come behind its command, since they
travel on different topics: who decides waits for it.
"""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionCompleted,
    PromotionFailed,
    PromotionRefused,
    PromotionScheduled,
    PromotionStarted,
    PromotionStatus,
)
from shared.kernel import UNCHANGED, Decision, State


class PromotionProjection(State):
    """A promotion. It is open while it is `scheduled`."""

    sequence: int
    environment: str
    sandbox: str
    update_name: str
    image: str
    status: PromotionStatus
    start: datetime | None = None
    """None: it has ended, and nothing was known of it before."""


PromotionEvent = (
    PromotionScheduled | PromotionStarted | PromotionCompleted | PromotionFailed | PromotionCancelled | PromotionRefused
)


def promotion_scheduled(
    state: PromotionProjection | None, message: Envelope[PromotionScheduled], facts: None, now: datetime
) -> Decision[PromotionProjection]:
    """It waits for its start."""
    return _told(state, message, PromotionStatus.SCHEDULED, message.data.downtime.start)


def promotion_started(
    state: PromotionProjection | None, message: Envelope[PromotionStarted], facts: None, now: datetime
) -> Decision[PromotionProjection]:
    """Its operation has begun."""
    return _told(state, message, PromotionStatus.STARTED, message.data.downtime.start)


def promotion_completed(
    state: PromotionProjection | None, message: Envelope[PromotionCompleted], facts: None, now: datetime
) -> Decision[PromotionProjection]:
    """Production runs its image."""
    return _told(state, message, PromotionStatus.COMPLETED, None)


def promotion_failed(
    state: PromotionProjection | None, message: Envelope[PromotionFailed], facts: None, now: datetime
) -> Decision[PromotionProjection]:
    """Its operation has ended without success."""
    return _told(state, message, PromotionStatus.FAILED, None)


def promotion_cancelled(
    state: PromotionProjection | None, message: Envelope[PromotionCancelled], facts: None, now: datetime
) -> Decision[PromotionProjection]:
    """It will not take place."""
    return _told(state, message, PromotionStatus.CANCELLED, message.data.downtime.start)


def promotion_refused(
    state: PromotionProjection | None, message: Envelope[PromotionRefused], facts: None, now: datetime
) -> Decision[PromotionProjection]:
    """It was never scheduled."""
    return _told(state, message, PromotionStatus.REFUSED, message.data.start)


def _told(
    state: PromotionProjection | None,
    message: Envelope[PromotionEvent],
    status: PromotionStatus,
    start: datetime | None,
) -> Decision[PromotionProjection]:
    if state and not message.is_news(state.sequence):
        return UNCHANGED
    told = message.data
    return Decision(
        PromotionProjection(
            sequence=message.number,
            environment=told.environment,
            sandbox=told.sandbox,
            update_name=told.update.name,
            image=told.update.image,
            status=status,
            start=start or (state.start if state else None),
        )
    )
