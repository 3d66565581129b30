"""The kernel says what it needs from behind its libraries' face, and does not start without it."""

import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.kernel.client import KafkaPublisher
from shared.kernel.kafka import patches
from shared.kernel.kafka.patches import PRIVATE_NAMES, WRITTEN_FOR, UnsupportedLibrary, check

ROOT = Path(__file__).parents[3]
IMPORT_AND_INSTALL = """
from aiokafka.consumer import fetcher
from shared.kernel.kafka import consumer, patches
assert fetcher.MemoryRecords is not patches.ReadableRecords
patches.install()
assert fetcher.MemoryRecords is patches.ReadableRecords
"""

RUN_ON_ANOTHER = """
import importlib.metadata
installed = importlib.metadata.version
importlib.metadata.version = lambda name: "0.15.0" if name == "aiokafka" else installed(name)
from tests.support.example import app
app.run(app.make)
"""


def another(monkeypatch: pytest.MonkeyPatch, library: str, version: str) -> None:
    """Let `library` be of another version."""
    installed = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: version if name == library else installed(name))


def test_the_libraries_that_are_installed_have_all_that_the_kernel_uses_of_them() -> None:
    check(*WRITTEN_FOR)


@pytest.mark.parametrize(
    ("library", "version"), [("aiokafka", "0.15.0"), ("aiokafka", "0.13.0"), ("faststream", "1.0")]
)
def test_another_version_of_a_library_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, library: str, version: str
) -> None:
    another(monkeypatch, library, version)
    with pytest.raises(UnsupportedLibrary, match=f"{library} {version} is installed"):
        check(*WRITTEN_FOR)


def test_a_publisher_is_not_made_on_another_version(monkeypatch: pytest.MonkeyPatch) -> None:
    another(monkeypatch, "aiokafka", "0.15.0")
    with pytest.raises(UnsupportedLibrary, match=r"aiokafka 0\.15\.0 is installed"):
        KafkaPublisher("127.0.0.1:1", "nobody")


@pytest.mark.parametrize(
    "gone",
    [
        "aiokafka.consumer.fetcher:Gone",
        "aiokafka.producer.producer:AIOKafkaProducer._gone",
        "aiokafka.record.default_records:_Gone._buffer",
    ],
)
def test_a_private_name_that_is_gone_is_told(monkeypatch: pytest.MonkeyPatch, gone: str) -> None:
    monkeypatch.setattr(patches, "PRIVATE_NAMES", (*PRIVATE_NAMES, gone))
    with pytest.raises(UnsupportedLibrary, match=f"is not there: {gone}$"):
        check(*WRITTEN_FOR)


def test_a_service_does_not_start_on_another_version() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", RUN_ON_ANOTHER], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "aiokafka 0.15.0 is installed" in json.loads(ended.stderr.splitlines()[-1])["failure"]


def test_nothing_is_patched_before_somebody_asks_for_it() -> None:
    subprocess.run([sys.executable, "-c", IMPORT_AND_INSTALL], cwd=ROOT, check=True)
