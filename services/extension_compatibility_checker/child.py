"""A child process of the checker: reads packages and judges them, one request after the other.

It holds no connection and writes nothing but index files. When its parent is gone, it ends, whatever it is doing.
"""

import gc
import hashlib
import os
import queue
import sys
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from services.extension_compatibility_checker.protocol import (
    DAMAGED_INDEX,
    FAULT,
    UNREADABLE_PACKAGE,
    Answer,
    Failed,
    Indexed,
    Judge,
    Judged,
    LoadIndex,
    LookInto,
    MakeIndex,
    PackageFile,
    Request,
    Seen,
    Sight,
    read_request,
    write,
)
from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.package.container import AppFileKind, Package, PackageError, open_package
from shared.formats.al.source.opening import open_extension
from shared.formats.al.symbols.index import App, AppIndex, IndexFormatError, index_package
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, fold

_MIB = 1 << 20
_NICENESS = 5
"""The service that asks sends heartbeats: it comes first where cores are few."""


class _DamagedIndexError(Exception):
    def __init__(self, path: str, error: Exception) -> None:
        super().__init__(str(error))
        self.path = path


class Worker:
    """Answers requests; the indexes used last stay in memory, `indexes` of them."""

    def __init__(self, indexes: int) -> None:
        self._most = indexes
        self._indexes: OrderedDict[str, AppIndex] = OrderedDict()

    def answer(self, request: Request) -> Answer:
        """The answer; whatever goes wrong is one too."""
        try:
            match request:
                case MakeIndex():
                    return self._make(request)
                case LoadIndex():
                    return _indexed(self._index(request.path))
                case LookInto():
                    return Seen({one.label: _look_into(one) for one in request.packages})
                case Judge():
                    return self._judge(request)
        except PackageError as error:
            return Failed(UNREADABLE_PACKAGE, str(error))
        except _DamagedIndexError as error:
            return Failed(DAMAGED_INDEX, str(error), error.path)
        except MemoryError:
            return Failed(FAULT, "the check needs more memory than it may have")
        except Exception as error:  # noqa: BLE001 - a check that fails must be told from one that ends the process
            return Failed(FAULT, f"{type(error).__name__}: {error}")

    def _make(self, request: MakeIndex) -> Indexed:
        package = open_package(Path(request.package).read_bytes(), request.label)
        index = index_package(package, request.country)
        _write(Path(request.target), index.to_bytes())
        return _indexed(index)

    def _judge(self, request: Judge) -> Judged:
        target = TargetSet(
            [self._index(path) for path in request.bases],
            [self._index(path) for path in request.old],
        )
        reports = check_packages(
            [_open(one) for one in request.packages], target, [_open(one) for one in request.replaced]
        )
        found = {_label(report.id) if report.id else report.name: report for report in reports}
        return Judged({one.label: found[one.label] for one in request.packages})

    def _index(self, path: str) -> AppIndex:
        index = self._indexes.get(path)
        if index is None:
            try:
                index = AppIndex.load(Path(path))
            except (FileNotFoundError, IndexFormatError) as error:
                raise _DamagedIndexError(path, error) from None
            self._indexes[path] = index
            # What stays in memory need not be looked at by every collection.
            gc.freeze()
        self._indexes.move_to_end(path)
        while len(self._indexes) > self._most:
            self._indexes.popitem(last=False)
        return index


def _label(app_id: str) -> str:
    return f"{app_id}.app"


def _open(file: PackageFile) -> Package:
    if file.problem:
        return Package(file.label, AppFileKind.DAMAGED, file.digest, problem=file.problem)
    return open_package(Path(file.path).read_bytes(), file.label)


def _look_into(file: PackageFile) -> Sight:
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


def _write(path: Path, content: bytes) -> None:
    """A crash leaves no file or the whole; two that write at once do not meet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def main(arguments: Sequence[str]) -> None:
    """Answer the parent on stdin and stdout until it is gone. Arguments: indexes in memory, MiB of memory or 0."""
    indexes, memory = map(int, arguments)
    answers = os.fdopen(os.dup(1), "wb")
    # What a library prints must not end up in the middle of an answer.
    os.dup2(2, 1)
    _limit_memory(memory * _MIB)
    with suppress(OSError):
        os.nice(_NICENESS)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    worker = Worker(indexes)
    while True:
        answer = worker.answer(requests.get())
        try:
            write(answers, answer)
        except OSError:
            return


def _listen(pipe: BinaryIO, requests: "queue.SimpleQueue[Request]") -> None:
    while (request := read_request(pipe)) is not None:
        requests.put(request)
    # The parent is gone: nobody waits for what this process may be in the middle of.
    os._exit(0)


def _limit_memory(limit: int) -> None:
    if not limit:
        return
    try:
        import resource
    except ImportError:
        return  # a system without such limits
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    main(sys.argv[1:])
