"""What is known of each image, from the builder's own events: where a build begins, its base is looked up here."""

from dataclasses import dataclass
from datetime import datetime

from services.image_builder.domain.state import RecordedImage
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import ImageBuilt
from shared.kernel import UNCHANGED, Decision

LINEAGE_LIMIT = 1000


@dataclass(frozen=True)
class BaseImage:
    """The image that another one is built on."""

    base: RecordedImage | None


def image_built(
    state: RecordedImage | None, message: Envelope[ImageBuilt], facts: BaseImage, now: datetime
) -> Decision[RecordedImage]:
    """Keep what an image is, from our own word of it. The same input gives the same image: the first word stays."""
    if state is not None:
        return UNCHANGED
    event = message.data
    before = (event.base_image, *(facts.base.lineage if facts.base else ())) if event.base_image else ()
    image = RecordedImage(
        update_name=event.update_name,
        lineage=before[:LINEAGE_LIMIT],
        contents=event.contents,
        built_at=message.time,
    )
    return Decision(image)
