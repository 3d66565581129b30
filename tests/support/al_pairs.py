"""Real packages of a folder, each with the bases in it that it may have been built with."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from shared.formats.al.check.needs import direct_needs, provider
from shared.formats.al.package.container import Package, PackageError, read_package
from shared.formats.al.package.manifest import VENDOR, AppRef
from shared.formats.al.symbols.index import App, AppIndex, index_package


def real_pairs(folder: Path) -> Iterator[tuple[Package, Iterator[list[AppIndex]]]]:
    """Each readable package, and for each base that is new enough: that, and what else of its major they ask for."""
    packages = [p for p in map(read_package, sorted(folder.rglob("*.app"))) if p.manifest is not None]
    for package in packages:
        yield package, _sets_for(package, packages)


@cache
def _indexed(package: Package) -> AppIndex | None:
    try:
        return index_package(package)
    except PackageError:
        return None


def _sets_for(package: Package, among: Sequence[Package]) -> Iterator[list[AppIndex]]:
    assert package.manifest is not None
    needs = [needed.app for needed in direct_needs(package.manifest)]
    others = [p for p in among if p is not package]
    for base in (p for p in others if _app(p).is_base and any(_fits(p, wanted) for wanted in needs)):
        found, pending = [base], [*needs, *_app(base).dependencies]
        for wanted in pending:
            fitting = [p for p in others if _fits(p, wanted) and _is_beside(p, base)]
            newest = max(fitting, key=lambda p: _app(p).version, default=None)
            if newest is not None and newest not in found:
                found.append(newest)
                pending += _app(newest).dependencies
        yield [index for p in found if (index := _indexed(p)) is not None]


def _fits(package: Package, wanted: AppRef) -> bool:
    there = _app(package)
    return there.version >= wanted.min_version and provider(wanted, [AppIndex(there, [])]) is not None


def _is_beside(package: Package, base: Package) -> bool:
    there = _app(package)
    return not there.is_base and (there.publisher != VENDOR or there.version.major == _app(base).version.major)


def _app(package: Package) -> App:
    assert package.manifest is not None
    return App.of(package.manifest)
