"""A build and an image as they are kept."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import ImageContents, Problem


class Build(BaseModel):
    """A request for an image, and its answer once there is one."""

    model_config = ConfigDict(frozen=True)

    request: BuildImage
    image: str | None = None
    contents: ImageContents | None = None
    problem: Problem | None = None


class Image(BaseModel):
    """An image that was built. It never changes."""

    model_config = ConfigDict(frozen=True)

    update_name: str
    lineage: tuple[str, ...]
    contents: ImageContents
    built_at: datetime
