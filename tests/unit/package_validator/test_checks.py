"""What is decided about a package: above all, that no fault of ours makes a valid package unusable."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.package_validator.app import ValidatorSettings, make
from services.package_validator.domain.checks import CheckFacts
from services.package_validator.domain.retiring import retire
from services.package_validator.domain.state import DeployablePackage
from services.package_validator.domain.views import package_view
from services.package_validator.domain.work import Checked, PackageCheckInput
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
    Reason,
    RetirePackage,
    RevalidatePackage,
)
from shared.kernel import UNCHANGED, Decision, Failure, Rejected, TimerDue
from shared.kernel.app import On
from tests.unit.package_validator.packages import (
    CHECKS,
    CONTENTS,
    CRASHED,
    DAY,
    ERROR,
    EXHAUSTED,
    FAULT,
    INVALID,
    KILLED_IT,
    LATER,
    NAME,
    NEWER_CHECKS,
    NO_RELEASES,
    NOW,
    RULES,
    VALID,
    after,
    ended,
    file,
    kept,
    only,
    release,
    releases,
    submit,
)

UNDECIDED: list[Checked | Failure] = [FAULT, KILLED_IT, EXHAUSTED, CRASHED]
WITH_RELEASE = VALID.model_copy(update={"release": release()})


def revalidate(state: DeployablePackage, facts: CheckFacts = NO_RELEASES) -> Decision[DeployablePackage]:
    command = RevalidatePackage(package=NAME)
    return CHECKS.revalidate(state, Envelope(id="2", source="test", time=LATER, data=command), facts, LATER)


def retired(state: DeployablePackage, note: str = "superseded") -> Decision[DeployablePackage]:
    command = RetirePackage(package=NAME, note=note)
    return retire(state, Envelope(id="3", source="test", time=LATER, data=command, actor="ada"), None, LATER)


def look(
    state: DeployablePackage, facts: CheckFacts = NO_RELEASES, *, newer: bool = False
) -> Decision[DeployablePackage]:
    checks = NEWER_CHECKS if newer else CHECKS
    return checks.look(state, TimerDue("look", "", NOW + DAY), facts, NOW + DAY)


def next_look(decision: Decision[DeployablePackage]) -> datetime:
    [(name, due)] = decision.timers.items()
    assert name == "look"
    assert due
    return due


def begun(decision: Decision[DeployablePackage]) -> PackageCheckInput | None:
    given = decision.work.get("check")
    assert given is None or isinstance(given, PackageCheckInput)
    return given


def test_a_verdict_says_what_it_rests_on_and_where_its_report_is() -> None:
    decision = CHECKS.checked(kept(submit()), ended(WITH_RELEASE), NO_RELEASES, LATER)
    event = only(decision)
    assert isinstance(event, PackageValidated)
    assert event.judged
    assert event.judged.model_dump() == {
        "report": file("f").model_dump(),
        "errors": 0,
        "warnings": 1,
        "rules": RULES,
        "release": "10.0.45",
        "checked_at": LATER,
    }
    assert decision.state
    snapshot = package_view(NAME, decision.state)
    assert snapshot
    assert (snapshot.status, snapshot.judged) == (PackageStatus.VALID, event.judged)


@pytest.mark.parametrize(
    ("result", "event", "status"),
    [
        (VALID, PackageValidated, PackageStatus.VALID),
        (INVALID, PackageRejected, PackageStatus.INVALID),
        (FAULT, PackageCheckFailed, PackageStatus.CHECK_FAILED),
        (EXHAUSTED, PackageCheckFailed, PackageStatus.CHECK_FAILED),
        (KILLED_IT, PackageQuarantined, PackageStatus.QUARANTINED),
        (CRASHED, PackageQuarantined, PackageStatus.QUARANTINED),
    ],
    ids=["valid", "invalid", "fault", "exhausted", "killed its process", "killed the validator"],
)
def test_how_a_first_check_ends(result: Checked | Failure, event: type, status: PackageStatus) -> None:
    outcome = ended(None, result) if isinstance(result, Failure) else ended(result)
    decision = CHECKS.checked(kept(submit()), outcome, NO_RELEASES, NOW)
    assert isinstance(only(decision), event)
    assert decision.state
    assert decision.state.status is status
    snapshot = package_view(NAME, decision.state)
    assert snapshot
    assert (snapshot.problem is None) == (status in (PackageStatus.VALID, PackageStatus.INVALID))


@pytest.mark.parametrize("failure", [KILLED_IT, CRASHED], ids=["its process", "the validator"])
def test_a_quarantine_says_that_the_check_crashed(failure: Checked | Failure) -> None:
    problem = after(failure).problem
    assert problem
    assert problem.reason == Reason.CHECK_CRASHED


@pytest.mark.parametrize("undecided", UNDECIDED, ids=["fault", "killed its process", "exhausted", "killed validator"])
@pytest.mark.parametrize("verdict", [VALID, INVALID], ids=["valid", "invalid"])
def test_a_verdict_stands_when_the_next_check_fails_by_a_fault_of_ours(
    verdict: Checked, undecided: Checked | Failure
) -> None:
    first = after(verdict)
    again = revalidate(first)
    answer = only(again)
    assert isinstance(answer, PackageSubmitted)
    assert (answer.standing, again.state and again.state.status) == (first.status, first.status)
    outcome = ended(None, undecided) if isinstance(undecided, Failure) else ended(undecided)
    decision = CHECKS.checked(kept(again), outcome, NO_RELEASES, LATER)
    failed = only(decision)
    assert isinstance(failed, PackageCheckFailed)
    assert failed.standing is first.status
    assert decision.state == first
    assert LATER < next_look(decision) <= LATER + DAY


@given(st.lists(st.sampled_from([VALID, *UNDECIDED]), max_size=8))
def test_a_package_that_was_found_valid_stays_so_whatever_fails(results: list[Checked | Failure]) -> None:
    state = after(VALID, *results)
    assert (state.status, state.contents, state.problem) == (PackageStatus.VALID, CONTENTS, None)


def test_another_verdict_takes_the_place_of_the_one_that_stood() -> None:
    state = after(VALID, INVALID)
    assert (state.status, state.findings, state.rechecking) == (PackageStatus.INVALID, (ERROR,), False)
    assert state.contents == CONTENTS  # it was valid once: what was built from it consists of that
    decision = CHECKS.checked(kept(CHECKS.begin(state, NO_RELEASES, NOW)), ended(VALID), NO_RELEASES, NOW)
    assert isinstance(only(decision), PackageValidated)


def test_an_unchanged_verdict_is_told_with_what_it_rests_on_now() -> None:
    decision = CHECKS.checked(
        kept(CHECKS.begin(after(VALID), NO_RELEASES, NOW)), ended(WITH_RELEASE), NO_RELEASES, LATER
    )
    event = only(decision)
    assert isinstance(event, PackageValidated)
    assert event.judged
    assert (event.judged.checked_at, event.judged.release) == (LATER, "10.0.45")


@pytest.mark.parametrize("result", [FAULT, KILLED_IT], ids=["check failed", "quarantined"])
def test_a_package_without_a_verdict_is_checked_again_when_it_is_asked_for(result: Checked) -> None:
    decision = revalidate(after(result), releases(release()))
    assert isinstance(only(decision), PackageSubmitted)
    assert decision.state
    assert (decision.state.status, decision.state.problem) == (PackageStatus.CHECKING, None)
    given = begun(decision)
    assert given
    assert given.releases == (release(),)


def test_while_a_check_runs_that_one_is_the_answer() -> None:
    checking = kept(submit())
    rechecking = kept(revalidate(after(VALID)))
    for state in (checking, rechecking):
        decision = revalidate(state)
        assert (begun(decision), decision.state) == (None, state)
        assert isinstance(only(decision), PackageSubmitted)


def test_what_is_asked_of_a_package_that_nobody_submitted_waits_for_it(tmp_path: Path) -> None:
    lines = make(ValidatorSettings(artifacts=tmp_path)).table
    asked = [line for line in lines if isinstance(line, On) and line.message in (RevalidatePackage, RetirePackage)]
    assert [line.needs_state for line in asked] == [True, True]


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (kept(submit()), PackageSubmitted),
        (after(VALID), PackageValidated),
        (after(INVALID), PackageRejected),
        (after(KILLED_IT), PackageQuarantined),
    ],
    ids=["checking", "valid", "invalid", "quarantined"],
)
def test_the_same_file_again_is_answered_with_where_it_stands(state: DeployablePackage, event: type) -> None:
    decision = submit(state)
    assert isinstance(only(decision), event)
    assert (decision.state, begun(decision)) == (state, None)


def test_a_file_whose_check_failed_is_checked_when_it_is_submitted_again() -> None:
    decision = submit(after(FAULT))
    assert begun(decision)
    assert isinstance(only(decision), PackageSubmitted)


def test_another_file_needs_another_name() -> None:
    for state in (after(VALID), kept(retired(after(VALID)))):
        with pytest.raises(Rejected) as refused:
            submit(state, "b")
        assert refused.value.reason is Reason.NAME_TAKEN


# -- by itself


def test_a_package_looks_every_day_and_is_left_alone_while_nothing_has_changed() -> None:
    decided = CHECKS.checked(kept(submit()), ended(WITH_RELEASE), NO_RELEASES, NOW)
    assert NOW + 0.75 * DAY < next_look(decided) <= NOW + DAY
    assert decided.state
    decision = look(decided.state, releases(release(), release("10.0.46", "7.0.7700.1", file("d"))))
    assert (decision.state, begun(decision)) == (decided.state, None)
    assert NOW + 1.75 * DAY < next_look(decision) <= NOW + 2 * DAY


@pytest.mark.parametrize(
    ("facts", "newer"),
    [
        (releases(release()), True),
        (releases(release(modules=file("d"))), False),
        (releases(release(), release("10.0.46")), False),
        (releases(), False),
    ],
    ids=["other rules", "another module list", "a later release of the platform", "the release is forgotten"],
)
def test_a_package_is_checked_again_when_its_verdict_rests_on_what_is_no_more(facts: CheckFacts, newer: bool) -> None:
    state = after(WITH_RELEASE)
    decision = look(state, facts, newer=newer)
    assert begun(decision)
    assert decision.events == []
    assert decision.state
    assert (decision.state.status, decision.state.rechecking) == (PackageStatus.VALID, True)


def test_packages_that_were_checked_together_do_not_look_together() -> None:
    names = [f"contoso/package-{number}" for number in range(100)]
    packages = [after(VALID).model_copy(update={"id": name}) for name in names]
    looks = sorted(next_look(look(package)) for package in packages)
    assert looks[-1] - looks[0] > DAY / 5
    assert looks[0] > NOW + 1.75 * DAY
    assert [next_look(look(package)) for package in packages] == [next_look(look(package)) for package in packages]


def test_after_a_time_without_a_validator_not_all_packages_are_checked_at_once() -> None:
    names = [f"contoso/package-{number}" for number in range(100)]
    missed = TimerDue("look", "", NOW)
    looks = []
    for name in names:
        state = after(VALID).model_copy(update={"id": name})
        decision = NEWER_CHECKS.look(state, missed, NO_RELEASES, NOW + DAY)
        assert (decision.state, begun(decision)) == (state, None)
        looks.append(next_look(decision))
    assert NOW + DAY <= min(looks) < NOW + 1.1 * DAY
    assert NOW + 1.9 * DAY < max(looks) < NOW + 2 * DAY


def test_a_package_that_was_judged_without_a_release_is_checked_against_one_that_comes() -> None:
    assert begun(look(after(VALID), releases(release())))
    assert not begun(look(after(VALID), releases(release(modules=None))))


def test_a_package_that_brings_its_check_down_is_not_tried_every_day() -> None:
    state = after(VALID)
    rechecking = kept(look(state, releases(release())))
    facts = releases(release())
    crashed = CHECKS.checked(rechecking, ended(KILLED_IT), facts, LATER).state
    assert crashed
    assert not begun(look(crashed, facts))
    assert begun(look(crashed, releases(release(modules=file("d")))))
    failed = CHECKS.checked(rechecking, ended(FAULT), facts, LATER).state
    assert failed
    assert begun(look(failed, facts))


@pytest.mark.parametrize(
    "state",
    [
        kept(submit()),
        after(FAULT),
        after(KILLED_IT),
        kept(retired(after(VALID))),
        kept(revalidate(after(VALID))),
    ],
    ids=["checking", "check failed", "quarantined", "retired", "being checked again"],
)
def test_nothing_else_is_checked_by_itself(state: DeployablePackage) -> None:
    assert look(state, releases(release()), newer=True) is UNCHANGED


# -- retiring


def test_a_retired_package_keeps_its_file_and_what_is_known_of_it() -> None:
    decision = retired(after(VALID))
    event = only(decision)
    assert isinstance(event, PackageRetired)
    assert (event.artifact, event.note, event.actor) == (file(), "superseded", "ada")
    assert decision.state
    snapshot = package_view(NAME, decision.state)
    assert snapshot
    assert (snapshot.status, snapshot.artifact, snapshot.contents) == (PackageStatus.RETIRED, file(), CONTENTS)
    assert decision.timers == {"look": None}


def test_retired_again_it_is_told_as_it_was() -> None:
    first = retired(after(VALID))
    again = retired(kept(first), note="another note")
    assert (again.state, again.events) == (first.state, first.events)


@pytest.mark.parametrize(
    "result", [VALID, INVALID, FAULT, KILLED_IT], ids=["valid", "invalid", "failed", "quarantined"]
)
def test_whatever_is_not_being_checked_for_the_first_time_can_be_retired(result: Checked) -> None:
    state = retired(after(result)).state
    assert state
    assert (state.status, state.problem) == (PackageStatus.RETIRED, None)


def test_before_its_first_verdict_a_package_is_not_retired() -> None:
    with pytest.raises(Rejected) as refused:
        retired(kept(submit()))
    assert refused.value.reason is Reason.NOT_CHECKED_YET


def test_retiring_calls_off_a_check_that_runs_again_and_its_end_changes_nothing() -> None:
    decision = retired(kept(revalidate(after(VALID))))
    assert decision.work == {"check": None}
    assert kept(decision).rechecking is False
    for result in (VALID, INVALID, FAULT, KILLED_IT):
        assert CHECKS.checked(kept(decision), ended(result), NO_RELEASES, LATER) is UNCHANGED


def test_a_retired_package_is_neither_checked_nor_submitted_again() -> None:
    state = kept(retired(after(VALID)))
    with pytest.raises(Rejected, match="retired by ada on 2026-11-21; it is not checked") as refused:
        revalidate(state)
    assert refused.value.reason is Reason.PACKAGE_RETIRED
    with pytest.raises(Rejected, match="submit it under another name") as refused:
        submit(state)
    assert refused.value.reason is Reason.PACKAGE_RETIRED


# -- documents of the version before


def test_a_package_that_was_kept_before_verdicts_had_reports_is_read_and_told_and_checked_again() -> None:
    document: dict[str, Any] = {
        "id": NAME,
        "status": "valid",
        "artifact": file().model_dump(mode="json"),
        "file_name": "november.zip",
        "contents": CONTENTS.model_dump(mode="json"),
        "findings": [],
        "problem": None,
    }
    state = DeployablePackage.model_validate(document, strict=False)
    event = only(submit(state))
    assert isinstance(event, PackageValidated)
    assert event.judged is None
    assert begun(revalidate(state))
    assert look(state, newer=True) is UNCHANGED
    given = PackageCheckInput.model_validate(
        {"package": NAME, "artifact": file().model_dump(mode="json")}, strict=False
    )
    assert given.releases == ()
