"""How fast a base is imported and an extension is checked, against the bound of reading and splitting the JSON.

    DRYDOCK_CORPUS=../shared/corpus .venv/bin/python tests/benchmarks/extension_check.py

Prints one JSON object; times are the best of three in seconds, memory is the growth of a fresh process's peak in MiB.
Needs the real packages. The bound unpacks the symbol file with the standard library's zlib and finds its objects with
`msgspec.Raw`, decoding none of them; `..._over_bound` are multiples of it in the same run. The symbols of 300 MB are
those of the real base, seven times under new ids and names.
"""

import gc
import io
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from shared.formats.al.check.extension import TargetSet  # noqa: E402  # run as a file
from shared.formats.al.check.extension_set import check_packages  # noqa: E402  # run as a file
from shared.formats.al.package.container import SYMBOLS, read_package  # noqa: E402  # as above
from shared.formats.al.symbols.index import AppIndex, index_package  # noqa: E402  # as above
from tests.support.al_packages import (  # noqa: E402  # as above
    container,
    multiplied,
    package_entries,
    peak_memory,
    zipped,
)

CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", ROOT.parent / "shared" / "corpus")) / "bc"
BASE = CORPUS / "Microsoft_Application_14.0.29537.0_DK.app"
OLDER = CORPUS / "Microsoft_Application_13.1.25940.0_W1.app"
SMALL = CORPUS / "wild" / "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app"
LARGE = CORPUS / "wild" / "6aa82264_Netcompany_SECDatacom_1.0.8.0.app"
SET_SIZE = 200
COPIES = 7


class _Objects(msgspec.Struct):
    Tables: list[msgspec.Raw] = []
    Codeunits: list[msgspec.Raw] = []
    Pages: list[msgspec.Raw] = []
    Reports: list[msgspec.Raw] = []
    Queries: list[msgspec.Raw] = []


def best(action: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        gc.collect()
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return round(min(times), 4)


def bound(path: Path) -> object:
    """The least that an import has to do: unpack and find the objects."""
    content = path.read_bytes()
    start = 40
    length = int.from_bytes(content[28:36], "little")
    with zipfile.ZipFile(io.BytesIO(content[start : start + length])) as archive:
        symbols = archive.read(SYMBOLS).removeprefix(b"\xef\xbb\xbf").rstrip(b"\0")
    return msgspec.json.decode(symbols, type=_Objects)


def check_cold(extension: Path, index: Path) -> None:
    """What a process does that checks one extension against a stored base."""
    check_packages([read_package(extension)], TargetSet([AppIndex.load(index)]))


_target: list[TargetSet] = []


def _begin(index: str) -> None:
    _target.append(TargetSet([AppIndex.load(Path(index))]))


def _check(extension: str) -> str:
    return check_packages([read_package(Path(extension))], _target[0])[0].verdict


def hundreds(index: Path, extensions: list[Path]) -> float:
    """Seconds for all of them in two processes that map one index."""
    start = time.perf_counter()
    with ProcessPoolExecutor(2, initializer=_begin, initargs=(str(index),)) as pool:
        list(pool.map(_check, map(str, extensions), chunksize=4))
    return time.perf_counter() - start


def in_fresh_process(package: Path, index: Path) -> float:
    """Growth of the peak memory of a process that imports a base, MiB."""
    words = [sys.executable, "-m", "tests.benchmarks.extension_check", "import", str(package), str(index)]
    return float(subprocess.run(words, check=True, capture_output=True, text=True, cwd=ROOT).stdout)


def import_and_tell(package: Path, index: Path) -> None:
    """The child of `in_fresh_process`."""
    before = peak_memory()
    index_package(read_package(package), "W1").save(index)
    print(peak_memory() - before)


def measure(package: Path, folder: Path, rounds: int) -> dict[str, float]:
    """The figures of one base; its index is left in `folder`."""
    index = folder / (package.stem + ".index")
    memory = in_fresh_process(package, index)
    symbols = read_package(package).symbols()
    assert symbols is not None
    size = len(symbols)
    del symbols
    least = best(lambda: bound(package), rounds)
    imported = best(lambda: index_package(read_package(package), "W1"), rounds)
    known = AppIndex.load(index)
    again = best(lambda: index_package(read_package(package), "W1", known), rounds)
    cold = {"small": best(lambda: check_cold(SMALL, index)), "large": best(lambda: check_cold(LARGE, index))}
    return {
        "symbol_file_mib": round(size / 2**20, 1),
        "bound_unpack_and_split_s": least,
        "import_s": imported,
        "import_over_bound": round(imported / least, 1),
        "import_of_equal_symbols_s": again,
        "import_of_equal_symbols_over_bound": round(again / least, 2),
        "import_peak_memory_mib": round(memory, 1),
        "import_peak_per_symbol_byte": round(memory * 2**20 / size, 2),
        "index_file_mib": round(index.stat().st_size / 2**20, 1),
        "index_load_s": best(lambda: AppIndex.load(index)),
        "check_small_cold_s": cold["small"],
        "check_small_cold_over_bound": round(cold["small"] / least, 2),
        "check_large_cold_s": cold["large"],
        "check_large_cold_over_bound": round(cold["large"] / least, 2),
    }


def main() -> None:
    """Measure and print."""
    if not BASE.is_file():
        sys.exit(f"the real packages are not at {CORPUS}")
    real = [SMALL, LARGE, *CORPUS.glob("wild/*_1.0.0.0.app"), *CORPUS.glob("Hougaard*.app")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found: dict[str, Any] = {"application_14": measure(BASE, folder, 3)}
        index = folder / (BASE.stem + ".index")
        warm = TargetSet([AppIndex.load(index)])
        found["application_14"] |= {
            "check_small_warm_s": best(lambda: check_packages([read_package(SMALL)], warm)),
            "check_large_warm_s": best(lambda: check_packages([read_package(LARGE)], warm)),
            f"check_{SET_SIZE}_two_cores_s": round(hundreds(index, list(islice(cycle(real), SET_SIZE))), 2),
        }
        elsewhere = index_package(read_package(OLDER), "W1")
        found["application_14"]["import_of_next_version_s"] = best(
            lambda: index_package(read_package(BASE), "DK", elsewhere)
        )
        large = folder / "large.app"
        subprocess.run(  # in a process of its own: it needs memory that is given back
            [sys.executable, "-m", "tests.benchmarks.extension_check", "multiply", str(BASE), str(large)],
            check=True,
            cwd=ROOT,
        )
        found["symbols_of_300_mb"] = measure(large, folder, 1)
    print(json.dumps(found, indent=2))


def multiply(package: Path, to: Path) -> None:
    """Write a base with the symbols of another, several times."""
    symbols = read_package(package).symbols()
    assert symbols is not None
    entries = package_entries(name="Base Application", publisher="Microsoft", version="14.0.1.0")
    to.write_bytes(container(zipped(entries | {SYMBOLS: multiplied(bytes(symbols), COPIES)}, level=1)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["import"]:
        import_and_tell(Path(sys.argv[2]), Path(sys.argv[3]))
    elif sys.argv[1:2] == ["multiply"]:
        multiply(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        main()
