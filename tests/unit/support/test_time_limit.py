"""Pytest's time limit, as the tests have it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(("crowding", "outcome"), [(1, "1 failed"), (100, "1 passed")], ids=["quiet", "crowded"])
def test_the_limit_of_a_test_is_longer_where_the_machine_is_crowded(
    tmp_path: Path, crowding: int, outcome: str
) -> None:
    (tmp_path / "test_slow.py").write_text("import time\ndef test_slow():\n    time.sleep(3)\n")
    (tmp_path / "crowd.py").write_text(f"from tests.support import patience\npatience.crowding = lambda: {crowding}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    done = subprocess.run(
        [*(sys.executable, "-m", "pytest", "-p", "crowd", "-p", "tests.support.time_limit"), "--timeout=1", tmp_path],
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome in done.stdout, done.stdout + done.stderr
    assert ("Timeout" in done.stdout) == (outcome == "1 failed")
