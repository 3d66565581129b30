"""One readable example of every message, made from its schema; the same in every run."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any

from shared.contracts.cloudevents import encode
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, MessageKind, utc_text
from shared.contracts.schemas.example_values import VALUES
from shared.contracts.schemas.json_schema import Schema, schema_of

_MORNING = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
_COMMAND = "019aa5c8-7b1e-7c3a-9f20-3f1d5a0c7e11"
_ABSENT = frozenset({"Problem", "PromotionId"})
"""Optional values that examples leave out unless told: they show what goes well."""


@cache
def example_of(message: type[Message]) -> Message:
    """A valid instance of `message`."""
    schema = schema_of(message)
    value = _Example(schema.get("$defs", {})).of(schema, (message.__name__,))
    return message.model_validate_json(json.dumps(value))


def envelope_of(message: type[Message]) -> Envelope[Message]:
    """The example of `message` as it travels: a command of a person, or what a service sends."""
    data = example_of(message)
    if message.kind is MessageKind.COMMAND:
        source = f"drydock/{message.senders[0] if message.senders else 'console'}"
        return Envelope(id=_COMMAND, source=source, time=_MORNING, data=data, actor="ada@contoso.example")
    sender = "servicing-executor" if message.owner == "drydock" else message.owner
    return Envelope(
        id="019aa5c8-8f02-7d11-8a3c-5b2e9c7d4f60",
        source=f"drydock/{sender}",
        time=_MORNING,
        data=data,
        subject=data.key,
        correlation=_COMMAND,
        causation=_COMMAND,
        sequence=7 if message.kind in (MessageKind.EVENT, MessageKind.SNAPSHOT) else None,
    )


def record_of(message: type[Message]) -> dict[str, Any]:
    """The example of `message` as a Kafka record: `headers` and `key` as text, `value` as JSON."""
    encoded = encode(envelope_of(message))
    return {
        "headers": {name: value.decode() for name, value in encoded.headers},
        "key": encoded.key.decode(),
        "value": json.loads(encoded.value),
    }


class _Example:
    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._minutes: Iterator[int] = count(0, 5)

    def of(self, schema: Schema, path: tuple[str, ...], part: str = "") -> Any:
        """An instance of `schema`, which stands at `path` (the message's name and fields) in a value `part`."""
        for said in _names(path, part):
            if said in VALUES:
                return VALUES[said]
        if "examples" in schema:
            return schema["examples"][0]
        if "enum" in schema:
            return schema["enum"][0]
        if "$ref" in schema:
            return self._defined(schema["$ref"].rpartition("/")[2], path, part)
        if "anyOf" in schema:
            return self._any(schema["anyOf"], path, part)
        return self._by_type(schema, path, part)

    def _defined(self, name: str, path: tuple[str, ...], part: str) -> Any:
        if name in VALUES:
            return VALUES[name]
        definition = self._definitions[name]
        if "properties" not in definition:
            return self.of(definition, path, part)
        return {field: self.of(of, (*path, field), name) for field, of in definition["properties"].items()}

    def _any(self, choices: list[Schema], path: tuple[str, ...], part: str) -> Any:
        left_out = choices[0].get("$ref", "").rpartition("/")[2] in _ABSENT and {"type": "null"} in choices
        return None if left_out else self.of(choices[0], path, part)

    def _by_type(self, schema: Schema, path: tuple[str, ...], part: str) -> Any:
        match schema.get("type"):
            case "object":
                return {name: self.of(field, (*path, name)) for name, field in schema["properties"].items()}
            case "array":
                item = schema["items"]
                return [
                    self._defined(item["$ref"].rpartition("/")[2], path, part)
                    if "$ref" in item
                    else self.of(item, path)
                ]
            case "integer" | "number":
                return max(schema.get("minimum", 1), 1)
            case "string" if schema.get("format") == "date-time":
                return utc_text(_MORNING + timedelta(minutes=next(self._minutes)))
            case _:
                raise ValueError(f"{'.'.join(path)} needs a value in the table of examples")


def _names(path: tuple[str, ...], part: str) -> Iterator[str]:
    for start in range(len(path) - 1):
        yield ".".join(path[start:])
    yield f"{part}.{path[-1]}"
    yield path[-1]
