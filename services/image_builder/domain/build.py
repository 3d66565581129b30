"""One build for each request: asked for once, answered the same each time."""

from datetime import datetime

from services.image_builder.domain.projections import BaseFacts
from services.image_builder.domain.state import Build
from services.image_builder.domain.work import BuildInput, Built
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import BuildImage, ImageBuildFailed, ImageBuilt, Reason
from shared.contracts.parts import Problem
from shared.contracts.scalars import sentence
from shared.kernel import Decision, WorkEnded


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
