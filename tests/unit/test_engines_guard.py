"""No engine outlives the program that started it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

from deploy.embedded.process import guarded
from tests.support.patience import until_now

SLEEPS = "print(flush=True); import time; time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPS}"


class Guarded:
    """A guard around a Python program; `program` is the program's process."""

    def __init__(self, code: str, grace: float) -> None:
        self.guard = subprocess.Popen(
            guarded([sys.executable, "-c", code], grace),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert self.guard.stdout is not None
        self.program = psutil.Process(int(self.guard.stdout.readline()))

    def wait_until_it_runs(self) -> None:
        """The program's own output goes to the guard's standard error."""
        assert self.guard.stderr is not None
        self.guard.stderr.readline()

    def close_pipe(self) -> None:
        assert self.guard.stdin is not None
        self.guard.stdin.close()

    def clean_up(self) -> None:
        with suppress(psutil.NoSuchProcess):
            self.program.kill()
        with self.guard:
            self.close_pipe()


@pytest.fixture
def sleeping() -> Iterator[Guarded]:
    running = Guarded(SLEEPS, grace=5)
    running.wait_until_it_runs()
    yield running
    running.clean_up()


@pytest.fixture
def stubborn() -> Iterator[Guarded]:
    running = Guarded(STUBBORN, grace=0.2)
    running.wait_until_it_runs()
    yield running
    running.clean_up()


def test_the_program_gets_sigterm_when_the_pipe_ends(sleeping: Guarded) -> None:
    sleeping.close_pipe()
    assert sleeping.guard.wait() == 128 + signal.SIGTERM
    assert not sleeping.program.is_running()


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(stubborn: Guarded) -> None:
    stubborn.close_pipe()
    assert stubborn.guard.wait() == 128 + signal.SIGKILL


def test_a_paused_program_is_ended_too(sleeping: Guarded) -> None:
    os.kill(sleeping.program.pid, signal.SIGSTOP)
    sleeping.close_pipe()
    assert sleeping.guard.wait() == 128 + signal.SIGTERM


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent death signal is Linux's")
def test_the_program_ends_when_the_guard_itself_is_killed(sleeping: Guarded) -> None:
    sleeping.guard.kill()
    until_now(lambda: not sleeping.program.is_running() or sleeping.program.status() == psutil.STATUS_ZOMBIE, 20)


def test_the_exit_code_of_the_program_is_that_of_the_guard() -> None:
    running = Guarded("raise SystemExit(3)", grace=1)
    assert running.guard.wait() == 3
    running.clean_up()
