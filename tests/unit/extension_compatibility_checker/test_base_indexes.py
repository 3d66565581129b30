"""Where the index of a base's package comes from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.extension_compatibility_checker.base_indexes import BaseIndexes
from services.extension_compatibility_checker.reading import Reading
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.contracts.parts import ArtifactRef
from shared.formats.al.package.container import PackageError
from shared.formats.al.symbols.index import AppIndex
from tests.support.al_packages import base_app, field, table

PACKAGE = base_app(table(18, "Customer", field(1, "No.", "Code[20]")))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


@pytest.fixture
def reading() -> Iterator[Reading]:
    some = Reading(1, indexes=2, memory=0)
    yield some
    some.close()


async def put(store: FolderStore, content: bytes) -> ArtifactRef:
    kept = await store.put_bytes(content, "application/octet-stream")
    return ArtifactRef.of(kept)


def forget(tmp_path: Path, artifact: ArtifactRef) -> None:
    (tmp_path / "artifacts" / "blobs" / "sha256" / artifact.digest.removeprefix("sha256:")).unlink()


async def test_an_index_that_was_made_is_found_in_the_folder_without_the_package(
    tmp_path: Path, store: FolderStore, reading: Reading
) -> None:
    package = await put(store, PACKAGE)
    made = await BaseIndexes(tmp_path / "bases", store, reading).file(package, "W1")
    assert (made.app.name, made.app.country, made.objects) == ("Base Application", "W1", 1)
    assert AppIndex.load(made.path).numbered("table", 18)
    forget(tmp_path, package)
    assert await BaseIndexes(tmp_path / "bases", store, reading).file(package, "W1") == made
    with pytest.raises(ArtifactMissingError):
        await BaseIndexes(tmp_path / "bases", store, reading).file(package, "DK")


async def test_without_the_folder_the_stored_index_is_fetched_and_without_that_the_package_is_indexed(
    tmp_path: Path, store: FolderStore, reading: Reading
) -> None:
    package = await put(store, PACKAGE)
    one = BaseIndexes(tmp_path / "bases", store, reading)
    made = await one.file(package, "W1")
    stored = await one.store(made)
    assert await one.store(made) == stored
    whole = tmp_path / "artifacts" / "blobs" / "sha256" / package.digest.removeprefix("sha256:")
    whole.rename(tmp_path / "aside")
    fetched = await BaseIndexes(tmp_path / "elsewhere", store, reading).file(package, "W1", stored)
    assert fetched.path.read_bytes() == made.path.read_bytes()
    assert (fetched.app, fetched.objects) == (made.app, made.objects)
    forget(tmp_path, stored)
    (tmp_path / "aside").rename(whole)
    again = await BaseIndexes(tmp_path / "third", store, reading).file(package, "W1", stored)
    assert again.path.read_bytes() == made.path.read_bytes()


@pytest.mark.parametrize("spoilt", ["before it is used", "after it was used"])
async def test_a_damaged_or_outdated_file_in_the_folder_is_replaced(
    tmp_path: Path, store: FolderStore, reading: Reading, spoilt: str
) -> None:
    package = await put(store, PACKAGE)
    indexes = BaseIndexes(tmp_path / "bases", store, reading)
    made = await indexes.file(package, "W1")
    content = made.path.read_bytes()
    made.path.write_bytes(content[:-1])
    reading.close()
    if spoilt == "before it is used":
        indexes = BaseIndexes(tmp_path / "bases", store, reading)
    else:
        indexes.drop(str(made.path))
    assert await indexes.file(package, "W1") == made
    assert made.path.read_bytes() == content
    assert list((tmp_path / "bases").iterdir()) == [made.path]


async def test_a_package_without_symbols_is_named(tmp_path: Path, store: FolderStore, reading: Reading) -> None:
    package = await put(store, b"no package")
    with pytest.raises(PackageError, match=f"{package.digest}: it does not begin with NAVX"):
        await BaseIndexes(tmp_path / "bases", store, reading).file(package, "W1")
