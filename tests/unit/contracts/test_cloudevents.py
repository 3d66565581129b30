"""Envelopes as Kafka records, and records that are none of ours."""

import inspect
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import cloudevents
from shared.contracts.cloudevents import HEADER_LIMIT, Encoded, Unreadable, decode, encode, readable_attributes
from shared.contracts.common import CommandRejected, DeadLetter
from shared.contracts.envelope import Envelope, derived_id, new_id
from shared.contracts.message import Message, MessageKind
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.examples import envelope_of, example_of
from shared.contracts.servicing_executor import ApplyUpdate
from shared.contracts.topics import DEAD_LETTER_LIMIT, MESSAGE_LIMIT

TOPIC = "drydock.servicing-executor.commands"
NOW = datetime(2026, 11, 21, 22, 0, tzinfo=UTC)
MESSAGES = list(CATALOGUE.messages.values())
EXAMPLES = [example_of(message) for message in MESSAGES]

Headers = list[tuple[str, bytes | None]]


def read(
    *,
    topic: str = TOPIC,
    key: bytes | None = b"contoso-test",
    value: bytes | None = b'{"environment":"contoso-test","package":"contoso/a","update_name":"A"}',
    headers: Headers | None = None,
    **changed: bytes | None,
) -> Envelope[Message]:
    """Decode a good record in which some things were changed: `ce_id=None` leaves the header out."""
    good: dict[str, bytes | None] = {
        "content-type": b"application/json",
        "ce_specversion": b"1.0",
        "ce_id": b"m-1",
        "ce_source": b"/test",
        "ce_type": ApplyUpdate.type.encode(),
    }
    named = {name.replace("content_type", "content-type"): value for name, value in changed.items()}
    made = [(name, value) for name, value in {**good, **named}.items() if value is not None]
    return decode(CATALOGUE, topic, key, value, [*made, *(headers or [])], NOW)


def test_the_least_that_a_sender_must_give_is_enough() -> None:
    envelope = read(content_type=None)
    assert envelope.data == ApplyUpdate(environment="contoso-test", package="contoso/a", update_name="A")
    assert envelope == Envelope(id="m-1", source="/test", time=NOW, data=envelope.data)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message.type))
def test_the_example_of_every_message_survives_the_journey(message: type[Message]) -> None:
    sent = envelope_of(message)
    assert received(sent, encode(sent)) == sent


def received(sent: Envelope[Message], record: Encoded) -> Envelope[Message]:
    service = "notifier" if sent.data.owner == "drydock" else sent.data.owner
    topic = CATALOGUE.topic_of(type(sent.data), service)
    return decode(CATALOGUE, topic, record.key, record.value, record.headers, NOW)


identifiers = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=200)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=200)


@given(
    data=st.sampled_from(EXAMPLES),
    name=identifiers,
    source=texts,
    time=st.integers(-(10**9), 10**9).map(lambda seconds: NOW + timedelta(seconds=seconds, microseconds=1)),
    subject=st.none() | texts,
    correlation=st.none() | identifiers,
    causation=st.none() | identifiers,
    sequence=st.none() | st.integers(0, 10**18 - 1),
    actor=st.none() | texts,
    traceparent=st.none() | texts,
)
def test_whatever_an_envelope_holds_survives_the_journey(
    data: Message,
    name: str,
    source: str,
    time: datetime,
    subject: str | None,
    correlation: str | None,
    causation: str | None,
    sequence: int | None,
    actor: str | None,
    traceparent: str | None,
) -> None:
    sent = Envelope(
        id=name,
        source=source,
        time=time,
        data=data,
        subject=subject,
        correlation=correlation,
        causation=causation,
        sequence=sequence,
        actor=actor,
        traceparent=traceparent,
    )
    record = encode(sent)
    if any(len(value) > HEADER_LIMIT for _, value in record.headers):
        with pytest.raises(Unreadable, match="bytes"):
            received(sent, record)
    else:
        assert received(sent, record) == sent


def padded(size: int) -> bytes:
    value = b'{"environment":"contoso-test","package":"contoso/a","update_name":"A"}'
    return value + b" " * (size - len(value))


def nested(depth: int) -> bytes:
    return (
        b'{"environment":"contoso-test","package":"contoso/a","update_name":"A","x":'
        + b"[" * depth
        + b"]" * depth
        + b"}"
    )


# Each rule with a record that breaks it and its nearest neighbour that does not.
RULES: dict[str, list[tuple[Callable[[], object], Callable[[], object], str]]] = {
    "content-type": [
        (
            lambda: read(content_type=b"application/jsonl"),
            lambda: read(content_type=b"application/json"),
            "content-type",
        ),
        (
            lambda: read(content_type=b"application/cloudevents+json"),
            lambda: read(content_type=b"Application/JSON; charset=utf-8"),
            "content-type",
        ),
        (
            lambda: read(content_type=None, headers=[("content-type", None)]),
            lambda: read(content_type=None),
            "content-type",
        ),
    ],
    "header-null": [
        (lambda: read(headers=[("ce_actor", None)]), lambda: read(headers=[("x-actor", None)]), "ce_actor"),
    ],
    "header-repeated": [
        (lambda: read(headers=[("ce_id", b"m-2")]), lambda: read(headers=[("x-id", b"1"), ("x-id", b"2")]), "ce_id"),
    ],
    "header-encoding": [
        (lambda: read(ce_actor=b"\xff\xfe"), lambda: read(ce_actor="Jörg".encode()), "ce_actor"),
        (lambda: read(headers=[("traceparent", b"\xff")]), lambda: read(headers=[("baggage", b"\xff")]), "traceparent"),
    ],
    "header-too-long": [
        (lambda: read(ce_actor=b"a" * (HEADER_LIMIT + 1)), lambda: read(ce_actor=b"a" * HEADER_LIMIT), "ce_actor"),
    ],
    "header-missing": [
        (lambda: read(ce_id=None), lambda: read(ce_time=None), "ce_id"),
        (lambda: read(ce_source=b""), lambda: read(ce_subject=b""), "ce_source"),
        (lambda: read(ce_type=None), read, "ce_type"),
        (lambda: read(ce_specversion=None), read, "ce_specversion"),
    ],
    "spec-version": [(lambda: read(ce_specversion=b"0.3"), lambda: read(ce_specversion=b"1.0"), "ce_specversion")],
    "id-format": [
        (lambda: read(ce_id=b"m 1"), lambda: read(ce_id=b"m-1"), "ce_id"),
        (lambda: read(ce_id=b"m" * 201), lambda: read(ce_id=b"m" * 200), "ce_id"),
        (lambda: read(ce_correlationid="ü".encode()), lambda: read(ce_correlationid=b"u"), "ce_correlationid"),
        (lambda: read(ce_causationid=b""), lambda: read(ce_causationid=b"0"), "ce_causationid"),
    ],
    "unknown-type": [
        (
            lambda: read(ce_type=b"servicing-executor.apply-update.v2"),
            lambda: read(ce_type=b"servicing-executor.apply-update.v1"),
            "ce_type",
        ),
        (lambda: read(topic="somebody.elses", ce_type=b"x"), read, "ce_type"),
    ],
    "wrong-topic": [(lambda: read(topic="drydock.servicing-executor.events"), lambda: read(topic=TOPIC), "ce_type")],
    "no-value": [(lambda: read(value=None), read, "value")],
    "too-large": [(lambda: read(value=padded(MESSAGE_LIMIT + 1)), lambda: read(value=padded(MESSAGE_LIMIT)), "value")],
    "not-json": [
        (lambda: read(value=b""), read, "value"),
        (lambda: read(value=b"\xff"), read, "value"),
        (lambda: read(value=padded(100)[:50]), lambda: read(value=padded(100)), "value"),
        (lambda: read(value=nested(10_000)), lambda: read(value=nested(100)), "value"),
    ],
    "schema": [
        (lambda: read(value=b"[]"), read, "value"),
        (lambda: read(value=b'{"environment":"contoso-test"}'), read, "package"),
        (lambda: read(value=padded(100).replace(b'"A"', b"5")), lambda: read(value=padded(100)), "update_name"),
    ],
    "no-key": [(lambda: read(key=None), read, "key")],
    "wrong-key": [(lambda: read(key=b"contoso-prod"), lambda: read(key=b"contoso-test"), "key")],
    "time-format": [
        (lambda: read(ce_time=b"2026-11-21T22:00:00"), lambda: read(ce_time=b"2026-11-21T22:00:00Z"), "ce_time"),
        (lambda: read(ce_time=b"yesterday"), lambda: read(ce_time=b"2026-11-21T22:00:00+13:00"), "ce_time"),
        (
            lambda: read(ce_time=b"0001-01-01T00:00:00+14:00"),
            lambda: read(ce_time=b"0001-01-02T00:00:00+14:00"),
            "ce_time",
        ),
    ],
    "sequence-format": [
        (lambda: read(ce_sequence=b"-1"), lambda: read(ce_sequence=b"0"), "ce_sequence"),
        (lambda: read(ce_sequence="٣".encode()), lambda: read(ce_sequence=b"3"), "ce_sequence"),
        (lambda: read(ce_sequence=b"9" * 19), lambda: read(ce_sequence=b"9" * 18), "ce_sequence"),
    ],
}
CASES = [
    pytest.param(rule, *case, id=f"{rule}-{number}")
    for rule, cases in RULES.items()
    for number, case in enumerate(cases)
]


@pytest.mark.parametrize(("rule", "broken", "neighbour", "place"), CASES)
def test_a_record_that_breaks_a_rule_is_refused_by_its_name_and_its_neighbour_is_read(
    rule: str, broken: Callable[[], object], neighbour: Callable[[], object], place: str
) -> None:
    with pytest.raises(Unreadable) as caught:
        broken()
    assert (caught.value.rule, caught.value.place) == (rule, place)
    assert str(caught.value).startswith(f"{place}: ")
    neighbour()


def test_no_rule_goes_without_such_a_pair() -> None:
    assert set(re.findall(r'Unreadable\(\s*"([a-z-]+)"', inspect.getsource(cloudevents))) | {
        "not-json",
        "schema",
    } == set(RULES)


def test_a_refusal_does_not_repeat_what_the_record_says_at_length() -> None:
    with pytest.raises(Unreadable) as caught:
        read(key=b"k" * 10_000)
    assert len(str(caught.value)) < 300


def test_the_trace_context_is_read_with_and_without_prefix() -> None:
    assert read(ce_traceparent=b"00-a").traceparent == "00-a"
    assert read(headers=[("traceparent", b"00-b")]).traceparent == "00-b"


def test_what_is_too_large_is_not_sent() -> None:
    rejected = example_of(CommandRejected)
    fits = rejected.model_copy(update={"facts": {"x": "y" * (MESSAGE_LIMIT - 1000)}})
    encode(replace(envelope_of(CommandRejected), data=fits))
    too_large = rejected.model_copy(update={"facts": {"x": "y" * MESSAGE_LIMIT}})
    with pytest.raises(ValueError, match=f"at most {MESSAGE_LIMIT} are allowed"):
        encode(replace(envelope_of(CommandRejected), data=too_large))


def test_a_dead_letter_may_hold_a_record_of_any_size_that_a_topic_takes() -> None:
    assert DeadLetter.kind is MessageKind.DEAD_LETTER
    letter = example_of(DeadLetter).model_copy(update={"record_value": "A" * (2 * MESSAGE_LIMIT)})
    sent = replace(envelope_of(DeadLetter), data=letter)
    assert received(sent, encode(sent)) == sent
    too_large = letter.model_copy(update={"record_value": "A" * DEAD_LETTER_LIMIT})
    with pytest.raises(ValueError, match=f"at most {DEAD_LETTER_LIMIT} are allowed"):
        encode(replace(sent, data=too_large))


def test_what_can_be_read_of_a_broken_record_is_read() -> None:
    headers: Headers = [("ce_id", b"m-1"), ("ce_id", b"m-2"), ("ce_type", b"\xff"), ("ce_actor", None), ("x", b"y")]
    assert readable_attributes(headers) == {"ce_id": "m-1"}


def test_later_ids_sort_later_and_derived_ids_follow_from_their_source() -> None:
    ids = [new_id() for _ in range(100)]
    assert ids == sorted(set(ids))
    assert derived_id("m-1", "a", "b") == derived_id("m-1", "a", "b")
    assert len({derived_id("m-1", "a", "b"), derived_id("m-1", "ab"), derived_id("m-2", "a", "b")}) == 3
