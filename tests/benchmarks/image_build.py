"""How near an image build comes to what its CPU work alone costs: python -m tests.benchmarks.image_build

The package is made of this machine's own shared libraries and sources. In turns, several times, it measures:

* build: `build_image` of a stored package into a store on disk, the package's digest verified first;
* bound: the same inflating, hashing (tar and layer) and zstd-1 by two threads in memory, without package,
  tar, order or disk;
* rebuild: the same build again, and a build on it as a base.

Prints one JSON object: medians in seconds, MB of payload, MB/s, and the ratio bound/build.
"""

import argparse
import asyncio
import hashlib
import io
import json
import shutil
import statistics
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import deflate
import zstandard

from services.image_builder.domain.composition import PackageToApply
from services.image_builder.image_build import build_image
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import ImageModule, Part
from shared.formats.deployable_package.read.layout import payload_path

_MODULES = 40
_FRAME = 4 << 20


def _contents(megabytes: int) -> Iterator[bytes]:
    left = megabytes << 20
    files = (getattr(module, "__file__", None) for module in sys.modules.values())
    places = sorted({Path(file).parent for file in files if file})
    while left > 0:
        for place in places:
            for path in sorted(place.glob("*.so*")) + sorted(place.glob("*.py")):
                content = path.read_bytes()[: 8 << 20]
                yield content
                left -= len(content)
                if left <= 0:
                    return


def _package(folder: Path, megabytes: int, part: Part) -> tuple[Path, list[str], list[tuple[bytes, int]]]:
    """Writes a package; returns its path, modules, and each file deflated with its size."""
    contents = list(_contents(megabytes))
    modules = []
    packed: list[tuple[bytes, int]] = []
    path = folder / f"{part}.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as outer:
        for number in range(_MODULES):
            name = f"{part.title()}{number}"
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as inner:
                for index, content in enumerate(contents[number::_MODULES]):
                    inner.writestr(f"bin/file{index}.dll", content)
                    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
                    packed.append((packer.compress(content) + packer.flush(), len(content)))
            modules.append(name)
            outer.writestr(payload_path(name, "1.0"), buffer.getvalue())
    return path, modules, packed


def _bound(packed: list[tuple[bytes, int]]) -> float:
    def work(entries: list[tuple[bytes, int]]) -> None:
        tar, layer = hashlib.sha256(), hashlib.sha256()
        compressor = zstandard.ZstdCompressor(level=1)
        frame: list[bytes] = []
        size = 0
        for content, length in entries:
            frame.append(bytes(deflate.deflate_decompress(content, length)))
            size += length
            if size >= _FRAME or content is entries[-1][0]:
                raw = b"".join(frame)
                tar.update(raw)
                layer.update(compressor.compress(raw))
                frame, size = [], 0

    began = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (packed[::2], packed[1::2])))
    return time.perf_counter() - began


async def _source(store: FolderStore, path: Path, names: list[str], part: Part) -> PackageToApply:
    stored = await store.put_file(path, "application/zip")
    modules = tuple(ImageModule(name=name, version="1.0", part=part) for name in names)
    return PackageToApply(stored.digest, part, modules, "7.0.1", "10.0.1")


async def _measure(megabytes: int, rounds: int, folder: Path) -> dict[str, float]:
    path, modules, packed = _package(folder, megabytes, "platform")
    times: dict[str, list[float]] = {"build": [], "bound": [], "rebuild": [], "custom": []}
    size = sum(length for _, length in packed)
    custom_path, custom_modules, _ = _package(folder, 1, "customization")
    for _ in range(rounds):
        times["bound"].append(_bound(packed))
        store = FolderStore(folder / "store")
        source = await _source(store, path, modules, "platform")
        custom = await _source(store, custom_path, custom_modules, "customization")
        began = time.perf_counter()
        image = (await build_image(store, source, update_name="bench")).image
        times["build"].append(time.perf_counter() - began)
        began = time.perf_counter()
        again = (await build_image(store, replace(source), update_name="bench")).image
        times["rebuild"].append(time.perf_counter() - began)
        assert again.digest == image.digest
        began = time.perf_counter()
        await build_image(store, custom, update_name="custom", base=image.digest)
        times["custom"].append(time.perf_counter() - began)
        shutil.rmtree(folder / "store")
    build, bound = statistics.median(times["build"]), statistics.median(times["bound"])
    ratios = [b / t for b, t in zip(times["bound"], times["build"], strict=True)]
    return {
        "megabytes": round(size / 1e6, 1),
        "files": len(packed),
        "build_seconds": round(build, 3),
        "build_megabytes_per_second": round(size / 1e6 / build, 1),
        "bound_seconds": round(bound, 3),
        "ratio_bound_to_build": round(statistics.median(ratios), 3),
        "identical_rebuild_seconds": round(statistics.median(times["rebuild"]), 4),
        "one_megabyte_customization_on_this_base_seconds": round(statistics.median(times["custom"]), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(_measure(arguments.megabytes, arguments.rounds, Path(folder)))))


if __name__ == "__main__":
    main()
