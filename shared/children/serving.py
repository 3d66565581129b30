"""The child's side: a warm process that forks for every task.

The warm process never opens what is foreign; it has loaded the code, and what `prepare` keeps for many tasks. The fork
is confined, does one task, answers and ends: nothing that a file did to it is there for the next.
"""

import gc
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, NoReturn, Protocol, TypeVar

import msgspec

from shared.children.confinement import code_in_use, confine, end_with_the_parent, leave_the_network
from shared.children.frames import (
    ADVANCED,
    ANSWER,
    DIED,
    FAILED,
    FAULT,
    MEMORY,
    Advanced,
    Failed,
    Task,
    pack,
    read_frame,
    write_frame,
)

R = TypeVar("R", contravariant=True)

Tell = Callable[[int, int], None]
"""Says how far a task is: done and total, in a unit of the task's own. May be called from any of its threads."""

PROGRESS_SECONDS = 0.1
"""Shortest time between two words about how far a task is."""


class Handler(Protocol[R]):
    """What a child does with requests of one type."""

    def prepare(self, request: R) -> Failed | None:
        """Load, in the warm process, what later tasks can use as well; nothing foreign. Failed: there is no task."""
        ...

    def answer(self, request: R, tell: Tell) -> msgspec.Struct:
        """Do the task, in a process of its own. `Failed` is an answer as well."""
        ...


def serve(requests: Any, handler: Handler[Any]) -> None:
    """Do tasks from stdin, whose requests are of the type `requests`, until that ends: the service is gone then."""
    tasks = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # what a library prints is no answer
    leave_the_network()
    code_in_use()
    while (frame := read_frame(tasks)) is not None:
        task = msgspec.msgpack.decode(frame[1], type=Task)
        request = msgspec.msgpack.decode(task.request, type=requests)
        refused = _guarded(handler.prepare, request)
        if refused is not None:
            write_frame(answers, FAILED, refused)
            continue
        gc.freeze()  # what is kept need not be copied into every fork by a collection
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            for mine in (tasks.fileno(), answers.fileno(), reading):
                os.close(mine)
            _do(task, request, handler, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as told:
            last = _relay(told, answers, tasks)
        _end(pid, answers, last)


def _relay(told: IO[bytes], answers: IO[bytes], tasks: IO[bytes]) -> tuple[bytes, bytes] | None:
    """Pass on how far the task is; its answer, once it has closed its end. End here if nobody waits for that any more.

    The fork has seen what is foreign, so what it says is not passed on as it is: one answer to a task, in one frame.
    """
    answer = None
    poll = select.poll()
    poll.register(told.fileno(), select.POLLIN)
    poll.register(tasks.fileno(), 0)  # only that it was closed, which is said in any case
    while True:
        if any(descriptor == tasks.fileno() for descriptor, _ in poll.poll()):
            os._exit(0)  # and the fork with it
        try:
            frame = read_frame(told)
        except ValueError:
            return None
        if frame is None or answer is not None:
            return answer
        if frame[0] == ADVANCED:
            answers.write(pack(*frame))
            answers.flush()
        else:
            answer = frame


def _end(pid: int, answers: IO[bytes], answer: tuple[bytes, bytes] | None) -> None:
    """The task has closed its end: see how it ended, and pass its answer on."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # one that only pretends to have ended; else it changes nothing
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if answer is not None:
        answers.write(pack(*answer))
        answers.flush()
    else:
        write_frame(answers, DIED, f"exit code {code}" if code >= 0 else signal_name(-code))


def signal_name(number: int) -> str:
    """What a signal is called, as far as it has a name."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _do(task: Task, request: Any, handler: Handler[Any], writing: int) -> NoReturn:
    try:
        end_with_the_parent()
        confine(task.limits, task.files)
        with os.fdopen(writing, "wb") as out:
            progress = _Progress(out)
            answer = _guarded(handler.answer, request, progress.tell)
            progress.end()
            write_frame(out, FAILED if isinstance(answer, Failed) else ANSWER, answer)
        os._exit(0)
    except BaseException:  # noqa: BLE001 - a fork must never come back into the loop
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


class _Progress:
    """Tells how far a task is: never less than before, not too often, and where it stood at the end for certain."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._now = self._told = (0, 0)
        self._next = 0.0

    def tell(self, done: int, total: int) -> None:
        with self._lock:
            if done < self._now[0]:
                return
            self._now = (done, total)
            if time.monotonic() >= self._next:
                self._say()

    def end(self) -> None:
        with self._lock:
            self._say()

    def _say(self) -> None:
        if self._now != self._told:
            self._told = self._now
            self._next = time.monotonic() + PROGRESS_SECONDS
            write_frame(self._out, ADVANCED, Advanced(*self._now))


def _guarded(do: Callable[..., Any], *given: Any) -> Any:
    """What it returns, or how it failed for no reason that it foresaw."""
    try:
        return do(*given)
    except MemoryError:
        return Failed(MEMORY, "it needs more memory than it may have")
    except Exception as error:  # noqa: BLE001 - a task that fails is told from one that ends its process
        traceback.print_exc()
        return Failed(FAULT, f"{type(error).__name__}: {error}")
