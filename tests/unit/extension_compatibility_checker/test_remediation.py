"""The course of a remediation, from the verdict to its end."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.extension_compatibility_checker.domain.extensions import dependents_of
from services.extension_compatibility_checker.domain.remediation_change import CLOCKS_APART
from services.extension_compatibility_checker.domain.views import remediations_view
from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    ExtensionIncompatible,
    Regime,
    RemediationEnded,
    RemediationEnding,
    RemediationPolicy,
    RemediationReminded,
    RemediationStarted,
    RemediationStatus,
    RemovalDue,
    WithoutRecipient,
)
from shared.contracts.notifier import Occasion
from shared.contracts.parts import Extension, Verdict
from shared.contracts.servicing_executor import OperationKind, Outcome, StageFor
from tests.support.effort import times
from tests.unit.extension_compatibility_checker.remediation_story import (
    FINDING,
    NEXT,
    NEXT_BASE,
    NOW_BASE,
    START,
    Story,
    app,
    extension,
)

SECOND = timedelta(seconds=1)
A, B, C = extension("a"), extension("b"), extension("c")
A2 = extension("a", "2.0.0.0")
BROKEN, WORKS, UNKNOWN, FAILED = (
    Verdict.INCOMPATIBLE,
    Verdict.COMPATIBLE,
    Verdict.UNVERIFIABLE,
    Verdict.CHECK_FAILED,
)
DETECTED, RUNNING, DUE, ENDED = RemediationStatus


def story(*extensions: Extension, policy: RemediationPolicy | None = None) -> Story:
    """An environment on base 26 with extensions at set version 1."""
    return Story(policy=policy).registered().running().set(1, *(extensions or (A,)))


def days(count: float) -> timedelta:
    return timedelta(days=count)


def endings(one: Story) -> list[RemediationEnding]:
    return [event.ending for event in one.of(RemediationEnded)]


def test_from_the_verdict_over_the_notification_and_the_reminders_to_the_removal() -> None:
    one = story().checked(1, (A, BROKEN))
    [shown] = one.view
    assert (shown.status, shown.target_major, shown.dates.first_notified_at) == (DETECTED, 27, None)
    one.at(1).told()
    [started] = one.of(RemediationStarted)
    assert started.dates.first_notified_at == START + days(1)
    assert started.dates.removal_due_at == START + days(91)
    assert one.view[0].status is RUNNING
    one.at(2).told()  # the second recipient's mail
    one.at(90.9)
    assert [event.reminder for event in one.of(RemediationReminded)] == [1, 2, 3, 4, 5]
    reminded = one.of(RemediationReminded)[0]
    assert (reminded.findings, reminded.dates, reminded.extension.app_id) == ((FINDING,), started.dates, A.app_id)
    assert not one.of(RemovalDue)
    one.at(91)
    [due] = one.of(RemovalDue)
    assert (due.set_version, due.dependents, due.base) == (1, (), NEXT)
    assert one.view[0].status is DUE
    one.at(300)
    assert len(one.of(RemovalDue)) == 1
    assert len(one.of(RemediationStarted)) == 1


@pytest.mark.parametrize("first", ["verdict", "notification"])
def test_a_notification_counts_whether_it_is_heard_of_before_the_verdict_or_after(first: str) -> None:
    one = story()
    if first == "verdict":
        one.checked(1, (A, BROKEN)).told()
    else:
        one.told().checked(1, (A, BROKEN))
    assert [event.dates.first_notified_at for event in one.of(RemediationStarted)] == [START]


def test_a_check_that_failed_begins_and_ends_nothing() -> None:
    assert story().checked(1, (A, FAILED)).view == []
    one = story().checked(1, (A, BROKEN)).told().set(2, A2).checked(2, (A2, FAILED))
    assert [shown.status for shown in one.view] == [RUNNING]
    assert endings(one) == []


def test_the_clock_goes_on_while_versions_that_are_still_broken_are_uploaded() -> None:
    one = story().checked(1, (A, BROKEN)).told()
    one.at(40).set(2, A2)
    assert [(ask.set_version, ask.base, ask.extensions) for ask in one.asked] == [(2, NEXT, (A2,))]
    one.checked(2, (A2, BROKEN)).told()
    [shown] = one.view
    assert (shown.extension.version, shown.dates.first_notified_at, shown.set_version) == ("2.0.0.0", START, 2)
    one.at(90)
    assert [(due.set_version, due.extension.version) for due in one.of(RemovalDue)] == [(2, "2.0.0.0")]


@pytest.mark.parametrize("verdict", [WORKS, Verdict.COMPATIBLE_WITH_WARNINGS])
def test_a_version_that_works_ends_it_as_fixed_and_a_staged_one_as_staged(verdict: Verdict) -> None:
    fixed = story().checked(1, (A, BROKEN)).told().set(2, A2).checked(2, (A2, verdict))
    assert endings(fixed) == [RemediationEnding.FIXED]
    staged = story().checked(1, (A, BROKEN)).told().set(2, A, staged=(A2,))
    [ask] = staged.asked
    assert (ask.extensions, ask.replaced, ask.current_base) == ((A2,), (A,), f"{NOW_BASE}/DE")
    staged.checked(2, (A2, verdict))
    assert endings(staged) == [RemediationEnding.STAGED]
    assert [shown.status for shown in staged.view] == [ENDED]
    assert staged.at(200).of(RemovalDue) == []


@pytest.mark.parametrize(
    ("base", "stage_for", "takes_part"),
    [
        (NEXT, StageFor.NEXT_MAJOR, True),
        (NEXT, StageFor.NEXT_MINOR, True),
        ("26.1.0.0/DE", StageFor.NEXT_MAJOR, False),
        ("26.1.0.0/DE", StageFor.NEXT_MINOR, True),
    ],
)
def test_a_staged_version_takes_part_in_checks_of_the_bases_that_install_it(
    base: str, stage_for: StageFor, takes_part: bool
) -> None:
    one = story().checked(1, (A, BROKEN), base=base).set(2, A, staged=(A2,), stage_for=stage_for)
    [ask] = one.asked
    assert (ask.extensions, ask.replaced) == (((A2,), (A,)) if takes_part else ((A,), ()))


def test_a_package_that_cannot_be_verified_ends_nothing_and_is_not_removed() -> None:
    assert story().checked(1, (A, UNKNOWN)).view == []
    one = story().checked(1, (A, BROKEN)).told().set(2, A2).checked(2, (A2, UNKNOWN)).at(100)
    assert (endings(one), one.of(RemovalDue), one.of(RemediationReminded)) == ([], [], [])
    one.set(3, A).checked(3, (A, BROKEN))
    assert [due.set_version for due in one.of(RemovalDue)] == [3]


@pytest.mark.parametrize("order", ["set first", "operation first"])
@pytest.mark.parametrize(
    ("kind", "removed", "ending"),
    [
        (OperationKind.UNINSTALL_EXTENSION, "", RemediationEnding.UNINSTALLED),
        (OperationKind.UNINSTALL_EXTENSION, "a", RemediationEnding.UNINSTALLED),
        (OperationKind.ROLL_OUT, "a", RemediationEnding.REMOVED),
        (OperationKind.ROLL_OUT, "", RemediationEnding.UNINSTALLED),
    ],
)
def test_out_of_the_set_is_removed_where_an_update_took_it_out_and_uninstalled_otherwise(
    order: str, kind: OperationKind, removed: str, ending: RemediationEnding
) -> None:
    one = story(A, B).checked(1, (A, BROKEN), (B, WORKS)).told()
    base = NEXT_BASE if kind is OperationKind.ROLL_OUT and removed else NOW_BASE
    if order == "set first":
        one.set(2, B, operation="x").running(base, operation="x", kind=kind, removed=removed)
    else:
        one.running(base, operation="x", kind=kind, removed=removed).set(2, B, operation="x")
    assert endings(one) == [ending]
    assert one.at(200).of(RemovalDue) == []


def test_an_operation_that_failed_removes_nothing() -> None:
    one = story().checked(1, (A, BROKEN)).told()
    one.running(NOW_BASE, outcome=Outcome.ROLLED_BACK, removed="a")
    assert (endings(one), [shown.status for shown in one.view]) == ([], [RUNNING])


@pytest.mark.parametrize(
    ("runs", "ended"),
    [("26.5.0.0", False), ("27.0.100.0", True), ("27.0.200.0", True), ("28.0.0.0", True)],
)
def test_an_environment_that_reaches_the_major_has_nothing_left_to_mend(runs: str, ended: bool) -> None:
    one = story().checked(1, (A, BROKEN)).told().running(runs)
    assert endings(one) == ([RemediationEnding.UPDATED] if ended else [])


def test_for_a_minor_version_that_very_base_must_be_reached() -> None:
    one = story().checked(1, (A, BROKEN), base="26.2.0.0/DE").told(base="26.2.0.0/DE").running("26.1.0.0")
    assert endings(one) == []
    assert endings(one.running("26.2.0.0")) == [RemediationEnding.UPDATED]


def test_what_the_environment_runs_already_is_nothing_to_come() -> None:
    assert story().checked(1, (A, BROKEN), base=f"{NOW_BASE}/DE").view == []
    assert story().checked(1, (A, BROKEN), base="25.0.0.0/DE").view == []


def test_targets_of_different_majors_have_clocks_of_their_own() -> None:
    one = story().checked(1, (A, BROKEN)).told()
    one.at(30).checked(1, (A, BROKEN), base="28.0.0.0/DE").told(base="28.0.0.0/DE")
    assert {shown.target_major: shown.dates.removal_due_at for shown in one.view} == {
        27: START + days(90),
        28: START + days(120),
    }
    one.at(50).running(NEXT_BASE)
    assert [(shown.target_major, shown.status) for shown in one.view] == [(28, RUNNING), (27, ENDED)]


def test_a_newer_build_of_the_same_major_is_the_same_remediation_and_an_older_one_says_nothing() -> None:
    later = "27.1.0.0/DE"
    one = story().checked(1, (A, BROKEN)).told().at(10).checked(1, (A, BROKEN), base=later)
    assert [(shown.base, shown.dates.first_notified_at) for shown in one.view] == [(later, START)]
    one.checked(1, (A, WORKS))
    assert endings(one) == []
    assert endings(one.checked(1, (A, WORKS), base=later)) == [RemediationEnding.FIXED]


def test_a_verdict_on_a_set_that_is_no_more_says_nothing() -> None:
    one = story().checked(1, (A, BROKEN)).told().set(2, A2).checked(1, (A, WORKS))
    assert endings(one) == []
    assert story(B).checked(1, (A, BROKEN)).view == []


def test_a_check_of_another_set_than_will_be_on_the_base_says_nothing() -> None:
    one = story().set(2, A, staged=(A2,)).checked(2, (A2, WORKS)).checked(2, (A, BROKEN))
    assert one.view == []
    # What an operation asks that takes extensions out is no answer for the set as it is.
    two = story(A, B).released("10.0.47", NEXT_BASE).checked(1, (B, WORKS)).at(1)
    assert [len(ask.extensions) for ask in two.asked] == [2]


def test_mails_that_do_not_arrive_are_tried_again_like_those_that_nobody_gets() -> None:
    one = story().checked(1, (A, BROKEN)).at(8)
    assert len(one.of(ExtensionIncompatible)) == 1
    assert len(one.told().at(60).of(ExtensionIncompatible)) == 1


def test_checks_that_are_heard_of_before_the_environment_is_are_not_lost() -> None:
    one = Story().checked(1, (A, BROKEN)).told().registered().running().set(1, A)
    assert [(shown.status, shown.dates.first_notified_at) for shown in one.view] == [(RUNNING, START)]
    assert one.released("10.0.48", "27.1.0.0").at(1).asked[0].base == "27.1.0.0/DE"


def test_the_removal_is_told_for_the_set_as_it_was_judged_and_again_when_the_set_changes() -> None:
    needy, needier = extension("b", needs="a"), extension("c", needs="ab")
    one = story(A, needy, needier).checked(1, (A, BROKEN), (needy, WORKS)).told().at(90)
    [due] = one.of(RemovalDue)
    assert [name.app_id for name in due.dependents] == [needier.app_id, needy.app_id]
    one.at(91).set(2, A, needy)
    assert len(one.of(RemovalDue)) == 1  # not before it is judged again
    assert one.asked[-1].set_version == 2
    one.checked(2, (A, BROKEN), (needy, WORKS))
    assert [(again.set_version, len(again.dependents)) for again in one.of(RemovalDue)] == [(1, 2), (2, 1)]


def test_a_set_that_changed_just_before_the_removal_is_judged_first() -> None:
    one = story().checked(1, (A, BROKEN)).told().at(89.9).set(2, A2).at(90)
    assert one.of(RemovalDue) == []
    one.checked(2, (A2, BROKEN))
    assert [due.set_version for due in one.of(RemovalDue)] == [2]


def test_an_answer_that_does_not_come_is_asked_for_again() -> None:
    one = story().checked(1, (A, BROKEN)).told().set(2, A2)
    assert len(one.asked) == 1
    one.checked(2, (A2, FAILED)).at(3.5)
    assert [ask.set_version for ask in one.asked] == [2, 2, 2, 2]


def test_it_looks_ahead_once_for_each_version_of_the_set_and_release() -> None:
    one = story().released("10.0.47", NEXT_BASE).at(1)
    [ask] = one.asked
    assert (ask.base, ask.set_version, ask.extensions, ask.operation) == (NEXT, 1, (A,), None)
    one.checked(1, (A, WORKS)).at(5)
    assert len(one.asked) == 1
    one.set(2, A2).at(6)
    assert [ask.set_version for ask in one.asked] == [1, 2]
    one.checked(2, (A2, WORKS)).released("10.0.48", "27.1.0.0").at(8)
    assert [ask.base for ask in one.asked[2:]] == ["27.1.0.0/DE"] * len(one.asked[2:])
    assert len(one.asked) > 2


@pytest.mark.parametrize(
    "unfit",
    [
        story().released("10.0.47", NOW_BASE),
        story().released("10.0.47", "25.0.0.0"),
        story().released("10.0.47", None),
        story().released("10.0.47", NEXT_BASE, indexed=False),
        Story().registered().set(1, A).released("10.0.47", NEXT_BASE),
        Story().registered().running().set(1).released("10.0.47", NEXT_BASE),
        Story().registered().running().released("10.0.47", NEXT_BASE),
    ],
    ids=["same base", "older", "no base", "not indexed", "runs nothing", "no extensions", "no set"],
)
def test_it_does_not_look_ahead_where_there_is_nothing_to_see(unfit: Story) -> None:
    assert unfit.at(3).asked == []


def test_an_environment_that_is_no_more_has_no_clocks() -> None:
    one = story().released("10.0.47", NEXT_BASE).checked(1, (A, BROKEN)).told()
    one.running(None, kind=OperationKind.DECOMMISSION)
    assert (endings(one), one.timers) == ([RemediationEnding.UNINSTALLED], {})
    again = story().checked(1, (A, BROKEN)).told().registered()
    assert endings(again) == [RemediationEnding.UNINSTALLED]
    again.running().set(1, B).checked(1, (B, BROKEN))
    assert [shown.extension.app_id for shown in again.view if shown.status is not ENDED] == [B.app_id]


def test_a_new_remediation_needs_a_notification_of_its_own() -> None:
    one = story().checked(1, (A, BROKEN)).told().set(2, A2).checked(2, (A2, WORKS)).told()
    one.at(10).set(3, A).checked(3, (A, BROKEN))
    assert [shown.status for shown in one.view] == [DETECTED, ENDED]


@pytest.mark.parametrize(
    ("before", "starts"),
    [(CLOCKS_APART + SECOND, False), (CLOCKS_APART, True), (CLOCKS_APART - SECOND, True)],
    ids=["earlier than the clocks may differ", "just as early as that", "later"],
)
@pytest.mark.parametrize("first", ["verdict", "notification"])
def test_a_mail_about_an_earlier_remediation_does_not_start_the_clock_of_the_next(
    first: str, before: timedelta, starts: bool
) -> None:
    one = story().checked(1, (A, BROKEN)).set(2, A2).checked(2, (A2, WORKS)).at(10).set(3, A)
    sent = START + days(10) - before
    if first == "verdict":
        one.checked(3, (A, BROKEN)).told(sent_at=sent)
    else:
        one.told(sent_at=sent).checked(3, (A, BROKEN))
    [shown, _] = one.view
    assert (shown.status, shown.dates.first_notified_at) == ((RUNNING, sent) if starts else (DETECTED, None))
    if not starts:
        one.at(11).told()
        assert one.view[0].dates.removal_due_at == START + days(11 + 90)


@pytest.mark.parametrize(
    ("before", "counts"),
    [(CLOCKS_APART + SECOND, False), (CLOCKS_APART, True), (CLOCKS_APART - SECOND, True)],
    ids=["earlier than the clocks may differ", "just as early as that", "later"],
)
@pytest.mark.parametrize("first", ["verdict", "word"])
def test_that_nobody_was_told_of_an_earlier_remediation_says_nothing_of_the_next(
    first: str, before: timedelta, counts: bool
) -> None:
    one = story().checked(1, (A, BROKEN)).set(2, A2).checked(2, (A2, WORKS)).at(10).set(3, A)
    word = START + days(10) - before
    if first == "verdict":
        one.checked(3, (A, BROKEN)).nobody(time=word)
    else:
        one.nobody(time=word).checked(3, (A, BROKEN))
    assert one.view[0].unreachable is counts


@pytest.mark.parametrize(
    ("occasion", "starts"),
    [
        (Occasion.EXTENSION_INCOMPATIBLE, True),
        (Occasion.EXTENSION_REMINDER, True),
        (Occasion.EXTENSION_REMEDIATED, False),
        (Occasion.UPDATE_FAILED, False),
    ],
)
def test_only_a_mail_that_says_what_is_wrong_starts_a_clock(occasion: Occasion, starts: bool) -> None:
    one = story().checked(1, (A, BROKEN)).told(occasion=occasion)
    assert bool(one.of(RemediationStarted)) is starts


def test_an_event_of_the_environment_that_comes_late_changes_nothing() -> None:
    one = story().set(2, A2)
    one.sequence = 1
    assert one.state
    before = one.state
    one.set(1, A)
    assert one.state == before


def test_a_repeated_answer_opens_what_was_not_heard_and_changes_nothing_else() -> None:
    one = story().checked(1, (A, BROKEN), again=True)
    assert [shown.status for shown in one.view] == [DETECTED]
    other = story().checked(1, (A, BROKEN)).told()
    events = len(other.events)
    other.checked(1, (A, BROKEN), again=True)
    assert len(other.events) == events
    assert other.state
    assert other.state.items[0].findings == (FINDING,)


def test_dependents_stand_before_what_they_need() -> None:
    chain = [extension("a"), extension("b", needs="a"), extension("c", needs="b"), extension("d", needs="bc")]
    names = [name.app_id for name in dependents_of(app("a"), chain)]
    assert names == [app("d"), app("c"), app("b")]
    circle = [extension("a", needs="c"), extension("b", needs="a"), extension("c", needs="b")]
    assert {name.app_id for name in dependents_of(app("a"), circle)} == {app("b"), app("c")}
    assert dependents_of(app("d"), chain) == ()


def test_the_view_of_as_many_remediations_as_there_can_be_can_be_sent() -> None:
    long = A.model_copy(update={"name": "x" * 250, "publisher": "y" * 250})
    ids = [f"{number:08x}-0000-0000-0000-000000000000" for number in range(200)]
    many = [long.model_copy(update={"app_id": one}) for one in ids]
    one = story(*many)
    for base in (NEXT, "28.0.0.0/DE"):
        one.checked(1, *[(each, BROKEN) for each in many], base=base)
    assert one.state
    assert len(one.state.items) == 400
    view = remediations_view("contoso-prod", one.state)
    assert view
    assert len(view.remediations) > 150
    encode(Envelope(id="1", source="/test", time=START, data=view))


HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(
            ["told", "nobody", "broken", "works", "unknown", "failed", "set", "gone", "update", "wait", "down"]
        ),
        st.sampled_from("ab"),
        st.integers(1, 60),
    ),
    max_size=30,
)


@settings(max_examples=times(100), deadline=None)
@given(HAPPENINGS, st.sampled_from([None, *Regime]), st.sampled_from(WithoutRecipient))
def test_nothing_is_removed_that_nobody_was_told_of_or_that_is_not_known_to_be_broken(
    happenings: list[tuple[str, str, int]], regime: Regime | None, without: WithoutRecipient
) -> None:
    policy = RemediationPolicy(regime=regime, without_recipient=without) if regime else None
    one = story(A, B, policy=policy).released("10.0.47", NEXT_BASE)
    there = {"a": A, "b": B}
    version, day, seen, told = 1, 0.0, 0, set[str]()
    verdicts: dict[str, tuple[int, Verdict]] = {}
    said = {"broken": BROKEN, "works": WORKS, "unknown": UNKNOWN, "failed": FAILED}
    for what, letter, count in happenings:
        if what in said and letter in there:
            if what != "failed":
                verdicts[letter] = (version, said[what])
            one.checked(version, (there[letter], said[what]))
        elif what in ("told", "nobody"):
            if what == "told":
                told.add(letter)
            (one.told if what == "told" else one.nobody)(letter)
        elif what == "set" or (what == "gone" and letter in there):
            version += 1
            if what == "gone":
                del there[letter]
            else:
                there[letter] = extension(letter, f"1.{version}.0.0")
            one.set(version, *there.values(), operation=f"operation-{version}")
            one.running(one.state.running if one.state else None, operation=f"operation-{version}")
        elif what == "update":
            one.running("26.1.0.0", operation=f"update-{count}")
        elif what in ("wait", "down"):
            day += count
            one.at(day, down=what == "down")
        for due in one.of(RemovalDue)[seen:]:
            name = due.extension.name[-1]
            assert verdicts[name] == (due.set_version, BROKEN)
            assert due.set_version == version
            assert name in there
            assert name in told or without is WithoutRecipient.FROM_DETECTION
            assert regime is not Regime.NEVER
        seen = len(one.of(RemovalDue))
        open_ = [shown for shown in one.view if shown.status is not ENDED]
        assert len({(shown.extension.app_id, shown.target_major) for shown in open_}) == len(open_)
        assert all(shown.extension.name[-1] in there for shown in open_)
