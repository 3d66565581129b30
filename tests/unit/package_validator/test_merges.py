"""What is decided about packages that are made of others."""

import pytest

from services.package_validator.domain.merges import MergeFacts, merged
from services.package_validator.domain.merges import merge as merge_packages
from services.package_validator.domain.retiring import retire
from services.package_validator.domain.state import DeployablePackage
from services.package_validator.domain.views import package_view
from services.package_validator.domain.work import Merged, MergeInput, PackageCheckInput
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    MergePackages,
    PackageMergeFailed,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
    Reason,
    RetirePackage,
    RevalidatePackage,
    TakenModule,
)
from shared.contracts.parts import Problem
from shared.kernel import UNCHANGED, Decision, Failure, KernelReason, NotYet, Rejected, WorkEnded
from tests.unit.package_validator.packages import (
    CHECKS,
    CRASHED,
    EXHAUSTED,
    FAULT,
    INVALID,
    KILLED_IT,
    NAME,
    NO_RELEASES,
    NOW,
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

SOURCES = ("contoso/platform", "contoso/own")


def source(name: str, digit: str = "a") -> DeployablePackage:
    return after(VALID).model_copy(update={"id": name, "artifact": file(digit)})


FACTS = MergeFacts((source(SOURCES[0], "b"), source(SOURCES[1], "c")))


def merge(
    state: DeployablePackage | None = None,
    sources: tuple[str, ...] = SOURCES,
    facts: MergeFacts = FACTS,
    take: tuple[TakenModule, ...] = (),
) -> Decision[DeployablePackage]:
    command = MergePackages(package=NAME, sources=sources, take=take)
    return merge_packages(state, Envelope(id="1", source="test", time=NOW, data=command), facts, NOW)


def merging() -> DeployablePackage:
    state = merge().state
    assert state
    return state


def merge_ended(result: Merged | None, failure: Failure | None = None) -> Decision[DeployablePackage]:
    return merged(merging(), WorkEnded("merge", "", result, failure), releases(release()), NOW)


def test_valid_packages_are_merged_in_the_order_in_which_they_are_named() -> None:
    decision = merge()
    given = decision.work["merge"]
    assert isinstance(given, MergeInput)
    assert [(one.package, one.artifact) for one in given.sources] == [(SOURCES[0], file("b")), (SOURCES[1], file("c"))]
    assert decision.state
    assert package_view(NAME, decision.state) is None


def test_a_module_is_taken_from_the_package_that_was_chosen_for_it() -> None:
    common = TakenModule(module="Common", package=SOURCES[1])
    decision = merge(take=(common,))
    given = decision.work["merge"]
    assert isinstance(given, MergeInput)
    assert given.take == (common,)
    assert merge(decision.state, take=(common,)) is UNCHANGED
    with pytest.raises(Rejected, match="is another package"):
        merge(decision.state)
    elsewhere = TakenModule(module="Common", package="contoso/third")
    for take, told in (((elsewhere,), "not among those"), ((common, elsewhere), "from two packages")):
        with pytest.raises(Rejected, match=told) as refused:
            merge(take=take)
        assert refused.value.reason is Reason.MERGE_REFUSED


def test_what_was_merged_is_told_and_checked_like_any_other_package() -> None:
    decision = merge_ended(Merged(artifact=file("d")))
    event = only(decision)
    assert isinstance(event, PackageSubmitted)
    assert (event.artifact, event.file_name, event.merged_from) == (file("d"), "november.zip", SOURCES)
    given = decision.work["check"]
    assert isinstance(given, PackageCheckInput)
    assert (given.artifact, given.releases) == (file("d"), (release(),))
    valid = CHECKS.checked(kept(decision), ended(VALID), NO_RELEASES, NOW)
    assert isinstance(only(valid), PackageValidated)
    assert valid.state
    snapshot = package_view(NAME, valid.state)
    assert snapshot
    assert snapshot.merged_from == SOURCES


@pytest.mark.parametrize(
    ("result", "failure", "reason"),
    [
        (Merged(problem=Problem(reason=Reason.MERGE_REFUSED, message="both bring One")), None, Reason.MERGE_REFUSED),
        (Merged(problem=Problem(reason=Reason.ARTIFACT_MISSING, message="gone")), None, Reason.ARTIFACT_MISSING),
        (None, EXHAUSTED, Reason.MERGE_FAILED),
        (None, CRASHED, Reason.MERGE_FAILED),
    ],
    ids=["refused", "no file", "exhausted", "crashed"],
)
def test_of_a_merge_that_failed_no_package_is_left(
    result: Merged | None, failure: Failure | None, reason: Reason
) -> None:
    decision = merge_ended(result, failure)
    event = only(decision)
    assert isinstance(event, PackageMergeFailed)
    assert (event.sources, event.problem.reason) == (SOURCES, reason)
    assert (decision.state, dict(decision.work)) == (None, {})


@pytest.mark.parametrize(
    ("first", "reason"),
    [(None, KernelReason.UNKNOWN), (kept(submit()), Reason.NOT_CHECKED_YET), (merging(), Reason.NOT_CHECKED_YET)],
    ids=["unknown", "being checked", "being merged"],
)
def test_it_waits_for_its_sources(first: DeployablePackage | None, reason: Reason) -> None:
    with pytest.raises(NotYet) as waits:
        merge(facts=MergeFacts((first, FACTS.sources[1])))
    assert (waits.value.waits_for, waits.value.reason) == (SOURCES[0], reason)


RETIRED = retire(
    after(VALID), Envelope(id="1", source="test", time=NOW, data=RetirePackage(package=NAME)), None, NOW
).state


@pytest.mark.parametrize(
    "first",
    [after(INVALID), after(FAULT), after(KILLED_IT), RETIRED],
    ids=["invalid", "check failed", "quarantined", "retired"],
)
def test_a_source_that_is_not_valid_is_named(first: DeployablePackage) -> None:
    with pytest.raises(Rejected) as refused:
        merge(facts=MergeFacts((first, FACTS.sources[1])))
    assert refused.value.reason is Reason.SOURCE_NOT_VALID
    assert refused.value.facts == {"source": SOURCES[0], "status": first.status.value}


def test_a_source_that_is_checked_again_is_as_valid_as_it_was() -> None:
    rechecking = CHECKS.begin(source(SOURCES[0], "b"), NO_RELEASES, NOW).state
    assert merge(facts=MergeFacts((rechecking, FACTS.sources[1]))).work


@pytest.mark.parametrize(
    ("sources", "reason"),
    [
        (("contoso/own", "fabrikam/platform"), Reason.OTHER_PROJECT),
        (("contoso/own", "contoso/own"), Reason.MERGE_REFUSED),
    ],
    ids=["another project", "twice the same"],
)
def test_what_can_never_be_merged_is_refused_at_once(sources: tuple[str, ...], reason: Reason) -> None:
    with pytest.raises(Rejected) as refused:
        merge(sources=sources, facts=MergeFacts((None, None)))
    assert refused.value.reason is reason


def test_asked_for_again_it_is_told_again_and_not_merged_twice() -> None:
    assert merge(merging()) is UNCHANGED
    done = merge_ended(Merged(artifact=file("d"))).state
    again = merge(done)
    assert isinstance(only(again), PackageSubmitted)
    assert (again.state, dict(again.work)) == (done, {})


@pytest.mark.parametrize("state", [after(VALID), merging()], ids=["submitted", "merged from others"])
def test_a_name_that_another_package_has_is_not_given_again(state: DeployablePackage) -> None:
    with pytest.raises(Rejected) as refused:
        merge(state, sources=SOURCES[::-1])
    assert refused.value.reason is Reason.NAME_TAKEN


def test_while_it_is_merged_the_name_is_taken_and_there_is_nothing_to_check_or_to_retire() -> None:
    with pytest.raises(Rejected, match="is being merged from contoso/platform, contoso/own") as refused:
        submit(merging())
    assert refused.value.reason is Reason.NAME_TAKEN
    command = RevalidatePackage(package=NAME)
    with pytest.raises(Rejected) as refused:
        CHECKS.revalidate(merging(), Envelope(id="2", source="test", time=NOW, data=command), NO_RELEASES, NOW)
    assert refused.value.reason is Reason.NOT_CHECKED_YET
    with pytest.raises(Rejected) as refused:
        retire(merging(), Envelope(id="2", source="test", time=NOW, data=RetirePackage(package=NAME)), None, NOW)
    assert refused.value.reason is Reason.NOT_CHECKED_YET
    assert merging().status is PackageStatus.SUBMITTED
