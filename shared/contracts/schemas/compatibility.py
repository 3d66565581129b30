"""Whether schemas may follow those of the last release, judged in both directions.

Within a major version two things must hold. *Backward*: a new reader reads what an old writer has written; topics
keep events for days and snapshots for ever. *Forward*: an old reader reads what a new writer writes. What breaks
backward is never allowed. What breaks forward is allowed for a command, which has one reader, its owner: upgrade
that before anybody who sends it. Events, snapshots and progress have readers that nobody counts, so for them it
takes a new major version (a class `...V2`), sent beside the old one until its readers have moved.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.contracts.message import MessageKind
from shared.contracts.schemas.json_schema import Schema

_LOWER_BOUNDS = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER_BOUNDS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_SHAPE = ("type", "const", "format", "additionalProperties", "prefixItems", "uniqueItems", "multipleOf")


class Rule(StrEnum):
    """What was done to a schema."""

    MESSAGE_ADDED = "message-added"
    MESSAGE_REMOVED = "message-removed"
    KIND_CHANGED = "kind-changed"
    """It travels on another topic."""
    KEY_CHANGED = "key-changed"
    """Another field is the Kafka key: order and compaction are lost."""
    FIELD_ADDED_REQUIRED = "field-added-required"
    FIELD_REMOVED = "field-removed"
    """Also what is left of a field that was renamed."""
    FIELD_MADE_REQUIRED = "field-made-required"
    FIELD_MADE_OPTIONAL = "field-made-optional"
    TYPE_CHANGED = "type-changed"
    NARROWED = "narrowed"
    """A bound is tighter, null is no longer allowed, or an enum lost a value."""
    WIDENED = "widened"
    """A bound is looser, or null is allowed."""
    ENUM_VALUE_ADDED = "enum-value-added"
    PATTERN_CHANGED = "pattern-changed"
    """Whether the new pattern takes all that the old one took cannot be decided: taken as narrowed."""
    DEFAULT_CHANGED = "default-changed"
    """Records that leave the field out mean something else now."""


_FORWARD_ONLY = frozenset({Rule.FIELD_MADE_OPTIONAL, Rule.WIDENED, Rule.ENUM_VALUE_ADDED})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference that needs care. `breaking`: not allowed; else `order` says who must be upgraded first."""

    message: str
    path: str
    rule: Rule
    breaking: bool
    order: str
    detail: str

    def __str__(self) -> str:
        place = f"{self.message} {self.path}".rstrip()
        return f"{place}: {self.rule}: {self.detail}. {self.order}"


def changes(released: Mapping[str, Schema], current: Mapping[str, Schema]) -> list[Change]:
    """What separates two sets of schemas by message type, beyond additions that anybody can ignore."""
    found: list[Change] = []
    for name in sorted(released.keys() | current.keys()):
        if name not in current:
            found.append(_change(name, released[name], "", Rule.MESSAGE_REMOVED, "readers and senders of it remain"))
        elif name not in released:
            found.append(_added(name, current[name]))
        else:
            found.extend(_between(name, released[name], current[name]))
    return found


def _between(name: str, old: Schema, new: Schema) -> Iterator[Change]:
    for fact, rule in (("kind", Rule.KIND_CHANGED), ("key", Rule.KEY_CHANGED)):
        before, after = old["x-drydock"][fact], new["x-drydock"][fact]
        if before != after:
            yield _change(name, old, "", rule, f"was {before}, is {after}")
    for path, rule, detail in _Comparison(old, new).differences():
        yield _change(name, old, path, rule, detail)


def _change(name: str, old: Schema, path: str, rule: Rule, detail: str) -> Change:
    command = old["x-drydock"]["kind"] == MessageKind.COMMAND.value
    if command and rule in _FORWARD_ONLY:
        order = f"Upgrade {old['x-drydock']['owner']} before anybody who sends it."
        return Change(name, path, rule, breaking=False, order=order, detail=detail)
    order = "Leave it as it was, or make a new major version and send both until all have moved."
    return Change(name, path, rule, breaking=True, order=order, detail=detail)


def _added(name: str, new: Schema) -> Change:
    facts = new["x-drydock"]
    command = facts["kind"] == MessageKind.COMMAND.value
    order = f"Upgrade {facts['owner'] if command else 'those who read it'} before anybody who sends it."
    detail = "a reader of the last release does not know it"
    return Change(name, "", Rule.MESSAGE_ADDED, breaking=False, order=order, detail=detail)


Difference = tuple[str, Rule, str]


class _Comparison:
    """Walks two schemas side by side; definitions are followed, wherever they are kept and however called."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def differences(self) -> Iterator[Difference]:
        yield from self._objects(self._old, self._new, "")

    def _values(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        if old.get("default", ...) != new.get("default", ...) and "default" in old and "default" in new:
            yield path, Rule.DEFAULT_CHANGED, f"was {old['default']!r}, is {new['default']!r}"
        (old, old_null), (new, new_null) = _resolved(old, self._old), _resolved(new, self._new)
        if old_null and not new_null:
            yield path, Rule.NARROWED, "null is no longer allowed"
        if new_null and not old_null:
            yield path, Rule.WIDENED, "null is allowed"
        if _shape(old) != _shape(new):
            yield path, Rule.TYPE_CHANGED, f"was {_kind(old)}, is {_kind(new)}"
            return
        yield from _enums(old, new, path)
        yield from _bounds(old, new, path)
        if old.get("pattern") != new.get("pattern"):
            yield path, Rule.PATTERN_CHANGED, f"was {old.get('pattern')}, is {new.get('pattern')}"
        if "items" in old and "items" in new:
            yield from self._values(old["items"], new["items"], f"{path}[]")
        if "properties" in old or "properties" in new:
            yield from self._objects(old, new, path)

    def _objects(self, old: Schema, new: Schema, path: str) -> Iterator[Difference]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for field in (*before, *(field for field in after if field not in before)):
            place = f"{path}.{field}".lstrip(".")
            if field not in after:
                yield place, Rule.FIELD_REMOVED, "old writers send it, old readers look for it"
            elif field not in before:
                if field in needed_after:
                    yield place, Rule.FIELD_ADDED_REQUIRED, "old writers do not send it; give it a default"
            else:
                if field in needed_after - needed_before:
                    yield place, Rule.FIELD_MADE_REQUIRED, "old writers may leave it out"
                if field in needed_before - needed_after:
                    yield place, Rule.FIELD_MADE_OPTIONAL, "old readers need it"
                yield from self._values(before[field], after[field], place)


def _resolved(schema: Schema, root: Schema) -> tuple[Schema, bool]:
    """`schema` without references, and whether it allows null beside what it describes."""
    null = False
    while True:
        if "$ref" in schema:
            schema = root["$defs"][schema["$ref"].rpartition("/")[2]]
            continue
        choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
        if len(choices) != 1:
            return schema, null
        null = null or len(choices) < len(schema["anyOf"])
        schema = choices[0]


def _enums(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    before, after = old.get("enum"), new.get("enum")
    if before is None and after is not None:
        yield path, Rule.NARROWED, "takes listed values only"
    elif before is not None and after is None:
        yield path, Rule.WIDENED, "takes any value"
    else:
        for value in (value for value in before or () if value not in (after or ())):
            yield path, Rule.NARROWED, f"no longer knows {value!r}"
        for value in (value for value in after or () if value not in (before or ())):
            yield path, Rule.ENUM_VALUE_ADDED, f"old readers do not know {value!r}"


def _bounds(old: Schema, new: Schema, path: str) -> Iterator[Difference]:
    for words, sign in ((_LOWER_BOUNDS, 1), (_UPPER_BOUNDS, -1)):
        for word in words:
            before, after = old.get(word), new.get(word)
            if before == after:
                continue
            tighter = before is None or (after is not None and (after - before) * sign > 0)
            rule = Rule.NARROWED if tighter else Rule.WIDENED
            yield path, rule, f"{word} was {before}, is {after}"


def _shape(schema: Schema) -> Schema:
    """What may not differ at all; of alternatives other than null nothing may."""
    return schema if "anyOf" in schema else {word: schema[word] for word in _SHAPE if word in schema}


def _kind(schema: Mapping[str, Any]) -> str:
    return " ".join(str(schema[word]) for word in _SHAPE if word in schema) or "anything"
