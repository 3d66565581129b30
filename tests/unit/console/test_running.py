"""Whatever goes wrong in a command ends in one sentence and its exit code."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
import typer
from aiokafka.errors import KafkaConnectionError

from services.console.cli.running import Exit, Stopped, attempt, run
from services.console.failures import Unreachable
from services.console.installation import Installation
from shared.artifacts.errors import ArtifactMissingError


@pytest.fixture(autouse=True)
def somewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installation that nobody asks."""
    monkeypatch.setenv("DRYDOCK_KAFKA", "127.0.0.1:9")
    monkeypatch.setenv("DRYDOCK_ARTIFACTS", str(tmp_path))


def raising(error: BaseException) -> Any:
    async def work(installation: Installation) -> None:
        raise error

    return work


FAILURES = [
    (Unreachable("it did not take the command"), Exit.UNREACHABLE, "it did not take the command"),
    (ConnectionResetError("reset"), Exit.UNREACHABLE, "reset"),
    (TimeoutError("the connection timed out"), Exit.UNREACHABLE, "the connection timed out"),
    (ArtifactMissingError("there is no artifact"), Exit.FAILED, "artifact store: there is no artifact"),
    (
        KafkaConnectionError("no broker"),
        Exit.UNREACHABLE,
        "Kafka does not answer: KafkaConnectionError: no broker; is Drydock running? `drydock doctor` looks",
    ),
    (KeyboardInterrupt(), Exit.DETACHED, "detached; what was started goes on"),
]


@pytest.mark.parametrize(("error", "code", "text"), FAILURES, ids=lambda one: type(one).__name__)
def test_a_failure_has_its_code_and_a_sentence(
    error: BaseException, code: Exit, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(Stopped) as stopped:
        attempt(raising(error))
    assert (stopped.value.code, str(stopped.value)) == (code, text)
    with pytest.raises(typer.Exit) as ended:
        run(raising(error))
    printed = capsys.readouterr()
    assert (ended.value.exit_code, printed.out, printed.err) == (code, "", f"{text}\n")


def test_what_takes_too_long_is_no_failure_of_the_connection() -> None:
    async def work(installation: Installation) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stopped) as stopped:
        attempt(work, timeout=0.01)
    assert (stopped.value.code, str(stopped.value)) == (
        Exit.TIMED_OUT,
        "not ended within 0.01 s; what was started goes on",
    )


def test_without_an_installation_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("DRYDOCK_KAFKA")
    monkeypatch.setenv("DRYDOCK_DATA", str(tmp_path))
    with pytest.raises(Stopped) as stopped:
        attempt(raising(AssertionError("not to be reached")))
    assert stopped.value.code is Exit.UNREACHABLE
    assert "start one with `drydock dev`" in str(stopped.value)


def test_a_fault_of_ours_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        run(raising(ZeroDivisionError()))
