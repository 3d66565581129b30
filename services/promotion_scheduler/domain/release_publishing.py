"""PublishRelease: versions of the vendor that are generally available."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.guards import check_same_release, platform_contents, stated_versions
from services.promotion_scheduler.domain.projections import ReleasePackageProjection
from services.promotion_scheduler.domain.state import PublishedRelease
from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import PublishRelease, ReleasePublished
from shared.kernel import Decision, DecisionBuilder


@dataclass(frozen=True)
class PublishFacts:
    """The platform package that is named."""

    package: ReleasePackageProjection | None


class ReleaseChange(DecisionBuilder[PublishedRelease]):
    """A decision about a release."""

    def published(self, version: str) -> None:
        """It is generally available under a version."""
        release = self.state
        self.say(
            ReleasePublished(
                version=version,
                package=release.package,
                platform_version=release.platform_version,
                application_version=release.application_version,
                base_version=release.base_version,
                modules=release.modules,
                published_at=release.published_at,
            )
        )


def publish(
    state: PublishedRelease | None, message: Envelope[PublishRelease], facts: PublishFacts, now: datetime
) -> Decision[PublishedRelease]:
    """A platform package is generally available under a version.

    Published again, its package, base and time stay as they were. A module list that comes with it is taken in the
    place of the one that is known: descriptors are collected and corrected after a release is out, and packages are
    then checked again. Without one, the list that is known stays.
    """
    command = message.data
    check_same_release(state, command)
    change = ReleaseChange(state or _release(command, facts.package, now), now)
    if command.modules is not None:
        change.replace(modules=command.modules)
    change.published(command.version)
    return change


def _release(command: PublishRelease, package: ReleasePackageProjection | None, now: datetime) -> PublishedRelease:
    platform, application = stated_versions(command.package, platform_contents(command.package, package))
    return PublishedRelease(
        package=command.package,
        platform_version=platform,
        application_version=application,
        base_version=command.base_version,
        published_at=now,
    )
