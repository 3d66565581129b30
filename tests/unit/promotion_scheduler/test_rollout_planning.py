"""What is to be removed is planned for the next window, told once, and called off when it need not be."""

from datetime import UTC, datetime, timedelta

import pytest

from services.promotion_scheduler.domain.projections import KnownEnvironment
from services.promotion_scheduler.domain.rollout import Rollout, bases_of, rollout_view
from services.promotion_scheduler.domain.rollout_planning import ReleaseFacts, WindowFacts, set_window
from services.promotion_scheduler.domain.rollout_release import BaseRelease, is_behind, release_published
from shared.contracts.extension_compatibility_checker import RemediationEnding
from shared.contracts.promotion_scheduler import (
    Reason,
    ReleasePublished,
    RolloutPlanned,
    RolloutSkipped,
    RolloutStatus,
    SetUpdateWindow,
    UpdateWindow,
    UpdateWindowSet,
)
from shared.kernel import Decision, NotYet, Rejected, TimerDue
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
from tests.unit.promotion_scheduler.story import NOW, PRODUCTION, envelope, production, update

NEWER = f"{NEXT_RELEASE.base_version}/DE"


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
        assert take(planned, due(SCALES, LABELS), sequence=sequence).state is planned
    assert take(planned, ended(FREIGHT), sequence=1).state is planned
    settled = take(None, ended(FREIGHT), sequence=9).state
    assert take(settled, due(FREIGHT), sequence=8).state is settled


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
    decision = _look(state_of(decision), ReleaseFacts((RELEASE,)), NOW + DAY)
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
    facts = ReleaseFacts((NEXT_RELEASE, build, RELEASE))
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


# -- the window


def _window(
    state: Rollout | None, window: UpdateWindow, environment: KnownEnvironment | None = None, now: datetime = NOW
) -> Decision[Rollout]:
    command = SetUpdateWindow(environment=PRODUCTION, window=window)
    return set_window(state, envelope(command), WindowFacts(environment or production()), now)


def _look(state: Rollout, facts: ReleaseFacts, now: datetime) -> Decision[Rollout]:
    return PLANNING.look(state, TimerDue("look", "", now), facts, now)


BERLIN = UpdateWindow(opens="22:00", closes="05:00", time_zone="Europe/Berlin")


def test_a_window_is_chosen_and_told_and_plans_keep_to_it() -> None:
    decision = _window(None, BERLIN)
    assert decision.events == [UpdateWindowSet(environment=PRODUCTION, window=BERLIN)]
    view = rollout_view(PRODUCTION, state_of(decision))
    assert view is not None
    assert (view.window, view.status, view.project) == (BERLIN, RolloutStatus.NONE, "contoso")
    planned = state_of(take(decision.state, due()))
    assert planned.start == datetime(2026, 11, 21, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (NOW, datetime(2026, 11, 21, 21, 0, tzinfo=UTC)),
        (datetime(2026, 11, 21, 19, 59, tzinfo=UTC), datetime(2026, 11, 21, 21, 0, tzinfo=UTC)),
    ],
)
def test_another_window_moves_the_plan_and_tells_it_again(now: datetime, start: datetime) -> None:
    decision = _window(after(due()), BERLIN, now=now)
    [chosen, planned] = decision.events
    assert isinstance(chosen, UpdateWindowSet)
    assert isinstance(planned, RolloutPlanned)
    assert (planned.start, planned.end) == (start, start + timedelta(hours=7))
    assert decision.timers == {"start": start}


def test_hours_that_have_begun_move_the_plan_to_the_next_day() -> None:
    early = UpdateWindow(opens="08:00", closes="14:00")
    [_, planned] = _window(after(due()), early).events
    assert isinstance(planned, RolloutPlanned)
    assert planned.start == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def test_the_same_window_again_and_one_while_the_executor_has_it_move_nothing() -> None:
    assert len(_window(after(due()), UpdateWindow()).events) == 1
    assert len(_window(starting(), BERLIN).events) == 1


def test_a_window_is_refused_if_it_cannot_be_used_or_its_environment_is_not_known() -> None:
    with pytest.raises(Rejected) as refused:
        _window(None, UpdateWindow(opens="01:00", closes="06:59"))
    assert refused.value.reason is Reason.WINDOW_INVALID
    command = SetUpdateWindow(environment=PRODUCTION, window=BERLIN)
    with pytest.raises(NotYet, match="there is no environment contoso-prod"):
        set_window(None, envelope(command), WindowFacts(None), NOW)


def test_an_environment_without_window_and_rollout_has_no_view() -> None:
    assert rollout_view(PRODUCTION, state_of(take(None, ended()))) is None
    view = rollout_view(PRODUCTION, after(due(FREIGHT, LABELS)))
    assert view is not None
    assert (view.release, view.remove_extensions, view.start) == ("27.0", (LABELS, FREIGHT), OPENS)
    assert view.window == UpdateWindow()


# -- releases


def _published(version: str) -> ReleasePublished:
    return ReleasePublished(
        version=version,
        package=f"contoso/release-{version}",
        platform_version="27.0.1.0",
        application_version=version,
        base_version=BASE,
    )


@pytest.mark.parametrize("versions", [("27.0.2", "27.0.10"), ("27.0.10", "27.0.2"), ("27.0.10", "27.0.10")])
def test_of_several_releases_with_a_base_the_newest_counts(versions: tuple[str, ...]) -> None:
    state: BaseRelease | None = None
    for version in versions:
        state = release_published(state, envelope(_published(version)), None, NOW).state
    assert state is not None
    assert (state.version, state.package) == ("27.0.10", "contoso/release-27.0.10")


@pytest.mark.parametrize(
    ("application", "expected"), [("26.9", True), ("27.0.38459.9", True), ("27.0.38460.0", False), ("27.1", False)]
)
def test_an_environment_is_behind_a_release_of_a_higher_version(application: str, expected: bool) -> None:
    release = RELEASE.model_copy(update={"platform_version": update().contents.platform_version})
    assert is_behind(update(application=application), release) is expected


def test_facts_are_asked_for_every_base_that_may_be_the_target() -> None:
    assert bases_of(None) == ()
    assert bases_of(None, f"{BASE}/DE", f"{BASE}/FR") == (BASE,)
    assert RELEASES.releases[0] == RELEASE
