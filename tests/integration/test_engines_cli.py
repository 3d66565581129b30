"""`drydock engines` from a terminal."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.engines

DRYDOCK = str(Path(sys.executable).with_name("drydock"))
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("DRYDOCK_")} | {
    name: value for name, value in os.environ.items() if name == "DRYDOCK_CACHE"
}


def engines(command: str, data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DRYDOCK, "engines", command, "--data", str(data), *options],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
    )


class Up:
    """`drydock engines up` in the foreground of another terminal; `endpoints` are its two lines of output."""

    def __init__(self, data: Path) -> None:
        self.process = subprocess.Popen(
            [DRYDOCK, "engines", "up", "--data", str(data)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=ENVIRONMENT,
            preexec_fn=lambda: signal.signal(
                signal.SIGINT, signal.SIG_IGN
            ),  # as a shell starts what it does not wait for
        )
        assert self.process.stdout is not None
        self.endpoints = [self.process.stdout.readline().strip() for _ in range(2)]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def up(data: Path) -> Iterator[Up]:
    running = Up(data)
    yield running
    with running.process:
        running.process.terminate()


def test_up_prints_the_addresses_and_status_shows_them_answering(up: Up, data: Path) -> None:
    status = engines("status", data, "-o", "json")
    shown = {entry["name"]: entry for entry in json.loads(status.stdout)["engines"]}
    assert status.returncode == 0
    kafka, mongo = shown["kafka"]["url"], shown["mongo"]["url"]
    assert up.endpoints == [f"DRYDOCK_KAFKA={kafka}", f"DRYDOCK_MONGO={mongo}"]
    assert all(entry["answers"] and entry["memory_bytes"] > 20e6 for entry in shown.values())
    table = engines("status", data)
    assert table.stdout.split()[:5] == ["engine", "address", "answers", "process", "memory"]


def test_a_second_up_says_who_runs_them_and_down_ends_them(up: Up, data: Path) -> None:
    second = engines("up", data)
    assert second.returncode == 1
    assert second.stderr.startswith("Error: The engines on")
    assert "drydock engines down" in second.stderr
    down = engines("down", data)
    assert (down.returncode, up.process.wait(10)) == (0, 0)
    assert engines("status", data).returncode == 1


def test_ctrl_c_ends_the_engines_cleanly_and_a_second_up_resumes_at_the_same_addresses(data: Path) -> None:
    first = Up(data)
    with first.process:
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(10) == 0
    second = Up(data)
    with second.process:
        second.process.send_signal(signal.SIGINT)
    assert second.endpoints == first.endpoints


def test_down_and_status_of_a_folder_without_engines(data: Path) -> None:
    down, status = engines("down", data), engines("status", data)
    assert (down.returncode, status.returncode) == (0, 1)
    assert down.stderr.startswith("No engines run on")
