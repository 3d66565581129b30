"""Whatever a file holds, a check ends in a verdict.

DRYDOCK_FUZZ_PACKAGES sets how many packages are mutated (200 by default), DRYDOCK_FUZZ_SEED the first seed; a
failure names the seed that it can be repeated with.
"""

import io
import os
import random

from services.package_validator.deployable_package.archive_writer import PlannedEntry, write_archive
from services.package_validator.deployable_package.builder import plan_package
from services.package_validator.deployable_package.faults import sample
from services.package_validator.deployable_package.kinds import PackageKind
from services.package_validator.deployable_package.limits import Limits
from services.package_validator.deployable_package.verdict import Outcome

from .contexts import NEWER, RELEASE, TARGET, check

_PACKAGES = int(os.environ.get("DRYDOCK_FUZZ_PACKAGES", "200"))
_SEED = int(os.environ.get("DRYDOCK_FUZZ_SEED", "1"))
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


def mutate(content: bytes, rng: random.Random) -> bytes:
    """Change bytes in one of the ways that files break, or are broken."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        position = rng.randrange(len(data) + 1)
        length = rng.randint(1, 40)
        way = rng.randrange(6)
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
        else:
            del data[position:]
    return bytes(data)


def fuzzed_package(rng: random.Random) -> bytes:
    """Break a package in its bytes, in a document, or in an archive inside, whose checksum is then right."""
    chosen = sample(rng.choice([PackageKind.CUSTOMIZATION, PackageKind.PLATFORM]))
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
    return package if depth else mutate(package, rng)


def _written(content: object) -> bytes:
    assert isinstance(content, list)
    out = io.BytesIO()
    write_archive(content, out)
    return out.getvalue()


def test_mutated_packages_end_in_a_verdict() -> None:
    limits = Limits(seconds=20.0)
    invalid = 0
    for seed in range(_SEED, _SEED + _PACKAGES):
        package = fuzzed_package(random.Random(seed))
        try:
            verdict = check(package, release=RELEASE, newer_releases=(NEWER,), target=TARGET, limits=limits)
        except Exception as error:
            raise AssertionError(f"no verdict for the package of DRYDOCK_FUZZ_SEED={seed}") from error
        assert verdict.verdict in (Outcome.VALID, Outcome.INVALID)
        assert all(finding.message and finding.fix for finding in verdict.findings)
        invalid += verdict.verdict is Outcome.INVALID
    assert invalid > _PACKAGES // 3
