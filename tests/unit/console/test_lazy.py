"""Commands that need no installation do not wait for what only others need."""

import subprocess
import sys

import pytest

LOADED = """
import sys
from services.console.cli import main
sys.argv = ["drydock", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    code = end.code or 0
print(code, *sorted({"aiokafka", "motor", "fastapi", "psycopg", "jpype"} & set(sys.modules)))
"""


@pytest.mark.parametrize("line", ["--version", "extension rules -o json", "extension check --help"])
def test_what_works_on_files_loads_neither_broker_nor_store_nor_web(line: str) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, *line.split()], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"


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
