"""What an environment's image says of itself: the values that stand in its OCI manifest and config (image-spec 1.1).

They are values only; `shared.artifacts.image` reads and writes them.
"""

from datetime import datetime
from typing import Literal

import msgspec

Part = Literal["platform", "customization"]
Compression = Literal["zstd", "gzip", "none"]
RemovedBy = Literal["removal-file", "omission"]

LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
LAYER_TYPES: dict[Compression, str] = {
    "zstd": LAYER,
    "gzip": "application/vnd.oci.image.layer.v1.tar+gzip",
    "none": "application/vnd.oci.image.layer.v1.tar",
}
"""The media type of a layer, by how it is compressed."""


class ImageModule(msgspec.Struct, frozen=True, kw_only=True):
    """A module as an image holds it; `references` are names of modules, in any case."""

    name: str
    version: str
    part: Part
    references: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where the module's payload stands in the image and in a release folder."""
        return f"modules/{self.name.lower()}"


class ModuleRemoval(msgspec.Struct, frozen=True, kw_only=True):
    """A customization module that the line of images had once and this one has not.

    `package` is the one that named it in its ModuleToRemove.txt, or that lacked it; empty where an image of an
    earlier layout says only that it was dropped.
    """

    name: str
    how: RemovedBy
    package: str = ""


class ImageParts(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What an image is: all of it goes into the digest.

    `packages` names the package each part was built from, `base` the image it was composed with. `dropped`
    are the customization modules that went missing without a removal file: promotable only while empty. `removals`
    says of those, and of the ones that a removal file has named, by which package they went.
    """

    update_name: str
    platform_version: str
    application_version: str
    modules: tuple[ImageModule, ...]
    packages: dict[Part, str]
    dropped: tuple[str, ...] = ()
    base: str | None = None
    removals: tuple[ModuleRemoval, ...] = ()

    def part(self, part: Part) -> tuple[ImageModule, ...]:
        return tuple(module for module in self.modules if module.part == part)

    @property
    def is_promotable(self) -> bool:
        """Whether nothing of it went missing unsaid: decided from the image alone."""
        return not self.dropped


class ImageLayer(msgspec.Struct, frozen=True, kw_only=True):
    """The layer of a part, or of one `module` of it; `diff_id` is the digest of the uncompressed tar.

    `module` is None where the layer holds all modules of its part: so does the platform's, and so did the
    customization's in the earlier layout.
    """

    part: Part
    digest: str
    size: int
    diff_id: str
    module: str | None = None
    media_type: str = LAYER

    @property
    def title(self) -> str:
        """What it holds, for a person."""
        return f"{self.part} part" if self.module is None else f"{self.part} module {self.module}"


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """An image as manifest and config describe it."""

    digest: str
    contents: ImageParts
    layers: tuple[ImageLayer, ...]
    created: datetime

    def layers_of(self, part: Part) -> tuple[ImageLayer, ...]:
        """The layers with a part's modules, in the order in which they are unpacked."""
        return tuple(layer for layer in self.layers if layer.part == part)
