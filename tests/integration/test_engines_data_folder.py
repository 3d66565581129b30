"""One program at a time runs the engines of a data folder, and none of them outlives it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from deploy.embedded import Endpoints, Engines, EnginesError
from deploy.embedded import engines as running
from deploy.embedded.filelock import FileLock

pytestmark = pytest.mark.engines

PROGRAM = """
import json, sys, time
from pathlib import Path
from deploy.embedded import Engines
engines = Engines(Path(sys.argv[1]))
engines.start()
print(json.dumps([engines.kafka.pid, engines.state.pid]), flush=True)
time.sleep(60)
"""


def lives(process: psutil.Process) -> bool:
    """Whether it runs: nobody may have collected the exit code of an orphan that ended."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_second_program_on_the_same_folder_is_refused_with_the_first_ones_process_id(
    own_engines: Callable[..., Engines], engines: Endpoints, tmp_path: Path
) -> None:
    own_engines(tmp_path / "data", kafka=engines.kafka)
    refused = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "data")], capture_output=True, text=True, check=False
    )
    assert refused.returncode == 1
    assert f"are already run by process {psutil.Process().pid}" in refused.stderr


def test_the_engines_end_when_the_program_is_killed_and_the_folder_is_free_again(
    own_engines: Callable[..., Engines], tmp_path: Path
) -> None:
    data = tmp_path / "data"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(data)], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        pids = json.loads(program.stdout.readline())
        started = [psutil.Process(pid) for pid in pids]
        guards = psutil.Process(program.pid).children()
        guards[0].suspend()
        program.send_signal(signal.SIGKILL)
    lock = FileLock(data / "engines.lock")
    free_while_an_engine_runs = lock.try_acquire()
    lock.release()
    guards[0].resume()
    assert not free_while_an_engine_runs
    # At once: the new program waits until the guards of the old one have ended their engines.
    own = own_engines(data)
    assert [process for process in (*started, *guards) if lives(process)] == []
    assert own.kafka.pid not in pids


def test_the_state_of_a_mongod_is_not_opened_with_another_server(
    own_engines: Callable[..., Engines], engines: Endpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "mongod").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnginesError, match="was written by mongod, which is not on PATH"):
        own_engines(tmp_path / "data", kafka=engines.kafka)


def test_a_half_that_comes_to_its_end_after_the_start_failed_does_not_say_that_the_engines_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "mongod").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(tmp_path))
    own = Engines(tmp_path / "data", kafka="127.0.0.1:9")
    own.folder.take()

    def answers_when_the_other_half_failed(_: str) -> None:
        for _attempt in range(10_000):
            record = own.folder.read()
            if record is not None and record.supervisor is None:
                return
            time.sleep(0.001)

    monkeypatch.setattr(running, "_check_external_kafka", answers_when_the_other_half_failed)
    try:
        with pytest.raises(EnginesError, match="was written by mongod"):
            own.start()
        record = own.folder.read()
        assert record is not None
        assert record.supervisor is None
    finally:
        own.folder.lock.release()
