"""The kernel's faces: what each of them brings along, and that all they promise is there."""

import subprocess
import sys
from pathlib import Path

import pytest

import shared.kernel
import shared.kernel.app
import shared.kernel.client
import shared.kernel.web

ROOT = Path(__file__).parents[3]
DECIDES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for pattern in ("services/*/domain.py", "services/*/domain/*.py")
    for path in ROOT.glob(pattern)
    if path.name != "__init__.py"
)
PRINT_LOADED = """
import sys
for name in sys.argv[2:]:
    __import__(name)
print(*[library for library in sys.argv[1].split() if library in sys.modules])
"""


def loaded(libraries: str, *modules: str) -> str:
    """Those of `libraries` that a process has after importing `modules`."""
    command = [sys.executable, "-c", PRINT_LOADED, libraries, *modules]
    return subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.strip()


@pytest.mark.parametrize(
    "face", [shared.kernel, shared.kernel.app, shared.kernel.client, shared.kernel.web], ids=lambda face: face.__name__
)
def test_a_face_has_what_it_promises_in_the_order_of_names(face: object) -> None:
    promised: list[str] = face.__all__  # type: ignore[attr-defined]  # a module
    assert promised == sorted(promised, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    assert all(hasattr(face, name) for name in promised)


def test_what_decides_brings_along_neither_kafka_nor_the_store_nor_a_log() -> None:
    assert len(DECIDES) > 50
    assert loaded("aiokafka faststream motor pymongo structlog uvicorn", "shared.kernel", *DECIDES) == ""


def test_a_client_brings_along_neither_the_store_nor_what_runs_a_service() -> None:
    assert loaded("aiokafka faststream motor pymongo uvicorn", "shared.kernel.client") == "aiokafka"
