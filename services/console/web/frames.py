"""A message as an event of the event stream: CloudEvents 1.0 in JSON, encoded once for all clients."""

import json
from dataclasses import dataclass

from services.console.cloud_events import cloud_event
from shared.contracts.message import Message, MessageKind
from shared.kernel.client import Place, Read


@dataclass(frozen=True, slots=True)
class Frame:
    """One event of the stream, and what it is filtered by."""

    place: Place
    offset: int
    kind: MessageKind
    environment: str | None
    text: bytes


def make_frame(read: Read, position: str) -> Frame | None:
    """The frame of what was read, with the position behind it; a key that is gone from a topic is not told."""
    if read.envelope is None:
        return None
    data = read.envelope.data
    text = f"id: {position}\ndata: {cloud_event(read.envelope)}\n\n".encode()
    return Frame((read.topic, read.partition), read.offset, data.kind, environment_of(data), text)


def heartbeat(position: str) -> bytes:
    """Keeps a connection open; it also moves a client on that filters, so that it resumes from here."""
    return f": heartbeat\nid: {position}\n\n".encode()


def reset(code: str, detail: str) -> bytes:
    """Tells a client that it has missed events: it must read the views again, and connect without a position."""
    return f"event: reset\nid:\ndata: {json.dumps({'code': code, 'detail': detail})}\n\n".encode()


def environment_of(message: Message) -> str | None:
    """The environment that a message is about. A refusal names what its command was about by the command's key."""
    environment = getattr(message, "environment", None) or getattr(message, "command_key", None)
    if environment is None and message.kind is MessageKind.PROGRESS:
        environment = getattr(message, "subject", None)
    return environment if isinstance(environment, str) else None
