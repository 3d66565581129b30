"""The checker's child processes: what they keep, and how their failures are told."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.extension_compatibility_checker.child import ExtensionReader
from services.extension_compatibility_checker.reading import IndexDamaged, Reading
from services.extension_compatibility_checker.requests import (
    ExtensionPackage,
    Indexed,
    LoadIndex,
    LookInto,
    MakeIndex,
    Seen,
)
from shared.children import TaskFailed
from shared.formats.al.package.archive import PackageError
from tests.support.al_packages import EXTENSION_ID, base_app, codeunit, extension


@pytest.fixture
def reading() -> Iterator[Reading]:
    some = Reading(2, indexes=2, memory=0)
    yield some
    some.close()


async def index(reading: Reading, folder: Path, name: str) -> Path:
    package, target = folder / f"{name}.app", folder / "made" / f"{name}.index"
    package.write_bytes(base_app(codeunit(1, name)))
    target.parent.mkdir(exist_ok=True)
    request = MakeIndex(str(package), name, "W1", str(target))
    await reading.ask(request, Indexed, read=[str(package)], write=[str(target.parent)])
    return target


async def test_what_a_package_shows_is_told(reading: Reading, tmp_path: Path) -> None:
    path = tmp_path / "small.app"
    path.write_bytes(extension("codeunit 50000 X { }"))
    seen = await reading.ask(LookInto((ExtensionPackage("small", "sha256:0", str(path)),)), Seen, read=[str(path)])
    app = seen.sights["small"].app
    assert app
    assert app.id == EXTENSION_ID


async def test_an_index_that_was_made_can_be_loaded(reading: Reading, tmp_path: Path) -> None:
    path = await index(reading, tmp_path, "One")
    assert (await reading.ask(LoadIndex(str(path)), Indexed)).objects == 1


async def test_a_file_that_is_no_index_is_named(reading: Reading, tmp_path: Path) -> None:
    for path in (tmp_path / "none.index", tmp_path / "damaged.index"):
        with pytest.raises(IndexDamaged) as caught:
            await reading.ask(LoadIndex(str(path)), Indexed)
        assert caught.value.path == str(path)
        (tmp_path / "damaged.index").write_bytes(b"x" * 100)


async def test_a_base_that_is_no_package_is_told_as_that(reading: Reading, tmp_path: Path) -> None:
    package = tmp_path / "none.app"
    package.write_bytes(b"no package")
    request = MakeIndex(str(package), "none", "W1", str(tmp_path / "x.index"))
    with pytest.raises(PackageError):
        await reading.ask(request, Indexed, read=[str(package)], write=[str(tmp_path)])


async def test_a_check_that_wants_too_much_memory_is_a_fault_of_ours(tmp_path: Path) -> None:
    bounded = Reading(1, indexes=1, memory=512)
    package = tmp_path / "sparse.app"
    with package.open("wb") as file:
        file.truncate(1 << 30)
    request = MakeIndex(str(package), "sparse", "W1", str(tmp_path / "x.index"))
    try:
        with pytest.raises(TaskFailed, match="memory"):
            await bounded.ask(request, Indexed, read=[str(package)], write=[str(tmp_path)])
    finally:
        bounded.close()


async def test_the_indexes_used_last_stay_in_the_warm_process(reading: Reading, tmp_path: Path) -> None:
    paths = [str(await index(reading, tmp_path, name)) for name in ("One", "Two", "Three")]
    reader = ExtensionReader(2)

    def kept() -> list[str]:
        return [Path(path).stem for path in reader._indexes]

    for path in paths[:2]:
        assert reader.prepare(LoadIndex(path)) is None
    assert kept() == ["One", "Two"]
    reader.prepare(LoadIndex(paths[0]))
    reader.prepare(LoadIndex(paths[2]))
    assert kept() == ["One", "Three"]
