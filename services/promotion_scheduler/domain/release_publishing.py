"""Releases: versions of the vendor that are generally available."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.projections import KnownPackage
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import ArtifactRef, PackageContents, PackageKind
from shared.contracts.promotion_scheduler import PublishRelease, Reason, ReleasePublished, ReleaseSnapshot
from shared.kernel import Decision, NotYet, Rejected, State


class Release(State):
    """A version of the vendor."""

    package: str
    platform_version: str
    application_version: str
    base_version: str | None
    modules: ArtifactRef | None = None
    """Its module list in the artifact store."""
    published_at: datetime


@dataclass(frozen=True)
class PublishFacts:
    """The platform package that is named."""

    package: KnownPackage | None


def publish(
    state: Release | None, message: Envelope[PublishRelease], facts: PublishFacts, now: datetime
) -> Decision[Release]:
    """A platform package is generally available under a version.

    Published again, its package, base and time stay as they were. A module list that comes with it is taken in the
    place of the one that is known: descriptors are collected and corrected after a release is out, and packages are
    then checked again. Without one, the list that is known stays.
    """
    command = message.data
    if state and (state.package, state.base_version) != (command.package, command.base_version):
        raise Rejected(
            Reason.RELEASE_EXISTS,
            f"release {command.version} is {state.package} with base {state.base_version or 'none'}",
            facts={"package": state.package, "base_version": state.base_version},
        )
    release = state or _release(command, _platform(command.package, facts.package), now)
    if command.modules is not None:
        release = release.model_copy(update={"modules": command.modules})
    told = ReleasePublished(
        version=command.version,
        package=release.package,
        platform_version=release.platform_version,
        application_version=release.application_version,
        base_version=release.base_version,
        modules=release.modules,
        published_at=release.published_at,
    )
    return Decision(release, events=[told])


def _platform(name: str, package: KnownPackage | None) -> PackageContents:
    if package is None:
        raise NotYet(f"package {name} is not known", waits_for=name)
    if package.status is PackageStatus.CHECKING:
        raise NotYet(f"package {name} is still being checked", waits_for=name, reason=Reason.PACKAGE_NOT_VALID)
    if package.status is not PackageStatus.VALID or package.contents is None:
        raise Rejected(Reason.PACKAGE_NOT_VALID, f"package {name} is {package.words}")
    if package.contents.kind is not PackageKind.PLATFORM:
        raise Rejected(
            Reason.PACKAGE_NOT_PLATFORM,
            f"package {name} is a {package.contents.kind.value} package; a release is a platform package",
        )
    return package.contents


def _release(command: PublishRelease, contents: PackageContents, now: datetime) -> Release:
    if contents.platform_version is None or contents.application_version is None:
        raise Rejected(
            Reason.VERSIONS_NOT_STATED, f"package {command.package} does not state its platform and application version"
        )
    return Release(
        package=command.package,
        platform_version=contents.platform_version,
        application_version=contents.application_version,
        base_version=command.base_version,
        published_at=now,
    )


def release_view(version: str, state: Release) -> ReleaseSnapshot:
    """The release as others see it."""
    return ReleaseSnapshot(
        version=version,
        package=state.package,
        platform_version=state.platform_version,
        application_version=state.application_version,
        base_version=state.base_version,
        modules=state.modules,
        published_at=state.published_at,
    )
