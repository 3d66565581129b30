"""The integrators' example does what its page says, against a real broker and a real package-validator."""

import ast
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from deploy.embedded import Endpoints
from shared.contracts.envelope import new_id
from shared.formats.deployable_package.damage.faults import FAULTS, build_sample
from shared.ports import free_port
from tests.support.services import ServiceProcess

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "deploy/demo/integrate.py"
SUBMIT = "package-validator.submit-package.v1"
ENDS = [f"package-validator.package-{end}.v1" for end in ("validated", "rejected", "check-failed")]

Run = Callable[..., Coroutine[Any, Any, tuple[int, list[dict[str, Any]]]]]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifact store that the script and the service share."""
    return tmp_path_factory.mktemp("artifacts")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def validator(engines: Endpoints, artifacts: Path) -> AsyncIterator[ServiceProcess]:
    """A package-validator that is ready."""
    process = ServiceProcess("services.package_validator.app", engines, artifacts, artifacts=str(artifacts))
    try:
        yield await process.start().ready()
    finally:
        process.end()


@pytest.fixture
def submit(engines: Endpoints, artifacts: Path, validator: ServiceProcess) -> Run:
    """Runs the script for a file; its exit code, and the events it printed."""

    async def run(package: str, file: Path, *options: str, **value: object) -> tuple[int, list[dict[str, Any]]]:
        until = [word for end in ENDS for word in ("--until", end)]
        command = {"package": package, "file_name": file.name, **value}
        code, said, _ = await script(
            *(SUBMIT, "--key", package, "--value", json.dumps(command), "--upload", str(file), *until),
            *("--kafka", engines.kafka, "--artifacts", str(artifacts), *options),
        )
        return code, [json.loads(line) for line in said.splitlines()]

    return run


async def script(*arguments: str) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of the script; isolated, so that it finds nothing by where it is run."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", str(SCRIPT), *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def package(folder: Path, fault: str | None = None) -> Path:
    """A small package; sound, or with one fault."""
    path = folder / f"{fault or 'sound'}.zip"
    path.write_bytes(build_sample(next((one for one in FAULTS if one.rule == fault), None)))
    return path


def test_the_example_needs_a_kafka_client_and_nothing_of_ours() -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(SCRIPT.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or "."] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names])
    }
    assert imported - set(sys.stdlib_module_names) == {"aiokafka"}


async def test_a_package_is_submitted_and_followed_to_its_verdict(submit: Run, tmp_path: Path) -> None:
    id_, name = new_id(), f"contoso/{new_id()}"
    code, events = await submit(name, package(tmp_path), "--id", id_)
    assert code == 0
    assert [event["type"] for event in events] == ["package-validator.package-submitted.v1", ENDS[0]]
    assert events[0]["causationid"] == id_
    assert {event["correlationid"] for event in events} == {id_}
    for event in events:
        schema = json.loads(
            (ROOT / "schemas/package-validator" / f"{event['type'].partition('.')[2]}.schema.json").read_text()
        )
        Draft202012Validator(schema).validate(event["data"])


async def test_a_broken_package_is_rejected_with_rule_place_and_fix(submit: Run, tmp_path: Path) -> None:
    code, events = await submit(f"contoso/{new_id()}", package(tmp_path, "DP101"))
    assert code == 0
    assert events[-1]["type"] == ENDS[1]
    finding = events[-1]["data"]["findings"][0]
    assert finding["rule"] == "DP101"
    assert finding["fix"]


async def test_a_command_sent_again_under_its_id_is_done_once_and_gets_its_answer_again(
    submit: Run, tmp_path: Path
) -> None:
    id_, name = new_id(), f"contoso/{new_id()}"
    _, told = await submit(name, package(tmp_path), "--id", id_)
    code, repeated = await submit(name, package(tmp_path), "--id", id_, "--until", told[0]["type"])
    assert code == 0
    assert repeated == told[:1]


async def test_a_name_that_is_taken_is_refused_with_a_reason(submit: Run, tmp_path: Path) -> None:
    name = f"contoso/{new_id()}"
    await submit(name, package(tmp_path))
    code, events = await submit(name, package(tmp_path, "DP101"))
    assert code == 4
    assert events[-1]["type"] == "drydock.command-rejected.v1"
    assert events[-1]["data"]["reason"] == "NAME_TAKEN"


async def test_a_command_that_breaks_its_schema_is_answered(submit: Run, tmp_path: Path) -> None:
    code, events = await submit(f"contoso/{new_id()}", package(tmp_path), file_name=None)
    assert code == 4
    assert events[-1]["data"]["reason"] == "UNREADABLE"
    assert "file_name" in events[-1]["data"]["message"]


async def test_without_a_broker_the_example_says_so() -> None:
    code, _, said = await script(
        *(SUBMIT, "--key", "contoso/x", "--value", "{}", "--until", ENDS[0], "--kafka", f"127.0.0.1:{free_port()}")
    )
    assert code == 8
    assert "Traceback" not in said


@pytest.mark.parametrize("value", ["{", "[]"])
async def test_a_value_that_is_no_json_object_is_a_usage_error(value: str) -> None:
    code, _, said = await script(SUBMIT, "--key", "contoso/x", "--value", value, "--until", ENDS[0])
    assert code == 2
    assert "no JSON" in said
