"""Whether an operation has room for what it makes, asked before the environment is touched."""

import asyncio
from pathlib import Path

from shared.artifacts.errors import ArtifactUnusableError
from shared.artifacts.image import load_image
from shared.artifacts.port import ArtifactStore
from shared.artifacts.space import require_space

UNPACKED = 4
"""How many times a layer's size its files take, at most: compiled modules take about three times."""


def bytes_needed(layers: int, database: int) -> int:
    """What a release with its `layers` unpacked, and a copy of the `database`, take; all in bytes."""
    return layers * UNPACKED + database


class FreeSpace:
    """The disk that the environments of the local runtime are on, below `folder`."""

    def __init__(self, folder: Path, artifacts: ArtifactStore) -> None:
        self._folder = folder
        self._artifacts = artifacts

    async def require(self, image: str, database: int) -> None:
        """Raise StoreFullError where the image's release and a copy of the database have no place."""
        try:
            layers = sum(layer.size for layer in (await load_image(self._artifacts, image)).layers)
        except ArtifactUnusableError:
            return  # the step itself says what is wrong with the image
        needed = bytes_needed(layers, database)
        await asyncio.to_thread(require_space, needed, self._folder, "unpack the release and copy the database")
