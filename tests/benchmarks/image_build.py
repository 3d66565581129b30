"""What image builds cost, beside what their CPU work alone does: python -m tests.benchmarks.image_build

The packages are made of this machine's own shared libraries and sources, in 40 modules. In one run:

* build: `build_image` of a stored customization package (a layer for each module) and of a platform one (one layer)
  into a store on disk, the package's digest verified beside it; each in a process of its own, its peak memory told;
  Processor time is told as well: on a machine that others use it says more than the clock;
* bound: the same inflating, hashing (tar and layer) and zstd-1 by two threads in memory, without package, tar, order or
  disk; and the bound of a tree that is not packed, where files are read instead of inflated;
* rebuild: the same build again; hotfix: one module changed, with the bytes stored and those of the module;
* verify: `verify_image`, and the artifacts' own digests, beside sha256 alone in one thread;
* other tools on the same files as a folder, where they are installed: `tar | zstd -1 -T2`, `umoci insert` (gzip).

Prints one JSON object: seconds, MB of payload, MB/s, and ratios.
"""

import argparse
import asyncio
import hashlib
import io
import json
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import deflate
import zstandard

from deploy.demo.packages import DemoModule, DemoPackage
from services.image_builder.domain.composition import PackageToApply
from services.image_builder.image_build import BuiltImage, build_image
from shared.artifacts.folder import FolderStore
from shared.artifacts.image import ImageModule, Part, verify_image
from shared.artifacts.store_folder import StoreFolder
from shared.artifacts.verify import verify
from tests.support.demo_images import stored

_MODULES = 40
_FRAME = 4 << 20
_BASE = DemoPackage("base", "platform", (DemoModule("Vendor", "1.0"),), platform_version="7.0.1")


@dataclass
class Tree:
    """The files of a package: by module, content deflated, and size."""

    modules: list[list[tuple[bytes, int]]]

    @property
    def size(self) -> int:
        return sum(length for files in self.modules for _, length in files)


def _contents(files: int, megabytes: int) -> Iterator[bytes]:
    """So many files with so many bytes in all: pieces of libraries and sources, each size as likely as in a log."""
    mean = (megabytes << 20) // files
    sizes = [mean // 8, mean // 4, mean // 2, mean, mean * 3 + mean // 8]  # five of them have five times the mean
    names = (getattr(module, "__file__", None) for module in sys.modules.values())
    places = sorted({Path(name).parent for name in names if name})
    paths = [path for place in places for path in (*sorted(place.glob("*.so*")), *sorted(place.glob("*.py")))]
    source = b"".join(path.read_bytes() for path in paths)
    at = 0
    for number in range(files):
        size = sizes[(number + number // _MODULES) % len(sizes)]
        if at + size > len(source):
            at = number % 4096
        yield source[at : at + size]
        at += size


def _tree(files: int, megabytes: int) -> Tree:
    modules: list[list[tuple[bytes, int]]] = [[] for _ in range(_MODULES)]
    for number, content in enumerate(_contents(files, megabytes)):
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        modules[number % _MODULES].append((packer.compress(content) + packer.flush(), len(content)))
    return Tree(modules)


def _payload(files: list[tuple[bytes, int]], more: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as inner:
        for index, (packed, length) in enumerate(files):
            inner.writestr(f"bin/file{index}.dll", bytes(deflate.deflate_decompress(packed, length)))
        if more:
            inner.writestr("bin/more.txt", more)
    return buffer.getvalue()


def _package(folder: Path, tree: Tree, part: Part, payloads: list[bytes], name: str) -> tuple[Path, list[ImageModule]]:
    """A package of payloads, one for each module."""
    modules = [DemoModule(f"{part.title()}{number}", "1.0", size=0) for number in range(len(tree.modules))]
    path = DemoPackage(name, part, tuple(modules), platform_version="7.0.1").write(folder)
    whole = folder / f"whole-{name}.zip"
    with zipfile.ZipFile(path) as small, zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as outer:
        brought = {module.payload_path: payload for module, payload in zip(modules, payloads, strict=True)}
        for entry in small.namelist():
            outer.writestr(entry, brought.get(entry) or small.read(entry))
    return whole, [ImageModule(name=one.name, version=one.version, part=part) for one in modules]


def _bound(tree: Tree, *, inflate: bool) -> tuple[float, float]:
    """Seconds, by the clock and of the processors, of the CPU work alone, by two threads."""
    entries = [file for files in tree.modules for file in files]
    if not inflate:
        entries = [(bytes(deflate.deflate_decompress(packed, length)), length) for packed, length in entries]

    def work(mine: list[tuple[bytes, int]]) -> None:
        tar, layer = hashlib.sha256(), hashlib.sha256()
        compressor = zstandard.ZstdCompressor(level=1)
        frame: list[bytes] = []
        size = 0
        for number, (content, length) in enumerate(mine):
            frame.append(bytes(deflate.deflate_decompress(content, length)) if inflate else content)
            size += length
            if size >= _FRAME or number == len(mine) - 1:
                raw = b"".join(frame)
                tar.update(raw)
                layer.update(compressor.compress(raw))
                frame, size = [], 0

    began, before = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, (entries[::2], entries[1::2])))
    return time.perf_counter() - began, time.process_time() - before


@dataclass
class Build:
    """A build alone in its process: seconds by the clock and of the processors, and its peak memory in bytes."""

    seconds: float
    cpu: float
    memory: int
    done: BuiltImage


def _build(root: Path, package: PackageToApply, base: str | None, name: str) -> Build:

    async def build() -> tuple[float, float, BuiltImage]:
        store = FolderStore(root)
        began, before = time.perf_counter(), time.process_time()
        done = await build_image(store, package, update_name=name, base=base)
        return time.perf_counter() - began, time.process_time() - before, done

    seconds, cpu, done = asyncio.run(build())
    return Build(seconds, cpu, _peak(), done)


def _peak() -> int:
    """Bytes of this process at most; what getrusage says is as much as its parent had."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) << 10


def _alone(root: Path, package: PackageToApply, base: str | None, name: str) -> Build:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_build, (root, package, base, name))


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _stored(root: Path) -> int:
    return sum(path.stat().st_size for path in StoreFolder(root).blobs.iterdir())


def _tools(folder: Path, tree: Tree) -> dict[str, float]:
    """What others need for the same files as a folder; seconds."""
    place = folder / "tree"
    for number, files in enumerate(tree.modules):
        (place / f"modules/customization{number}/bin").mkdir(parents=True)
        for index, (packed, length) in enumerate(files):
            target = place / f"modules/customization{number}/bin/file{index}.dll"
            target.write_bytes(deflate.deflate_decompress(packed, length))
    found: dict[str, float] = {}
    if shutil.which("zstd"):
        command = f"tar -C {place} -cf - modules | zstd -1 -T2 -q -o {folder / 'tree.tar.zst'}"
        found["tar_zstd_seconds"] = _timed(lambda: subprocess.run(["/bin/sh", "-c", command], check=True))
    if shutil.which("umoci"):
        layout = folder / "umoci"
        subprocess.run(["umoci", "init", "--layout", str(layout)], check=True)
        subprocess.run(["umoci", "new", "--image", f"{layout}:x"], check=True)
        insert = ["umoci", "insert", "--image", f"{layout}:x", str(place / "modules"), "/modules"]
        found["umoci_gzip_seconds"] = _timed(lambda: subprocess.run(insert, check=True))
    shutil.rmtree(place)
    return {name: round(seconds, 2) for name, seconds in found.items()}


async def _verify(root: Path, digest: str) -> dict[str, float]:
    store = FolderStore(root)
    began = time.perf_counter()
    assert await verify_image(store, digest) == ()
    image = time.perf_counter() - began
    size = _stored(root)
    blobs = _timed(lambda: list(verify(StoreFolder(root))))
    sums = _timed(lambda: [hashlib.sha256(path.read_bytes()) for path in StoreFolder(root).blobs.iterdir()])
    return {
        "verify_image_seconds": round(image, 2),
        "verify_store_megabytes_per_second": round(size / 1e6 / blobs),
        "verify_store_to_sha256": round(sums / blobs, 2),
    }


async def _prepare(root: Path, path: Path, part: Part, modules: list[ImageModule]) -> PackageToApply:
    kept = await FolderStore(root).put_file(path, "application/zip")
    return PackageToApply(kept.digest, part, tuple(modules), "7.0.1", "10.0.1")


async def _base(root: Path, folder: Path) -> str:
    store = FolderStore(root)
    return (await build_image(store, await stored(store, _BASE, folder), update_name="base")).image.digest


def _measure(files: int, megabytes: int, rounds: int, folder: Path) -> dict[str, float]:
    tree = _tree(files, megabytes)
    payloads = [_payload(some) for some in tree.modules]
    custom = _package(folder, tree, "customization", payloads, "custom")
    platform = _package(folder, tree, "platform", payloads, "platform")
    changed = [_payload(tree.modules[0], b"changed"), *payloads[1:]]
    hotfix = _package(folder, tree, "customization", changed, "hotfix")
    times: defaultdict[str, list[float]] = defaultdict(list)
    root = folder / "store"
    for _ in range(rounds):
        shutil.rmtree(root, ignore_errors=True)
        base = asyncio.run(_base(root, folder))
        bound, bound_cpu = _bound(tree, inflate=True)
        times["bound"].append(bound)
        times["tree bound"].append(_bound(tree, inflate=False)[0])
        package = asyncio.run(_prepare(root, custom[0], "customization", custom[1]))
        build = _alone(root, package, base, "bench")
        image = build.done.image
        again = _alone(root, package, base, "bench")
        assert (again.done.image.digest, again.done.built) == (image.digest, ())
        fix = asyncio.run(_prepare(root, hotfix[0], "customization", hotfix[1]))
        before = _stored(root)
        fixed = _alone(root, fix, image.digest, "hotfix")
        grown, layer = _stored(root) - before, fixed.done.image.layers[1].size
        assert fixed.done.built == ("Customization0",)
        whole = _alone(root, asyncio.run(_prepare(root, platform[0], "platform", platform[1])), None, "platform")
        for name, one in (("build", build), ("rebuild", again), ("hotfix", fixed), ("platform", whole)):
            times[name].append(one.seconds)
            times[f"{name} ratio"].append(bound / one.seconds)
            times[f"{name} cpu ratio"].append(bound_cpu / one.cpu)
    middle = {name: round(statistics.median(some), 3) for name, some in times.items()}
    return {
        "files": sum(map(len, tree.modules)),
        "megabytes": round(tree.size / 1e6, 1),
        "build_seconds": middle["build"],
        "build_megabytes_per_second": round(tree.size / 1e6 / middle["build"]),
        "bound_seconds": middle["bound"],
        "tree_bound_seconds": middle["tree bound"],
        "ratio_bound_to_build": middle["build ratio"],
        "cpu_ratio_bound_to_build": middle["build cpu ratio"],
        "platform_build_seconds": middle["platform"],
        "ratio_bound_to_platform_build": middle["platform ratio"],
        "cpu_ratio_bound_to_platform_build": middle["platform cpu ratio"],
        "peak_megabytes": round(build.memory / 1e6),
        "identical_rebuild_seconds": middle["rebuild"],
        "hotfix_seconds": middle["hotfix"],
        "hotfix_bytes_stored_to_layer": round(grown / layer, 4),
        **asyncio.run(_verify(root, image.digest)),
        **_tools(folder, tree),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(_measure(given.files, given.megabytes, given.rounds, Path(folder)), indent=2))


if __name__ == "__main__":
    main()
