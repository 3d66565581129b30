"""The AsyncAPI 3.0 document of a service: its topics, what it receives and sends, and how a record looks."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from pydantic.json_schema import models_json_schema

from shared.contracts.catalogue import Catalogue
from shared.contracts.flows import COMMANDS, TAKES, Flow
from shared.contracts.message import Message, MessageKind
from shared.contracts.schemas.examples import record_of
from shared.contracts.schemas.json_schema import Schema, Untitled, file_name
from shared.contracts.topics import topic_name

_RECEIVED = (MessageKind.COMMAND,)
_SAYS = {
    MessageKind.COMMAND: "Commands that {service} takes.",
    MessageKind.EVENT: "What happened, told by {service}.",
    MessageKind.SNAPSHOT: "The latest public view of each aggregate of {service}; compacted.",
    MessageKind.PROGRESS: "How far work of {service} has come; kept for hours, and may be lost.",
    MessageKind.DEAD_LETTER: "Records that {service} could not process.",
}


def document_of(catalogue: Catalogue, service: str) -> dict[str, Any]:
    """The document of `service`: its own topics, and those of others that it reads or sends commands to."""
    own: list[Flow] = [
        (service, message) for kind in MessageKind for message in catalogue.on_topic(topic_name(service, kind)).values()
    ]
    taken, given = TAKES.get(service, ()), COMMANDS.get(service, ())
    flows = list(dict.fromkeys((*own, *taken, *given)))
    receives = [flow for flow in own if flow[1].kind in _RECEIVED] + list(taken)
    sends = [flow for flow in own if flow[1].kind not in _RECEIVED] + list(given)
    messages = list(dict.fromkeys(message for _, message in flows))
    return {
        "asyncapi": "3.0.0",
        "id": f"urn:drydock:{service}",
        "info": {
            "title": f"Drydock {service}",
            "version": version("drydock"),
            "description": "CloudEvents 1.0 over Kafka in binary content mode: the value is the message, "
            "its attributes are headers. Readers ignore fields and headers that they do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": _channels(catalogue, flows),
        "operations": {**_operations("receive", receives), **_operations("send", sends)},
        "components": {
            "messages": {message.type: _message(message) for message in messages},
            "schemas": _schemas(messages),
        },
    }


def _channels(catalogue: Catalogue, flows: Sequence[Flow]) -> Schema:
    channels: Schema = {}
    for service, message in flows:
        topic = catalogue.topics[catalogue.topic_of(message, service)]
        channel = channels.setdefault(
            topic.name,
            {
                "address": topic.name,
                "description": _SAYS[topic.kind].format(service=service),
                "messages": {},
                "bindings": {"kafka": {"topic": topic.name, "partitions": topic.partitions, "bindingVersion": "0.5.0"}},
            },
        )
        channel["messages"][message.type] = {"$ref": f"#/components/messages/{message.type}"}
    return channels


def _operations(action: str, flows: Sequence[Flow]) -> Schema:
    operations: Schema = {}
    for service, message in flows:
        topic = topic_name(service, message.kind)
        operation = operations.setdefault(
            f"{action}.{topic}",
            {"action": action, "channel": {"$ref": f"#/channels/{topic}"}, "messages": []},
        )
        operation["messages"].append({"$ref": f"#/channels/{topic}/messages/{message.type}"})
    return operations


def _message(message: type[Message]) -> Schema:
    example = record_of(message)
    key = message.key_field
    return {
        "name": message.type,
        "title": message.__name__,
        "summary": (message.__doc__ or "").partition("\n")[0],
        "contentType": "application/json",
        "headers": _headers(message),
        "payload": {"$ref": f"#/components/schemas/{message.__name__}"},
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": f"The value of `{key}`.", "examples": [example["key"]]},
                "bindingVersion": "0.5.0",
            }
        },
        "examples": [{"name": file_name(message), "headers": example["headers"], "payload": example["value"]}],
    }


def _source(message: type[Message]) -> Schema:
    if not message.senders:
        return {"type": "string", "description": "Who sent it, as a URI reference.", "minLength": 1}
    says = "Services alone send it; from anybody else it becomes a dead letter (rule `sender`)."
    return {"type": "string", "description": says, "enum": [f"drydock/{service}" for service in message.senders]}


def _headers(message: type[Message]) -> Schema:
    def text(description: str, **more: Any) -> Schema:
        return {"type": "string", "description": description, **more}

    return {
        "type": "object",
        "required": ["ce_specversion", "ce_id", "ce_source", "ce_type"],
        "properties": {
            "content-type": text("Of the value.", const="application/json"),
            "ce_specversion": text("Of CloudEvents.", const="1.0"),
            "ce_id": text(
                "Id of the message; UUIDv7 unless the sender of a command chose another. "
                "A message that comes again under its id has no further effect.",
                pattern="^[!-~]{1,200}$",
            ),
            "ce_source": _source(message),
            "ce_type": text("Decides what the value is.", const=message.type),
            "ce_time": text("When it was made; the record's time if left out.", format="date-time"),
            "ce_subject": text("Id of the aggregate that it is about."),
            "ce_correlationid": text("Id of the first message of the chain."),
            "ce_causationid": text("Id of the message that led to this one."),
            "ce_sequence": text("Counts the events of one aggregate from 1.", pattern="^[0-9]{1,18}$"),
            "ce_actor": text("Who asked for it."),
            "ce_traceparent": text("W3C trace context."),
        },
    }


def _schemas(messages: Sequence[type[Message]]) -> Schema:
    _, made = models_json_schema(
        [(message, "validation") for message in messages],
        ref_template="#/components/schemas/{model}",
        schema_generator=Untitled,
    )
    definitions: Schema = made["$defs"]
    return definitions
