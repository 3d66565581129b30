"""One build for each request: asked for once, answered the same each time."""

from datetime import datetime

from services.image_builder.domain.projections import BaseImage
from services.image_builder.domain.state import Build
from services.image_builder.domain.work import BuildInput, Built
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import BuildImage, ImageBuildFailed, ImageBuilt, Reason
from shared.contracts.parts import Problem
from shared.kernel import Decision, DecisionBuilder, NotYet, WorkEnded


class BuildChange(DecisionBuilder[Build]):
    """A decision about the build of an image."""

    def begin(self, base: BaseImage) -> None:
        """Build on what is in the base image."""
        given = BuildInput(request=self.state.request, base=base.base.contents if base.base else None)
        self.start("build", given)

    def end(self, result: Built) -> None:
        """There is an image, or none for good."""
        self.replace(image=result.image, contents=result.contents, problem=result.problem)
        self.answer()

    def answer(self) -> None:
        """Say what came of it, once that is known."""
        state, request = self.state, self.state.request
        if state.problem:
            self.say(
                ImageBuildFailed(environment=request.environment, operation=request.operation, problem=state.problem)
            )
        elif state.image is not None and state.contents is not None:
            self.say(
                ImageBuilt(
                    environment=request.environment,
                    operation=request.operation,
                    image=state.image,
                    update_name=request.update_name,
                    base_image=request.base_image,
                    contents=state.contents,
                )
            )


def build(state: Build | None, message: Envelope[BuildImage], facts: BaseImage, now: datetime) -> Decision[Build]:
    """An operation wants an image. It is asked for once; asked again, the answer is the same.

    The builder learns of the base, too, from its own events: after its death they may come behind the request.
    """
    request = message.data
    change = BuildChange(state or Build(request=request), now)
    if state is not None:
        change.answer()
    elif request.base_image is not None and facts.base is None:
        raise NotYet(
            f"no image {request.base_image} was built",
            waits_for=request.base_image,
            reason=Reason.BASE_IMAGE_UNKNOWN,
        )
    else:
        change.begin(facts)
    return change


def built(state: Build, ended: WorkEnded[Built], facts: None, now: datetime) -> Decision[Build]:
    """The build has ended."""
    result = ended.result
    if result is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        result = Built(problem=Problem.of(Reason.BUILD_FAILED, message))
    change = BuildChange(state, now)
    change.end(result)
    return change
