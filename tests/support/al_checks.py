"""Runs checks on packages held in memory."""

from collections.abc import Sequence

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.finding import BreakFinding, Report
from shared.formats.al.package.container import open_package
from shared.formats.al.symbols.index import index_package


def check_set(
    extensions: Sequence[bytes], *bases: bytes, old: Sequence[bytes] = (), whole: bool = False
) -> list[Report]:
    """Reports on a set; `whole` says that it is all that an environment has."""
    indexes, before = ([index_package(open_package(b)) for b in apps] for apps in (bases, old))
    packages = [open_package(data, f"file{i}.app") for i, data in enumerate(extensions)]
    return check_packages(packages, TargetSet(indexes, before, whole))


def check(extension: bytes, *bases: bytes, old: Sequence[bytes] = ()) -> Report:
    (report,) = check_set([extension], *bases, old=old)
    return report


def findings(extension: bytes, *bases: bytes, old: Sequence[bytes] = ()) -> tuple[BreakFinding, ...]:
    return check(extension, *bases, old=old).findings


def codes(extension: bytes, *bases: bytes, old: Sequence[bytes] = ()) -> list[str]:
    report = check(extension, *bases, old=old)
    assert report.undecided == ()
    return [f.code for f in report.findings]
