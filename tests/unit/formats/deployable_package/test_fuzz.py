"""Whatever a file holds, a check ends in a verdict, and every report of it can be written.

A failure names the seed that it can be repeated with; `make fuzz` mutates many more packages.
"""

import io
import json
import random
import struct
import time
import xml.etree.ElementTree as ET
from collections import Counter
from functools import cache

import pytest

from shared.formats.deployable_package.archive.writer import PlannedEntry, write_archive
from shared.formats.deployable_package.damage.faults import sample
from shared.formats.deployable_package.judge.sarif_and_junit import as_junit, as_sarif
from shared.formats.deployable_package.judge.verdict import CheckOutcome
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.write.build import plan_package
from tests.support.effort import first_seed, times

from .contexts import NEWER, RELEASE, TARGET, check
from .neighbours import as_stream
from .vendor_like import vendor_files, zipped

pytestmark = pytest.mark.effort

_PACKAGES = times(100)
_SEED = first_seed(1)
_TOKENS = (
    *(
        b"PK\x01\x02",
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"PK\x06\x06",
        b"\0",
        b"\xff" * 4,
        b"\xfe\xff",
        b"\xef\xbb\xbf",
    ),
    *(b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<string/>", b"<", b"&", b"]]>", b"9" * 5000, b"{" * 2000),
    *(b"..", b"/", b"\\", b"\r\n", b"dynamicsax-"),
)

# Where archives keep sizes, offsets, lengths, flags and methods, by the signature of the record.
_FIELDS = {
    b"PK\x03\x04": ("<H", (4, 6, 8, 26, 28), "<L", (14, 18, 22)),
    b"PK\x01\x02": ("<H", (4, 8, 10, 28, 30, 32, 34), "<L", (16, 20, 24, 38, 42)),
    b"PK\x05\x06": ("<H", (4, 6, 8, 10, 20), "<L", (12, 16)),
}
_NUMBERS = (0, 1, 2, 7, 8, 9, 12, 20, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFE, 0xFFFFFFFF)
# Beyond this a single small package counts as hanging.
_SECONDS = 20.0


def mutate_record(data: bytearray, rng: random.Random) -> None:
    """Set one field of one record of an archive to a number at the edge of something."""
    signature = rng.choice(list(_FIELDS))
    places = [at for at in range(len(data) - 3) if data[at : at + 4] == signature] if len(data) < 1 << 20 else []
    if not places:
        return
    short, shorts, long, longs = _FIELDS[signature]
    place, offset = rng.choice(places), rng.choice((*shorts, *longs))
    form, most = (short, 0xFFFF) if offset in shorts else (long, 0xFFFFFFFF)
    if place + offset + struct.calcsize(form) <= len(data):
        struct.pack_into(form, data, place + offset, rng.choice(_NUMBERS) & most)


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Change bytes in one of the ways that files break, or are broken."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        position = rng.randrange(len(data) + 1)
        length = rng.randint(1, 40)
        way = rng.randrange(8)
        if way == 0 and data:
            data[min(position, len(data) - 1)] ^= 1 << rng.randrange(8)
        elif way == 1:
            data[position : position + length] = rng.randbytes(length)
        elif way == 2:
            del data[position : position + length]
        elif way == 3:
            data[position:position] = rng.choice(_TOKENS)
        elif way == 4:
            other = rng.randrange(len(data) + 1)
            data[position : position + length] = data[other : other + length]
        elif way == 5:
            del data[position:]
        else:
            mutate_record(data, rng)
    return bytes(data)


@cache
def _vendor_files(kind: str) -> dict[str, bytes]:
    return vendor_files(kind)


def fuzzed_package(rng: random.Random) -> bytes:
    """Break a package in its bytes, in a document, or in an archive inside, whose checksum is then right."""
    if rng.random() < 0.2:
        files = dict(_vendor_files(rng.choice(["platform", "customization", "merged"])))
        path = rng.choice([name for name in files if not name.endswith(".ps1")])
        files[path] = mutate(files[path], rng)
        return zipped(files)
    chosen = sample(rng.choice([DeployableKind.CUSTOMIZATION, DeployableKind.PLATFORM]))
    entries = plan_package(chosen.modules, chosen.options)
    entries.append(PlannedEntry("AOSService/Scripts/ModuleToRemove.txt", b"ContosoOld\r\n"))
    entries.append(PlannedEntry("AOSService/Scripts/License/contososales.xml", b"<License>ContosoSales</License>"))
    depth = rng.randrange(3)
    if depth:
        entry = rng.choice(entries)
        if isinstance(entry.content, list) and depth == 1:
            file = rng.choice(entry.content)
            assert isinstance(file.content, bytes)
            file.content = mutate(file.content, rng)
        else:
            content = entry.content if isinstance(entry.content, bytes) else _written(entry.content)
            assert isinstance(content, bytes)
            entry.content, entry.stored = mutate(content, rng), rng.random() < 0.5
    package = _written(entries)
    if rng.random() < 0.1:
        package = as_stream(package)
    return package if depth else mutate(package, rng)


def _written(content: object) -> bytes:
    assert isinstance(content, list)
    out = io.BytesIO()
    write_archive(content, out)
    return out.getvalue()


def test_mutated_packages_end_in_a_verdict() -> None:
    limits = Limits(seconds=_SECONDS)
    outcomes: Counter[CheckOutcome] = Counter()
    rules: set[str] = set()
    for seed in range(_SEED, _SEED + _PACKAGES):
        package = fuzzed_package(random.Random(seed))
        started = time.process_time()
        try:
            verdict = check(package, release=RELEASE, newer_releases=(NEWER,), target=TARGET, limits=limits)
            json.dumps([verdict.as_document(), as_sarif(verdict, "fuzzed.zip", "1.0")]).encode()
            ET.fromstring(as_junit(verdict, "fuzzed.zip"))
        except Exception as error:
            raise AssertionError(f"no verdict for the package of DRYDOCK_TEST_SEED={seed}") from error
        assert time.process_time() - started < _SECONDS, f"DRYDOCK_TEST_SEED={seed} hangs"
        assert verdict.verdict in (CheckOutcome.VALID, CheckOutcome.INVALID)
        assert all(finding.message and finding.fix for finding in verdict.findings)
        outcomes[verdict.verdict] += 1
        rules |= {finding.rule for finding in verdict.findings}
    valid, invalid = outcomes[CheckOutcome.VALID], outcomes[CheckOutcome.INVALID]
    told = f"{_PACKAGES} packages: {valid} valid, {invalid} invalid, {len(rules)} rules broken"
    print(told)
    assert invalid > _PACKAGES // 3, told
    assert len(rules) > 10 or _PACKAGES < 100, told
