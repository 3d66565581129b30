"""CancelPromotion: a person does not want a promotion any more."""

from datetime import datetime

from services.promotion_scheduler.domain.guards import check_not_started, open_promotion
from services.promotion_scheduler.domain.promotion_change import PromotionChange
from services.promotion_scheduler.domain.state import Promotion
from shared.contracts.envelope import Envelope
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import CancelPromotion, PromotionStatus, Reason


def cancel(state: Promotion | None, message: Envelope[CancelPromotion], facts: None, now: datetime) -> PromotionChange:
    """It will not take place. Once it was handed to the executor, only the operation can be cancelled."""
    promotion = open_promotion(state, message.data)
    check_not_started(promotion)
    why = Problem.of(Reason.CANCELLED_BY_USER, f"cancelled by {message.actor or 'a person'}")
    change = PromotionChange(promotion, now)
    if promotion.status is PromotionStatus.CHECKING:
        change.refused(why)
    else:
        change.cancelled(why)
    return change
