"""How long a set of 200 extensions takes through the service's child processes, with one of them and with all cores.

    DRYDOCK_CORPUS=../shared/corpus .venv/bin/python -m tests.benchmarks.extension_set

Prints one JSON object; times are in seconds. `changed` is the same set after one extension of it has changed, `lag`
the longest time for which the service's event loop stood still meanwhile. Needs the real packages.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
import uuid
from pathlib import Path

from services.extension_compatibility_checker.base_indexes import BaseIndexes, index_key
from services.extension_compatibility_checker.judgement_cache import JudgementCache
from services.extension_compatibility_checker.judging import Judging, TargetIndexes
from services.extension_compatibility_checker.reading import Reading
from shared.artifacts.folder import FolderStore
from shared.contracts.parts import ArtifactRef, Extension, ExtensionScope
from shared.formats.al.package.container import read_package
from tests.support.al_packages import app

ROOT = Path(__file__).parents[2]
CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", ROOT.parent / "shared" / "corpus")) / "bc"
BASE = CORPUS / "Microsoft_Application_14.0.29537.0_DK.app"
MODEL = CORPUS / "wild" / "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app"
SET_SIZE = 200
_OBJECT = re.compile(r"^((?:table|page|codeunit|report)(?:extension)?) (\d+) (\"[^\"]*\"|\w+)", re.MULTILINE)


def variant(number: int, version: str = "1.0.0.0") -> bytes:
    """The source of a real extension under ids and names of its own."""
    sources = dict(read_package(MODEL).sources())

    def renamed(match: re.Match[str]) -> str:
        return f'{match[1]} {int(match[2]) + 1000 * number} "{match[3].strip(chr(34))} {number}"'

    texts = {path: _OBJECT.sub(renamed, text) for path, text in sources.items()}
    return app({}, texts, app_id=app_id(number), name=f"App {number}", version=version, runtime="3.0")


def app_id(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


async def extension(store: FolderStore, number: int, version: str = "1.0.0.0") -> Extension:
    kept = await store.put_bytes(variant(number, version), "application/octet-stream")
    return Extension(
        app_id=app_id(number),
        name=f"App {number}",
        publisher="Contoso",
        version=version,
        scope=ExtensionScope.TENANT,
        artifact=ArtifactRef.of(kept),
        dependencies=(),
    )


async def measure(folder: Path, processes: int) -> dict[str, float]:
    """Index the base, judge the set, judge it again, and once more with a change."""
    store = FolderStore(folder / "artifacts")
    reading = Reading(processes, indexes=4, memory=0)
    indexes = BaseIndexes(folder / f"bases-{processes}", store, reading)
    judging = Judging(store, reading, JudgementCache(folder / f"judgements-{processes}", 5000))
    kept = await store.put_file(BASE, "application/octet-stream")
    base = ArtifactRef.of(kept)
    set_ = [await extension(store, number) for number in range(SET_SIZE)]
    times: dict[str, float] = {}
    lag = asyncio.create_task(_lag())
    began = time.perf_counter()
    file = await indexes.file(base, "DK")
    times["index"] = time.perf_counter() - began
    target = TargetIndexes((str(file.path),), (index_key(base, "DK"),))
    changed = [*set_[1:], await extension(store, 0, "1.1.0.0")]
    for name, judged in (("first", set_), ("again", set_), ("changed", changed)):
        began = time.perf_counter()
        found = await judging.judge(judged, (), target, TargetIndexes())
        times[name] = time.perf_counter() - began
        assert len(found.reused) == {"first": 0, "again": SET_SIZE, "changed": SET_SIZE - 1}[name]
    lag.cancel()
    times["lag"] = LONGEST[0]
    reading.close()
    return {name: round(seconds, 3) for name, seconds in times.items()}


LONGEST = [0.0]


async def _lag() -> None:
    LONGEST[0] = 0.0
    while True:
        began = time.perf_counter()
        await asyncio.sleep(0.01)
        LONGEST[0] = max(LONGEST[0], time.perf_counter() - began - 0.01)


def main() -> None:
    if not BASE.exists():
        sys.exit(f"{BASE} is not there: name the corpus in DRYDOCK_CORPUS")
    with tempfile.TemporaryDirectory() as folder:
        cores = os.cpu_count() or 1
        found = {f"{count} processes": asyncio.run(measure(Path(folder), count)) for count in sorted({1, cores})}
    print(json.dumps({"extensions": SET_SIZE, **found}, indent=2))


if __name__ == "__main__":
    main()
