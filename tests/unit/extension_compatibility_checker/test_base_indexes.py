"""Where the index of a base's package comes from."""

from pathlib import Path

import pytest

from services.extension_compatibility_checker.al.container import PackageError
from services.extension_compatibility_checker.base_indexes import BaseIndexes
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.contracts.parts import ArtifactRef
from tests.support.al_packages import base_app, field, table

PACKAGE = base_app(table(18, "Customer", field(1, "No.", "Code[20]")))


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "artifacts")


async def put(store: FolderStore, content: bytes) -> ArtifactRef:
    kept = await store.put_bytes(content, "application/octet-stream")
    return ArtifactRef(digest=kept.digest, size=kept.size, media_type=kept.media_type)


def forget(tmp_path: Path, artifact: ArtifactRef) -> None:
    (tmp_path / "artifacts" / "blobs" / "sha256" / artifact.digest.removeprefix("sha256:")).unlink()


def indexes(tmp_path: Path, store: FolderStore, folder: str = "bases", in_memory: int = 16) -> BaseIndexes:
    return BaseIndexes(tmp_path / folder, store, in_memory)


async def test_an_index_that_was_made_is_found_in_the_folder_without_the_package(
    tmp_path: Path, store: FolderStore
) -> None:
    package = await put(store, PACKAGE)
    made = await indexes(tmp_path, store).read(package, "W1")
    assert made.app.country == "W1"
    forget(tmp_path, package)
    found = await indexes(tmp_path, store).read(package, "W1")
    assert found.to_bytes() == made.to_bytes()
    with pytest.raises(ArtifactMissingError):
        await indexes(tmp_path, store).read(package, "DK")


async def test_without_the_folder_the_stored_index_is_fetched_and_without_that_the_package_is_indexed(
    tmp_path: Path, store: FolderStore
) -> None:
    package = await put(store, PACKAGE)
    one = indexes(tmp_path, store)
    made = await one.read(package, "W1")
    stored = await one.store(made)
    assert await one.store(made) == stored
    whole = tmp_path / "artifacts" / "blobs" / "sha256" / package.digest.removeprefix("sha256:")
    whole.rename(tmp_path / "aside")
    fetched = await indexes(tmp_path, store, "elsewhere").read(package, "W1", stored)
    assert fetched.to_bytes() == made.to_bytes()
    forget(tmp_path, stored)
    assert (await indexes(tmp_path, store, "elsewhere").read(package, "W1", stored)).to_bytes() == made.to_bytes()
    (tmp_path / "aside").rename(whole)
    assert (await indexes(tmp_path, store, "third").read(package, "W1", stored)).to_bytes() == made.to_bytes()


async def test_a_damaged_or_outdated_file_in_the_folder_is_replaced(tmp_path: Path, store: FolderStore) -> None:
    package = await put(store, PACKAGE)
    made = await indexes(tmp_path, store).read(package, "W1")
    [file] = (tmp_path / "bases").iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert (await indexes(tmp_path, store).read(package, "W1")).to_bytes() == made.to_bytes()
    assert file.read_bytes() == made.to_bytes()
    assert list((tmp_path / "bases").iterdir()) == [file]


async def test_memory_keeps_the_indexes_used_last(tmp_path: Path, store: FolderStore) -> None:
    first, second = await put(store, PACKAGE), await put(store, base_app(version="26.0.0.0"))
    one = indexes(tmp_path, store, in_memory=1)
    kept = await one.read(first, "W1")
    assert await one.read(first, "W1") is kept
    await one.read(second, "W1")
    assert await one.read(first, "W1") is not kept


async def test_a_package_without_symbols_is_named(tmp_path: Path, store: FolderStore) -> None:
    package = await put(store, b"no package")
    with pytest.raises(PackageError, match=f"{package.digest}: it does not begin with NAVX"):
        await indexes(tmp_path, store).read(package, "W1")
