"""A process that starts warm is a process as any other."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.support import warm
from tests.support.patience import until_now

ROOT = Path(__file__).parents[3]
SHOWS = """
import os, sys
print(sys.argv[1], os.environ.get("OWN"), "TMPDIR" in os.environ, os.getcwd(), __name__, flush=True)
print(os.getpid() == os.getpgrp(), file=sys.stderr)
sys.exit(7)
"""
WAITS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("ready", flush=True)
signal.pause()
"""
STARTS = """
import os, signal, sys, time
from tests.support import warm
process = warm.start([sys.argv[1]], {}, sys.stdout.buffer)
while not sys.stdin.readline():
    time.sleep(0.01)
print(process.pid, flush=True)
"""
Script = Callable[[str], str]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    def make(content: str) -> str:
        path = tmp_path / "script.py"
        path.write_text(content)
        return str(path)

    return make


def gone(pid: int) -> bool:
    """Whether it does not run any more, whoever has yet to ask for its exit code."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def started(script: str, log: Path) -> warm.WarmProcess:
    """One that is ready, and writes into `log`."""
    with log.open("wb") as output:
        process = warm.start([script], {}, output)
    until_now(lambda: log.read_bytes(), every=0.002)
    return process


def test_it_has_its_own_words_environment_folder_streams_and_exit_code(script: Script, tmp_path: Path) -> None:
    done = subprocess.run(
        warm.command(script(SHOWS), "päck"), env={"OWN": "yes"}, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.stdout.decode() == f"päck yes False {tmp_path} __main__\n"
    assert done.stderr == b"True\n"
    assert done.returncode == 7


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 5), (signal.SIGKILL, -9)])
def test_it_ends_by_a_signal(script: Script, tmp_path: Path, number: signal.Signals, code: int) -> None:
    process = started(script(WAITS), tmp_path / "log")
    assert process.poll() is None
    os.kill(process.pid, number)
    assert process.wait() == process.poll() == code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 5), (signal.SIGKILL, -9)])
def test_what_any_program_starts_ends_with_its_proxy(
    script: Script, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    waits = script(f"import os\nprint(os.getpid())\n{WAITS}")
    with subprocess.Popen(warm.command(waits), stdout=subprocess.PIPE, text=True) as proxy:
        assert proxy.stdout
        pid = int(proxy.stdout.readline())
        assert proxy.stdout.readline() == "ready\n"
        proxy.send_signal(number)
        assert proxy.wait() == code
    until_now(lambda: gone(pid), every=0.002)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGABRT, signal.SIGKILL])
def test_who_has_started_it_sees_by_which_signal_it_ended(script: Script, number: signal.Signals) -> None:
    dies = script(f"import os\nos.kill(os.getpid(), {number.value})")
    assert subprocess.run(warm.command(dies), check=False).returncode == -number


def test_an_error_ends_it_as_it_does_any_program(script: Script) -> None:
    done = subprocess.run(warm.command(script("nonsense")), capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "NameError: name 'nonsense'" in done.stderr


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), signal.SIGKILL)"])
def test_it_is_there_after_the_end_of_its_run_but_not_if_that_was_killed(script: Script, end: str) -> None:
    """What is left after an end in order has to be found and told."""
    with subprocess.Popen(
        [sys.executable, "-c", STARTS + end, script(WAITS)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as run:
        assert run.stdout
        assert run.stdin
        assert run.stdout.readline() == b"ready\n"
        run.stdin.write(b"\n")
        run.stdin.flush()
        pid = int(run.stdout.readline())
        run.wait()
        if end:
            until_now(lambda: gone(pid), every=0.002)
        else:
            assert not gone(pid)
            os.kill(pid, signal.SIGKILL)
