"""Fixtures that every kind of test may use."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from deploy.embedded import Endpoints, Engines
from tests.support.engines import TestEngines, choose_engines

# How fast this machine is decides nothing, and a run is like the last one; DRYDOCK_EXPLORE=1 tries examples at random.
settings.register_profile(
    "drydock",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("DRYDOCK_EXPLORE"),
)
settings.load_profile("drydock")

_session_engines = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Endpoints]:
    """Kafka and the state server, shared by the whole run: use names of topics and databases of your own."""
    started = time.monotonic()
    chosen: TestEngines = choose_engines(tmp_path_factory)
    with chosen.run as endpoints:
        took = time.monotonic() - started
        request.config.stash[_session_engines] = (
            f"{chosen.source}, ready in {took:.1f} s: Kafka {endpoints.kafka}, MongoDB {endpoints.mongo}"
        )
        yield endpoints


@pytest.fixture
def own_engines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Engines]]:
    """Starts embedded engines for one test, which may kill, pause and restart them.

    The arguments are those of Engines; without `data` it is a folder of the test's own.
    """
    # The test is about processes of its own, whatever the run as a whole uses.
    for name in ("DRYDOCK_KAFKA", "DRYDOCK_MONGO"):
        monkeypatch.delenv(name, raising=False)
    running: list[Engines] = []

    def start(data: Path | None = None, **options: object) -> Engines:
        own = Engines(data or tmp_path / "engines", **options)  # type: ignore[arg-type]  # checked by Engines
        own.start()
        running.append(own)
        return own

    yield start
    for own in reversed(running):
        own.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if line := config.stash.get(_session_engines, None):
        terminalreporter.write_line(f"engines: {line}")
