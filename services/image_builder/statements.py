"""What image-builder states of an image that it has built: what is in it, and what it was built from."""

from pathlib import Path

from shared.artifacts.port import ArtifactStore
from shared.attestations.evidence import Witness, copy_statements
from shared.attestations.provenance import packages_of, provenance_of
from shared.attestations.sbom import sbom_of
from shared.attestations.statement import StatementKind
from shared.formats.oci_image import Compression, Image

NAME = "image-builder"


class ImageStatements:
    """Signs with the builder's key in the folder `keys`; None: nothing is stated."""

    def __init__(self, artifacts: ArtifactStore, keys: Path | None, compression: Compression) -> None:
        self._artifacts = artifacts
        self._witness = Witness(artifacts, keys, NAME)
        self._compression = compression

    async def state(self, image: Image, *, operation: str, package: str) -> None:
        """State what is in the image and where that comes from; `package` is the digest of what was applied.

        What was stated of its packages refers to the image as well from now on, so that it goes wherever that goes.
        The same once more changes nothing. Raise KeyFileError, ArtifactStoreError.
        """
        if self._witness.is_silent:
            return
        name = image.contents.update_name
        await self._witness.state(StatementKind.SBOM, image.digest, sbom_of(image), name=name)
        provenance = provenance_of(image, operation=operation, package=package, compression=self._compression)
        await self._witness.state(StatementKind.PROVENANCE, image.digest, provenance, name=name)
        for _, digest in sorted(packages_of(image.contents)):
            await copy_statements(self._artifacts, StatementKind.VALIDATION_REPORT, digest, image.digest)
