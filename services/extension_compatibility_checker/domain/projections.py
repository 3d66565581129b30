"""What the checker keeps of releases and bases: whether there is a newer base to look ahead to."""

from datetime import datetime

from services.extension_compatibility_checker.domain.base_ids import version_of
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import BaseIndexed
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.formats.versions import version_numbers
from shared.kernel import UNCHANGED, Decision, State

ALL = "all"
"""The one aggregate that holds them: the newest of all releases is asked for, not one of a name."""

_MOST_RELEASES = 500
_MOST_BASES = 5000


class ReleaseWithBase(State):
    """A release that is generally available."""

    version: str
    base_version: str | None
    application_version: str | None = None
    available_at: datetime
    sequence: int = 0
    """Of the event that told of it last."""


class BasesProjection(State):
    """Releases and indexed bases; of too many of them the oldest versions are forgotten."""

    releases: tuple[ReleaseWithBase, ...] = ()
    bases: tuple[str, ...] = ()

    def base_ahead(self, running: str | None, application: str | None) -> str | None:
        """Version of the base that the newest release brings, if what runs is behind it.

        An environment whose base no release names is behind a release of a higher application version.
        """
        with_base = [one for one in self.releases if one.base_version]
        newest = max(with_base, key=lambda one: version_numbers(one.version), default=None)
        if newest is None or newest.base_version is None:
            return None
        has, brings = (running, newest.base_version) if running else (application, newest.application_version)
        return newest.base_version if has and brings and version_numbers(brings) > version_numbers(has) else None

    def available_at(self, base_major: int) -> datetime | None:
        """When the first release with a base of this major became generally available."""
        of_major = [
            one for one in self.releases if one.base_version and version_numbers(one.base_version)[0] == base_major
        ]
        return min((one.available_at for one in of_major), default=None)


def release_published(
    state: BasesProjection | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[BasesProjection]:
    """A release is available, since it was told of first. Old news changes nothing else."""
    event = message.data
    known = state or BasesProjection()
    release = ReleaseWithBase(
        version=event.version,
        base_version=event.base_version,
        application_version=event.application_version,
        available_at=event.published_at or message.time,
        sequence=message.number,
    )
    before = next((one for one in known.releases if one.version == release.version), None)
    if before:
        latest = release if release.sequence >= before.sequence else before
        release = latest.replace(available_at=min(before.available_at, release.available_at))
    if release == before:
        return UNCHANGED
    others = [one for one in known.releases if one.version != release.version]
    newest = sorted((*others, release), key=lambda one: version_numbers(one.version))[-_MOST_RELEASES:]
    return Decision(known.replace(releases=tuple(newest)))


def base_indexed(
    state: BasesProjection | None, message: Envelope[BaseIndexed], facts: None, now: datetime
) -> Decision[BasesProjection]:
    """Extensions can be checked against a base."""
    known = state or BasesProjection()
    bases = sorted({*known.bases, message.data.base}, key=lambda base: version_numbers(version_of(base)))
    return Decision(known.replace(bases=tuple(bases[-_MOST_BASES:])))
