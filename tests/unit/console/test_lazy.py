"""Commands that need no installation do not wait for what only others need."""

import subprocess
import sys

import pytest

LOADED = """
import sys
from deploy.commands import main
libraries, *lines = sys.argv[1:]
for line in lines:
    sys.argv = ["drydock", *line.split()]
    try:
        main()
    except SystemExit as end:
        assert not end.code, (line, end.code)
print(*[name for name in libraries.split() if name in sys.modules])
"""


def loaded(libraries: str, *lines: str) -> list[str]:
    """Those of `libraries` that a process has which has run these commands."""
    done = subprocess.run([sys.executable, "-c", LOADED, libraries, *lines], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()


def test_what_works_on_files_loads_no_messages_no_broker_no_store_and_no_web() -> None:
    lines = ("--version", "extension rules -o json", "extension check --help", "package rules", "package check --help")
    assert loaded("shared.contracts shared.kernel aiokafka motor fastapi psycopg jpype", *lines) == []


def test_who_only_asks_what_there_is_loads_no_broker() -> None:
    lines = ("package build --help", "promotion schedule --help", "release import --help", "--help")
    assert loaded("aiokafka structlog motor fastapi jpype shared.contracts", *lines) == ["shared.contracts"]


@pytest.mark.parametrize(
    ("line", "code"),
    [("nonsense", 2), ("extension nonsense", 2), ("package retire", 2), ("base list --nonsense", 2), ("service", 2)],
)
def test_what_is_not_there_is_told_with_the_way_out(line: str, code: int) -> None:
    start = [sys.executable, "-c", "from services.console.cli import main; main()"]
    done = subprocess.run([*start, *line.split()], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Usage: " in done.stdout + done.stderr
    assert "Traceback" not in done.stderr
