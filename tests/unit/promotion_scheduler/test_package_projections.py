"""Packages as the scheduler knows them: which may be published as a release."""

from typing import Any

import pytest
from hypothesis import given

from services.promotion_scheduler.domain import projections
from services.promotion_scheduler.domain.projections import ReleasePackageProjection
from services.promotion_scheduler.domain.release_publishing import PublishFacts, publish
from services.promotion_scheduler.domain.state import PublishedRelease
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import ArtifactRef, PackageContents, PackageKind, Problem
from shared.contracts.promotion_scheduler import PublishRelease, Reason, ReleasePublished
from shared.kernel import UNCHANGED, Rejected
from tests.support.projections import check_only_news_counts, deliveries, numbered
from tests.unit.promotion_scheduler.story import NOW, envelope

PACKAGE = "contoso/service-update-10.0.44"
COMMAND = PublishRelease(version="10.0.44", package=PACKAGE, base_version=None)
ARTIFACT = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
OURS = Problem(reason="CHECK_FAILED", message="no room")
VALID = ReleasePackageProjection(
    sequence=2,
    status=PackageStatus.VALID,
    contents=PackageContents(
        kind=PackageKind.PLATFORM,
        modules=(),
        platform_modules=(),
        removed_modules=(),
        platform_version="7.0.7690.21",
        application_version="10.0.2177.37",
    ),
)


def retired() -> ReleasePackageProjection:
    told = PackageRetired(package=PACKAGE, project="contoso", artifact=ARTIFACT, note="", actor="ada")
    state = projections.package_retired(VALID, envelope(told, sequence=3), None, NOW).state
    assert state
    return state


def quarantined() -> ReleasePackageProjection:
    told = PackageQuarantined(package=PACKAGE, project="contoso", artifact=ARTIFACT, problem=OURS)
    checking = ReleasePackageProjection(sequence=2, status=PackageStatus.CHECKING)
    state = projections.package_quarantined(checking, envelope(told, sequence=3), None, NOW).state
    assert state
    return state


@pytest.mark.parametrize("package", [retired(), quarantined()], ids=["retired", "quarantined"])
def test_what_may_not_be_used_anew_is_not_published(package: ReleasePackageProjection) -> None:
    with pytest.raises(Rejected, match=f"is {package.status.value}") as refused:
        publish(None, envelope(COMMAND), PublishFacts(package), NOW)
    assert refused.value.reason is Reason.PACKAGE_NOT_VALID


def test_a_release_of_a_package_that_was_retired_stays_published() -> None:
    release = publish(None, envelope(COMMAND), PublishFacts(VALID), NOW).state
    assert isinstance(release, PublishedRelease)
    again = publish(release, envelope(COMMAND), PublishFacts(retired()), NOW)
    assert [type(event) for event in again.events] == [ReleasePublished]


def test_a_retirement_says_by_whom_and_when() -> None:
    assert retired().words == "retired, by ada at 2026-11-21 09:00 UTC"
    assert quarantined().words == "quarantined"


def test_a_verdict_stands_while_the_package_is_checked_again_and_when_that_fails() -> None:
    standing = PackageStatus.VALID
    submitted = PackageSubmitted(
        package=PACKAGE, project="contoso", artifact=ARTIFACT, file_name="one.zip", standing=standing
    )
    failed = PackageCheckFailed(package=PACKAGE, project="contoso", artifact=ARTIFACT, problem=OURS, standing=standing)
    state = projections.package_submitted(VALID, envelope(submitted, sequence=3), None, NOW).state
    state = projections.package_check_failed(state, envelope(failed, sequence=4), None, NOW).state
    assert state == VALID.replace(sequence=4)
    unknown = projections.package_check_failed(None, envelope(failed, sequence=4), None, NOW).state
    assert unknown
    assert unknown.status is PackageStatus.CHECK_FAILED


def test_old_news_of_a_retirement_changes_nothing() -> None:
    told = PackageRetired(package=PACKAGE, project="contoso", artifact=ARTIFACT, note="", actor="ada")
    assert projections.package_retired(VALID, envelope(told, sequence=2), None, NOW) is UNCHANGED


ABOUT: dict[str, Any] = {"package": PACKAGE, "project": "contoso", "artifact": ARTIFACT}
STANDING = PackageStatus.VALID
assert VALID.contents
EVENTS = (
    PackageSubmitted(**ABOUT, file_name="one.zip"),
    PackageValidated(**ABOUT, contents=VALID.contents, warnings=()),
    PackageSubmitted(**ABOUT, file_name="one.zip", standing=STANDING),
    PackageCheckFailed(**ABOUT, problem=OURS, standing=STANDING),
    PackageQuarantined(**ABOUT, problem=OURS),
    PackageRejected(**ABOUT, findings=()),
    PackageRetired(**ABOUT, note="", actor="ada"),
)
DECIDE: dict[type[Event], Any] = {
    PackageSubmitted: projections.package_submitted,
    PackageValidated: projections.package_validated,
    PackageCheckFailed: projections.package_check_failed,
    PackageQuarantined: projections.package_quarantined,
    PackageRejected: projections.package_rejected,
    PackageRetired: projections.package_retired,
}


@given(deliveries(numbered(EVENTS, NOW)))
def test_repeats_and_old_news_in_any_order_end_in_the_latest(delivered: list[Envelope[Any]]) -> None:
    state: ReleasePackageProjection | None = check_only_news_counts(DECIDE, delivered)
    state = check_only_news_counts(DECIDE, numbered(EVENTS, NOW)[-1:], state=state)
    assert state
    assert (state.sequence, state.status) == (len(EVENTS), PackageStatus.RETIRED)
