"""A start is waited for as long as the process gets on; one that hangs or dies is told with the end of its log."""

import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded import EngineProcess, EnginesError, process, progress
from deploy.embedded.filelock import FileLock
from shared.ports import free_port

SERVE = """
import socket, sys, time
def serve():
    with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server:
        print("serving", flush=True)
        while True:
            server.accept()[0].close()
def busy(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
Start = Callable[..., EngineProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a program that may serve on its port, the first argument."""
    lock = FileLock(tmp_path / "lock")
    assert lock.try_acquire()
    started: list[EngineProcess] = []

    def run(code: str, say: Callable[[str], None] = lambda _line: None) -> EngineProcess:
        port = free_port()

        def probe(limit: float) -> None:
            socket.create_connection(("127.0.0.1", port), limit).close()

        command = [sys.executable, "-c", SERVE + code, str(port)]
        log = tmp_path / "log"
        one = EngineProcess("slow", command, log, probe, lock_fd=lock.fd, supervise=True, say=say)
        started.append(one)
        one.start()
        return one

    yield run
    for one in started:
        one.stop()
    lock.release()


def test_one_that_writes_its_log_is_waited_for_far_beyond_the_patience(start: Start) -> None:
    slow = start("for n in range(30):\n    print(n, flush=True); time.sleep(0.1)\nserve()")
    slow.wait_ready(patience=1.0)
    assert slow.running


def test_one_that_works_silently_is_waited_for_far_beyond_the_patience(start: Start) -> None:
    slow = start("busy(3)\nserve()")
    slow.wait_ready(patience=1.0)
    assert slow.running


def test_one_that_hangs_is_told_after_the_patience_with_the_end_of_its_log(start: Start) -> None:
    hangs = start("print('waiting for a key', flush=True); time.sleep(600)")
    with pytest.raises(
        EnginesError, match=r"(?s)slow does not answer, and made no progress for 1 s: .*waiting for a key"
    ):
        hangs.wait_ready(patience=1.0)


def test_one_that_takes_connections_and_hangs_is_told_too(start: Start) -> None:
    hangs = start("server = socket.create_server(('127.0.0.1', int(sys.argv[1]))); time.sleep(600)")

    def asks(limit: float) -> None:
        with socket.create_connection(("127.0.0.1", int(hangs._command[-1])), limit) as connection:
            connection.settimeout(limit)
            if not connection.recv(1):
                raise ConnectionError("closed")

    hangs._probe = asks
    with pytest.raises(EnginesError, match="made no progress for 1 s: timed out"):
        hangs.wait_ready(patience=1.0)


def test_one_that_dies_is_told_at_once_with_the_end_of_its_log(start: Start) -> None:
    dies = start("print('no such table', flush=True); time.sleep(0.3); sys.exit(3)")
    began = time.monotonic()
    with pytest.raises(EnginesError, match=r"(?s)slow ended while it was starting.*no such table"):
        dies.wait_ready(patience=600.0)
    assert time.monotonic() - began < 60


def test_one_that_gave_up_waiting_for_another_is_started_again(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_GAVE_UP", 0.2)
    lines: list[str] = []
    tried = tmp_path / "tried"
    code = f"import pathlib; tried = pathlib.Path({str(tried)!r})\nif tried.exists(): serve()\ntried.touch(); "
    gives_up = start(code + "print('no broker answers', flush=True); time.sleep(0.5); sys.exit(1)", lines.append)
    gives_up.wait_ready(again=1)
    assert gives_up.running
    assert [line for line in lines if "gave up while it was starting" in line and "no broker answers" in line]

    dies = start("time.sleep(0.5); sys.exit(1)")
    with pytest.raises(EnginesError, match="ended while it was starting"):
        dies.wait_ready(again=1)


def test_one_that_only_seems_to_get_on_is_told_at_the_ceiling(start: Start) -> None:
    loops = start("while True:\n    print('cannot connect', flush=True); time.sleep(0.05)")
    with pytest.raises(EnginesError, match=r"(?s)does not answer after 2 s: .*cannot connect"):
        loops.wait_ready(patience=1.0, ceiling=2.0)


def test_while_it_waits_it_says_for_what(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_FIRST_NEWS", 0.2)
    lines: list[str] = []
    start("busy(1)\nserve()", lines.append).wait_ready()
    assert lines
    assert lines[0].startswith("slow has been starting for 0 s, with ")
    assert "refused" in lines[0]
