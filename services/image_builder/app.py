"""image-builder: a base image and a package become a new image."""

from datetime import timedelta
from pathlib import Path

from services.image_builder.domain import builds, projections
from services.image_builder.domain.state import Build, RecordedImage
from services.image_builder.domain.views import image_view
from services.image_builder.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.contracts.image_builder import BuildImage, ImageBuilt
from shared.contracts.registry import CATALOGUE
from shared.formats.oci_image import Compression
from shared.kernel.app import Aggregate, Fact, Load, On, OnWork, Service, Settings, make_service, run

BUILDS = Aggregate("builds", Build)
IMAGES = Aggregate("images", RecordedImage, view=image_view)
BASE = Load(projections.BaseImage, base=Fact(IMAGES, lambda message, state: message.base_image))


class BuilderSettings(Settings):
    """What the builder needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")
    image_compression: Compression = "zstd"
    """How the layers of images are compressed. `zstd` is fastest; umoci reads `gzip` and `none` only."""
    keys: Path | None = None
    """Folder of keys and of the trust file: what is stated of images is signed with a key there; None: nothing is."""
    patience: timedelta = timedelta(minutes=1)
    """How long a build waits until the builder has read its own word of the base image."""


def make(settings: Settings) -> Service:
    """The table of image-builder."""
    assert isinstance(settings, BuilderSettings)
    steps = Steps(FolderStore(settings.artifacts), settings.image_compression, settings.keys)
    return make_service(
        "image-builder",
        CATALOGUE,
        On(BuildImage, BUILDS, builds.build, key=lambda request: request.operation, facts=BASE),
        OnWork("build", BUILDS, steps.build, builds.built, limit=timedelta(minutes=55), needs_state=True),
        On(ImageBuilt, IMAGES, projections.image_built, key=lambda event: event.image, facts=BASE),
    )


if __name__ == "__main__":
    run(make, BuilderSettings())
