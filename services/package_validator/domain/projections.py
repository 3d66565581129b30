"""The vendor's releases, as far as checks need them: all in one aggregate, so that a check can ask for any of them."""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.parts import ArtifactRef
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.formats.versions import parse_version, version_numbers
from shared.kernel import UNCHANGED, Decision, State

ALL = "all"
"""The id of the one aggregate."""
MOST_RELEASES = 200
"""ReleasesProjection that are kept; beyond it those with the lowest versions are forgotten."""


class CheckableRelease(State):
    """A release that packages are held against, as promotion-scheduler last told of it."""

    version: str
    platform_version: str
    modules: ArtifactRef | None
    sequence: int = 0


class ReleasesProjection(State):
    """The releases, the lowest version first."""

    known: tuple[CheckableRelease, ...] = ()


def release_published(
    state: ReleasesProjection | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[ReleasesProjection]:
    """A release is there, or has another module list. What is older than what is known changes nothing."""
    event = message.data
    release = CheckableRelease(
        version=event.version,
        platform_version=event.platform_version,
        modules=event.modules,
        sequence=message.number,
    )
    by_version = {one.version: one for one in state.known} if state else {}
    if release.version in by_version and by_version[release.version].sequence >= release.sequence:
        return UNCHANGED
    by_version[release.version] = release
    ordered = sorted(by_version.values(), key=lambda one: version_numbers(one.version))
    return Decision(ReleasesProjection(known=tuple(ordered[-MOST_RELEASES:])))


def candidates(releases: ReleasesProjection | None) -> tuple[CheckableRelease, ...]:
    """The releases that a package can be held against: those with a module list."""
    return tuple(one for one in releases.known if one.modules) if releases else ()


def of_platform(releases: tuple[CheckableRelease, ...], platform_version: str | None) -> CheckableRelease | None:
    """The release of a platform version, the latest if there are several; None: there is none."""
    wanted = parse_version(platform_version or "")
    if wanted is None:
        return None
    found = [one for one in releases if parse_version(one.platform_version) == wanted]
    return max(found, key=lambda one: version_numbers(one.version), default=None)
