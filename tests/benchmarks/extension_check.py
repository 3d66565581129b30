"""How fast a base is imported and an extension is checked, against the bound of splitting the JSON.

    DRYDOCK_CORPUS=../shared/corpus .venv/bin/python tests/benchmarks/extension_check.py

Prints one JSON object; times are the best of three in seconds, memory is the growth of the peak in MiB.
Needs the real packages. The bound is `msgspec.Raw`, which finds the objects in the symbol file and decodes
none of them.
"""

import gc
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from services.extension_compatibility_checker.al.checking import Target, check_packages  # noqa: E402  # run as a file
from services.extension_compatibility_checker.al.container import read_package  # noqa: E402  # as above
from services.extension_compatibility_checker.al.index import AppIndex, index_package  # noqa: E402  # as above

CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", ROOT.parent / "shared" / "corpus")) / "bc"
BASE = CORPUS / "Microsoft_Application_14.0.29537.0_DK.app"
OLDER = CORPUS / "Microsoft_Application_13.1.25940.0_W1.app"
SMALL = CORPUS / "wild" / "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app"
LARGE = CORPUS / "wild" / "6aa82264_Netcompany_SECDatacom_1.0.8.0.app"
SET_SIZE = 200


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


def peak() -> float:
    """Peak memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    if not BASE.is_file():
        sys.exit(f"the real packages are not at {CORPUS}")
    before = peak()
    index = index_package(read_package(BASE), "DK")
    import_memory = peak() - before
    symbols = read_package(BASE).symbols()
    assert symbols is not None
    split = best(lambda: msgspec.json.decode(symbols, type=_Objects))
    unpack = best(lambda: read_package(BASE).symbols())
    imported = best(lambda: index_package(read_package(BASE), "DK"))
    again = best(lambda: index_package(read_package(BASE), "DK", index))
    elsewhere = index_package(read_package(OLDER), "W1")
    next_version = best(lambda: index_package(read_package(BASE), "DK", elsewhere))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "base.index"
        index.save(path)
        size = path.stat().st_size
        load = best(lambda: AppIndex.load(path))

        def cold(extension: Path) -> None:
            check_packages([read_package(extension)], Target([AppIndex.load(path)]))

        cold_small, cold_large = best(lambda: cold(SMALL)), best(lambda: cold(LARGE))
    warm = Target([index])
    warm_small = best(lambda: check_packages([read_package(SMALL)], warm))
    warm_large = best(lambda: check_packages([read_package(LARGE)], warm))
    real = [SMALL, LARGE, *CORPUS.glob("wild/*_1.0.0.0.app"), *CORPUS.glob("Hougaard*.app")]
    many = [real[i % len(real)] for i in range(SET_SIZE)]
    start = time.perf_counter()
    for extension in many:
        check_packages([read_package(extension)], warm)
    hundreds = time.perf_counter() - start
    print(
        json.dumps(
            {
                "symbol_file_mib": round(len(symbols) / 2**20, 1),
                "bound_split_s": split,
                "unpack_s": unpack,
                "import_s": imported,
                "import_of_equal_symbols_s": again,
                "import_of_next_version_s": next_version,
                "import_peak_memory_mib": round(import_memory, 1),
                "import_peak_per_symbol_byte": round(import_memory * 2**20 / len(symbols), 2),
                "import_over_unpack_and_split": round(imported / (unpack + split), 1),
                "index_file_mib": round(size / 2**20, 1),
                "index_load_s": load,
                "check_small_cold_s": cold_small,
                "check_small_warm_s": warm_small,
                "check_large_cold_s": cold_large,
                "check_large_warm_s": warm_large,
                f"check_{SET_SIZE}_one_core_s": round(hundreds, 2),
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
