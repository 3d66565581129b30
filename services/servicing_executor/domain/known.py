"""What the executor keeps of what other services said: packages, images, releases."""

from dataclasses import dataclass
from datetime import datetime

from services.servicing_executor.domain.state import Environment
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
from shared.contracts.parts import ArtifactRef, EnvironmentKind, ImageContents, PackageContents, PackageKind, Update
from shared.contracts.promotion_scheduler import CandidateMarked, PromotionScheduled, ReleasePublished
from shared.contracts.scalars import project_of
from shared.contracts.servicing_executor import OperationSnapshot
from shared.kernel import Decision, NotYet, State


class KnownPackage(State):
    """A package as package-validator last told of it."""

    sequence: int
    status: PackageStatus
    artifact: ArtifactRef
    contents: PackageContents | None = None
    """None unless it is valid: what may not be applied anew has none."""
    base_version: str | None = None
    """Version of the base that comes with the platform it brings, if a release of the same versions names one."""
    retired_by: str | None = None
    retired_at: datetime | None = None

    @property
    def words(self) -> str:
        """Where it stands, for a person."""
        if self.retired_at is None:
            return self.status.value
        return f"{self.status.value}, by {self.retired_by or 'an unknown user'} at {self.retired_at:%Y-%m-%d %H:%M} UTC"


class KnownCandidate(State):
    """A release candidate that was really deployed: an update of a sandbox, found in the sandbox's own history."""

    sandbox: str
    project: str
    operation: str
    """The operation that deployed it."""


class KnownImage(State):
    """An image that was built."""

    project: str | None
    """None: it holds nothing but a platform, which is everybody's."""
    contents: ImageContents
    candidates: tuple[KnownCandidate, ...] = ()
    """One for each sandbox where an update with this image is a candidate."""


class KnownRelease(State):
    """The release that a platform package, or a platform of these versions, belongs to."""

    version: str
    base_version: str | None


@dataclass(frozen=True)
class ReleaseFacts:
    """The release whose versions a package brings."""

    release: KnownRelease | None


@dataclass(frozen=True)
class SandboxFacts:
    """The sandbox whose update is told to be a candidate."""

    sandbox: Environment | None


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


def base_that_comes(package: KnownPackage, release: KnownRelease | None) -> str | None:
    """Version of the base that a package brings: its release's, or that of a release with the same versions."""
    return release.base_version if release else package.base_version


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
    state: KnownPackage | None, message: Envelope[PackageValidated], facts: ReleaseFacts, now: datetime
) -> Decision[KnownPackage]:
    """It may be applied."""
    decision = _newer(state, message, PackageStatus.VALID, message.data.contents)
    if decision.state is None or decision.state is state or facts.release is None:
        return decision
    return Decision(decision.state.model_copy(update={"base_version": facts.release.base_version}))


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
    customization = built.contents.customization_package
    project = project_of(customization) if customization else None
    return Decision(state or KnownImage(project=project, contents=built.contents))


def candidate_marked(
    state: KnownImage | None, message: Envelope[CandidateMarked], facts: SandboxFacts, now: datetime
) -> Decision[KnownImage]:
    """The image may be promoted from a sandbox, if it was deployed there."""
    return _candidate(state, message.data.update, facts.sandbox)


def candidate_scheduled(
    state: KnownImage | None, message: Envelope[PromotionScheduled], facts: SandboxFacts, now: datetime
) -> Decision[KnownImage]:
    """What is scheduled is a candidate, though it may have been marked before this service took note of that."""
    return _candidate(state, message.data.update, facts.sandbox)


def _candidate(state: KnownImage | None, update: Update, sandbox: Environment | None) -> Decision[KnownImage]:
    """The deployment is looked up now and not at the promotion's start: the sandbox keeps its latest updates only."""
    if state is None:
        raise NotYet(f"there is no image {update.image}")
    deployed = _deployment(sandbox, update) if sandbox else None
    if sandbox is None or deployed is None:
        return Decision(state)
    told = KnownCandidate(sandbox=sandbox.id, project=sandbox.project, operation=deployed.operation)
    others = tuple(one for one in state.candidates if one.sandbox != sandbox.id)
    return Decision(state.model_copy(update={"candidates": (*others, told)}))


def _deployment(sandbox: Environment, update: Update) -> OperationSnapshot | None:
    """The entry in a sandbox's own history of the update that has succeeded there with this name and image."""
    if sandbox.environment_kind is not EnvironmentKind.SANDBOX:
        return None
    wanted = (update.name.casefold(), update.image)
    ran = ((one, one.running) for one in sandbox.updates)
    return next((one for one, running in ran if running and (running.name.casefold(), running.image) == wanted), None)


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
