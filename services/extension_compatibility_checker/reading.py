"""The checker's child processes, and how their failures are told."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from services.extension_compatibility_checker.requests import DAMAGED_INDEX, UNREADABLE_PACKAGE, Request
from shared.children import Files, Pool, TaskFailed, TaskLimits
from shared.formats.al.package.archive import PackageError

_MODULE = "services.extension_compatibility_checker.child"
A = TypeVar("A", bound=msgspec.Struct)


class IndexDamaged(Exception):
    """An index file is missing, damaged, or of another version's format."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Reading:
    """At most `most` processes, each with `indexes` indexes in memory; a task has `memory` MiB (0: no limit)."""

    def __init__(self, most: int, *, indexes: int, memory: int) -> None:
        self.most = most
        self._pool = Pool(_MODULE, most, arguments=(str(indexes),), limits=TaskLimits(memory=memory << 20))

    async def ask(self, request: Request, answer: type[A], *, read: Sequence[str] = (), write: Sequence[str] = ()) -> A:
        """Have a task done with the files `read` and in the folders `write`. Cancelled, it is killed in the middle.

        Raise ChildDied and TaskFailed for a fault of ours, IndexDamaged, and PackageError where a package is no base.
        """
        try:
            return await self._pool.ask(request, answer, files=Files(read=tuple(read), write=tuple(write)))
        except TaskFailed as failed:
            if failed.kind == UNREADABLE_PACKAGE:
                raise PackageError(str(failed)) from None
            if failed.kind == DAMAGED_INDEX:
                raise IndexDamaged(failed.subject, str(failed)) from None
            raise

    def close(self) -> None:
        """End all processes; whoever asks after that starts new ones."""
        self._pool.close()
