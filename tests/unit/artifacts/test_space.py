"""What has no room is refused before it begins, with what it needs and what there is."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.demo.packages import PLATFORM
from services.image_builder.image_build import build_image
from services.servicing_executor.free_space import UNPACKED, FreeSpace
from shared.artifacts.errors import StoreFullError
from shared.artifacts.folder import FolderStore
from shared.artifacts.space import RESERVE, lacking, require_space, size_text
from tests.support.demo_images import built, stored


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """The disk has so many bytes left."""
    monkeypatch.setattr("shared.artifacts.space.shutil.disk_usage", lambda folder: SimpleNamespace(free=size))


@pytest.mark.parametrize(
    ("needed", "free", "reserve", "missing"),
    [(10, 100, 90, 0), (11, 100, 90, 1), (0, 100, 90, 0), (0, 80, 90, 10), (1000, 0, 0, 1000)],
)
def test_what_lacks_is_what_the_reserve_does_not_give(needed: int, free: int, reserve: int, missing: int) -> None:
    assert lacking(needed, free, reserve) == missing


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1000, "0.977 KiB"),
        (363 << 20, "363 MiB"),
        (5 << 40, "5 TiB"),
        (1 << 55, "3.28e+04 TiB"),
    ],
)
def test_sizes_are_said_in_three_digits(size: int, text: str) -> None:
    assert size_text(size) == text


async def test_a_file_that_has_no_room_is_refused_before_a_byte_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    (tmp_path / "package.zip").write_bytes(b"x" * 2000)
    free(monkeypatch, RESERVE + 1999)
    with pytest.raises(StoreFullError, match=r"to store package.zip: it needs 1.95 KiB .* has 256 MiB; free some"):
        await store.put_file(tmp_path / "package.zip", "application/zip")
    free(monkeypatch, RESERVE + 2000)
    await store.put_file(tmp_path / "package.zip", "application/zip")


async def test_a_build_is_refused_that_has_no_room_and_only_where_it_has_to_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    package = await stored(store, PLATFORM, tmp_path)
    free(monkeypatch, RESERVE)
    with pytest.raises(StoreFullError, match="build the platform layer"):
        await build_image(store, package, update_name="one")
    monkeypatch.undo()
    await build_image(store, package, update_name="one")
    free(monkeypatch, RESERVE)
    await build_image(store, package, update_name="two")


async def test_an_operation_needs_room_for_the_release_and_a_copy_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    image = (await built(store, PLATFORM, tmp_path)).image
    needed = UNPACKED * sum(layer.size for layer in image.layers) + 5_000_000
    free_space = FreeSpace(tmp_path, store)
    free(monkeypatch, RESERVE + needed)
    await free_space.require(image.digest, 5_000_000)
    free(monkeypatch, RESERVE + needed - 1)
    with pytest.raises(StoreFullError, match="unpack the release and copy the database"):
        await free_space.require(image.digest, 5_000_000)


def test_a_disk_is_asked_about_where_the_folder_is(tmp_path: Path) -> None:
    require_space(0, tmp_path, "begin")
    with pytest.raises(StoreFullError):
        require_space(1 << 60, tmp_path, "begin")
