"""A plugin: a run that leaves processes behind has failed, and ends them.

All processes of a run have its temporary folder in their environment, or lie in it: environments' own processes get
an environment of their own. A run that is side by side has a folder in it for each of its processes.
"""

import atexit
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.patience import until_now

_FOUND = pytest.StashKey[list[str]]()
_FOLDER = pytest.StashKey[Path]()
# They end with the process that they serve.
_SERVANTS = ("multiprocessing.forkserver", "multiprocessing.resource_tracker")
_ENDING_SECONDS = 20.0


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Give the run its folder; pytest's own folders stay where people look for them."""
    temporary = tempfile.gettempdir()
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", temporary)
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    folder = Path(temporary) / f"{worker}.d" if worker else Path(tempfile.mkdtemp(prefix="dd-"))
    folder.mkdir(exist_ok=True)
    # At the very end: what is imported later, multiprocessing for one, removes its own files in it before.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    # PostgreSQL refuses to run as root, and its user must pass.
    folder.chmod(0o711)
    tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
    config.stash[_FOLDER] = folder
    config.stash[_FOUND] = []


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """All fixtures have ended what they had started."""
    found = session.config.stash[_FOUND]
    found += end_left_over(session.config.stash[_FOLDER])
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_over"] = found
    elif found and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A process of the run has ended, and says what it has found."""
    node.config.stash[_FOUND] += getattr(node, "workeroutput", {}).get("left_over", [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Name the processes."""
    if found := config.stash[_FOUND]:
        terminalreporter.section("processes left behind, and ended now", red=True)
        for one in found:
            terminalreporter.write_line(one)


def processes_of(folder: Path) -> list[psutil.Process]:
    """The running processes of a run, without itself."""
    return [one for one in psutil.process_iter() if one.pid != os.getpid() and _is_of(one, str(folder))]


def _is_of(process: psutil.Process, folder: str) -> bool:
    with suppress(psutil.Error, OSError):
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        words = process.cmdline()
        if any(servant in word for word in words for servant in _SERVANTS):
            return False
        return any(folder in text for text in (*process.environ().values(), *words, process.cwd()))
    return False


def end_left_over(folder: Path, seconds: float = _ENDING_SECONDS) -> list[str]:
    """Wait for the processes of a run, and kill those that do not end; what they were."""
    with suppress(TimeoutError):
        until_now(lambda: not processes_of(folder), seconds)
        return []
    found = []
    for process in processes_of(folder):
        with suppress(psutil.Error):
            found.append(f"{process.pid}: {' '.join(process.cmdline())[:300]}")
            process.kill()
    return found
