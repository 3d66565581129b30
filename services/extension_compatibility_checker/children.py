"""A few child processes that do what holds a core for long: the service itself goes on sending heartbeats meanwhile.

A child that dies, or that is killed for being too slow, takes nothing with it: the next request gets another one.
"""

import asyncio
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import TypeVar

from services.extension_compatibility_checker.protocol import (
    DAMAGED_INDEX,
    UNREADABLE_PACKAGE,
    Answer,
    Failed,
    Request,
    read_answer,
    write,
)
from shared.formats.al.package.container import PackageError

_MODULE = "services.extension_compatibility_checker.child"
A = TypeVar("A", bound=Answer)


class ChildFault(Exception):  # noqa: N818 - it is told as a fault of ours
    """A child process died, or could not answer: a fault of ours, and worth another attempt."""


class IndexDamaged(Exception):  # noqa: N818 - the caller mends it
    """An index file is missing, damaged, or of another version's format."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


class Children:
    """At most `most` processes, each with `indexes` indexes and `memory` MiB (0: no limit), started when needed."""

    def __init__(self, most: int, *, indexes: int, memory: int) -> None:
        self.most = most
        self._arguments = (str(indexes), str(memory))
        self._free = asyncio.Semaphore(most)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        # Whatever ends the service ends them; a kill -9 closes their pipes, and they see that.
        weakref.finalize(self, _end_all, self._all)

    @property
    def pids(self) -> list[int]:
        """The process ids of those that live."""
        return [child.pid for child in self._all if child.alive]

    async def ask(self, request: Request, answer: type[A]) -> A:
        """Let a child do something. Cancelled, the child is killed in the middle of it.

        Raise ChildFault, IndexDamaged, and PackageError where a package is no base.
        """
        async with self._free:
            child = self._idle.pop() if self._idle else self._new()
            done = False
            try:
                said = await asyncio.to_thread(child.exchange, request)
                done = True
            finally:
                if done:
                    self._idle.append(child)
                else:
                    self._all.discard(child)
                    child.kill()
        if isinstance(said, Failed):
            if said.kind == UNREADABLE_PACKAGE:
                raise PackageError(said.message)
            if said.kind == DAMAGED_INDEX:
                raise IndexDamaged(said.path, said.message)
            raise ChildFault(said.message)
        assert isinstance(said, answer)
        return said

    def _new(self) -> "_Child":
        child = _Child(self._arguments)
        self._all.add(child)
        return child

    def close(self) -> None:
        """End all of them; whoever asks after that starts new ones."""
        self._idle.clear()
        _end_all(self._all)


class _Child:
    """One process; `exchange` blocks the thread that calls it."""

    def __init__(self, arguments: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", _MODULE, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(Path(one).absolute()) for one in sys.path)},
            process_group=0,  # Ctrl-C is for the service, which ends them
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def exchange(self, request: Request) -> Answer:
        """Raise ChildFault if it dies over it."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            write(self._process.stdin, request)  # type: ignore[arg-type]  # a pipe of bytes
            answer = read_answer(self._process.stdout)  # type: ignore[arg-type]  # as above
        except (OSError, ValueError) as error:
            raise ChildFault(f"a checking process could not be spoken to: {error}") from None
        if answer is None:
            code = self._process.wait()
            how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
            raise ChildFault(f"a checking process {how} in the middle of its work")
        return answer

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:
                    continue  # what was still to be written goes nowhere


def _end_all(children: "set[_Child]") -> None:
    while children:
        children.pop().kill()
