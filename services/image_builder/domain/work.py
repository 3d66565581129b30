"""What a build is given, and what comes of it."""

from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import ImageContents, Problem
from shared.kernel import State


class BuildInput(State):
    """What to build, and what is in the image it is built on."""

    request: BuildImage
    base: ImageContents | None


class Built(State):
    """The image, or why there is none."""

    image: str | None = None
    contents: ImageContents | None = None
    problem: Problem | None = None
