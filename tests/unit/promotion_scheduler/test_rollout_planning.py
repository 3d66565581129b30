"""What is to be removed is planned for the next window, told once, and called off when it need not be."""

from datetime import datetime, timedelta

import pytest

from services.promotion_scheduler.domain.rollout_planning import BaseReleaseFacts, bases_of
from services.promotion_scheduler.domain.state import Rollout
from shared.contracts.extension_compatibility_checker import RemediationEnding
from shared.contracts.promotion_scheduler import (
    Reason,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStatus,
)
from shared.kernel import UNCHANGED, Decision, TimerDue
from tests.unit.promotion_scheduler.rollout_story import (
    BASE,
    CLOSES,
    DAY,
    FREIGHT,
    LABELS,
    LOOK,
    NEXT_RELEASE,
    NO_RELEASE,
    OPENS,
    PLANNING,
    RELEASE,
    RELEASES,
    SCALES,
    after,
    due,
    ended,
    starting,
    state_of,
    take,
)
from tests.unit.promotion_scheduler.story import NOW, PRODUCTION

NEWER = f"{NEXT_RELEASE.base_version}/DE"


def _look(state: Rollout, facts: BaseReleaseFacts, now: datetime) -> Decision[Rollout]:
    return PLANNING.poll_releases(state, TimerDue("look", "", now), facts, now)


def test_the_first_removal_plans_the_release_of_its_base_for_the_next_window() -> None:
    decision = take(None, due(FREIGHT, LABELS))
    assert decision.events == [
        RolloutPlanned(
            environment=PRODUCTION,
            project="contoso",
            release="27.0",
            package="contoso/release-27.0",
            start=OPENS,
            end=CLOSES,
            remove_extensions=(LABELS, FREIGHT),
            set_version=3,
        )
    ]
    assert decision.timers == {"look": None, "start": OPENS}
    assert not decision.commands
    assert state_of(decision).status is RolloutStatus.PLANNED


def test_more_removals_before_the_window_join_the_plan_which_is_told_again_for_the_same_window() -> None:
    decision = take(after(due(FREIGHT, LABELS)), due(SCALES), sequence=2)
    [told] = decision.events
    assert isinstance(told, RolloutPlanned)
    assert told.remove_extensions == (LABELS, FREIGHT, SCALES)
    assert (told.start, told.end) == (OPENS, CLOSES)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (OPENS - timedelta(seconds=1), OPENS),
        (OPENS, OPENS + DAY),
        (OPENS + timedelta(seconds=1), OPENS + DAY),
    ],
    ids=["before it opens", "as it opens", "while it is open"],
)
def test_what_joins_the_plan_when_its_window_has_opened_goes_to_the_next(now: datetime, start: datetime) -> None:
    [told] = take(after(due()), due(SCALES), sequence=2, now=now).events
    assert isinstance(told, RolloutPlanned)
    assert told.start == start


def test_what_is_removed_twice_is_named_once_with_those_that_need_it_first() -> None:
    assert after(due(FREIGHT, LABELS), due(LABELS)).planned == (LABELS, FREIGHT)
    assert after(due(LABELS), due(FREIGHT, LABELS)).planned == (LABELS, FREIGHT)
    assert after(due(SCALES, LABELS, FREIGHT), due(FREIGHT, LABELS)).planned == (LABELS, FREIGHT, SCALES)


@pytest.mark.parametrize("set_version", [3, 4])
def test_the_same_removal_told_again_does_not_tell_the_plan_again(set_version: int) -> None:
    decision = take(after(due()), due(set_version=set_version), sequence=2)
    assert not decision.events
    assert state_of(decision).set_version == set_version
    assert state_of(decision).start == OPENS


def test_an_older_word_counts_for_nothing() -> None:
    planned = after(due(), due(SCALES), ended(SCALES))
    for sequence in (2, 3):
        assert take(planned, due(SCALES, LABELS), sequence=sequence) is UNCHANGED
    assert take(planned, ended(FREIGHT), sequence=1) is UNCHANGED
    settled = take(None, ended(FREIGHT), sequence=9).state
    assert take(settled, due(FREIGHT), sequence=8) is UNCHANGED


def test_a_removal_that_is_late_does_not_name_a_dependent_that_was_mended_since() -> None:
    mended = take(None, ended(LABELS), sequence=9).state
    assert state_of(take(mended, due(FREIGHT, LABELS), sequence=8)).planned == (FREIGHT,)
    assert state_of(take(mended, due(FREIGHT, LABELS), sequence=10)).planned == (LABELS, FREIGHT)


def test_who_need_not_be_removed_leaves_the_plan() -> None:
    decision = take(after(due(FREIGHT, LABELS), due(SCALES)), ended(SCALES), sequence=3)
    [told] = decision.events
    assert isinstance(told, RolloutPlanned)
    assert told.remove_extensions == (LABELS, FREIGHT)


def test_a_dependent_that_was_mended_is_not_named_either() -> None:
    assert after(due(FREIGHT, LABELS), due(LABELS), ended(LABELS)).planned == (FREIGHT,)


@pytest.mark.parametrize("ending", list(RemediationEnding))
def test_with_nothing_left_the_plan_is_called_off_once(ending: RemediationEnding) -> None:
    decision = take(after(due()), ended(ending=ending), sequence=2)
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.release, told.problem.reason, told.next_start) == ("27.0", Reason.NOT_NEEDED, None)
    assert decision.timers == {"look": None, "start": None}
    assert not take(decision.state, ended(SCALES), sequence=3).events


def test_while_no_release_has_the_base_that_is_said_once_and_looked_for() -> None:
    decision = take(None, due(), facts=NO_RELEASE)
    [told] = decision.events
    assert isinstance(told, RolloutSkipped)
    assert (told.release, told.problem.reason, told.next_start) == (BASE, Reason.RELEASE_UNKNOWN, None)
    assert decision.timers == {"look": NOW + LOOK, "start": None}
    for number in range(1, 3):
        now = NOW + number * LOOK
        decision = _look(state_of(decision), NO_RELEASE, now)
        assert not decision.events
        assert decision.timers == {"look": now + LOOK}
    decision = _look(state_of(decision), BaseReleaseFacts((RELEASE,)), NOW + DAY)
    [planned] = decision.events
    assert isinstance(planned, RolloutPlanned)
    assert planned.start == OPENS + DAY
    assert decision.timers == {"look": None, "start": OPENS + DAY}


def test_a_release_that_is_waited_for_is_not_looked_for_when_nothing_is_to_be_removed_any_more() -> None:
    decision = take(after(due(), facts=NO_RELEASE), ended(), sequence=2, facts=NO_RELEASE)
    assert not decision.events
    assert decision.timers == {"look": None}
    again = take(decision.state, due(), sequence=3, facts=NO_RELEASE)
    assert len(again.events) == 1


def test_the_lowest_major_goes_first_and_in_it_the_highest_base() -> None:
    newer_build = "27.0.40000.0/DE"
    planned = after(due(FREIGHT, base=NEWER), due(SCALES))
    assert (planned.release, planned.planned) == (RELEASE, (SCALES,))
    build = RELEASE.model_copy(update={"base_version": "27.0.40000.0", "version": "27.0.1"})
    facts = BaseReleaseFacts((NEXT_RELEASE, build, RELEASE))
    moved = take(planned, due(LABELS, base=newer_build), sequence=3, facts=facts).state
    assert moved is not None
    assert (moved.release, moved.planned) == (build, (LABELS,))
    assert set(bases_of(planned, newer_build)) == {"27.0.40000.0", BASE, NEXT_RELEASE.base_version}


def test_what_is_learned_while_the_executor_has_it_is_kept_and_changes_nothing() -> None:
    state = starting()
    for event in (due(SCALES), ended()):
        decision = take(state, event, sequence=5)
        assert (decision.events, decision.commands, decision.timers) == ([], [], {})
        assert state_of(decision).planned == (FREIGHT,)


def test_facts_are_asked_for_every_base_that_may_be_the_target() -> None:
    assert bases_of(None) == ()
    assert bases_of(None, f"{BASE}/DE", f"{BASE}/FR") == (BASE,)
    assert RELEASES.releases[0] == RELEASE
