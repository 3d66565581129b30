"""Measures a full package check against zipfile and against the bound of two cores, in one run.

    python -m tests.benchmarks.package_validation [--megabytes 60] [--entries 2400] [--outer deflated]
    python -m tests.benchmarks.package_validation --largest

Prints, for a package of that packed size: the check; `zipfile` doing the same (inflate, CRC, SHA-256 of
every entry) in one thread; the bound, which is libdeflate and SHA-256 alone in two threads over members
that lie in memory ready to be inflated; the time to refuse a structurally bad package of the same size, once
with the bad entry in the package's own directory, once in that of its last payload; and the check's peak
memory in a process of its own. The last line says whether the targets are met: 85 % of the
bound, 100 ms, 256 MiB. Bound and checks take turns, so that other load on the machine meets all of them.

`--largest` measures memory alone, where it is hardest: a package of 2 GiB with entries of up to 1 GiB and a
payload that is compressed once more, and one with as many entries as are allowed. It takes 5 GiB of disk.
"""

import argparse
import hashlib
import io
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import deflate

from shared.formats.deployable_package.archive.directory import Allowance, read_directory
from shared.formats.deployable_package.archive.sources import FileSource, MemorySource, WindowSource
from shared.formats.deployable_package.archive.unpacking import data_offset
from shared.formats.deployable_package.archive.writer import PlannedEntry
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.judge.verdict import CheckOutcome
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.write.build import (
    BuildOptions,
    ModuleSource,
    placeholder_files,
    plan_package,
    write_package,
)

MIB = 1 << 20
_MODULES = 24
# The synthetic files compress to about a third, as the vendor's binaries do.
_RATIO = 2.95
_REFUSAL_SECONDS = 0.1
_BOUND_SHARE = 0.85
_MEMORY = 256 * MIB
_BOUND, _CHECK = "bound (libdeflate + SHA-256, two threads)", "check, file hash known"
_REFUSAL = "refusal of a structurally bad package"
_INNER_REFUSAL = "refusal for an entry of the last payload"


def _noise(size: int, rng: random.Random) -> bytes:
    words = [rng.randbytes(rng.randint(2, 40)) for _ in range(1500)]
    weights = [1 / (1 + rank) ** 0.8 for rank in range(len(words))]
    pieces = bytearray()
    while len(pieces) < size:
        pieces += b"".join(rng.choices(words, weights, k=20_000))
    return bytes(pieces[:size])


def make_package(path: Path, megabytes: int, entries: int, seed: int) -> None:
    """Write a valid package of about that packed size; file sizes spread as in real packages."""
    rng = random.Random(seed)
    pool = _noise(24 * MIB, rng)
    sizes = [rng.lognormvariate(0, 1.6) for _ in range(entries)]
    scale = megabytes * MIB * _RATIO / sum(sizes)
    modules = []
    for number in range(_MODULES):
        name = f"Bench{number:02}"
        files: list[tuple[str, Path | bytes]] = list(placeholder_files(name))
        for index, size in enumerate(sizes[number::_MODULES]):
            length = min(max(int(size * scale), 64), 20 * MIB)
            start = rng.randrange(len(pool) - length)
            files.append((f"Resources/{index:05}.resource", pool[start : start + length]))
        modules.append(ModuleSource(name, "7.0.7606.108", (), tuple(files)))
    write_package(plan_package(modules, BuildOptions(DeployableKind.CUSTOMIZATION, "7.0.7606.108")), path)


def _deflate_outer(path: Path) -> None:
    """Compress the payloads once more, as the vendor's tools do."""
    original = path.with_suffix(".stored")
    path.rename(original)
    with (
        zipfile.ZipFile(original) as old,
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as new,
    ):
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    original.unlink()


def _with_zipfile(path: Path) -> int:
    total = 0
    with zipfile.ZipFile(path) as outer:
        for info in outer.infolist():
            content = outer.read(info)
            hashlib.sha256(content).digest()
            if not info.filename.endswith((".zip", ".nupkg")):
                total += len(content)
                continue
            with zipfile.ZipFile(io.BytesIO(content)) as inner:
                for member in inner.infolist():
                    file = inner.read(member)
                    hashlib.sha256(file).digest()
                    total += len(file)
    return total


def _members(path: Path) -> list[tuple[bytes, int]]:
    """Return the packed bytes and sizes of all files in payloads, for the bound."""
    members = []
    findings = Findings()
    allowance = Allowance(Limits())
    with FileSource(path) as source:
        for outer in read_directory(source, "", allowance, findings):
            if not outer.key.endswith(".zip"):
                continue
            start = data_offset(source, outer)
            if outer.method:
                packed = bytes(source.read_at(start, outer.packed))
                archive: MemorySource | WindowSource = MemorySource(deflate.deflate_decompress(packed, outer.size))
                members.append((packed, outer.size))
            else:
                archive = WindowSource(source, start, outer.packed)
            for entry in read_directory(archive, outer.path, allowance, findings):
                data = bytes(archive.read_at(data_offset(archive, entry), entry.packed))
                if entry.method:
                    members.append((data, entry.size))
    return members


def _bound(members: list[tuple[bytes, int]]) -> None:
    def run(part: list[tuple[bytes, int]]) -> None:
        for packed, size in part:
            content = deflate.deflate_decompress(packed, size)
            deflate.crc32(content)
            hashlib.sha256(content).digest()

    ordered = sorted(members, key=lambda one: -one[1])
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(run, (ordered[::2], ordered[1::2])))


def _in_turns(actions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the shortest run of each in seconds: what else the machine does only ever adds."""
    best = dict.fromkeys(actions, float("inf"))
    for _ in range(rounds):
        for name, action in actions.items():
            start = time.perf_counter()
            action()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def _check(path: Path, sha256: str | None = None) -> None:
    verdict = check_package(path, sha256=sha256)
    if verdict.verdict is not CheckOutcome.VALID:
        raise SystemExit(f"the package should be valid: {verdict.findings}")


def _refuse(path: Path) -> None:
    if check_package(path).verdict is not CheckOutcome.INVALID:
        raise SystemExit("the package should be invalid")


def _peak_memory(path: Path) -> int:
    """Return the peak resident size in bytes of a process that only checks the package."""
    command = [sys.executable, "-m", "tests.benchmarks.package_validation", "--memory-of", str(path)]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _own_peak_memory() -> int:
    # Not getrusage: there a process starts with the peak of the one that started it.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _make_bad(path: Path, bad: Path) -> None:
    """Copy a package with one more entry that leaves the package's folder."""
    bad.write_bytes(path.read_bytes())
    with zipfile.ZipFile(bad, "a") as archive:
        archive.writestr("../outside.txt", b"")


def _make_bad_inside(path: Path, bad: Path) -> None:
    """Copy a package with an entry of its last payload renamed, so that it leaves the payload's folder."""
    content = bytearray(path.read_bytes())
    # Every file but the directories is compressed: the last mention of a name is the directory's.
    position = content.rindex(b"Resources/")
    content[position : position + 9] = b"../source"
    bad.write_bytes(content)


def _make_largest(folder: Path) -> dict[str, Path]:
    """Write the packages that are hardest on memory; contents are zeros where they are stored, noise elsewhere."""
    rng = random.Random(3)
    options = BuildOptions(DeployableKind.CUSTOMIZATION, "7.0.7606.108")
    modules = [ModuleSource(name, "1.0.0.0", (), placeholder_files(name)) for name in ("Large", "Packed", "Plain")]
    large, medium = _zeros(folder / "large", 1 << 30), _zeros(folder / "medium", 24 * MIB)
    noise = folder / "noise"
    noise.write_bytes(b"".join(_noise(24 * MIB, rng) for _ in range(4)))
    entries = plan_package(modules, options)
    by_name = {entry.path.rpartition("dynamicsax-")[2]: entry for entry in entries if "/files/" in entry.path}
    content = by_name["large.1.0.0.0.zip"].content
    assert isinstance(content, list)
    content.append(PlannedEntry("Resources/large", large, stored=True))
    content += [PlannedEntry(f"Resources/{number:02}", medium, stored=True) for number in range(40)]
    packed = by_name["packed.1.0.0.0.zip"]
    assert isinstance(packed.content, list)
    packed.content += [PlannedEntry(f"Resources/{number}", noise) for number in range(5)]
    inner = folder / "packed.zip"
    write_package(packed.content, inner)
    packed.content = inner
    biggest = folder / "largest.zip"
    write_package(entries, biggest)
    crowded = folder / "crowded.zip"
    many = tuple((f"Resources/{'n' * 180}{number:06}", b"") for number in range(60_000))
    crowded_modules = [replace(module, files=(*module.files, *many)) for module in modules]
    write_package(plan_package(crowded_modules, options), crowded)
    return {"2 GiB": biggest, "180,000 entries": crowded}


def _zeros(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
    return path


def _measure_largest() -> None:
    with tempfile.TemporaryDirectory() as folder:
        peaks = []
        for name, path in _make_largest(Path(folder)).items():
            started = time.perf_counter()
            peaks.append(_peak_memory(path))
            seconds = time.perf_counter() - started
            size = path.stat().st_size / MIB
            print(f"{name:20} {size:6.0f} MiB {seconds:6.1f} s, peak memory {peaks[-1] / MIB:.0f} MiB")
        print(f"target {'met' if max(peaks) < _MEMORY else 'missed'}: {max(peaks) / MIB:.0f} of {_MEMORY // MIB} MiB")


def main() -> None:
    """Run the measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=60, help="packed size of the package")
    parser.add_argument("--entries", type=int, default=2400, help="files in all payloads")
    parser.add_argument("--outer", choices=("stored", "deflated"), default="stored", help="how payloads lie in it")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each, of which the shortest counts")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--largest", action="store_true", help="measure memory on the largest packages, nothing else")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of is not None:
        _check(arguments.memory_of)
        print(_own_peak_memory())
        return
    if arguments.largest:
        _measure_largest()
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "package.zip"
        make_package(path, arguments.megabytes, arguments.entries, arguments.seed)
        if arguments.outer == "deflated":
            _deflate_outer(path)
        members = _members(path)
        unpacked = sum(size for _, size in members)
        megabytes = path.stat().st_size / 1e6
        print(f"package {megabytes:.0f} MB, {len(members)} compressed files, {unpacked / 1e6:.0f} MB")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        bad, bad_inside = Path(folder) / "bad.zip", Path(folder) / "bad-inside.zip"
        _make_bad(path, bad)
        actions: dict[str, Callable[[], object]] = {_REFUSAL: lambda: _refuse(bad)}
        if arguments.outer == "stored":
            _make_bad_inside(path, bad_inside)
            actions[_INNER_REFUSAL] = lambda: _refuse(bad_inside)
        measured = _in_turns(
            {
                _BOUND: lambda: _bound(members),
                _CHECK: lambda: _check(path, digest),
                "check, with file hash": lambda: _check(path),
                "zipfile, one thread": lambda: _with_zipfile(path),
                **actions,
            },
            arguments.rounds,
        )
        refusals = {name: measured.pop(name) for name in actions}
        bound = measured[_BOUND]
        for name, seconds in measured.items():
            speed = unpacked / seconds / 1e6
            print(f"{name:42} {seconds:7.3f} s {speed:7.0f} MB/s {bound / seconds:6.2f} of bound")
        peak = _peak_memory(path)
        for name, seconds in refusals.items():
            print(f"{name:42} {seconds * 1000:7.1f} ms")
        print(f"peak memory {peak / MIB:.0f} MiB")
        share = bound / measured[_CHECK]
        met = share >= _BOUND_SHARE and max(refusals.values()) < _REFUSAL_SECONDS and peak < _MEMORY
        print(f"targets {'met' if met else 'missed'}: {share:.2f} of the bound")


if __name__ == "__main__":
    main()
