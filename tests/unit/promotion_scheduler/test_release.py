"""Which packages may be published as releases."""

import pytest

from services.promotion_scheduler.domain.known import KnownPackage
from services.promotion_scheduler.domain.release import PublishFacts, Release, publish, release_view
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import PackageContents, PackageKind
from shared.contracts.promotion_scheduler import PublishRelease, Reason, ReleasePublished
from shared.kernel.outcomes import KernelReason, NotYet, Rejected
from tests.unit.promotion_scheduler.story import NOW, TONIGHT, envelope

PACKAGE = "contoso/service-update-10.0.44"
COMMAND = PublishRelease(version="10.0.44", package=PACKAGE, base_version="27.0.38460.0")


def package(kind: PackageKind = PackageKind.PLATFORM, *, application: str | None = "10.0.2177.37") -> KnownPackage:
    contents = PackageContents(
        kind=kind,
        modules=(),
        platform_modules=(),
        removed_modules=(),
        platform_version="7.0.7690.21",
        application_version=application,
    )
    return KnownPackage(sequence=2, status=PackageStatus.VALID, contents=contents)


def published() -> Release:
    state = publish(None, envelope(COMMAND), PublishFacts(package()), NOW).state
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
        )
    ]
    view = release_view("10.0.44", published())
    assert (view.package, view.published_at) == (PACKAGE, NOW)


def test_published_again_it_is_answered_and_stays_as_it_was() -> None:
    again = publish(published(), envelope(COMMAND), PublishFacts(None), TONIGHT)
    assert again.state == published()
    assert [type(event) for event in again.events] == [ReleasePublished]


@pytest.mark.parametrize("changed", [{"package": "contoso/other"}, {"base_version": None}], ids=str)
def test_a_release_cannot_become_another(changed: dict[str, str | None]) -> None:
    with pytest.raises(Rejected) as refused:
        publish(published(), envelope(COMMAND.model_copy(update=changed)), PublishFacts(package()), NOW)
    assert refused.value.reason is Reason.RELEASE_EXISTS


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (None, KernelReason.UNKNOWN),
        (KnownPackage(sequence=1, status=PackageStatus.CHECKING), Reason.PACKAGE_NOT_VALID),
    ],
    ids=["unknown", "being checked"],
)
def test_it_waits_for_the_verdict(known: KnownPackage | None, reason: Reason) -> None:
    with pytest.raises(NotYet) as waits:
        publish(None, envelope(COMMAND), PublishFacts(known), NOW)
    assert (waits.value.waits_for, waits.value.reason) == (PACKAGE, reason)


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (KnownPackage(sequence=2, status=PackageStatus.INVALID), Reason.PACKAGE_NOT_VALID),
        (KnownPackage(sequence=2, status=PackageStatus.CHECK_FAILED), Reason.PACKAGE_NOT_VALID),
        (package(PackageKind.CUSTOMIZATION), Reason.PACKAGE_NOT_PLATFORM),
        (package(PackageKind.MERGED), Reason.PACKAGE_NOT_PLATFORM),
        (package(application=None), Reason.VERSIONS_NOT_STATED),
    ],
    ids=["invalid", "check failed", "customization", "merged", "no version"],
)
def test_it_is_refused(known: KnownPackage, reason: Reason) -> None:
    with pytest.raises(Rejected) as refused:
        publish(None, envelope(COMMAND), PublishFacts(known), NOW)
    assert refused.value.reason is reason
