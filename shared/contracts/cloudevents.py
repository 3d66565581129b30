"""An envelope as a Kafka record: CloudEvents 1.0, Kafka protocol binding, binary content mode.

The value is the message's JSON alone; every attribute is a header `ce_<name>`. `ce_type` decides what the value is.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from shared.contracts.catalogue import Catalogue
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, MessageKind, utc_text
from shared.contracts.topics import DEAD_LETTER_LIMIT, MESSAGE_LIMIT

Headers = Sequence[tuple[str, bytes | None]]

HEADER_LIMIT = 1024
"""Largest value of an attribute, in bytes: they are kept with the state and in every log line."""

_IDENTIFIER = re.compile(r"[!-~]{1,200}")
_REQUIRED = ("ce_specversion", "ce_id", "ce_source", "ce_type")
_OURS = frozenset(
    (*_REQUIRED, "ce_time", "ce_subject", "ce_correlationid", "ce_causationid", "ce_sequence", "ce_actor")
)
_CONTENT_TYPE = b"application/json"


class Unreadable(Exception):
    """A record that is no message of ours. `rule` names what it breaks, `place` where, `str()` says the way out."""

    def __init__(self, rule: str, place: str, message: str) -> None:
        super().__init__(f"{place}: {message}")
        self.rule = rule
        self.place = place


@dataclass(frozen=True, slots=True)
class Encoded:
    """A message ready to be sent."""

    key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]


def encode(envelope: Envelope[Message]) -> Encoded:
    """The record of an envelope. Raise ValueError if its value is larger than a message may be."""
    data = envelope.data
    value = data.model_dump_json().encode()
    limit = _limit(type(data))
    if len(value) > limit:
        raise ValueError(f"{data.type} has {len(value)} bytes; at most {limit} are allowed")
    headers = [
        ("content-type", _CONTENT_TYPE),
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_type", data.type.encode()),
        ("ce_time", utc_text(envelope.time).encode()),
    ]
    for name, attribute in (
        ("ce_subject", envelope.subject),
        ("ce_correlationid", envelope.correlation),
        ("ce_causationid", envelope.causation),
        ("ce_sequence", envelope.sequence),
        ("ce_actor", envelope.actor),
        ("ce_traceparent", envelope.traceparent),
    ):
        if attribute is not None:
            headers.append((name, str(attribute).encode()))
    return Encoded(data.key.encode(), value, headers)


def decode(
    catalogue: Catalogue,
    topic: str,
    key: bytes | None,
    value: bytes | None,
    headers: Headers,
    record_time: datetime,
) -> Envelope[Message]:
    """The envelope that a record carries; `record_time` serves where the sender gave no `ce_time`.

    Raise Unreadable if the record breaks a rule of the binding or of ours.
    """
    attributes = _attributes(headers)
    _check_identifiers(attributes)
    message_class = _class_of(catalogue, topic, attributes)
    if value is None:
        raise Unreadable("no-value", "value", "is null; a message has a JSON object as its value")
    limit = _limit(message_class)
    if len(value) > limit:
        raise Unreadable("too-large", "value", f"has {len(value)} bytes, {limit} are allowed; send a digest")
    try:
        data = message_class.model_validate_json(value)
    except ValidationError as error:
        raise _schema_error(error) from None
    _check_key(key, data)
    return Envelope(
        id=attributes["ce_id"],
        source=attributes["ce_source"],
        time=_time(attributes.get("ce_time"), record_time),
        data=data,
        subject=attributes.get("ce_subject"),
        correlation=attributes.get("ce_correlationid"),
        causation=attributes.get("ce_causationid"),
        sequence=_sequence(attributes.get("ce_sequence")),
        actor=attributes.get("ce_actor"),
        traceparent=attributes.get("ce_traceparent") or attributes.get("traceparent"),
    )


def readable_attributes(headers: Headers) -> dict[str, str]:
    """What can be read of a record's attributes, however broken the rest is; for its dead letter."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in _OURS and value is not None:
            try:
                found.setdefault(name, value.decode())
            except UnicodeDecodeError:
                continue
    return found


def _limit(message: type[Message]) -> int:
    return DEAD_LETTER_LIMIT if message.kind is MessageKind.DEAD_LETTER else MESSAGE_LIMIT


def _attributes(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name == "content-type":
            if value is None or value.partition(b";")[0].strip().lower() != _CONTENT_TYPE:
                raise Unreadable("content-type", name, "must be application/json (CloudEvents binary content mode)")
            continue
        if not name.startswith("ce_") and name != "traceparent":
            continue
        if value is None:
            raise Unreadable("header-null", name, "is null; leave the header out instead")
        if name in found:
            raise Unreadable("header-repeated", name, "stands more than once")
        if len(value) > HEADER_LIMIT:
            raise Unreadable("header-too-long", name, f"has {len(value)} bytes, {HEADER_LIMIT} are allowed")
        try:
            found[name] = value.decode()
        except UnicodeDecodeError:
            raise Unreadable("header-encoding", name, "is not UTF-8") from None
    for name in _REQUIRED:
        if not found.get(name):
            raise Unreadable("header-missing", name, "is missing; CloudEvents 1.0 requires it")
    if found["ce_specversion"] != "1.0":
        raise Unreadable("spec-version", "ce_specversion", f"is {found['ce_specversion']!r:.40}; 1.0 is understood")
    return found


def _class_of(catalogue: Catalogue, topic: str, attributes: Mapping[str, str]) -> type[Message]:
    name = attributes["ce_type"]
    allowed = catalogue.on_topic(topic)
    if name in allowed:
        return allowed[name]
    if name in catalogue.messages:
        raise Unreadable("wrong-topic", "ce_type", f"{name} does not travel on {topic}")
    raise Unreadable("unknown-type", "ce_type", f"{name!r:.120} is no message of this version of Drydock")


def _schema_error(error: ValidationError) -> Unreadable:
    first: Any = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "value"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    rule = "not-json" if first["type"] == "json_invalid" else "schema"
    return Unreadable(rule, place, f"{first['msg']}{more}")


def _check_key(key: bytes | None, data: Message) -> None:
    if key is None:
        raise Unreadable("no-key", "key", f"is null; it must be the value of {data.key_field!r}")
    if key != data.key.encode():
        raise Unreadable(
            "wrong-key",
            "key",
            f"is {key!r:.80}; it must be {data.key!r:.80}, the value of {data.key_field!r}",
        )


def _check_identifiers(attributes: Mapping[str, str]) -> None:
    for name in ("ce_id", "ce_correlationid", "ce_causationid"):
        if name in attributes and not _IDENTIFIER.fullmatch(attributes[name]):
            raise Unreadable("id-format", name, "must be 1 to 200 printable ASCII characters without blanks")


def _time(text: str | None, otherwise: datetime) -> datetime:
    if text is None:
        return otherwise
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise Unreadable("time-format", "ce_time", f"{text!r:.60} is not an RFC 3339 time with an offset")


def _sequence(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Unreadable("sequence-format", "ce_sequence", f"{text!r:.40} is not a whole number")
    return int(text)
