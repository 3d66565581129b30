"""What the image-builder decides: one build for each request, and what is known of each image."""

from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel

from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import BuildImage, ImageBuildFailed, ImageBuilt, ImageSnapshot, Reason
from shared.contracts.parts import ImageContents, Problem
from shared.contracts.scalars import sentence
from shared.kernel.decision import Decision, WorkEnded
from shared.kernel.state import State

LINEAGE_LIMIT = 1000


class Build(State):
    """A request for an image, and its answer once there is one."""

    request: BuildImage
    image: str | None = None
    contents: ImageContents | None = None
    problem: Problem | None = None


class Image(State):
    """An image that was built. It never changes."""

    update_name: str
    lineage: tuple[str, ...]
    contents: ImageContents
    built_at: datetime


class BuildInput(BaseModel):
    """What to build, and what is in the image it is built on."""

    request: BuildImage
    base: ImageContents | None


class Built(BaseModel):
    """The image, or why there is none."""

    image: str | None = None
    contents: ImageContents | None = None
    problem: Problem | None = None


@dataclass(frozen=True)
class BaseFacts:
    """The image that another one is built on."""

    base: Image | None


def build(state: Build | None, message: Envelope[BuildImage], facts: BaseFacts, now: datetime) -> Decision[Build]:
    """An operation wants an image. It is asked for once; asked again, the answer is the same."""
    request = message.data
    if state is not None:
        return Decision(state, events=_answer(state))
    if request.base_image is not None and facts.base is None:
        problem = Problem(reason=Reason.BASE_IMAGE_UNKNOWN, message=f"no image {request.base_image} was built")
        failed = Build(request=request, problem=problem)
        return Decision(failed, events=_answer(failed))
    given = BuildInput(request=request, base=facts.base.contents if facts.base else None)
    return Decision(Build(request=request), work={"build": given})


def built(state: Build | None, ended: WorkEnded[Built], facts: None, now: datetime) -> Decision[Build]:
    """The build has ended."""
    if state is None:
        return Decision(state)
    result = ended.result
    if result is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        result = Built(problem=Problem(reason=Reason.BUILD_FAILED, message=sentence(message)))
    after = state.model_copy(update={"image": result.image, "contents": result.contents, "problem": result.problem})
    return Decision(after, events=_answer(after))


def _answer(state: Build) -> list[ImageBuilt | ImageBuildFailed]:
    request = state.request
    if state.problem:
        failed = ImageBuildFailed(environment=request.environment, operation=request.operation, problem=state.problem)
        return [failed]
    if state.image is None or state.contents is None:
        return []
    return [
        ImageBuilt(
            environment=request.environment,
            operation=request.operation,
            image=state.image,
            update_name=request.update_name,
            base_image=request.base_image,
            contents=state.contents,
        )
    ]


def remember(state: Image | None, message: Envelope[ImageBuilt], facts: BaseFacts, now: datetime) -> Decision[Image]:
    """Keep what an image is, from our own word of it. The same input gives the same image: the first word stays."""
    if state is not None:
        return Decision(state)
    told = message.data
    before = (told.base_image, *(facts.base.lineage if facts.base else ())) if told.base_image else ()
    image = Image(
        update_name=told.update_name,
        lineage=before[:LINEAGE_LIMIT],
        contents=told.contents,
        built_at=message.time,
    )
    return Decision(image)


def view(image: str, state: Image) -> ImageSnapshot:
    """The image as others see it."""
    return ImageSnapshot(
        image=image,
        update_name=state.update_name,
        lineage=state.lineage,
        contents=state.contents,
        built_at=state.built_at,
    )
