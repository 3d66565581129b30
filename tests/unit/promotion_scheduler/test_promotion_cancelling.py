"""A person cancels a promotion, as long as it was not handed to the executor."""

import pytest

from services.promotion_scheduler.domain import promotion_cancelling, promotion_execution
from services.promotion_scheduler.domain.state import Promotion
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    PromotionCancelled,
    PromotionRefused,
    Reason,
)
from shared.kernel import Rejected, TimerDue
from tests.unit.promotion_scheduler.story import (
    NOW,
    PRODUCTION,
    PROMOTION,
    TONIGHT,
    accepted,
    checking,
    envelope,
    only,
    scheduled,
    state_of,
)

DUE = TimerDue("start", PROMOTION, TONIGHT)


def starting() -> Promotion:
    return state_of(promotion_execution.start(scheduled(), DUE, None, TONIGHT))


def started() -> Promotion:
    return state_of(promotion_execution.operation_accepted(starting(), envelope(accepted()), None, TONIGHT))


def cancel_command(promotion: str | None = None) -> CancelPromotion:
    return CancelPromotion(environment=PRODUCTION, promotion=promotion)


def test_a_person_cancels_it_before_its_start() -> None:
    decision = promotion_cancelling.cancel(scheduled(), envelope(cancel_command(PROMOTION)), None, NOW)
    event = only(decision)
    assert isinstance(event, PromotionCancelled)
    assert event.problem.reason == Reason.CANCELLED_BY_USER
    assert "ada" in event.problem.message
    assert decision.timers[f"start:{PROMOTION}"] is None


def test_cancelled_while_it_is_checked_it_was_never_scheduled() -> None:
    decision = promotion_cancelling.cancel(checking(), envelope(cancel_command()), None, NOW)
    event = only(decision)
    assert isinstance(event, PromotionRefused)
    assert event.problem.reason == Reason.CANCELLED_BY_USER


@pytest.mark.parametrize("state", [starting(), started()], ids=["starting", "started"])
def test_after_its_start_it_cannot_be_cancelled(state: Promotion) -> None:
    with pytest.raises(Rejected) as refused:
        promotion_cancelling.cancel(state, envelope(cancel_command()), None, TONIGHT)
    assert refused.value.reason is Reason.STARTED_ALREADY


@pytest.mark.parametrize(
    ("state", "promotion"),
    [
        (None, None),
        (scheduled(), f"{PRODUCTION}/another"),
        (state_of(promotion_cancelling.cancel(scheduled(), envelope(cancel_command()), None, NOW)), PROMOTION),
    ],
    ids=["there is none", "another is open", "it has ended"],
)
def test_what_is_not_open_cannot_be_cancelled(state: Promotion | None, promotion: str | None) -> None:
    with pytest.raises(Rejected) as refused:
        promotion_cancelling.cancel(state, envelope(cancel_command(promotion)), None, NOW)
    assert refused.value.reason is Reason.NO_OPEN_PROMOTION
