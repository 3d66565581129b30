"""What is decided about a check: above all, that nobody waits for ever."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.extension_compatibility_checker.domain.compatibility_check import (
    BASE_PATIENCE,
    CheckedBases,
    PolicyOfCheck,
    check,
    check_id,
    checked,
    look_for_base,
)
from services.extension_compatibility_checker.domain.state import Base, CompatibilityCheck, ProjectPolicy
from services.extension_compatibility_checker.domain.work import (
    CompatibilityCheckDone,
    CompatibilityCheckInput,
    ExtensionJudgement,
    IndexedPackage,
)
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    BaseStatus,
    CheckCompatibility,
    CompatibilityChecked,
    CompatibilityCheckStarted,
    ExtensionChecked,
    ExtensionIncompatible,
    ExtensionVerdict,
    Reason,
    Regime,
    RemediationPolicy,
)
from shared.contracts.parts import ArtifactRef, Extension, ExtensionName, ExtensionScope, Problem, Verdict
from shared.kernel import Decision, Failure, TimerDue, WorkEnded

NOW = datetime(2026, 11, 21, tzinfo=UTC)
BASE = "27.0.38460.0/W1"
FILE = ArtifactRef(digest="sha256:" + "a" * 64, size=10, media_type="application/octet-stream")
OURS = Problem(reason=Reason.ARTIFACT_MISSING, message="it is not there")
NOT_DONE = CompatibilityCheckDone(problem=OURS)


def extension(digit: str) -> Extension:
    return Extension(
        app_id=f"{digit * 8}-0000-0000-0000-000000000000",
        name=f"App {digit}",
        publisher="Contoso",
        version="1.0.0.0",
        scope=ExtensionScope.TENANT,
        artifact=FILE,
        dependencies=(),
    )


ONE, TWO = extension("1"), extension("2")
BASE_APP = ExtensionName(app_id=ONE.app_id, name="Base", publisher="Vendor", version="27.0.0.0")
INDEXED = (IndexedPackage(package=FILE, app=BASE_APP, index=FILE),)
NO_POLICY = PolicyOfCheck(None)
FAILED = (BaseStatus.UNREADABLE, BaseStatus.FAILED)
BASES: dict[BaseStatus | None, Base | None] = {
    status: Base(
        base=BASE,
        packages=(FILE,),
        status=status,
        indexed=INDEXED if status is BaseStatus.INDEXED else (),
        problem=OURS if status in FAILED else None,
    )
    for status in BaseStatus
} | {None: None}


def ask(*extensions: Extension, operation: str | None = "operation-1") -> Envelope[CheckCompatibility]:
    asked = CheckCompatibility(
        environment="contoso-test",
        project="contoso",
        set_version=3,
        extensions=extensions,
        base=BASE,
        operation=operation,
    )
    return Envelope(id="1", source="test", time=NOW, data=asked)


def judged(*verdicts: Verdict) -> CompatibilityCheckDone:
    told = tuple(
        ExtensionJudgement(
            verdict=ExtensionVerdict(
                **one.model_dump(include=set(ExtensionName.model_fields)), verdict=verdict, blocking=0, summary=""
            ),
            reused=one is TWO,
        )
        for one, verdict in zip((ONE, TWO), verdicts, strict=False)
    )
    return CompatibilityCheckDone(judged=told, report=FILE)


def ended(done: CompatibilityCheckDone | None) -> WorkEnded[CompatibilityCheckDone]:
    return WorkEnded("check", "", done, None if done else Failure("exhausted", "no luck", 5))


def answers(decision: Decision[CompatibilityCheck]) -> list[CompatibilityChecked]:
    return [event for event in decision.events if isinstance(event, CompatibilityChecked)]


def running() -> CompatibilityCheck:
    state = check(None, ask(ONE, TWO), CheckedBases(BASES[BaseStatus.INDEXED]), NOW).state
    assert state
    return state


@pytest.mark.parametrize(
    ("status", "waited", "outcome"),
    [
        (None, timedelta(), "waits"),
        (None, BASE_PATIENCE - timedelta(seconds=1), "waits"),
        (None, BASE_PATIENCE, Reason.BASE_UNKNOWN),
        (BaseStatus.INDEXING, timedelta(), "waits"),
        (BaseStatus.INDEXING, timedelta(minutes=20), "waits"),
        (BaseStatus.INDEXED, timedelta(), "checks"),
        (BaseStatus.UNREADABLE, timedelta(), Reason.ARTIFACT_MISSING),
        (BaseStatus.FAILED, timedelta(), Reason.ARTIFACT_MISSING),
    ],
)
def test_what_happens_depends_on_the_base(status: BaseStatus | None, waited: timedelta, outcome: object) -> None:
    first = check(None, ask(ONE), CheckedBases(None), NOW)
    now = NOW + waited
    assert first.state
    decision = look_for_base(first.state, TimerDue("base", "", now), CheckedBases(BASES[status]), now)
    if outcome == "waits":
        due = decision.timers["base"]
        assert due
        assert now < due <= now + timedelta(seconds=5)
        assert status or due <= NOW + BASE_PATIENCE
        assert not decision.events
    elif outcome == "checks":
        given_ = decision.work["check"]
        assert isinstance(given_, CompatibilityCheckInput)
        assert (given_.extensions, given_.packages) == ((ONE,), INDEXED)
    else:
        [answer] = answers(decision)
        assert answer.verdict is Verdict.CHECK_FAILED
        assert [one.verdict for one in answer.extensions] == [Verdict.CHECK_FAILED]
        assert answer.problem
        assert answer.problem.reason == outcome
        assert answer.extensions[0].summary == answer.problem.message


@pytest.mark.parametrize(
    ("verdicts", "worst"),
    [
        ((Verdict.COMPATIBLE, Verdict.COMPATIBLE), Verdict.COMPATIBLE),
        ((Verdict.COMPATIBLE, Verdict.COMPATIBLE_WITH_WARNINGS), Verdict.COMPATIBLE_WITH_WARNINGS),
        ((Verdict.COMPATIBLE_WITH_WARNINGS, Verdict.UNVERIFIABLE), Verdict.UNVERIFIABLE),
        ((Verdict.INCOMPATIBLE, Verdict.UNVERIFIABLE), Verdict.INCOMPATIBLE),
    ],
)
def test_the_verdict_of_an_environment_is_the_worst_of_its_extensions(
    verdicts: tuple[Verdict, ...], worst: Verdict
) -> None:
    [answer] = answers(checked(running(), ended(judged(*verdicts)), NO_POLICY, NOW))
    assert answer.verdict is worst
    assert answer.report == FILE


@pytest.mark.parametrize("done", [None, NOT_DONE])
def test_work_that_failed_is_check_failed_and_never_the_extensions_fault(done: CompatibilityCheckDone | None) -> None:
    decision = checked(running(), ended(done), NO_POLICY, NOW)
    [answer] = answers(decision)
    assert [type(event) for event in decision.events] == [ExtensionChecked, ExtensionChecked, CompatibilityChecked]
    assert {one.verdict for one in answer.extensions} == {answer.verdict} == {Verdict.CHECK_FAILED}
    again = check(decision.state, ask(ONE, TWO), CheckedBases(BASES[BaseStatus.INDEXED]), NOW)
    assert list(again.work) == ["check"]


def test_no_extensions_are_compatible_without_a_base() -> None:
    [answer] = answers(check(None, ask(), CheckedBases(None), NOW))
    assert (answer.verdict, answer.extensions, answer.report) == (Verdict.COMPATIBLE, (), None)


def test_a_set_that_was_checked_is_answered_again() -> None:
    state = checked(running(), ended(judged(Verdict.COMPATIBLE)), NO_POLICY, NOW).state
    same = check(state, ask(TWO, ONE, operation="operation-2"), CheckedBases(BASES[BaseStatus.INDEXED]), NOW)
    assert [one.operation for one in answers(same)] == ["operation-2"]
    assert not same.work


def test_all_who_ask_while_a_check_runs_are_answered_at_its_end() -> None:
    second = check(running(), ask(ONE, TWO, operation="operation-2"), CheckedBases(BASES[BaseStatus.INDEXED]), NOW)
    assert not second.work
    assert second.state
    told = answers(checked(second.state, ended(judged(Verdict.COMPATIBLE)), NO_POLICY, NOW))
    assert [one.operation for one in told] == ["operation-1", "operation-2"]


def test_a_check_is_named_after_environment_set_base_and_what_is_checked() -> None:
    asked = ask(ONE, TWO).data
    start, _, packages = check_id(asked).rpartition("/")
    assert start == "contoso-test/3/27.0.38460.0/W1"
    assert len(packages) == 12
    assert check_id(ask(TWO, ONE, operation="operation-2").data) == check_id(asked)
    newer = ONE.model_copy(update={"version": "99.0.0.0"})
    others = [
        ask(TWO).data,
        ask(newer, TWO).data,
        asked.model_copy(update={"replaced": (ONE,)}),
        asked.model_copy(update={"current_base": "26.0.0.0/W1"}),
    ]
    assert len({check_id(one) for one in (asked, *others)}) == 5


def test_each_extension_is_told_before_the_answer_and_again_if_it_does_not_work() -> None:
    done = judged(Verdict.INCOMPATIBLE, Verdict.COMPATIBLE)
    months = RemediationPolicy(regime=Regime.RELEASE_PERIODS)
    for policy, days in ((None, 90), (ProjectPolicy(project="contoso", policy=months), None)):
        decision = checked(running(), ended(done), PolicyOfCheck(policy), NOW)
        one, two, broken, answer = decision.events
        assert isinstance(one, ExtensionChecked)
        assert isinstance(two, ExtensionChecked)
        assert (one.extension.app_id, one.reused, two.extension.app_id, two.reused) == (
            ONE.app_id,
            False,
            TWO.app_id,
            True,
        )
        assert isinstance(broken, ExtensionIncompatible)
        assert (broken.extension.app_id, broken.removal_days) == (ONE.app_id, days)
        assert isinstance(answer, CompatibilityChecked)


def test_the_beginning_of_a_check_is_told_and_the_base_in_use_is_given_where_it_is_indexed() -> None:
    asked = ask(ONE)
    named = replace(asked, data=asked.data.model_copy(update={"current_base": "26.0.0.0/W1", "replaced": (TWO,)}))
    for status in (BaseStatus.INDEXED, BaseStatus.FAILED, None):
        decision = check(None, named, CheckedBases(BASES[BaseStatus.INDEXED], BASES[status]), NOW)
        [started] = decision.events
        assert isinstance(started, CompatibilityCheckStarted)
        assert (started.extensions, started.current_base, started.operation) == (1, "26.0.0.0/W1", "operation-1")
        given_ = decision.work["check"]
        assert isinstance(given_, CompatibilityCheckInput)
        assert given_.current_packages == (INDEXED if status is BaseStatus.INDEXED else ())
        assert given_.replaced == (TWO,)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(["a", "b", "c"])),
        st.tuples(st.just("look"), st.sampled_from([None, *BaseStatus])),
        st.tuples(st.just("end"), st.sampled_from([judged(Verdict.COMPATIBLE), NOT_DONE, None])),
    ),
    max_size=30,
)


@given(steps, st.sampled_from([None, *BaseStatus]))
def test_whoever_asks_is_answered_once_and_something_is_always_under_way_until_then(
    happenings: list[tuple[str, object]], first: BaseStatus | None
) -> None:
    state: CompatibilityCheck | None = None
    owed: set[str | None] = set()
    works = looks = False
    base = first
    for what, value in happenings:
        if what == "ask":
            assert isinstance(value, str)
            decision = check(state, ask(ONE, operation=value), CheckedBases(BASES[base]), NOW)
            owed.add(value)
        elif what == "look" and looks:
            base = value if isinstance(value, BaseStatus) else None
            looks = False
            assert state
            decision = look_for_base(state, TimerDue("base", "", NOW), CheckedBases(BASES[base]), NOW)
        elif what == "end" and works:
            works = False
            done = value if isinstance(value, CompatibilityCheckDone) else None
            assert state
            decision = checked(state, ended(done), NO_POLICY, NOW)
        else:
            continue
        state = decision.state_after(state)
        works = works or "check" in decision.work
        looks = decision.timers.get("base") is not None if "base" in decision.timers else looks
        told = [answer.operation for answer in answers(decision)]
        assert len(told) == len(set(told))
        assert set(told) <= owed
        owed -= set(told)
        assert (works or looks) == bool(owed)
        assert state
        assert {waiter.operation for waiter in state.waiters} == owed
