"""The releases of the vendor, by the platform package and by the versions that they are the platform of."""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.parts import PackageContents, PackageKind
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.kernel import UNCHANGED, Decision, State


class PlatformReleaseProjection(State):
    """The release that a platform package, or a platform of these versions, belongs to."""

    version: str
    base_version: str | None
    sequence: int = 0
    """Of the release's own events; 0: it was told of before this service took note of that."""


def release_published(
    state: PlatformReleaseProjection | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[PlatformReleaseProjection]:
    """A platform belongs to a release; where two name it, to the one that came last: each counts its own events."""
    told = message.data
    if state and state.version == told.version and not message.is_news(state.sequence):
        return UNCHANGED
    return Decision(
        PlatformReleaseProjection(version=told.version, base_version=told.base_version, sequence=message.number)
    )


def versions_of(contents: PackageContents) -> str | None:
    """What a platform is found by that was uploaded more than once, or merged; None for a customization package."""
    if contents.kind is PackageKind.CUSTOMIZATION or not contents.platform_version or not contents.application_version:
        return None
    return _versions(contents.platform_version, contents.application_version)


def released_versions(told: ReleasePublished) -> str:
    """The versions of a release, as `versions_of` a package names them."""
    return _versions(told.platform_version, told.application_version)


def _versions(platform: str, application: str) -> str:
    # No package is called so: the names of projects have no dots.
    return f"{platform}/{application}"
