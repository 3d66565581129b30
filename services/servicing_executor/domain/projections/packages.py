"""Packages as package-validator last told of them, as far as applying one needs them."""

from dataclasses import dataclass
from datetime import datetime

from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import ArtifactRef
from shared.kernel import UNCHANGED, Decision
from shared.projections.packages import PackageEvent, PackageStanding


class ApplicablePackageProjection(PackageStanding):
    """A package, and the base that comes with it."""

    artifact: ArtifactRef
    base_version: str | None = None
    """Version of the base that comes with the platform it brings, if a release of the same versions names one."""


@dataclass(frozen=True)
class SameVersionsFacts:
    """The release whose versions a package brings."""

    release: PlatformReleaseProjection | None


def package_submitted(
    state: ApplicablePackageProjection | None, message: Envelope[PackageSubmitted], facts: None, now: datetime
) -> Decision[ApplicablePackageProjection]:
    """It waits for its check; a verdict that it has stands meanwhile."""
    return _told(state, message)


def package_validated(
    state: ApplicablePackageProjection | None,
    message: Envelope[PackageValidated],
    facts: SameVersionsFacts,
    now: datetime,
) -> Decision[ApplicablePackageProjection]:
    """It may be applied."""
    return _told(state, message, facts.release)


def package_rejected(
    state: ApplicablePackageProjection | None, message: Envelope[PackageRejected], facts: None, now: datetime
) -> Decision[ApplicablePackageProjection]:
    """It may not be applied."""
    return _told(state, message)


def package_check_failed(
    state: ApplicablePackageProjection | None, message: Envelope[PackageCheckFailed], facts: None, now: datetime
) -> Decision[ApplicablePackageProjection]:
    """Nobody knows whether it may be applied, unless an earlier verdict stands."""
    return _told(state, message)


def package_quarantined(
    state: ApplicablePackageProjection | None, message: Envelope[PackageQuarantined], facts: None, now: datetime
) -> Decision[ApplicablePackageProjection]:
    """Nobody knows whether it may be applied: its check was cut off each time."""
    return _told(state, message)


def package_retired(
    state: ApplicablePackageProjection | None, message: Envelope[PackageRetired], facts: None, now: datetime
) -> Decision[ApplicablePackageProjection]:
    """It may not be applied any more; images that hold it stay what they are."""
    return _told(state, message)


def _told(
    state: ApplicablePackageProjection | None,
    message: Envelope[PackageEvent],
    release: PlatformReleaseProjection | None = None,
) -> Decision[ApplicablePackageProjection]:
    after = ApplicablePackageProjection.after(state, message)
    if after is state:
        return UNCHANGED
    return Decision(after.replace(base_version=release.base_version) if release else after)
