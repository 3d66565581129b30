"""Where the builds of images stand, and where they can go from there."""

from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle


class BuildStatus(StrEnum):
    """Where the build of an image stands."""

    BUILDING = "building"
    BUILT = "built"
    FAILED = "failed"


BUILD_LIFECYCLE = Lifecycle(
    BuildStatus,
    """
    [*] --> building
    [*] --> failed : the image to build on is not known
    building --> built
    building --> failed
    """,
)
"""A request for an image is answered once; asked again, the answer is the same."""
