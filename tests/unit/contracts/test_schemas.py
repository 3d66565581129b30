"""The generated schemas, documents and examples."""

import json
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import (  # type: ignore[import-untyped]  # it ships no types
    Draft202012Validator,
    FormatChecker,
    ValidationError,
)

from shared.contracts.cloudevents import decode, encode
from shared.contracts.message import Message, MessageKind
from shared.contracts.promotion_scheduler import PROMOTION_LIFECYCLE
from shared.contracts.registry import CATALOGUE, LIFECYCLES
from shared.contracts.schemas.__main__ import main
from shared.contracts.schemas.asyncapi import document_of
from shared.contracts.schemas.examples import envelope_of, record_of
from shared.contracts.schemas.json_schema import schema_of
from shared.contracts.schemas.tree import files_of, freeze, last_release, stale, write
from shared.contracts.servicing_executor import ApplyUpdate
from shared.contracts.topics import SERVICES, topic_name

ROOT = Path(__file__).parents[3]
MESSAGES = list(CATALOGUE.messages.values())
DOCUMENTS = {service: document_of(CATALOGUE, service) for service in SERVICES}


def test_the_committed_schemas_are_those_of_the_messages(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--folder", str(ROOT / "schemas")]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.type))
def test_every_schema_is_valid_and_takes_its_example(message: type[Message]) -> None:
    schema = schema_of(message)
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(record_of(message)["value"])


@pytest.mark.parametrize(
    "change",
    [
        {"environment": "Contoso"},
        {"environment": None},
        {"update_name": ""},
        {"update_name": "x" * 101},
        {"package": "contoso"},
        {"acknowledge_missing_modules": "all"},
        {"acknowledge_unverifiable": ["no guid"]},
    ],
)
def test_the_schema_refuses_what_the_message_refuses(change: dict[str, Any]) -> None:
    value = {**record_of(ApplyUpdate)["value"], **change}
    with pytest.raises(ValidationError):
        Draft202012Validator(schema_of(ApplyUpdate)).validate(value)
    with pytest.raises(ValueError, match="validation error"):
        ApplyUpdate.model_validate_json(json.dumps(value))


def test_a_schema_tells_integrators_the_key_and_describes_its_fields() -> None:
    schema = schema_of(ApplyUpdate)
    assert schema["x-drydock"] == {"kind": "commands", "owner": "servicing-executor", "key": "environment"}
    assert schema["properties"]["acknowledge_missing_modules"]["description"].startswith("The exact list of modules")
    assert schema["required"] == ["environment", "package", "update_name"]
    assert schema.get("additionalProperties", True) is True


def test_the_written_example_is_a_record_that_can_be_sent_as_it_stands() -> None:
    record = json.loads((ROOT / "schemas/servicing-executor/examples/apply-update.v1.json").read_text())
    headers = [(name, value.encode()) for name, value in record["headers"].items()]
    value = json.dumps(record["value"]).encode()
    sent = envelope_of(ApplyUpdate)
    topic = "drydock.servicing-executor.commands"
    assert decode(CATALOGUE, topic, record["key"].encode(), value, headers, sent.time) == sent


@pytest.mark.parametrize("service", SERVICES)
def test_asyncapi_documents_are_read_by_the_models_of_asyncapi_3(service: str) -> None:
    read = ApplicationSchema.model_validate_json(json.dumps(DOCUMENTS[service]))
    assert read.asyncapi == "3.0.0"
    assert {topic_name(service, kind) for kind in MessageKind} <= set(read.channels)


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_in_an_asyncapi_document_leads_somewhere(service: str) -> None:
    document = DOCUMENTS[service]
    found = list(references(document))
    assert found
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def references(node: Any) -> Any:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


@pytest.mark.parametrize("service", SERVICES)
def test_an_asyncapi_document_describes_the_headers_that_are_really_sent(service: str) -> None:
    for name, described in DOCUMENTS[service]["components"]["messages"].items():
        headers = {key: value.decode() for key, value in encode(envelope_of(CATALOGUE.messages[name])).headers}
        Draft202012Validator(described["headers"]).validate(headers)
        assert set(headers) <= set(described["headers"]["properties"])
        with pytest.raises(ValidationError):
            Draft202012Validator(described["headers"]).validate({**headers, "ce_type": "another"})


def test_an_asyncapi_document_says_who_sends_and_who_receives() -> None:
    operations = DOCUMENTS["servicing-executor"]["operations"]
    assert operations["receive.drydock.servicing-executor.commands"]["action"] == "receive"
    assert operations["send.drydock.servicing-executor.events"]["action"] == "send"
    built = {"$ref": "#/channels/drydock.image-builder.events/messages/image-builder.image-built.v1"}
    assert built in operations["receive.drydock.image-builder.events"]["messages"]
    build = {"$ref": "#/channels/drydock.image-builder.commands/messages/image-builder.build-image.v1"}
    assert build in operations["send.drydock.image-builder.commands"]["messages"]


def test_the_page_draws_the_lifecycles_of_a_service_under_its_topics() -> None:
    page = files_of(CATALOGUE, LIFECYCLES)[PurePosixPath("README.md")]
    scheduler = page.partition("## promotion-scheduler\n")[2].partition("\n## ")[0]
    assert f"```mermaid\n{PROMOTION_LIFECYCLE.mermaid()}\n```" in scheduler
    assert page.count("```mermaid") == sum(len(lifecycles) for lifecycles in LIFECYCLES.values())
    assert "Nothing leads to `PostServicing`, `Validating`, `Decommissioned` yet." in page


def test_what_is_missing_changed_or_left_over_is_named_and_written(tmp_path: Path) -> None:
    files = files_of(CATALOGUE)
    write(tmp_path, files)
    assert stale(tmp_path, files) == []
    (tmp_path / "notifier/add-recipient.v1.schema.json").unlink()
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "notifier/add-webhook.v1.schema.json").write_text("{}")
    assert stale(tmp_path, files) == [
        "README.md: differs",
        "notifier/add-recipient.v1.schema.json: is missing",
        "notifier/add-webhook.v1.schema.json: is no longer made",
    ]
    write(tmp_path, files)
    assert stale(tmp_path, files) == []


def test_the_check_names_what_is_stale_and_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path)]) == 0
    (tmp_path / "README.md").unlink()
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    assert "stale: README.md: is missing" in capsys.readouterr().out


def test_without_a_release_the_check_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--folder", str(tmp_path)])
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    assert "Nothing is released yet" in capsys.readouterr().err


def test_a_frozen_release_is_read_back_and_replaces_the_one_before(tmp_path: Path) -> None:
    freeze(tmp_path, CATALOGUE, "1.0.0")
    (tmp_path / "released/notifier/of-the-release-before.v1.schema.json").write_text("{}")
    freeze(tmp_path, CATALOGUE, "1.1.0")
    release = last_release(tmp_path)
    assert release is not None
    version, schemas = release
    assert version == "1.1.0"
    assert schemas == {name: schema_of(message) for name, message in CATALOGUE.messages.items()}


def test_the_check_fails_on_a_change_that_breaks_the_last_release(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--freeze", "1.0.0", "--folder", str(tmp_path)])
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    path = tmp_path / "released/servicing-executor/apply-update.v1.schema.json"
    path.write_text(path.read_text().replace("update_name", "title"))
    assert main(["--check", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "breaks 1.0.0: servicing-executor.apply-update.v1 title: field-removed" in said
    assert "breaks 1.0.0: servicing-executor.apply-update.v1 update_name: field-added-required" in said


def test_the_check_tells_what_must_be_upgraded_first_and_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["--freeze", "1.0.0", "--folder", str(tmp_path)])
    (tmp_path / "released/notifier/add-recipient.v1.schema.json").unlink()
    assert main(["--check", "--folder", str(tmp_path)]) == 0
    assert "since 1.0.0: notifier.add-recipient.v1: message-added" in capsys.readouterr().out
