"""A run that leaves processes behind has failed."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.left_over import end_left_over, processes_of
from tests.support.patience import until_now

ROOT = Path(__file__).parents[3]
LEAVES_ONE = """
import subprocess
left = []
def test_that_passes():
    one = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    left.append(one)
    one.stdin.write(b"on a crowded machine it has no words yet when it was just started\\n")
    one.stdin.flush()
    assert one.stdout.readline()
"""


@pytest.mark.parametrize("how", ["environment", "folder", "words"])
def test_a_process_of_a_run_is_known_by_its_folder(tmp_path: Path, how: str) -> None:
    words = ["sleep", "60"] if how != "words" else [sys.executable, "-c", "input()", str(tmp_path)]
    process = subprocess.Popen(
        words,
        env={"TMPDIR": str(tmp_path)} if how == "environment" else {},
        cwd=tmp_path if how == "folder" else None,
        stdin=subprocess.PIPE,
    )
    with process:
        assert [one.pid for one in processes_of(tmp_path)] == [process.pid]
        assert processes_of(tmp_path / "another") == []
        [said] = end_left_over(tmp_path, 0.01)
        assert str(process.pid) in said
        assert process.wait() == -9
    assert processes_of(tmp_path) == []


@pytest.mark.parametrize("side_by_side", [(), ("-n", "2")], ids=["alone", "side by side"])
def test_a_run_whose_tests_pass_fails_if_a_process_is_left_and_ends_it(
    tmp_path: Path, side_by_side: tuple[str, ...]
) -> None:
    if side_by_side:
        pytest.importorskip("xdist")
    (tmp_path / "test_leaves.py").write_text(LEAVES_ONE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    plugin = "import tests.support.left_over as one; one.end_left_over.__defaults__ = (0.1,)"
    (tmp_path / "impatient.py").write_text(f"{plugin}\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.left_over", "-p", "impatient", *side_by_side, tmp_path],
        env={**{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
             "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    named = re.search(r"^(\d+): cat$", done.stdout, re.MULTILINE)
    assert named, done.stdout
    assert done.returncode == 1
    until_now(lambda: _is_gone(int(named[1])))


def _is_gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
