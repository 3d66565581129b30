"""A build and an image as they are kept."""

from datetime import datetime

from shared.contracts.image_builder import BUILD_LIFECYCLE, BuildImage, BuildStatus
from shared.contracts.parts import ImageContents, Problem
from shared.kernel import State


class Build(State):
    """A request for an image, and its answer once there is one."""

    lifecycle = BUILD_LIFECYCLE

    request: BuildImage
    image: str | None = None
    contents: ImageContents | None = None
    problem: Problem | None = None

    @property
    def status(self) -> BuildStatus:
        """Where it stands."""
        if self.problem:
            return BuildStatus.FAILED
        return BuildStatus.BUILDING if self.image is None else BuildStatus.BUILT


class RecordedImage(State):
    """An image that was built. It never changes."""

    update_name: str
    lineage: tuple[str, ...]
    contents: ImageContents
    built_at: datetime
