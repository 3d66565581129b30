"""Messages of image-builder: a base image and a package become a new image."""

from pydantic import Field

from shared.contracts.message import Command, Event, Instant, Snapshot
from shared.contracts.parts import ArtifactRef, ImageContents, ModuleNames, PackageContents, Problem
from shared.contracts.scalars import Digest, EnvironmentId, OperationId, PackageId, UpdateName, Version


class BuildImage(Command, key="environment", senders=("servicing-executor",)):
    """Build the image of a base image and a package, once per operation."""

    environment: EnvironmentId
    operation: OperationId
    update_name: UpdateName
    base_image: Digest | None
    """The image that the environment runs; None for its first."""
    package: PackageId
    artifact: ArtifactRef
    contents: PackageContents
    base_version: Version | None
    """Base version that goes with the package's platform; None: no release names it, or there is no platform."""
    may_drop: ModuleNames
    """Modules that may be missing without a removal file: exactly those that were acknowledged."""


class ImageBuilt(Event, key="environment"):
    """An image is in the artifact store. The same input gives the same digest again."""

    environment: EnvironmentId
    operation: OperationId
    image: Digest
    """Digest of its OCI manifest."""
    update_name: UpdateName
    base_image: Digest | None
    """The image it was built on."""
    contents: ImageContents


class ImageBuildFailed(Event, key="environment"):
    """There is no image for this operation."""

    environment: EnvironmentId
    operation: OperationId
    problem: Problem


class ImageSnapshot(Snapshot, key="image"):
    """An image; it never changes."""

    image: Digest
    update_name: UpdateName
    lineage: tuple[Digest, ...] = Field(max_length=1000)
    """The image it was built on, the one before that, and so on, as far as is kept."""
    contents: ImageContents
    built_at: Instant


MESSAGES = (BuildImage, ImageBuilt, ImageBuildFailed, ImageSnapshot)
