"""What is known of each image, from the builder's own events: where a build begins, its base is looked up here."""

from dataclasses import dataclass
from datetime import datetime

from services.image_builder.domain.state import Image
from shared.contracts.envelope import Envelope
from shared.contracts.image_builder import ImageBuilt
from shared.kernel import Decision

LINEAGE_LIMIT = 1000


@dataclass(frozen=True)
class BaseFacts:
    """The image that another one is built on."""

    base: Image | None


def image_built(state: Image | None, message: Envelope[ImageBuilt], facts: BaseFacts, now: datetime) -> Decision[Image]:
    """Keep what an image is, from our own word of it. The same input gives the same image: the first word stays."""
    if state is not None:
        return Decision(state)
    told = message.data
    before = (told.base_image, *(facts.base.lineage if facts.base else ())) if told.base_image else ()
    image = Image(
        update_name=told.update_name,
        lineage=before[:LINEAGE_LIMIT],
        contents=told.contents,
        built_at=message.time,
    )
    return Decision(image)
