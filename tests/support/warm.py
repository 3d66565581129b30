"""Processes that start warm: what takes longest at the start of a service or a command line is to import it.

One parent for each process of a run imports once and forks; what it forks is a process as any other: its own id, files,
environment and exit code, and it can be killed. Tests of how something starts start it with `python -m`.
"""

import atexit
import json
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.support.patience import until_now

_ROOT = Path(__file__).parents[2]
_PROXY = Path(__file__).with_name("warm_proxy.py")
_ENDING_SECONDS = 20.0
_DRYDOCK = Path(sys.executable).with_name("drydock")


class WarmProcess:
    """A process that runs, as its `subprocess.Popen` would show it. Given up, it is killed."""

    def __init__(self, order: Mapping[str, object], files: Sequence[int]) -> None:
        content = json.dumps(order).encode()
        self._connection = socket.socket(socket.AF_UNIX)
        self._connection.connect(_path())
        socket.send_fds(self._connection, [struct.pack("!I", len(content))], files)
        self._connection.sendall(content)
        self._answers = self._connection.makefile("rb")
        self._asking = threading.Lock()
        self.pid = int(self._answers.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        with self._asking:
            if self.returncode is None and select.select([self._connection], [], [], 0)[0]:
                self._end()
        return self.returncode

    def wait(self) -> int:
        """Wait for its end; the exit code."""
        with self._asking:
            if self.returncode is None:
                self._end()
        assert self.returncode is not None
        return self.returncode

    def _end(self) -> None:
        self.returncode = int(self._answers.readline())
        self._answers.close()
        self._connection.close()


def start(words: Sequence[str], environment: Mapping[str, str], output: IO[bytes]) -> WarmProcess:
    """Start `python words...`, a module (`-m`, name) or a script, which writes into `output`."""
    order = {"words": words, "environment": dict(environment), "folder": str(Path.cwd())}
    return WarmProcess(order, (0, output.fileno(), output.fileno()))


def command(*words: str) -> list[str]:
    """The words with which any program starts such a process, and ends it."""
    return [sys.executable, "-I", "-S", str(_PROXY), _path(), *words]


def drydock(*arguments: str) -> list[str]:
    """The words of a warm `drydock`."""
    return command(str(_DRYDOCK), *arguments)


_parent: subprocess.Popen[bytes] | None = None
_socket = ""
_starting = threading.Lock()


def _path() -> str:
    """Where the parent listens; it is started when it is needed first."""
    global _parent, _socket
    with _starting:
        if _parent is None:
            _parent, _socket = _start_parent()
    return _socket


def _start_parent() -> tuple[subprocess.Popen[bytes], str]:
    path = f"{tempfile.mkdtemp(prefix='warm-')}/socket"
    parent = subprocess.Popen(
        [sys.executable, "-m", "tests.support.warm_parent", path],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is for the tests, which end what they started
    )
    atexit.register(_end)
    until_now(lambda: _answers(path), every=0.01)
    return parent, path


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(path)
        except OSError:
            return False
    return True


def _end() -> None:
    global _parent
    parent, _parent = _parent, None
    if parent:
        try:
            parent.communicate(b"\n", timeout=_ENDING_SECONDS)
        finally:
            parent.kill()


def pytest_sessionfinish() -> None:
    """A plugin: before anybody looks for processes that were left behind. The parent is none, its children may be."""
    _end()
