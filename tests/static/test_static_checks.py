"""What `make check` looks at, among the tests: a check that finds something fails with all that it has said."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_RECIPE = re.search(r"^check:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
assert _RECIPE
CHECKS = [line.removeprefix("$(BIN)/").split() for line in _RECIPE[1].split("\t") if line]


@pytest.mark.parametrize("check", CHECKS, ids=" ".join)
def test_a_static_check_finds_nothing(check: list[str]) -> None:
    program, *arguments = check
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(check)}:\n{done.stdout}"
