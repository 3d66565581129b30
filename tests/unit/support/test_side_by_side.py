"""Which tests stay together."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.side_by_side import group_of

ROOT = Path(__file__).parents[3]


def test_unit_tests_go_anywhere_and_others_stay_with_their_module_or_with_the_installation_that_they_share() -> None:
    assert group_of("tests/unit/kernel/test_x.py::test_a[1]") == "tests/unit/kernel/test_x.py::test_a[1]"
    assert group_of("tests/integration/test_x.py::test_a[1]") == "tests/integration/test_x.py"
    assert group_of("tests/end_to_end/test_kills.py::test_a") == group_of("tests/end_to_end/test_x.py::Test::test_b")
    assert group_of("tests/end_to_end/test_main_job.py::test_a") == "tests/end_to_end/test_main_job.py"
    assert group_of("tests/end_to_end/test_backup.py::test_a") == "tests/end_to_end/test_backup.py"


def test_a_module_runs_in_one_process_and_the_one_with_the_longest_limit_begins(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    for name, limit in (("short", 5), ("long", 50)):
        module = tmp_path / "tests/integration" / f"test_{name}.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        tests = "\n".join(f"def test_{number}(): pass" for number in range(8))
        module.write_text(f"import pytest\npytestmark = pytest.mark.timeout({limit})\n{tests}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    ran = ran_by(tmp_path, 2)
    assert len(ran) == 16
    assert {module for _, module in ran} == {"long", "short"}
    assert len(set(ran)) == 2
    assert [module for _, module in ran_by(tmp_path, 1)] == ["long"] * 8 + ["short"] * 8


def ran_by(folder: Path, workers: int) -> list[tuple[str, str]]:
    """Of each test the process that ran it, and its module, in the order in which they ended."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "tests.support.side_by_side", "-n", str(workers)],
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath},
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return re.findall(r"\[gw(\d)\].* PASSED .*test_(long|short)\.py", done.stdout)
