"""`python -m tests.support.warm_parent SOCKET`: has imported what processes of tests need, and forks one for each.

It ends with its standard input: after a line on it, its processes are left alone; without one, whoever wrote there is
gone, and they are killed. A connection is a process: an order with three files comes in; the process id and, in the
end, the exit code go out, each on a line. A process is killed when its connection ends before it does. See warm.py.
"""

import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import struct
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import reload
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import services.console.cli as console

_LENGTH = struct.Struct("!I")
_READ_AT_IMPORT = ("shared.kernel.crash_points",)
"""Modules that look at the environment when they are imported."""
_CONSOLE = "deploy.commands"


@dataclass(frozen=True)
class Order:
    """A process to be: as `python -m module` or `python script`, with its arguments."""

    words: list[str]
    environment: dict[str, str]
    folder: str
    files: list[int]


@dataclass
class _Parent:
    listener: socket.socket
    wake: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)
    children: dict[int, socket.socket] = field(default_factory=dict)

    def serve(self) -> Order | None:
        """Return in each process that was ordered with its order, and once with None in the parent: it is over."""
        for end in self.wake:
            end.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake[1].fileno(), warn_on_full_buffer=False)
        while True:
            files: list[Any] = [0, self.listener, self.wake[0], *self.children.values()]
            readable, _, _ = select.select(files, [], [])
            if self.wake[0] in readable:
                self.wake[0].recv(4096)
            self._reap()
            # Before anything new is started: it may want the port of what is to end.
            self._end_those_without_a_connection(readable)
            if 0 in readable:
                if not os.read(0, 1):
                    self._kill(*self.children)
                return None
            if self.listener in readable and (order := self._start()):
                return order

    def _reap(self) -> None:
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                with suppress(OSError), self.children.pop(pid) as connection:
                    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))

    def _end_those_without_a_connection(self, readable: list[Any]) -> None:
        for pid, connection in list(self.children.items()):
            if connection in readable:
                self._kill(pid)
                os.waitpid(pid, 0)
                self.children.pop(pid).close()

    def _kill(self, *pids: int) -> None:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def _start(self) -> Order | None:
        connection, _ = self.listener.accept()
        order = _read(connection)
        if order is None:
            connection.close()
            return None
        _import(_modules_of(order.words))
        if pid := os.fork():
            for file in order.files:
                os.close(file)
            self.children[pid] = connection
            with suppress(OSError):
                connection.sendall(b"%d\n" % pid)
            return None
        connection.close()
        self._forget()
        return order

    def _forget(self) -> None:
        """In the process: let go of all that is the parent's."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for one in (self.listener, *self.wake, *self.children.values()):
            one.close()
        os.setpgid(0, 0)


def _read(connection: socket.socket) -> Order | None:
    """The order that comes on a connection; None: whoever was about to give it is gone."""
    head, files, _, _ = socket.recv_fds(connection, _LENGTH.size, 3)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    with connection.makefile("rb") as stream:
        content = stream.read(length)
    return Order(**json.loads(content), files=list(files)) if len(content) == length else None


def _modules_of(words: list[str]) -> list[str]:
    """What a process will import: its module, or all that the command line may ask for."""
    if words[0] == "-m":
        return words[1:2]
    if Path(words[0]).name != "drydock":
        return []
    return [_CONSOLE, *(one.name for one in pkgutil.walk_packages(console.__path__, f"{console.__name__}."))]


def _import(modules: list[str]) -> None:
    missing = [one for one in modules if one not in sys.modules]
    for one in missing:
        with suppress(Exception):  # who is about to run it says what is wrong with it
            importlib.import_module(one)
    if missing:
        gc.collect()
        gc.freeze()
        threads = Path("/proc/self/task")
        assert not threads.exists() or len(list(threads.iterdir())) == 1, f"a thread began with {missing}"


def _become(order: Order) -> None:
    """Be what the order says."""
    for number, file in enumerate(order.files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(order.folder)
    os.environ.clear()
    os.environ.update(order.environment)
    sys.stdin = _stream(0, "r")
    sys.stdout = _stream(1, "w")
    sys.stderr = _stream(2, "w", errors="backslashreplace", line_buffering=True)
    for name in _READ_AT_IMPORT:
        if name in sys.modules:
            reload(sys.modules[name])
    first, *rest = order.words
    with suppress(OSError):  # what a list of processes shows
        Path("/proc/self/comm").write_text(rest[0].removeprefix("services.") if first == "-m" else Path(first).name)
    if first == "-m":
        module, *arguments = rest
        sys.argv, sys.path[0] = [module, *arguments], order.folder
        sys.modules.pop(module, None)
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv, sys.path[0] = order.words, str(Path(first).parent)
        runpy.run_path(first, run_name="__main__")


def _stream(number: int, mode: str, *, errors: str = "strict", line_buffering: bool = False) -> TextIOWrapper:
    """A standard stream as the interpreter makes it."""
    raw: IO[bytes] = os.fdopen(number, f"{mode}b", closefd=False)
    return TextIOWrapper(raw, encoding="utf-8", errors=errors, line_buffering=line_buffering)


def main() -> None:
    """Listen until the end."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen(64)
    if order := _Parent(listener).serve():
        _become(order)


if __name__ == "__main__":
    main()
