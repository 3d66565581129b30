"""Messages of image-builder: a base image and a package become a new image."""

from shared.contracts.image_builder.messages import MESSAGES, BuildImage, ImageBuildFailed, ImageBuilt, ImageSnapshot
from shared.contracts.image_builder.reasons import Reason
from shared.contracts.image_builder.states import BUILD_LIFECYCLE, BuildStatus

LIFECYCLES = (BUILD_LIFECYCLE,)

__all__ = [
    "BUILD_LIFECYCLE",
    "LIFECYCLES",
    "MESSAGES",
    "BuildImage",
    "BuildStatus",
    "ImageBuildFailed",
    "ImageBuilt",
    "ImageSnapshot",
    "Reason",
]
