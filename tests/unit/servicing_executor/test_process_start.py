"""Telling a process from another that has its pid later."""

import os
import subprocess
import sys

import pytest

from services.servicing_executor.runtimes.launcher import process_start


def test_a_process_is_told_by_its_start_until_it_is_dead() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        start = process_start(process.pid)
        assert start is not None
        assert start == process_start(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie: dead, its pid not yet free
        assert process_start(process.pid) is None
    assert process_start(process.pid) is None


@pytest.mark.skipif(sys.platform != "linux", reason="names a process through prctl")
def test_a_process_name_with_spaces_and_brackets_is_no_trouble() -> None:
    rename = "import ctypes, sys; ctypes.CDLL(None).prctl(15, b'a) Z 1 (b'); print(flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", rename], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        start = process_start(process.pid)
        assert start is not None
        assert start.rpartition(":")[2].isdecimal()
