"""What the checker keeps of releases and bases: whether there is a newer base to look ahead to."""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import BaseIndexed
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.formats.versions import version_numbers
from shared.kernel import Decision, State

ALL = "all"
"""The one aggregate that holds them: the newest of all releases is asked for, not one of a name."""

_MOST_RELEASES = 500
_MOST_BASES = 5000


class Release(State):
    """A release that is generally available."""

    version: str
    base_version: str | None
    application_version: str | None = None
    available_at: datetime


class Known(State):
    """Releases and indexed bases; of too many of them the oldest versions are forgotten."""

    releases: tuple[Release, ...] = ()
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
    state: Known | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[Known]:
    """A release is available. Said again, its availability stays what it was."""
    told = message.data
    known = state or Known()
    before = next((one for one in known.releases if one.version == told.version), None)
    available_at = before.available_at if before else told.published_at or message.time
    release = Release(
        version=told.version,
        base_version=told.base_version,
        application_version=told.application_version,
        available_at=available_at,
    )
    others = [one for one in known.releases if one.version != told.version]
    newest = sorted((*others, release), key=lambda one: version_numbers(one.version))[-_MOST_RELEASES:]
    return Decision(known.model_copy(update={"releases": tuple(newest)}))


def base_indexed(state: Known | None, message: Envelope[BaseIndexed], facts: None, now: datetime) -> Decision[Known]:
    """Extensions can be checked against a base."""
    known = state or Known()
    bases = sorted({*known.bases, message.data.base}, key=lambda base: version_numbers(version_of(base)))[-_MOST_BASES:]
    return Decision(known.model_copy(update={"bases": tuple(bases)}))


def version_of(base: str) -> str:
    """The version of a base id `<version>/<country>`."""
    return base.partition("/")[0]


def major_of(base: str) -> int:
    """The major version of a base id."""
    return version_numbers(version_of(base))[0]
