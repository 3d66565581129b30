"""What others see of images."""

from services.image_builder.domain.state import RecordedImage
from shared.contracts.image_builder import ImageSnapshot


def image_view(image: str, state: RecordedImage) -> ImageSnapshot:
    """The image as others see it."""
    return ImageSnapshot(
        image=image,
        update_name=state.update_name,
        lineage=state.lineage,
        contents=state.contents,
        built_at=state.built_at,
    )
