"""Fixtures that every kind of test may use."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from deploy.embedded import Endpoints, Engines
from tests.support.effort import EFFORT, SAME_AS_EVER, SEED, times
from tests.support.engines import TestEngines, choose_engines

pytest_plugins = (
    "tests.support.left_over",
    "tests.support.side_by_side",
    "tests.support.time_limit",
    "tests.support.warm",
)

# How fast this machine is decides nothing.
settings.register_profile(
    "drydock",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=times(100),
    derandomize=SAME_AS_EVER,
    print_blob=True,
)
settings.load_profile("drydock")

_session_engines = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Endpoints]:
    """Kafka and the state server, shared by the whole run: use names of topics and databases of your own."""
    started = time.monotonic()
    chosen: TestEngines = choose_engines(tmp_path_factory)
    with chosen.run as endpoints:
        took = time.monotonic() - started
        request.config.stash[_session_engines] = [
            f"{chosen.source}, ready in {took:.1f} s: Kafka {endpoints.kafka}, MongoDB {endpoints.mongo}"
        ]
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


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Before hypothesis reads it: what it draws follows from the run's seed."""
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(SEED)


def pytest_report_header() -> str:
    """How much this run tries, and how it is repeated."""
    return f"effort: {EFFORT:g}, DRYDOCK_TEST_SEED={SEED}"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of a run that is side by side, each process says which engines it had."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["engines"] = session.config.stash.get(_session_engines, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """One of those processes has ended."""
    node.config.stash.setdefault(_session_engines, []).extend(getattr(node, "workeroutput", {}).get("engines", []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_session_engines, []):
        terminalreporter.write_line(f"engines: {line}")
