"""Which packages may be published as releases."""

import pytest

from services.promotion_scheduler.domain.projections import ReleasePackageProjection
from services.promotion_scheduler.domain.release_publishing import PublishFacts, publish
from services.promotion_scheduler.domain.state import PublishedRelease
from services.promotion_scheduler.domain.views import release_view
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import ArtifactRef, PackageContents, PackageKind
from shared.contracts.promotion_scheduler import PublishRelease, Reason, ReleasePublished
from shared.kernel import KernelReason, NotYet, Rejected
from tests.unit.promotion_scheduler.story import NOW, TONIGHT, envelope

PACKAGE = "contoso/service-update-10.0.44"
COMMAND = PublishRelease(version="10.0.44", package=PACKAGE, base_version="27.0.38460.0")
LIST, CORRECTED = (
    ArtifactRef(digest=f"sha256:{digit * 64}", size=2048, media_type="application/json") for digit in "ab"
)


def package(
    kind: PackageKind = PackageKind.PLATFORM, *, application: str | None = "10.0.2177.37"
) -> ReleasePackageProjection:
    contents = PackageContents(
        kind=kind,
        modules=(),
        platform_modules=(),
        removed_modules=(),
        platform_version="7.0.7690.21",
        application_version=application,
    )
    return ReleasePackageProjection(sequence=2, status=PackageStatus.VALID, contents=contents)


def published(modules: ArtifactRef | None = None) -> PublishedRelease:
    command = COMMAND.model_copy(update={"modules": modules})
    state = publish(None, envelope(command), PublishFacts(package()), NOW).state
    assert state
    return state


def test_a_valid_platform_package_is_published_with_its_versions() -> None:
    decision = publish(None, envelope(COMMAND), PublishFacts(package()), NOW)
    assert decision.events == [
        ReleasePublished(
            version="10.0.44",
            package=PACKAGE,
            platform_version="7.0.7690.21",
            application_version="10.0.2177.37",
            base_version="27.0.38460.0",
            modules=None,
            published_at=NOW,
        )
    ]
    view = release_view("10.0.44", published())
    assert (view.package, view.published_at) == (PACKAGE, NOW)


@pytest.mark.parametrize(
    ("known", "sent", "kept"),
    [
        (None, None, None),
        (None, LIST, LIST),
        (LIST, LIST, LIST),
        (LIST, CORRECTED, CORRECTED),
        (LIST, None, LIST),
    ],
    ids=["none", "added", "the same", "corrected", "not sent"],
)
def test_published_again_it_is_told_again_with_the_latest_module_list_and_the_first_time(
    known: ArtifactRef | None, sent: ArtifactRef | None, kept: ArtifactRef | None
) -> None:
    before = published(known)
    decision = publish(before, envelope(COMMAND.model_copy(update={"modules": sent})), PublishFacts(None), TONIGHT)
    [told] = decision.events
    assert isinstance(told, ReleasePublished)
    assert (told.modules, told.published_at) == (kept, NOW)
    assert decision.state is not None
    assert decision.state == before.model_copy(update={"modules": kept})
    assert release_view("10.0.44", decision.state).modules == kept


def test_a_release_that_was_stored_before_there_were_module_lists_is_still_read() -> None:
    stored = published().model_dump(exclude={"modules"})
    assert PublishedRelease.model_validate(stored) == published()


@pytest.mark.parametrize("changed", [{"package": "contoso/other"}, {"base_version": None}], ids=str)
def test_a_release_cannot_become_another(changed: dict[str, str | None]) -> None:
    command = COMMAND.model_copy(update={"modules": CORRECTED, **changed})
    with pytest.raises(Rejected) as refused:
        publish(published(LIST), envelope(command), PublishFacts(package()), NOW)
    assert refused.value.reason is Reason.RELEASE_EXISTS


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (None, KernelReason.UNKNOWN),
        (ReleasePackageProjection(sequence=1, status=PackageStatus.CHECKING), Reason.PACKAGE_NOT_VALID),
    ],
    ids=["unknown", "being checked"],
)
def test_it_waits_for_the_verdict(known: ReleasePackageProjection | None, reason: Reason) -> None:
    with pytest.raises(NotYet) as waits:
        publish(None, envelope(COMMAND), PublishFacts(known), NOW)
    assert (waits.value.waits_for, waits.value.reason) == (PACKAGE, reason)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (ReleasePackageProjection(sequence=2, status=PackageStatus.INVALID), Reason.PACKAGE_NOT_VALID),
        (ReleasePackageProjection(sequence=2, status=PackageStatus.CHECK_FAILED), Reason.PACKAGE_NOT_VALID),
        (package().model_copy(update={"status": PackageStatus.RETIRED}), Reason.PACKAGE_NOT_VALID),
        (package(PackageKind.CUSTOMIZATION), Reason.PACKAGE_NOT_PLATFORM),
        (package(PackageKind.MERGED), Reason.PACKAGE_NOT_PLATFORM),
        (package(application=None), Reason.VERSIONS_NOT_STATED),
    ],
    ids=["invalid", "check failed", "retired", "customization", "merged", "no version"],
)
def test_it_is_refused(known: ReleasePackageProjection, reason: Reason) -> None:
    with pytest.raises(Rejected) as refused:
        publish(None, envelope(COMMAND), PublishFacts(known), NOW)
    assert refused.value.reason is reason
