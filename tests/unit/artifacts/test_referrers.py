"""What refers to an image belongs to it: found by its name, kept with it, collected with it, back with it."""

import json
from pathlib import Path

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, PLATFORM
from shared.artifacts.errors import ArtifactMissingError
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import IMAGES, MANIFEST
from shared.artifacts.referrers import attach, referrers_of
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.subject import REFERRERS, referrer_reference
from shared.artifacts.verify import verify
from tests.support.demo_images import built
from tests.unit.artifacts.test_collecting import DAY, collect, pass_time

TYPE = "application/vnd.example+json"
NOTES = {"example": "yes"}


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def folder(tmp_path: Path, store: FolderStore) -> StoreFolder:
    return StoreFolder(tmp_path / "store")


async def two_images(store: FolderStore, place: Path) -> tuple[str, str]:
    platform = await built(store, PLATFORM, place)
    return platform.image.digest, (await built(store, CUSTOMIZATION_V1, place, platform.image.digest)).image.digest


async def test_a_referrer_names_its_subject_as_the_specification_says(store: FolderStore, tmp_path: Path) -> None:
    image, other = await two_images(store, tmp_path)
    digest = await attach(store, image, TYPE, b"{}", NOTES)
    manifest = json.loads(await store.read(digest, limit=1 << 20))
    subject = await store.describe(image)
    assert manifest["subject"] == {"mediaType": MANIFEST, "digest": image, "size": subject.size}
    assert (manifest["schemaVersion"], manifest["mediaType"], manifest["artifactType"]) == (2, MANIFEST, TYPE)
    assert manifest["config"]["digest"] == "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    assert (await store.resolve(referrer_reference(image, digest))).digest == digest
    found, problems = await referrers_of(store, image)
    assert [(one.digest, one.artifact_type, one.annotations) for one in found] == [(digest, TYPE, NOTES)]
    assert problems == []
    assert await referrers_of(store, other) == ([], [])


async def test_the_same_once_more_changes_nothing(store: FolderStore, folder: StoreFolder, tmp_path: Path) -> None:
    image, _ = await two_images(store, tmp_path)
    first = await attach(store, image, TYPE, b"{}", NOTES)
    before = folder.index.read_bytes()
    assert await attach(store, image, TYPE, b"{}", NOTES) == first
    assert folder.index.read_bytes() == before


async def test_nothing_refers_to_what_is_not_there(store: FolderStore) -> None:
    with pytest.raises(ArtifactMissingError):
        await attach(store, "sha256:" + "0" * 64, TYPE, b"{}", NOTES)
    assert await store.references() == {}


async def test_it_is_kept_and_collected_with_its_subject(
    store: FolderStore, folder: StoreFolder, tmp_path: Path
) -> None:
    platform, image = await two_images(store, tmp_path)
    package = (await store.put_bytes(b"package", "application/zip")).digest
    of_image = await attach(store, image, TYPE, b"of the image", NOTES)
    of_package = await attach(store, package, TYPE, b"of the package", NOTES)
    of_platform = await attach(store, platform, TYPE, b"of the platform", NOTES)
    pass_time(folder, 2 * DAY)
    list(collect(folder, {image, package}))
    assert len((await referrers_of(store, image))[0]) == 1
    assert len((await referrers_of(store, package))[0]) == 1
    assert await referrers_of(store, platform) == ([], [])
    assert folder.trashed(of_platform).exists()
    assert list(verify(folder)) == []
    pass_time(folder, 2 * DAY)
    list(collect(folder, {platform}))
    assert {one.partition("/")[0] for one in await store.references() if one.startswith(REFERRERS)} <= {"referrers"}
    for gone in (of_image, of_package):
        assert not folder.blob(gone).exists()


async def test_it_comes_back_with_an_image_that_is_wanted_after_all(
    store: FolderStore, folder: StoreFolder, tmp_path: Path
) -> None:
    platform, image = await two_images(store, tmp_path)
    await attach(store, image, TYPE, b"of the image", NOTES)
    await attach(store, platform, TYPE, b"of the platform", NOTES)
    pass_time(folder, 2 * DAY)
    list(collect(folder, set()))
    assert await referrers_of(store, image) == ([], [])
    await store.describe(image)
    [found], problems = await referrers_of(store, image)
    assert await store.read(found.content.digest, limit=100) == b"of the image"
    assert problems == []
    assert {name for name in await store.references() if name.startswith(IMAGES)} == {f"{IMAGES}{image[7:]}"}


async def test_a_store_that_is_indexed_anew_names_referrers_after_their_subject(
    store: FolderStore, folder: StoreFolder, tmp_path: Path
) -> None:
    image, _ = await two_images(store, tmp_path)
    await attach(store, image, TYPE, b"{}", NOTES)
    before = set(await store.references())
    folder.index.unlink()
    assert set(await FolderStore(folder.root).references()) == before


async def test_what_is_damaged_or_named_wrongly_is_a_problem_and_not_found(
    store: FolderStore, folder: StoreFolder, tmp_path: Path
) -> None:
    platform, image = await two_images(store, tmp_path)
    digest = await attach(store, platform, TYPE, b"{}", NOTES)
    await store.set_reference(referrer_reference(image, digest), await store.describe(digest))
    found, [problem] = await referrers_of(store, image)
    assert found == []
    assert f"refers to {platform}" in problem
    folder.blob(digest).write_bytes(b"other")
    found, [problem] = await referrers_of(store, platform)
    assert found == []
    assert "other bytes" in problem
