"""`python -m services.extension_compatibility_checker.child INDEXES`: reads packages and judges them for the checker.

The warm process keeps the INDEXES indexes that were used last; packages are opened in a process of their own.
"""

import hashlib
import sys
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path

import msgspec

from services.extension_compatibility_checker.requests import (
    DAMAGED_INDEX,
    UNREADABLE_PACKAGE,
    ExtensionPackage,
    ExtensionsJudged,
    Indexed,
    Judge,
    LoadIndex,
    LookInto,
    MakeIndex,
    Request,
    Seen,
    Sight,
)
from shared.children import Failed, Tell, serve
from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.package.container import AppFileKind, Package, PackageError, open_package
from shared.formats.al.source.opening import open_extension
from shared.formats.al.symbols.index import App, AppIndex, IndexFormatError, index_package
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, fold


class ExtensionReader:
    """Does the checker's tasks; the indexes used last stay in the warm process, `most` of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._indexes: OrderedDict[str, AppIndex] = OrderedDict()

    def prepare(self, request: Request) -> Failed | None:
        """Load the indexes that it needs."""
        match request:
            case LoadIndex():
                paths: tuple[str, ...] = (request.path,)
            case Judge():
                paths = (*request.bases, *request.old)
            case _:
                return None
        self._forget(set(paths))
        for path in paths:
            try:
                self._load(path)
            except (FileNotFoundError, IndexFormatError) as error:
                return Failed(DAMAGED_INDEX, str(error), path)
        return None

    def answer(self, request: Request, tell: Tell) -> msgspec.Struct:
        """The answer; that a package cannot be read is one too."""
        try:
            match request:
                case MakeIndex():
                    return _make(request)
                case LoadIndex():
                    return _indexed(self._indexes[request.path])
                case LookInto():
                    return Seen({one.label: _look_into(one) for one in request.packages})
                case Judge():
                    return self._judge(request)
        except PackageError as error:
            return Failed(UNREADABLE_PACKAGE, str(error))

    def _judge(self, request: Judge) -> ExtensionsJudged:
        target = TargetSet(
            [self._indexes[path] for path in request.bases],
            [self._indexes[path] for path in request.old],
            is_whole=True,
        )
        reports = check_packages(
            [_open(one) for one in request.packages], target, [_open(one) for one in request.replaced]
        )
        found = {_label(report.id) if report.id else report.name: report for report in reports}
        return ExtensionsJudged({one.label: found[one.label] for one in request.packages})

    def _load(self, path: str) -> None:
        if path not in self._indexes:
            self._indexes[path] = AppIndex.load(Path(path))
        self._indexes.move_to_end(path)

    def _forget(self, wanted: set[str]) -> None:
        """Make room for those that are wanted; what one task needs is there in any case."""
        others = [path for path in self._indexes if path not in wanted]
        for path in others[: max(0, len(others) + len(wanted) - self._most)]:
            del self._indexes[path]


def _make(request: MakeIndex) -> Indexed:
    package = open_package(Path(request.package).read_bytes(), request.label)
    index = index_package(package, request.country)
    Path(request.target).write_bytes(index.to_bytes())
    return _indexed(index)


def _label(app_id: str) -> str:
    return f"{app_id}.app"


def _open(file: ExtensionPackage) -> Package:
    if file.problem:
        return Package(file.label, AppFileKind.DAMAGED, file.digest, problem=file.problem)
    return open_package(Path(file.path).read_bytes(), file.label)


def _look_into(file: ExtensionPackage) -> Sight:
    package = _open(file)
    if package.manifest is None:
        return Sight(None, package.problem or "it names no extension")
    try:
        extension = open_extension(package)
    except PackageError as error:
        return Sight(App.of(package.manifest), str(error))
    marks = frozenset(mark for symbol in extension.index.symbols() for mark in _marks(symbol))
    return Sight(App.of(package.manifest), "", marks)


def _marks(symbol: Symbol) -> Iterator[int]:
    """What of an object may clash: rows 24 and 25 of the rules, and members of any kind that it adds to another's.

    More marks than the rules need do no harm: what has one in common is judged together.
    """
    if symbol.id:
        yield _mark(symbol.kind, symbol.id)
    if symbol.name:
        yield _mark(symbol.kind, fold(symbol.name))
    if symbol.kind not in EXTENSION_OF:
        return
    here = (symbol.kind, fold(symbol.target))
    for field in symbol.fields:
        yield _mark(*here, "field", field.id)
        yield _mark(*here, "field", fold(field.name))
    for value in symbol.values:
        yield _mark(*here, "value", value.ordinal)
        yield _mark(*here, "value", fold(value.name))
    for element in (*symbol.controls, *symbol.actions, *symbol.views, *symbol.columns):
        yield _mark(*here, "element", fold(element.name))
    for method in symbol.methods:
        yield _mark(*here, "method", fold(method.name))


def _mark(*words: object) -> int:
    text = "\x1f".join(map(str, words)).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _indexed(index: AppIndex) -> Indexed:
    return Indexed(index.app, len(index))


if __name__ == "__main__":
    serve(Request, ExtensionReader(int(sys.argv[1])))
