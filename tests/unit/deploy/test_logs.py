"""Logs of what runs for long are put aside while it runs."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.stack.logs import LONG_LOG, LogWatch, environment_logs, process_logs, put_aside


def test_a_long_log_is_put_aside_and_its_writer_goes_on_in_the_empty_one(tmp_path: Path) -> None:
    log = tmp_path / "service.log"
    with log.open("ab") as output:
        writer = subprocess.Popen(
            [sys.executable, "-S", "-c", "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"],
            stdin=subprocess.PIPE,
            stdout=output,
        )
    assert writer.stdin
    output_end = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.write(output_end, b"one\n")
    assert not put_aside(log, longest=4)
    assert put_aside(log, longest=3)
    os.write(output_end, b"two\n")
    os.close(output_end)
    writer.communicate(b"three\n")
    assert (tmp_path / "service.1.log").read_text() == "one\n"
    assert log.read_text() == "two\nthree\n"
    assert put_aside(log, longest=3)
    assert (tmp_path / "service.1.log").read_text() == "two\nthree\n"
    assert {path.name for path in tmp_path.iterdir()} == {"service.log", "service.1.log"}


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "another").write_text("another's\n")
    (tmp_path / "service.log").symlink_to(tmp_path / "another")
    with pytest.raises(OSError, match="symbolic links"):
        put_aside(tmp_path / "service.log", longest=1)
    assert (tmp_path / "another").read_text() == "another's\n"


def test_what_is_looked_after_are_logs_and_no_file_of_a_release_or_of_kafka(tmp_path: Path) -> None:
    logs = ["logs/console.log", "environments/installed/test/services/aos.log", "environments/postgres/data/server.log"]
    others = [
        "logs/console.1.log",
        "kafka/log/topic-0/00000000000000000000.log",
        "environments/installed/test/releases/ab/modules/one/bin/read-me.log",
        "environments/postgres/data/base/1.log",
    ]
    for name in (*logs, *others):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
        os.truncate(tmp_path / name, LONG_LOG + 1)
    found = [*process_logs(tmp_path / "logs"), *environment_logs(tmp_path / "environments")]
    assert [str(path.relative_to(tmp_path)) for path in found] == logs
    watch = LogWatch(logs=tmp_path / "logs", environments=tmp_path / "environments")
    watch.look()
    assert {name: (tmp_path / name).stat().st_size for name in logs} == dict.fromkeys(logs, 0)
    assert {(tmp_path / name).stat().st_size for name in others} == {LONG_LOG + 1}


class Looked(LogWatch):
    """Says when it has looked."""

    looked: threading.Event

    def look(self) -> None:
        self.looked.set()


def test_a_watch_looks_by_itself_and_can_be_started_again(tmp_path: Path) -> None:
    watch = Looked(logs=None, environments=tmp_path, every=0.001)
    watch.stop()
    for _ in range(2):
        watch.looked = threading.Event()
        watch.start()
        assert watch.looked.wait(60)
        watch.stop()
