"""A start on a folder that another program has says who that is, and touches nothing."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from deploy.embedded import EnginesError
from deploy.embedded.data_folder import DataFolder, FolderInUseError
from deploy.embedded.filelock import FileLock
from deploy.stack import Stack, StackError
from deploy.stack.stack import RECORD, StackRecord
from services.servicing_executor.runtimes.postgres import PostgresCluster

HOLDER = """
import os, sys
from pathlib import Path
from deploy.embedded import EnginesError
from deploy.embedded.data_folder import DataFolder
try:
    sys.stdin.readline()
    DataFolder(Path(sys.argv[1])).take()
    print("taken", flush=True)
except EnginesError as error:
    print(error, flush=True)
sys.stdin.readline()
"""
DRYDOCK = str(Path(sys.executable).with_name("drydock"))
STARTS = {
    "drydock dev": [DRYDOCK, "dev"],
    "drydock engines up": [DRYDOCK, "engines", "up"],
    "the demo": [sys.executable, "-m", "deploy.demo"],
}


class Holder:
    """A program that takes the folder when it is told to."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(data)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="drydock-test-"))
    yield folder
    asyncio.run(PostgresCluster(folder / "environments" / "postgres").stop())
    shutil.rmtree(folder)


@pytest.fixture
def holder(data: Path) -> Iterator[Holder]:
    """Runs on the folder, with a stack's record, an environment's folder and its database server."""
    running = Holder(data)
    running.go()
    assert running.said() == "taken\n"
    record = StackRecord(running.process.pid, "", "", "", "", "http://127.0.0.1:20001", {"console": 20001})
    (data / RECORD).write_text(json.dumps(asdict(record)), encoding="utf-8")
    (data / "environments" / "installed" / "contoso-test" / "services").mkdir(parents=True)
    asyncio.run(PostgresCluster(data / "environments" / "postgres").start())
    yield running
    running.end()


def found(data: Path) -> dict[str, tuple[int, int, bytes]]:
    """All files of a folder but those that a database server changes by itself."""
    own = data / "environments" / "postgres" / "data"
    return {
        str(path.relative_to(data)): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in data.rglob("*")
        if path.is_file() and (own not in path.parents or path.name == "postmaster.pid")
    }


@pytest.mark.parametrize("start", STARTS)
def test_a_second_start_says_who_runs_and_leaves_everything_as_it_is(data: Path, holder: Holder, start: str) -> None:
    before = found(data)
    server = int((data / "environments" / "postgres" / "data" / "postmaster.pid").read_text().splitlines()[0])
    second = subprocess.run(
        STARTS[start], env={**os.environ, "DRYDOCK_DATA": str(data)}, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert f"are already run by process {holder.process.pid}" in second.stderr
    assert ("Its dashboard is http://127.0.0.1:20001." in second.stderr) is (start != "drydock engines up")
    assert found(data) == before
    os.kill(server, 0)


def test_a_stack_whose_start_was_refused_ends_nothing_later_either(data: Path, holder: Holder) -> None:
    stack = Stack(data, say=lambda _line: None)
    before = found(data)
    with pytest.raises(StackError, match=f"process {holder.process.pid}"):
        stack.start()
    stack.stop()
    assert found(data) == before


def test_of_two_starts_at_the_same_instant_one_has_the_folder_and_the_other_names_it(data: Path) -> None:
    both = [Holder(data), Holder(data)]
    try:
        for one in both:
            one.go()
        said = [one.said() for one in both]
        winner = both[said.index("taken\n")]
        [refusal] = [line for line in said if line != "taken\n"]
        assert f"are already run by process {winner.process.pid}" in refusal
    finally:
        for one in both:
            one.end()


def test_the_lock_of_a_dead_program_is_no_hindrance(data: Path) -> None:
    dead = Holder(data)
    dead.go()
    assert dead.said() == "taken\n"
    dead.end()
    folder = DataFolder(data)
    assert folder.take()
    assert not folder.take()
    folder.lock.release()


def test_a_folder_that_cannot_be_had_is_not_made_half(data: Path) -> None:
    (data / "file").touch()
    with pytest.raises(EnginesError, match="cannot be the data folder") as refused:
        DataFolder(data / "file").take()
    assert not isinstance(refused.value, FolderInUseError)


def test_a_second_executor_leaves_the_first_ones_environments_alone(data: Path) -> None:
    environments = data / "environments"
    asyncio.run(PostgresCluster(environments / "postgres").start())
    first = FileLock(environments / "executor.lock")
    assert first.try_acquire()
    before = found(data)
    second = subprocess.run(
        [sys.executable, "-m", "deploy.stack.executor"],
        env={**os.environ, "DRYDOCK_ENVIRONMENTS": str(environments), "DRYDOCK_ARTIFACTS": str(data / "artifacts")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert "Another executor runs the environments" in second.stderr
    assert found(data) == before
    first.release()
