"""The service's side: a bounded number of processes, each of which does one task at a time."""

import asyncio
import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from shared.children.frames import (
    ADVANCED,
    DIED,
    FAILED,
    TASK,
    Advanced,
    Failed,
    Files,
    Task,
    TaskLimits,
    read_frame,
    write_frame,
)
from shared.children.serving import signal_name

END_SECONDS = 5.0

_KEPT_OF_THE_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "PYTHONWARNINGS")
"""Nothing of the service's settings: there are secrets among them, and what others put there need not be known."""

Progress = Callable[[int, int], None]
A = TypeVar("A", bound=msgspec.Struct)


class ChildDied(Exception):
    """The process that did a task ended in the middle of it, or cannot be started; the message says how."""


class TaskFailed(Exception):
    """A task was not done, and its process says why."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.message)
        self.kind = failed.kind
        self.subject = failed.subject


class Pool:
    """At most `most` processes of `python -m module`, which calls `serve`; kept for the next task."""

    def __init__(
        self, module: str, most: int, *, arguments: tuple[str, ...] = (), limits: TaskLimits | None = None
    ) -> None:
        self.most = most
        self._command = (sys.executable, "-m", module, *arguments)
        self._limits = limits or TaskLimits()
        self._free = asyncio.Semaphore(most)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        # Whatever ends the service ends them; a kill -9 closes their pipes, and they see that.
        weakref.finalize(self, _end_all, self._all)

    async def ask(
        self,
        request: msgspec.Struct,
        answer: type[A],
        *,
        files: Files,
        limits: TaskLimits | None = None,
        progress: Progress | None = None,
    ) -> A:
        """Have a task done, for which only `files` are there. Cancelled, it is killed in the middle.

        Raise ChildDied, and TaskFailed where the process says why there is no answer.
        """
        loop = asyncio.get_running_loop()

        def tell(word: Advanced) -> None:
            if progress:
                loop.call_soon_threadsafe(progress, word.done, word.total)

        task = Task(limits or self._limits, files, msgspec.Raw(msgspec.msgpack.encode(request)))
        async with self._free:
            child = self._take()
            if child is None:
                child = await asyncio.to_thread(self._new)
            asking = asyncio.ensure_future(asyncio.to_thread(child.ask, task, tell))
            try:
                said = await asyncio.shield(asking)
            except BaseException:
                self._all.discard(child)
                child.end()
                await asyncio.wait([asking])
                asking.exception()  # it is told, or there is nobody to tell
                raise
            self._idle.append(child)
        kind, content = said
        try:
            if kind == DIED:
                raise ChildDied(f"the process that opened it ended by {msgspec.msgpack.decode(content, type=str)}")
            if kind == FAILED:
                raise TaskFailed(msgspec.msgpack.decode(content, type=Failed))
            return msgspec.msgpack.decode(content, type=answer)
        except msgspec.MsgspecError as error:
            raise ChildDied(f"the process that opened it gave no answer that can be read: {error}") from error

    def close(self) -> None:
        """End all of them; whoever asks after that starts new ones."""
        self._idle.clear()
        _end_all(self._all)

    def _new(self) -> "_Child":
        child = _Child(self._command)
        self._all.add(child)
        return child

    def _take(self) -> "_Child | None":
        while self._idle:
            child = self._idle.pop()
            if child.alive:
                return child
            self._all.discard(child)  # it ended while it had nothing to do
            child.end()
        return None


class _Child:
    """One process, in a group of its own; `ask` blocks the thread that calls it."""

    def __init__(self, command: tuple[str, ...]) -> None:
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=_environment(os.environ),
                process_group=0,  # Ctrl-C is for the service, which ends them
            )
        except OSError as error:
            raise ChildDied(f"no process can be started for it: {error}") from error

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, task: Task, tell: Callable[[Advanced], None]) -> tuple[bytes, bytes]:
        """The last frame about the task. Raise ChildDied if the warm process itself is gone."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            write_frame(self._process.stdin, TASK, task)
            while (frame := read_frame(self._process.stdout)) is not None:
                kind, content = frame
                if kind != ADVANCED:
                    return kind, content
                tell(msgspec.msgpack.decode(content, type=Advanced))
        except (OSError, ValueError) as error:
            raise ChildDied(f"the process that opened it was gone: {error}") from error
        code = self._process.wait(END_SECONDS)
        how = f"exit code {code}" if code >= 0 else signal_name(-code)
        raise ChildDied(f"the process that opened it ended by {how}")

    def end(self) -> None:
        """End it at once with whatever it forked, and let go of it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait(END_SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(OSError):  # a task that it did not read any more
                    stream.close()


def _environment(environment: Mapping[str, str]) -> dict[str, Any]:
    kept = {name: environment[name] for name in _KEPT_OF_THE_ENVIRONMENT if name in environment}
    return {**kept, "PYTHONPATH": os.pathsep.join(str(Path(one).absolute()) for one in sys.path)}


def _end_all(children: "set[_Child]") -> None:
    while children:
        children.pop().end()
