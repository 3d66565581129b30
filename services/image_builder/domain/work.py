"""What a build is given, and what comes of it."""

from pydantic import BaseModel

from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import ImageContents, Problem


class BuildInput(BaseModel):
    """What to build, and what is in the image it is built on."""

    request: BuildImage
    base: ImageContents | None


class Built(BaseModel):
    """The image, or why there is none."""

    image: str | None = None
    contents: ImageContents | None = None
    problem: Problem | None = None
