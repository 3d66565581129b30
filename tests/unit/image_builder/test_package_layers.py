"""A layer for each customization module: built once, shared, taken up again after a kill."""

import asyncio
import json
import os
import random
import time
import tracemalloc
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.demo.packages import CUSTOMIZATION_V1, CUSTOMIZATION_V2, PLATFORM, DemoModule, DemoPackage
from services.image_builder import layer as layer_file
from services.image_builder import package_layers
from services.image_builder.domain.composition import CompositionRefusedError
from services.image_builder.image_build import BuiltImage, build_image
from services.servicing_executor.runtimes.port import Step
from services.servicing_executor.runtimes.releases import Releases
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import ImageLayer, load_image, verify_image, write_image
from shared.artifacts.store_folder import StoreFolder
from shared.formats.deployable_package.read.package import PackageReader
from shared.formats.oci_image import LAYER_TYPES, Compression
from tests.support.demo_images import built, stored
from tests.support.oci_images import all_files, files_of, opened_blobs

MODULES = tuple(DemoModule(f"Contoso{name}", "1.0", size=50_000) for name in ("Freight", "Ledger", "Stock", "Tax"))
WHOLE = DemoPackage("whole", "customization", MODULES)
HOTFIX = replace(WHOLE, name="hotfix", modules=(replace(MODULES[0], version="1.1"), *MODULES[1:]))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(root: Path) -> FolderStore:
    return FolderStore(root)


async def base_of(store: FolderStore, folder: Path) -> str:
    return (await built(store, PLATFORM, folder)).image.digest


def weight(root: Path) -> int:
    return sum(path.stat().st_size for path in (*StoreFolder(root).blobs.iterdir(), *StoreFolder(root).notes.iterdir()))


async def test_each_customization_module_is_a_layer_of_its_own(store: FolderStore, root: Path, tmp_path: Path) -> None:
    image = (await built(store, WHOLE, tmp_path, await base_of(store, tmp_path))).image
    assert [(one.part, one.module) for one in image.layers] == [
        ("platform", None),
        *(("customization", one.name) for one in MODULES),
    ]
    for layer, module in zip(image.layers[1:], MODULES, strict=True):
        assert {name.rsplit("/", 2)[0] for name in files_of(root, layer)} == {f"modules/{module.name.lower()}"}
    manifest = json.loads(StoreFolder(root).blob(image.digest).read_bytes())
    assert [one["annotations"] for one in manifest["layers"][:2]] == [
        {"dev.drydock.part": "platform"},
        {"dev.drydock.part": "customization", "dev.drydock.module": "ContosoFreight"},
    ]
    assert await load_image(store, image.digest) == image
    assert await verify_image(store, image.digest) == ()


async def test_a_hotfix_of_one_module_builds_and_stores_little_more_than_that_module(
    store: FolderStore, root: Path, tmp_path: Path
) -> None:
    base = await base_of(store, tmp_path)
    first = await built(store, WHOLE, tmp_path, base)
    package = await stored(store, HOTFIX, tmp_path)
    before = weight(root)
    second = await build_image(store, package, update_name="hotfix", base=first.image.digest)
    assert second.built == ("ContosoFreight",)
    assert second.image.layers[2:] == first.image.layers[2:]
    assert weight(root) - before < second.image.layers[1].size + 10_000


async def test_a_removed_module_has_no_layer_and_no_file(store: FolderStore, root: Path, tmp_path: Path) -> None:
    first = await built(store, WHOLE, tmp_path, await base_of(store, tmp_path))
    less = replace(WHOLE, name="less", modules=MODULES[1:], removals=("ContosoFreight",))
    image = (await built(store, less, tmp_path, first.image.digest)).image
    assert not any("freight" in name for name in all_files(root, image))
    assert [(one.name, one.how) for one in image.contents.removals] == [("ContosoFreight", "removal-file")]
    assert image.contents.is_promotable


@pytest.mark.parametrize("compression", ["zstd", "gzip", "none"])
async def test_layers_are_compressed_as_it_is_set_and_unpacked_whatever_that_was(
    store: FolderStore, root: Path, tmp_path: Path, compression: Compression
) -> None:
    base = await base_of(store, tmp_path)
    package = await stored(store, WHOLE, tmp_path)
    image = (await build_image(store, package, update_name="x", base=base, compression=compression)).image
    assert {one.media_type for one in image.layers_of("customization")} == {LAYER_TYPES[compression]}
    plain = (await built(store, WHOLE, tmp_path, base)).image
    assert all_files(root, image) == all_files(root, plain)
    assert [one.diff_id for one in image.layers] == [one.diff_id for one in plain.layers]
    assert await verify_image(store, image.digest) == ()
    releases = Releases(tmp_path / "environment")
    await releases.prepare(Step("contoso-test", "apply", "prepare", 30, lambda line: None), store, image.digest)
    release = releases.path(image.digest)
    assert {name: (release / name).read_bytes() for name in all_files(root, image)} == all_files(root, image)


async def test_on_an_image_of_the_earlier_layout_is_built_and_it_is_unpacked(
    store: FolderStore, root: Path, tmp_path: Path
) -> None:
    base = (await built(store, PLATFORM, tmp_path)).image
    # One layer with all modules, as it was: the platform's is made in the same way.
    single = replace(WHOLE, name="single", kind="platform", modules=CUSTOMIZATION_V1.modules)
    (layer,) = (await built(store, single, tmp_path)).image.layers
    custom = (await built(store, CUSTOMIZATION_V1, tmp_path, base.digest)).image
    layer = ImageLayer(part="customization", digest=layer.digest, size=layer.size, diff_id=layer.diff_id)
    old = await write_image(store, custom.contents, [base.layers[0], layer], custom.created)
    assert all_files(root, old) == all_files(root, custom)
    assert await verify_image(store, old.digest) == ()
    step = Step("contoso-test", "apply", "prepare", 30, lambda line: None)
    await Releases(tmp_path / "environment").prepare(step, store, old.digest)
    newer = replace(PLATFORM, name="newer", platform_version="7.0.8000.1")
    assert (await built(store, newer, tmp_path, old.digest)).image.layers_of("customization") == (layer,)
    image = (await built(store, CUSTOMIZATION_V2, tmp_path, old.digest)).image
    assert [one.module for one in image.layers] == [None, "ContosoLoyalty", "ContosoReports"]


async def test_an_identical_build_opens_no_layer_and_no_package(store: FolderStore, root: Path, tmp_path: Path) -> None:
    base = await base_of(store, tmp_path)
    package = await stored(store, WHOLE, tmp_path)
    first = await build_image(store, package, update_name="x", base=base)
    with opened_blobs(root) as opened:
        again = await build_image(FolderStore(root), package, update_name="x", base=base)
    assert again == BuiltImage(first.image, again.composition, ())
    heavy = {package.digest, *(one.digest for one in first.image.layers)}
    assert not heavy & set(opened)


async def test_a_build_opens_its_package_and_no_layer_of_the_base(
    store: FolderStore, root: Path, tmp_path: Path
) -> None:
    base = await base_of(store, tmp_path)
    package = await stored(store, WHOLE, tmp_path)
    with opened_blobs(root) as opened:
        await build_image(store, package, update_name="x", base=base)
    # To read from it, and to check its digest beside that.
    assert opened.count(package.digest) == 2
    assert not {one.digest for one in (await load_image(store, base)).layers} & set(opened)


@pytest.mark.parametrize("stores", [1, 3])
async def test_what_several_build_at_once_is_built_once(root: Path, tmp_path: Path, stores: int) -> None:
    some = [FolderStore(root) for _ in range(stores)]  # as several processes have each its own
    base = await base_of(some[0], tmp_path)
    package = await stored(some[0], WHOLE, tmp_path)
    work = (build_image(some[n % stores], package, update_name="x", base=base) for n in range(3))
    done = await asyncio.gather(*work)
    assert sorted(len(one.built) for one in done) == [0, 0, len(MODULES)]
    assert len({one.image.digest for one in done}) == 1
    assert list(StoreFolder(root).incoming.iterdir()) == []


async def test_a_cancelled_build_stops_at_once_leaves_nothing_half_and_the_next_goes_on(
    store: FolderStore, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await base_of(store, tmp_path)
    sizes = (10_000, 40 << 20, 40 << 20, 40 << 20)
    large = tuple(replace(one, size=size) for one, size in zip(MODULES, sizes, strict=True))
    package = await stored(store, replace(WHOLE, name="large", modules=large), tmp_path)
    real, packed, begun = layer_file._PACKERS["zstd"], [], asyncio.Event()

    def pack(raw: bytes) -> bytes:
        packed.append(len(raw))
        return real(raw)

    def progress(done: int, total: int) -> None:
        if done > total // 4:
            begun.set()

    monkeypatch.setitem(layer_file._PACKERS, "zstd", pack)
    build = asyncio.create_task(build_image(store, package, update_name="x", base=base, progress=progress))
    await begun.wait()
    before = sum(packed)
    build.cancel()
    with pytest.raises(asyncio.CancelledError):
        await build
    # What was being packed, and what was about to: far less than a second's work.
    assert sum(packed) - before <= 48 << 20
    assert list(StoreFolder(root).incoming.iterdir()) == []
    again = await build_image(store, package, update_name="x", base=base)
    assert "ContosoFreight" not in again.built
    assert await verify_image(store, again.image.digest) == ()


async def test_progress_counts_the_bytes_of_the_files_that_are_packed(store: FolderStore, tmp_path: Path) -> None:
    base = await base_of(store, tmp_path)
    told: list[tuple[int, int]] = []
    package = await stored(store, WHOLE, tmp_path)
    done = await build_image(store, package, update_name="x", base=base, progress=lambda *state: told.append(state))
    assert told == sorted(told)
    assert told[-1] == (done.size, done.size)
    assert done.size > 200_000


async def test_a_file_whose_name_would_delete_another_when_unpacked_is_refused(
    store: FolderStore, tmp_path: Path
) -> None:
    base = await base_of(store, tmp_path)
    odd = replace(WHOLE, modules=(replace(MODULES[0], migrations={".wh.001.sql": "select 1"}),))
    with pytest.raises(CompositionRefusedError, match=r"Migrations/\.wh\.001\.sql.*Rename \.wh\.001\.sql"):
        await built(store, odd, tmp_path, base)


async def test_the_digest_follows_from_the_content_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(7)
    digests = set()
    umask = os.umask(0o022)
    try:
        for number, (zone, mask, threads) in enumerate(
            [("UTC", 0o022, 1), ("Pacific/Kiritimati", 0o077, 2), ("America/St_Johns", 0, 5), ("UTC", 0o027, 3)]
        ):
            monkeypatch.setenv("TZ", zone)
            time.tzset()
            os.umask(mask)
            monkeypatch.setattr(package_layers, "_THREADS", threads)
            monkeypatch.setattr(package_layers, "_LAYERS_AT_ONCE", threads)
            folder = tmp_path / str(number)
            folder.mkdir()
            store = FolderStore(folder / "store")
            base = await base_of(store, folder)
            package = await stored(store, WHOLE, folder)
            shuffled = list(package.modules)
            draw.shuffle(shuffled)
            package = replace(package, modules=tuple(shuffled))
            digests.add((await build_image(store, package, update_name="x", base=base)).image.digest)
    finally:
        os.umask(umask)
        monkeypatch.undo()
        time.tzset()
    assert len(digests) == 1


async def test_memory_does_not_grow_with_the_package(store: FolderStore, tmp_path: Path) -> None:
    base = await base_of(store, tmp_path)
    peaks = []
    for name, count in (("few", 4), ("many", 16)):
        some = tuple(DemoModule(f"{name}{n}", "1.0", size=8 << 20) for n in range(count))
        package = await stored(store, DemoPackage(name, "customization", some), tmp_path)
        tracemalloc.start()
        await build_image(store, package, update_name=name, base=base)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_the_same_payload_has_the_same_digest_in_two_packages_whatever_stands_around_it(tmp_path: Path) -> None:
    one, two = WHOLE.write(tmp_path), HOTFIX.write(tmp_path)
    with zipfile.ZipFile(two, "a") as more:
        more.writestr("note.txt", "hello")
    with PackageReader(one) as first, PackageReader(two) as second:
        equal = [
            first.payload_digest(one.name, "1.0") == second.payload_digest(two.name, two.version)
            for one, two in zip(WHOLE.modules, HOTFIX.modules, strict=True)
        ]
    assert equal == [False, True, True, True]
