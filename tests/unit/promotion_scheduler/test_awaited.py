"""A start whose answer is waited for has a timer, also where the version that has stored it set none."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest

from services.promotion_scheduler.app import PROMOTIONS, ROLLOUTS
from services.promotion_scheduler.domain import promotion_execution, rollout_execution
from shared.contracts.promotion_scheduler import PromotionStatus, RolloutStatus
from shared.kernel import State, TimerDue
from shared.kernel.app import Aggregate
from tests.unit.promotion_scheduler import rollout_story
from tests.unit.promotion_scheduler.test_promotion_execution import starting


def awaited(aggregate: Aggregate[Any], state: Any) -> Mapping[str, datetime]:
    assert aggregate.awaits
    return aggregate.awaits(state)


def with_status(state: State, status: StrEnum) -> State:
    """The state as it may have been stored, though no decision leads there from here."""
    return state.model_validate({**state.model_dump(), "status": status}, strict=False)


def test_a_promotion_that_starts_ends_by_the_timer_that_an_earlier_version_did_not_set() -> None:
    promotion = starting()
    [(timer, due)] = awaited(PROMOTIONS, promotion).items()
    assert promotion.not_after
    assert due > promotion.not_after
    kind, _, argument = timer.partition(":")
    decision = promotion_execution.start_unanswered(promotion, TimerDue(kind, argument, due), None, due)
    after = decision.state_after(promotion)
    assert after
    assert after.status is PromotionStatus.CANCELLED


def test_a_rollout_that_starts_ends_by_the_timer_that_an_earlier_version_did_not_set() -> None:
    rollout = rollout_story.starting()
    [(timer, due)] = awaited(ROLLOUTS, rollout).items()
    assert rollout.end
    assert due > rollout.end
    decision = rollout_execution.start_unanswered(rollout, TimerDue(timer, "", due), None, due)
    after = decision.state_after(rollout)
    assert after
    assert after.status is not RolloutStatus.STARTING


@pytest.mark.parametrize("status", [one for one in PromotionStatus if one is not PromotionStatus.STARTING])
def test_no_other_promotion_gets_that_timer(status: PromotionStatus) -> None:
    assert awaited(PROMOTIONS, with_status(starting(), status)) == {}


@pytest.mark.parametrize("status", [one for one in RolloutStatus if one is not RolloutStatus.STARTING])
def test_no_other_rollout_gets_that_timer(status: RolloutStatus) -> None:
    assert awaited(ROLLOUTS, with_status(rollout_story.starting(), status)) == {}
