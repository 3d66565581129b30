"""The JSON Schema (2020-12) of a message."""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from shared.contracts.message import Message

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


class Untitled(GenerateJsonSchema):
    """Without a title for each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(message: type[Message]) -> Schema:
    """What a value of `message` may be, and under `x-drydock` where it travels, which field is its key, and which
    services alone send it (`senders`; absent: it is public).

    It holds for writers; readers ignore fields that they do not know.
    """
    made = message.model_json_schema(schema_generator=Untitled)
    senders = {"senders": list(message.senders)} if message.senders else {}
    return {
        "$schema": DIALECT,
        "$id": f"urn:drydock:{message.type}",
        "title": message.__name__,
        "x-drydock": {"kind": message.kind.value, "owner": message.owner, "key": message.key_field, **senders},
        **{name: value for name, value in made.items() if name != "title"},
    }


def file_name(message: type[Message]) -> str:
    """`<name>.v<major>` of a message type, without its service."""
    return message.type.partition(".")[2]
