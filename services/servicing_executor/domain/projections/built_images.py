"""Images that were built, and where they are release candidates."""

from dataclasses import dataclass
from datetime import datetime

from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import ImageBuilt
from shared.contracts.parts import EnvironmentKind, ImageContents, Update
from shared.contracts.promotion_scheduler import CandidateMarked, PromotionScheduled
from shared.contracts.scalars import project_of
from shared.contracts.servicing_executor import OperationSnapshot
from shared.kernel import UNCHANGED, Decision, NotYet, State


class DeployedCandidate(State):
    """A release candidate that was really deployed: an update of a sandbox, found in the sandbox's own history."""

    sandbox: str
    project: str
    operation: str
    """The operation that deployed it."""


class ImageProjection(State):
    """An image that was built."""

    project: str | None
    """None: it holds nothing but a platform, which is everybody's."""
    contents: ImageContents
    candidates: tuple[DeployedCandidate, ...] = ()
    """One for each sandbox where an update with this image is a candidate."""


@dataclass(frozen=True)
class SandboxFacts:
    """The sandbox whose update is told to be a candidate."""

    sandbox: Environment | None


def image_built(
    state: ImageProjection | None, message: Envelope[ImageBuilt], facts: None, now: datetime
) -> Decision[ImageProjection]:
    """An image never changes: the first word of it is the last."""
    if state:
        return UNCHANGED
    contents = message.data.contents
    customization = contents.customization_package
    return Decision(ImageProjection(project=project_of(customization) if customization else None, contents=contents))


def candidate_marked(
    state: ImageProjection | None, message: Envelope[CandidateMarked], facts: SandboxFacts, now: datetime
) -> Decision[ImageProjection]:
    """The image may be promoted from a sandbox, if it was deployed there."""
    return _candidate(state, message.data.update, facts.sandbox)


def candidate_scheduled(
    state: ImageProjection | None, message: Envelope[PromotionScheduled], facts: SandboxFacts, now: datetime
) -> Decision[ImageProjection]:
    """What is scheduled is a candidate, though it may have been marked before this service took note of that."""
    return _candidate(state, message.data.update, facts.sandbox)


def _candidate(state: ImageProjection | None, update: Update, sandbox: Environment | None) -> Decision[ImageProjection]:
    """The deployment is looked up now and not at the promotion's start: the sandbox keeps its latest updates only."""
    if state is None:
        raise NotYet(f"there is no image {update.image}")
    deployed = _deployment(sandbox, update) if sandbox else None
    if sandbox is None or deployed is None:
        return UNCHANGED
    told = DeployedCandidate(sandbox=sandbox.id, project=sandbox.project, operation=deployed.operation)
    others = tuple(one for one in state.candidates if one.sandbox != sandbox.id)
    return Decision(state.replace(candidates=(*others, told)))


def _deployment(sandbox: Environment, update: Update) -> OperationSnapshot | None:
    """The entry in a sandbox's own history of the update that has succeeded there with this name and image."""
    if sandbox.environment_kind is not EnvironmentKind.SANDBOX:
        return None
    wanted = (update.name.casefold(), update.image)
    ran = ((one, one.running) for one in sandbox.updates)
    return next((one for one, running in ran if running and (running.name.casefold(), running.image) == wanted), None)
