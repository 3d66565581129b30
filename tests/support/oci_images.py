"""Images for tests, and what is in their layers."""

import hashlib
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.artifacts.image import Image, ImageLayer, opened_layer
from shared.artifacts.store_folder import StoreFolder

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def digest_of(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def files_of(root: Path, layer: ImageLayer) -> dict[str, bytes]:
    """The files of a layer in the store at `root`; its diff_id and the sorting of its names are checked on the way."""
    path = StoreFolder(root).blob(layer.digest)
    with opened_layer(path, layer.media_type) as stream:
        assert layer.diff_id == f"sha256:{hashlib.sha256(stream.read()).hexdigest()}"
    found: dict[str, bytes] = {}
    with opened_layer(path, layer.media_type) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            content = tar.extractfile(member)
            assert content
            found[member.name] = content.read()
    return found


def all_files(root: Path, image: Image) -> dict[str, bytes]:
    """All files of an image; no two layers have the same one."""
    found: dict[str, bytes] = {}
    for layer in image.layers:
        new: Mapping[str, bytes] = files_of(root, layer)
        assert not found.keys() & new.keys()
        found |= new
    return found


@contextmanager
def opened_blobs(store: Path) -> Iterator[list[str]]:
    """The digests of the artifacts that are opened meanwhile, one for each time."""
    real, seen = Path.open, []

    def watching(self: Path, *arguments: object, **options: object) -> object:
        if self.parent == StoreFolder(store).blobs:
            seen.append(f"sha256:{self.name}")
        return real(self, *arguments, **options)  # type: ignore[call-overload]  # whatever it was

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "open", watching)
        yield seen
