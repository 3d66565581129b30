"""Packages as the executor knows them: what may be applied anew, and what stands whatever happens to its package."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from services.servicing_executor.domain.bases import base_that_comes
from services.servicing_executor.domain.facts import ImageFacts, PackageFacts
from services.servicing_executor.domain.guards import valid_package
from services.servicing_executor.domain.projections import built_images, packages
from services.servicing_executor.domain.projections.built_images import ImageProjection
from services.servicing_executor.domain.projections.packages import ApplicablePackageProjection, SameVersionsFacts
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection, versions_of
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.updates import apply_update
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import ImageBuilt
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
from shared.contracts.parts import (
    ArtifactRef,
    EnvironmentKind,
    ImageContents,
    PackageContents,
    PackageKind,
    Problem,
    Update,
)
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyUpdate,
    EnvironmentStatus,
    OperationAccepted,
    OperationKind,
    Reason,
)
from shared.kernel import Rejected
from tests.support.projections import check_only_news_counts, deliveries, numbered
from tests.unit.servicing_executor.play import CANDIDATE, promote

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
PACKAGE = "contoso/november"
ARTIFACT = ArtifactRef(digest=f"sha256:{'a' * 64}", size=1, media_type="application/zip")
OURS = Problem(reason="CHECK_FAILED", message="no room")
CONTENTS = PackageContents(
    kind=PackageKind.CUSTOMIZATION,
    modules=(),
    platform_modules=(),
    removed_modules=(),
    platform_version="7.0.1",
    application_version=None,
)
OF_PACKAGE: dict[str, Any] = {"package": PACKAGE, "project": "contoso", "artifact": ARTIFACT}
VALIDATED = PackageValidated(**OF_PACKAGE, contents=CONTENTS, warnings=())
REJECTED = PackageRejected(**OF_PACKAGE, findings=())
RETIRED = PackageRetired(**OF_PACKAGE, note="superseded", actor="ada")
RELEASE = PlatformReleaseProjection(version="10.0.44", base_version="27.0.1.0")
QUARANTINED = PackageQuarantined(**OF_PACKAGE, problem=OURS)


def submitted(standing: PackageStatus | None = None) -> PackageSubmitted:
    return PackageSubmitted(**OF_PACKAGE, file_name="november.zip", standing=standing)


def check_failed(standing: PackageStatus | None = None) -> PackageCheckFailed:
    return PackageCheckFailed(**OF_PACKAGE, problem=OURS, standing=standing)


DECIDE: dict[type[Event], Any] = {
    PackageSubmitted: packages.package_submitted,
    PackageValidated: packages.package_validated,
    PackageRejected: packages.package_rejected,
    PackageCheckFailed: packages.package_check_failed,
    PackageQuarantined: packages.package_quarantined,
    PackageRetired: packages.package_retired,
}


def told(
    *events: Event,
    start: ApplicablePackageProjection | None = None,
    sequence: int = 1,
    release: PlatformReleaseProjection | None = None,
) -> ApplicablePackageProjection:
    """What is known after the events, the first of which has the sequence number."""
    state = start
    for number, event in enumerate(events, sequence):
        message = Envelope(id=str(number), source="test", time=NOW, data=event, sequence=number)
        state = DECIDE[type(event)](state, message, SameVersionsFacts(release), NOW).state_after(state)
    assert state
    return state


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((submitted(),), PackageStatus.CHECKING),
        ((submitted(), VALIDATED), PackageStatus.VALID),
        ((submitted(), VALIDATED, submitted(PackageStatus.VALID)), PackageStatus.VALID),
        ((submitted(), VALIDATED, check_failed(PackageStatus.VALID)), PackageStatus.VALID),
        ((submitted(), VALIDATED, submitted(PackageStatus.VALID), REJECTED), PackageStatus.INVALID),
        ((submitted(), REJECTED, submitted(PackageStatus.INVALID)), PackageStatus.INVALID),
        ((submitted(), check_failed()), PackageStatus.CHECK_FAILED),
        ((submitted(), QUARANTINED), PackageStatus.QUARANTINED),
        ((submitted(), QUARANTINED, submitted()), PackageStatus.CHECKING),
        ((submitted(), VALIDATED, RETIRED), PackageStatus.RETIRED),
        ((check_failed(PackageStatus.VALID),), PackageStatus.CHECK_FAILED),
    ],
    ids=lambda one: "-".join(type(event).__name__ for event in one) if isinstance(one, tuple) else one.value,
)
def test_a_package_is_valid_while_a_verdict_says_so_and_contents_are_known(
    events: tuple[Event, ...], status: PackageStatus
) -> None:
    package = told(*events)
    assert (package.status, package.contents is not None) == (status, status is PackageStatus.VALID)


def test_what_is_older_than_what_is_known_changes_nothing() -> None:
    retired = told(submitted(), VALIDATED, RETIRED)
    for old in (VALIDATED, REJECTED, submitted(), check_failed(), QUARANTINED, RETIRED):
        assert told(old, start=retired, sequence=2) == retired
    checked_again = told(check_failed(PackageStatus.VALID), start=told(submitted(), VALIDATED), sequence=9)
    assert checked_again.sequence == 9
    for old in (REJECTED, submitted(PackageStatus.VALID), check_failed(PackageStatus.VALID)):
        assert told(old, start=checked_again, sequence=8) == checked_again


STANDING = PackageStatus.VALID
EVENTS = (submitted(), VALIDATED, submitted(STANDING), check_failed(STANDING), submitted(STANDING), REJECTED, RETIRED)


@given(deliveries(numbered(EVENTS, NOW)))
def test_repeats_and_old_news_in_any_order_end_in_the_latest(delivered: list[Envelope[Any]]) -> None:
    known: Any = check_only_news_counts(DECIDE, delivered, SameVersionsFacts(RELEASE))
    known = check_only_news_counts(DECIDE, numbered(EVENTS, NOW)[-1:], state=known)
    assert (known.sequence, known.status) == (len(EVENTS), PackageStatus.RETIRED)


def test_the_base_of_a_package_stands_with_its_verdict() -> None:
    package = told(submitted(), VALIDATED, submitted(STANDING), check_failed(STANDING), release=RELEASE)
    assert (package.base_version, package.contents) == (RELEASE.base_version, CONTENTS)
    assert told(REJECTED, start=package, sequence=9).base_version is None


@pytest.mark.parametrize(
    ("package", "words"),
    [
        (told(VALIDATED, RETIRED), "package contoso/november is retired, by ada at 2026-11-21 12:00 UTC"),
        (told(submitted(), QUARANTINED), "package contoso/november is quarantined"),
    ],
    ids=["retired", "quarantined"],
)
def test_a_package_that_may_not_be_applied_is_refused_with_why(
    package: ApplicablePackageProjection, words: str
) -> None:
    with pytest.raises(Rejected) as refused:
        valid_package(PACKAGE, "contoso", package, None)
    assert (refused.value.reason, refused.value.message) == (Reason.PACKAGE_NOT_VALID, words)


def image(version: str) -> ImageContents:
    return ImageContents(
        platform_package="contoso/vendor-1",
        customization_package=PACKAGE,
        platform_version="7.0.1",
        application_version=version,
        base_version=None,
        modules=(),
        dropped=(),
    )


def environment(kind: EnvironmentKind) -> Environment:
    return Environment(
        id=f"contoso-{kind.value}",
        project="contoso",
        environment_kind=kind,
        country="DE",
        status=EnvironmentStatus.DEPLOYED,
        running=Update(name="first", image=ARTIFACT.digest, contents=image("10.0.1")),
    )


def test_an_image_of_a_retired_package_is_still_promoted_while_the_package_is_applied_no_more() -> None:
    retired = told(submitted(), VALIDATED, RETIRED)
    sandbox, production = environment(EnvironmentKind.SANDBOX), environment(EnvironmentKind.PRODUCTION)
    apply = ApplyUpdate(environment=sandbox.id, package=PACKAGE, update_name="again")
    with pytest.raises(Rejected, match="is retired, by ada") as refused:
        apply_update(sandbox, Envelope(id="1", source="test", time=NOW, data=apply), PackageFacts(retired, None), NOW)
    assert refused.value.reason is Reason.PACKAGE_NOT_VALID
    promoted = ApplyImage(
        environment=production.id,
        image=f"sha256:{'b' * 64}",
        update_name="November release",
        not_after=NOW,
        promotion=f"{production.id}/1",
    )
    built = ImageProjection(project="contoso", contents=image("10.0.2"), candidates=(CANDIDATE,))
    decision = promote(
        production, Envelope(id="2", source="test", time=NOW, data=promoted), ImageFacts(built, None), NOW
    )
    [accepted] = [event for event in decision.events if isinstance(event, OperationAccepted)]
    assert accepted.operation_kind is OperationKind.PROMOTE


def test_a_platform_that_was_uploaded_again_brings_the_base_of_the_release_of_its_versions() -> None:
    copy = told(submitted(), VALIDATED, release=RELEASE)
    assert base_that_comes(copy, None) == "27.0.1.0"
    assert base_that_comes(copy, PlatformReleaseProjection(version="10.0.45", base_version="28.0.1.0")) == "28.0.1.0"
    assert base_that_comes(told(submitted(), VALIDATED), None) is None


@pytest.mark.parametrize(
    ("kind", "versions", "expected"),
    [
        (PackageKind.PLATFORM, ("7.0.1", "10.0.1"), "7.0.1/10.0.1"),
        (PackageKind.MERGED, ("7.0.1", "10.0.1"), "7.0.1/10.0.1"),
        (PackageKind.MERGED, ("7.0.1", None), None),
        (PackageKind.CUSTOMIZATION, ("7.0.1", "10.0.1"), None),
    ],
)
def test_platforms_are_found_by_their_versions(
    kind: PackageKind, versions: tuple[str, str | None], expected: str | None
) -> None:
    contents = VALIDATED.contents.replace(kind=kind, platform_version=versions[0], application_version=versions[1])
    assert versions_of(contents) == expected


def test_a_releases_package_is_everybodys() -> None:
    package = told(submitted(), VALIDATED)
    with pytest.raises(Rejected) as refused:
        valid_package(PACKAGE, "fabrikam", package, None)
    assert refused.value.reason is Reason.OTHER_PROJECT
    assert valid_package(PACKAGE, "fabrikam", package, RELEASE) == (package, package.contents)


@pytest.mark.parametrize(
    ("customization", "project", "reason"),
    [
        ("contoso/november", "contoso", None),
        ("fabrikam/november", "contoso", Reason.OTHER_PROJECT),
        (None, "contoso", None),
    ],
)
def test_an_image_belongs_to_its_customizations_project_and_without_one_to_everybody(
    customization: str | None, project: str, reason: Reason | None
) -> None:
    contents = image("10.0.2").replace(customization_package=customization)
    digest = f"sha256:{'b' * 64}"
    built = ImageBuilt(
        environment="elsewhere", operation="1", image=digest, update_name="x", base_image=None, contents=contents
    )
    made = built_images.image_built(None, Envelope(id="1", source="test", time=NOW, data=built), None, NOW).state
    assert made
    known_image = made.replace(candidates=(CANDIDATE,))
    production = environment(EnvironmentKind.PRODUCTION)
    command = ApplyImage(
        environment=production.id, image=digest, update_name="next", not_after=NOW, promotion=f"{production.id}/1"
    )
    message = Envelope(id="2", source="test", time=NOW, data=command)
    if reason is None:
        assert promote(production, message, ImageFacts(known_image, None), NOW).events
    else:
        with pytest.raises(Rejected) as refused:
            promote(production, message, ImageFacts(known_image, None), NOW)
        assert refused.value.reason is reason
