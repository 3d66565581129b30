"""Records that break a rule of the binding, of the schema or of the store, each made from a good one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from shared.contracts.cloudevents import Encoded

Headers = list[tuple[str, bytes | None]]


@dataclass(frozen=True)
class Raw:
    """A record as it goes to the broker."""

    key: bytes | None
    value: bytes | None
    headers: Headers

    def header(self, name: str, *values: bytes | None) -> "Raw":
        """With the header `name` once for each value."""
        others = [header for header in self.headers if header[0] != name]
        return replace(self, headers=[*others, *((name, value) for value in values)])


@dataclass(frozen=True)
class Malformed:
    """A way to break a record, the rule that its dead letter names, and whether its id can still be read."""

    name: str
    rule: str
    make: Callable[[Raw], Raw]
    readable_id: bool = True


def raw(good: Encoded) -> Raw:
    """A good record."""
    return Raw(good.key, good.value, [*good.headers])


def _value(value: bytes | None) -> Callable[[Raw], Raw]:
    return lambda good: replace(good, value=value)


def _within(old: bytes, new: bytes) -> Callable[[Raw], Raw]:
    def change(good: Raw) -> Raw:
        assert good.value
        assert old in good.value
        return replace(good, value=good.value.replace(old, new))

    return change


def _padded(size: int) -> Callable[[Raw], Raw]:
    return lambda good: replace(good, value=(good.value or b"")[:-1] + b',"more":"' + b"x" * size + b'"}')


def _header(name: str, *values: bytes | None) -> Callable[[Raw], Raw]:
    return lambda good: good.header(name, *values)


def _many_headers(good: Raw) -> Raw:
    broken = good.header("ce_specversion", b"9")
    return replace(broken, headers=[*broken.headers, *[("", b"")] * 80_000])


EVERYWHERE: Sequence[Malformed] = (
    Malformed("bytes that are no text", "not-json", _value(b"\x80\x04\x95\xff\x00\x01")),
    Malformed("an empty value", "not-json", _value(b"")),
    Malformed("a null value", "no-value", _value(None)),
    Malformed("truncated JSON", "not-json", lambda good: replace(good, value=(good.value or b"")[:-3])),
    Malformed(
        "JSON with something behind it", "not-json", lambda good: replace(good, value=(good.value or b"") + b"x")
    ),
    Malformed("a byte order mark", "not-json", lambda good: replace(good, value=b"\xef\xbb\xbf" + (good.value or b""))),
    Malformed("UTF-16", "not-json", lambda good: replace(good, value=(good.value or b"").decode().encode("utf-16"))),
    Malformed("a string that is not UTF-8", "not-json", _value(b'{"counter":"\xff\xfe"}')),
    Malformed("half a surrogate pair", "not-json", _value(b'{"counter":"\\ud800"}')),
    Malformed("deeply nested JSON", "not-json", _value(b"[" * 100_000 + b"]" * 100_000)),
    Malformed("an array", "schema", _value(b"[1,2,3]")),
    Malformed("a string", "schema", _value(b'"counter"')),
    Malformed("JSON's null", "schema", _value(b"null")),
    Malformed("an object without fields", "schema", _value(b"{}")),
    Malformed("a field of another type", "schema", _value(b'{"counter":[],"amount":true}')),
    Malformed("NaN for a field", "schema", _value(b'{"counter":NaN,"amount":NaN}')),
    Malformed("an id field with blanks", "schema", _value(b'{"counter":"a b","amount":1}')),
    Malformed("a value above the limit", "too-large", _padded(256 * 1024)),
    Malformed("a value of about a megabyte", "too-large", _padded(1_000_000)),
    Malformed("no id", "header-missing", _header("ce_id"), readable_id=False),
    Malformed("an empty id", "header-missing", _header("ce_id", b""), readable_id=False),
    Malformed("an id with blanks", "id-format", _header("ce_id", b"not an id"), readable_id=False),
    Malformed("an id that is too long", "id-format", _header("ce_id", b"i" * 201), readable_id=False),
    Malformed("an id that is not UTF-8", "header-encoding", _header("ce_id", b"\xff"), readable_id=False),
    Malformed("no source", "header-missing", _header("ce_source")),
    Malformed("no type", "header-missing", _header("ce_type")),
    Malformed("no version of CloudEvents", "header-missing", _header("ce_specversion")),
    Malformed("another version of CloudEvents", "spec-version", _header("ce_specversion", b"0.3")),
    Malformed("no headers at all", "header-missing", lambda good: replace(good, headers=[]), readable_id=False),
    Malformed("XML", "content-type", _header("content-type", b"text/xml")),
    Malformed("structured content mode", "content-type", _header("content-type", b"application/cloudevents+json")),
    Malformed("an actor that is not UTF-8", "header-encoding", _header("ce_actor", b"\xc3\x28")),
    Malformed("a null header", "header-null", _header("ce_subject", None)),
    Malformed("a repeated header", "header-repeated", _header("ce_source", b"a", b"b")),
    Malformed("a time that is none", "time-format", _header("ce_time", b"yesterday")),
    Malformed("a time without an offset", "time-format", _header("ce_time", b"2026-11-21T10:00:00")),
    Malformed("a negative sequence", "sequence-format", _header("ce_sequence", b"-1")),
    Malformed("a type nobody knows", "unknown-type", _header("ce_type", b"example.fly.v1")),
    Malformed("a type of another topic", "wrong-topic", _header("ce_type", b"example.counter-changed.v1")),
    Malformed("a huge type", "header-too-long", _header("ce_type", b"t" * 500_000)),
    Malformed("a huge correlation", "header-too-long", _header("ce_correlationid", b"c" * 500_000)),
    Malformed("a key of another aggregate", "wrong-key", lambda good: replace(good, key=b"another")),
    Malformed("no key", "no-key", lambda good: replace(good, key=None)),
    Malformed("a key that is not UTF-8", "wrong-key", lambda good: replace(good, key=b"\xff\xfe\x00")),
    Malformed("a huge key", "wrong-key", lambda good: replace(good, key=b"k" * 300_000)),
    Malformed("80,000 headers", "spec-version", _many_headers),
)

ADDITIONS: Sequence[Malformed] = (
    Malformed("a number beyond 64 bits", "ValueError", _within(b'"amount":1', b'"amount":' + b"9" * 30)),
)
"""What is a message, and still cannot be kept."""
