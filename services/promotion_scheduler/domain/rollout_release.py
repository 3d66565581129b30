"""Which release brings a base: kept from this service's own events, by the base's version."""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.parts import Update
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.formats.versions import version_numbers
from shared.kernel import Decision, State


class BaseRelease(State):
    """The newest release that goes with a base."""

    base_version: str
    version: str
    package: str
    platform_version: str
    application_version: str


def base_of(told: ReleasePublished) -> str | None:
    """The version of the base that a release brings; None: it brings none."""
    return told.base_version


def release_published(
    state: BaseRelease | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[BaseRelease]:
    """A release is there. Of several with one base the newest counts, whichever was published last."""
    told = message.data
    assert told.base_version is not None
    if state and version_numbers(state.version) >= version_numbers(told.version):
        return Decision(state)
    return Decision(
        BaseRelease(
            base_version=told.base_version,
            version=told.version,
            package=told.package,
            platform_version=told.platform_version,
            application_version=told.application_version,
        )
    )


def is_behind(running: Update, release: BaseRelease) -> bool:
    """Whether an environment that runs this is behind the release: only then does it get it."""
    contents = running.contents
    has = (version_numbers(contents.application_version), version_numbers(contents.platform_version))
    return has < (version_numbers(release.application_version), version_numbers(release.platform_version))
