"""What the executor keeps of what other services said: packages, images, releases."""

from datetime import datetime

from services.servicing_executor.domain.state import Frozen
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import ImageBuilt
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import ArtifactRef, ImageContents, PackageContents
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.kernel.decision import Decision


class KnownPackage(Frozen):
    """A package as package-validator last told of it."""

    sequence: int
    status: PackageStatus
    artifact: ArtifactRef
    contents: PackageContents | None = None
    """None unless it is valid: what may not be applied anew has none."""
    retired_by: str | None = None
    retired_at: datetime | None = None

    @property
    def words(self) -> str:
        """Where it stands, for a person."""
        if self.retired_at is None:
            return self.status.value
        return f"{self.status.value}, by {self.retired_by or 'an unknown user'} at {self.retired_at:%Y-%m-%d %H:%M} UTC"


class KnownImage(Frozen):
    """An image that was built."""

    project: str
    contents: ImageContents


class KnownRelease(Frozen):
    """The release that a platform package belongs to."""

    version: str
    base_version: str | None


PackageTold = (
    PackageSubmitted | PackageValidated | PackageRejected | PackageCheckFailed | PackageQuarantined | PackageRetired
)


def package_submitted(
    state: KnownPackage | None, message: Envelope[PackageSubmitted], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It waits for its check; a verdict that it has stands meanwhile."""
    if state and message.data.standing is state.status:
        return _still(state, message)
    return _newer(state, message, PackageStatus.CHECKING)


def package_validated(
    state: KnownPackage | None, message: Envelope[PackageValidated], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It may be applied."""
    return _newer(state, message, PackageStatus.VALID, message.data.contents)


def package_rejected(
    state: KnownPackage | None, message: Envelope[PackageRejected], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It may not be applied."""
    return _newer(state, message, PackageStatus.INVALID)


def package_check_failed(
    state: KnownPackage | None, message: Envelope[PackageCheckFailed], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """Nobody knows whether it may be applied, unless an earlier verdict stands."""
    if state and message.data.standing is state.status:
        return _still(state, message)
    return _newer(state, message, PackageStatus.CHECK_FAILED)


def package_quarantined(
    state: KnownPackage | None, message: Envelope[PackageQuarantined], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """Nobody knows whether it may be applied: its check was cut off each time."""
    return _newer(state, message, PackageStatus.QUARANTINED)


def package_retired(
    state: KnownPackage | None, message: Envelope[PackageRetired], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It may not be applied any more; images that hold it stay what they are."""
    decision = _newer(state, message, PackageStatus.RETIRED)
    if decision.state is None or decision.state is state:
        return decision
    retired = {"retired_by": message.data.actor, "retired_at": message.time}
    return Decision(decision.state.model_copy(update=retired))


def image_built(
    state: KnownImage | None, message: Envelope[ImageBuilt], facts: None, now: datetime
) -> Decision[KnownImage]:
    """An image never changes: the first word of it is the last."""
    built = message.data
    project = (built.contents.customization_package or built.contents.platform_package).partition("/")[0]
    return Decision(state or KnownImage(project=project, contents=built.contents))


def release_published(
    state: KnownRelease | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[KnownRelease]:
    """A platform package belongs to a release."""
    return Decision(KnownRelease(version=message.data.version, base_version=message.data.base_version))


def _still(state: KnownPackage, message: Envelope[PackageTold]) -> Decision[KnownPackage]:
    """It is what it was, and what is older than this says nothing any more."""
    return Decision(state.model_copy(update={"sequence": max(state.sequence, message.sequence or 0)}))


def _newer(
    state: KnownPackage | None,
    message: Envelope[PackageTold],
    status: PackageStatus,
    contents: PackageContents | None = None,
) -> Decision[KnownPackage]:
    sequence = message.sequence or 0
    if state and state.sequence >= sequence:
        return Decision(state)
    told = KnownPackage(sequence=sequence, status=status, artifact=message.data.artifact, contents=contents)
    return Decision(told)
