"""What is waited for, and until when, where a version has stored it that set no timer for it.

Up to 0.1.0 of 2026-11-21 a start that the executor did not answer was waited for without end.
"""

from collections.abc import Mapping
from datetime import datetime

from services.promotion_scheduler.domain.state import Promotion, Rollout
from services.promotion_scheduler.domain.terms import ANSWER_GRACE
from shared.contracts.promotion_scheduler import PromotionStatus, RolloutStatus


def of_promotion(promotion: Promotion) -> Mapping[str, datetime]:
    """The executor's answer to a start."""
    if promotion.status is not PromotionStatus.STARTING or promotion.not_after is None:
        return {}
    return {f"answer:{promotion.id}": promotion.not_after + ANSWER_GRACE}


def of_rollout(rollout: Rollout) -> Mapping[str, datetime]:
    """The executor's answer to a start."""
    if rollout.status is not RolloutStatus.STARTING or rollout.end is None:
        return {}
    return {"answer": rollout.end + ANSWER_GRACE}
