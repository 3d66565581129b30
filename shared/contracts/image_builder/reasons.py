"""Why image-builder refuses a command, or ends something without success."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a command is refused, or why an image could not be built."""

    PLATFORM_NEEDED = "PLATFORM_NEEDED"
    """Without a base image, the package must bring a platform."""
    MODULES_MISSING = "MODULES_MISSING"
    """The image would drop modules beyond those that were acknowledged."""
    BASE_IMAGE_UNKNOWN = "BASE_IMAGE_UNKNOWN"
    """There is no image of the digest to build on."""
    ARTIFACT_MISSING = "ARTIFACT_MISSING"
    """The artifact store does not have the package."""
    ARTIFACT_DAMAGED = "ARTIFACT_DAMAGED"
    """The package in the artifact store is not the one that was validated."""
    BUILD_FAILED = "BUILD_FAILED"
    """The build did not come to an end, by a fault of ours."""
