"""What the limits of single fields add up to."""

from typing import Any

import pytest

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, MessageKind
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.examples import envelope_of
from shared.contracts.schemas.json_schema import schema_of

LONGEST: dict[str, Any] = {
    "Address": "x" * 64 + "@" + "y" * 189,
    "AppId": "5f0c2a57-3a0f-4c7e-9a63-0d1f6b7c8e21",
    "BaseId": ".".join(["9" * 9] * 4) + "/W1",
    "CheckId": "x" * 63 + "/" + "9" * 18 + "/" + ".".join(["9" * 9] * 4) + "/W1/" + "f" * 12,
    "Country": "W1",
    "Digest": "sha256:" + "f" * 64,
    "EnvironmentId": "x" * 63,
    "HistoryEntryId": "x" * 63 + "/" + "y" * 200,
    "ModuleName": "x" * 100,
    "Note": "x" * 1000,
    "NotificationId": "x" * 63 + "/" + "y" * 200,
    "OperationId": "x" * 200,
    "PackageId": "x" * 63 + "/" + "y" * 100,
    "ProjectId": "x" * 63,
    "PromotionId": "x" * 63 + "/" + "y" * 200,
    "ReasonCode": "X" * 64,
    "StepName": "x" * 63,
    "UpdateId": "x" * 63 + "/" + "y" * 300,
    "UpdateName": "x" * 100,
    "Version": ".".join(["9" * 9] * 4),
    "rule": "DP999",
    "code": "AL99999",
    "opens": "20:00",
    "closes": "06:00",
}

# 200 extensions with the longest names and 50 dependencies each do not fit; with what real ones have they do, and
# servicing-executor refuses to install one that is too many.
BY_COUNT = {"CheckCompatibility", "ExtensionSetChanged", "EnvironmentSnapshot", "InstallExtension"}
# Its writer puts as many into it as fit.
BY_SIZE = {"RemediationsSnapshot"}
BOUNDED = [
    message
    for message in CATALOGUE.messages.values()
    if message.owner != "drydock"
    and message.__name__ not in BY_COUNT | BY_SIZE
    and message.kind is not MessageKind.PROGRESS
]


@pytest.mark.parametrize("message", BOUNDED, ids=lambda message: str(message.type))
def test_the_largest_message_that_its_fields_allow_can_be_sent(message: type[Message]) -> None:
    schema = schema_of(message)
    data = message.model_validate(largest(schema, schema.get("$defs", {})), strict=False)
    encode(Envelope(id="m", source="/test", time=envelope_of(message).time, data=data))


@pytest.mark.parametrize("name", sorted(BY_COUNT - {"InstallExtension"}))
def test_two_hundred_real_extensions_can_be_sent(name: str) -> None:
    message = next(each for each in CATALOGUE.messages.values() if each.__name__ == name)
    example = envelope_of(message)
    [extension] = example.data.extensions  # type: ignore[attr-defined]  # all of them have it
    real = extension.model_copy(
        update={"name": "Contoso Freight Forwarding for Europe", "publisher": "Contoso Logistics GmbH & Co. KG"}
    )
    dependency = {"app_id": LONGEST["AppId"], "minimum_version": "27.0.38460.0"}
    real = type(real).model_validate({**real.model_dump(), "dependencies": (dependency,) * 3})
    data = example.data.model_copy(update={"extensions": (real,) * 200})
    encode(Envelope(id="m", source="/test", time=example.time, data=data))


def largest(schema: dict[str, Any], definitions: dict[str, Any], name: str = "") -> Any:
    """An instance whose lists and texts are as long as `schema` allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return LONGEST[name] if name in LONGEST else largest(definitions[name], definitions, name)
    if "anyOf" in schema:
        return largest(schema["anyOf"][0], definitions, name)
    if "enum" in schema:
        return max(schema["enum"], key=len)
    match schema["type"]:
        case "object":
            return {key: largest(of, definitions, key) for key, of in schema["properties"].items()}
        case "array":
            return (largest(schema["items"], definitions, name),) * schema["maxItems"]
        case "boolean":
            return False
        case "integer":
            return schema.get("maximum", 2**53)
        case "number":
            return 123456789.123456789
    if schema.get("format") == "date-time":
        return "2026-11-21T22:00:00.123456Z"
    return LONGEST[name] if name in LONGEST else "x" * schema["maxLength"]
