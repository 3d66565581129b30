"""What may change between two releases."""

from collections.abc import Callable
from copy import deepcopy
from enum import StrEnum
from typing import Annotated, Any

import pytest
from pydantic import Field

from shared.contracts.message import Command, Event, Instant, Part
from shared.contracts.registry import CATALOGUE
from shared.contracts.schemas.compatibility import Rule, changes
from shared.contracts.schemas.json_schema import schema_of


class Side(StrEnum):
    PORT = "port"
    STARBOARD = "starboard"


class Berth(Part):
    length: Annotated[int, Field(ge=1, le=400)]
    name: Annotated[str, Field(min_length=1, max_length=20, pattern="^[a-z]+$")] | None = None


class OrderBerth(Command, key="dock"):
    dock: str
    side: Side
    berth: Berth
    others: tuple[Berth, ...] = ()
    start: Instant | None = None
    urgent: bool = False
    remark: str


class BerthOrdered(Event, key="dock"):
    dock: str
    side: Side
    berth: Berth
    others: tuple[Berth, ...] = ()
    start: Instant | None = None
    urgent: bool = False
    remark: str


Schema = dict[str, Any]
COMMAND, EVENT = OrderBerth.type, BerthOrdered.type


def released() -> dict[str, Schema]:
    return {COMMAND: schema_of(OrderBerth), EVENT: schema_of(BerthOrdered)}


def found(change: Callable[[Schema], object], name: str) -> list[tuple[str, str, Rule, bool]]:
    """What a change to one message is found to be: message, path, rule, whether it breaks."""
    current = released()
    change(current[name])
    return [(each.message, each.path, each.rule, each.breaking) for each in changes(released(), current)]


def field(schema: Schema, name: str) -> Schema:
    found: Schema = schema["properties"][name]
    return found


def berth(schema: Schema, name: str) -> Schema:
    found: Schema = schema["$defs"]["Berth"]["properties"][name]
    return found


def put(node: Schema, **values: Any) -> Schema:
    node.update(values)
    return node


def rename(schema: Schema, old: str, new: str) -> None:
    schema["properties"][new] = schema["properties"].pop(old)
    schema["required"] = [new if name == old else name for name in schema["required"]]


def definition_renamed(schema: Schema) -> None:
    schema["$defs"]["Mooring"] = schema["$defs"].pop("Berth")
    field(schema, "berth")["$ref"] = "#/$defs/Mooring"
    field(schema, "others")["items"]["$ref"] = "#/$defs/Mooring"


HARMLESS: dict[str, Callable[[Schema], object]] = {
    "nothing": lambda _: None,
    "an optional field with a default is added": lambda it: put(
        it["properties"], tide={"type": "string", "default": ""}
    ),
    "words are changed": lambda it: (
        put(it, description="Other words."),
        put(field(it, "remark"), description="Other."),
    ),
    "examples are added": lambda it: put(field(it, "remark"), examples=["Mind the tide."]),
    "a definition is called otherwise": definition_renamed,
    "an optional field is added to a part": lambda it: put(
        it["$defs"]["Berth"]["properties"], depth={"type": "integer", "default": 0}
    ),
}


@pytest.mark.parametrize("name", [COMMAND, EVENT])
@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_what_nobody_needs_to_care_about_is_not_mentioned(change: Callable[[Schema], object], name: str) -> None:
    assert found(change, name) == []


BREAKING: list[tuple[str, Callable[[Schema], object], list[tuple[str, Rule]]]] = [
    (
        "a required field is added",
        lambda it: (put(it["properties"], tide={"type": "string"}), it["required"].append("tide")),
        [("tide", Rule.FIELD_ADDED_REQUIRED)],
    ),
    ("an optional field is removed", lambda it: it["properties"].pop("urgent"), [("urgent", Rule.FIELD_REMOVED)]),
    (
        "a required field is removed",
        lambda it: (it["properties"].pop("remark"), it["required"].remove("remark")),
        [("remark", Rule.FIELD_REMOVED)],
    ),
    (
        "a field is renamed",
        lambda it: rename(it, "remark", "note"),
        [("remark", Rule.FIELD_REMOVED), ("note", Rule.FIELD_ADDED_REQUIRED)],
    ),
    (
        "an optional field becomes required",
        lambda it: it["required"].append("urgent"),
        [("urgent", Rule.FIELD_MADE_REQUIRED)],
    ),
    ("a type changes", lambda it: put(field(it, "remark"), type="integer"), [("remark", Rule.TYPE_CHANGED)]),
    ("a format changes", lambda it: put(field(it, "start")["anyOf"][0], format="date"), [("start", Rule.TYPE_CHANGED)]),
    (
        "one value becomes many",
        lambda it: put(field(it, "remark"), type="array", items={"type": "string"}),
        [("remark", Rule.TYPE_CHANGED)],
    ),
    (
        "another alternative is allowed",
        lambda it: field(it, "start")["anyOf"].append({"type": "integer"}),
        [("start", Rule.NARROWED), ("start", Rule.TYPE_CHANGED)],
    ),
    ("null is forbidden", lambda it: field(it, "start")["anyOf"].pop(), [("start", Rule.NARROWED)]),
    ("an enum loses a value", lambda it: it["$defs"]["Side"]["enum"].remove("port"), [("side", Rule.NARROWED)]),
    ("values become listed", lambda it: put(field(it, "remark"), enum=["ok"]), [("remark", Rule.NARROWED)]),
    (
        "an upper bound sinks",
        lambda it: put(berth(it, "length"), maximum=399),
        [("berth.length", Rule.NARROWED), ("others[].length", Rule.NARROWED)],
    ),
    (
        "a lower bound rises",
        lambda it: put(berth(it, "length"), minimum=2),
        [("berth.length", Rule.NARROWED), ("others[].length", Rule.NARROWED)],
    ),
    ("a bound appears", lambda it: put(field(it, "remark"), maxLength=10), [("remark", Rule.NARROWED)]),
    (
        "a pattern changes inside an optional part",
        lambda it: put(berth(it, "name")["anyOf"][0], pattern="^[a-z0-9]+$"),
        [("berth.name", Rule.PATTERN_CHANGED), ("others[].name", Rule.PATTERN_CHANGED)],
    ),
    ("a default changes", lambda it: put(field(it, "urgent"), default=True), [("urgent", Rule.DEFAULT_CHANGED)]),
    ("the key changes", lambda it: put(it["x-drydock"], key="remark"), [("", Rule.KEY_CHANGED)]),
    ("the topic changes", lambda it: put(it["x-drydock"], kind="snapshots"), [("", Rule.KIND_CHANGED)]),
]


@pytest.mark.parametrize("name", [COMMAND, EVENT])
@pytest.mark.parametrize(("change", "rules"), [case[1:] for case in BREAKING], ids=[case[0] for case in BREAKING])
def test_what_breaks_what_was_written_is_never_allowed(
    change: Callable[[Schema], object], rules: list[tuple[str, Rule]], name: str
) -> None:
    assert found(change, name) == [(name, path, rule, True) for path, rule in rules]


FORWARD: list[tuple[str, Callable[[Schema], object], list[tuple[str, Rule]]]] = [
    (
        "a required field becomes optional",
        lambda it: it["required"].remove("remark"),
        [("remark", Rule.FIELD_MADE_OPTIONAL)],
    ),
    ("an enum gets a value", lambda it: it["$defs"]["Side"]["enum"].append("stern"), [("side", Rule.ENUM_VALUE_ADDED)]),
    ("listed values become free", lambda it: it["$defs"]["Side"].pop("enum"), [("side", Rule.WIDENED)]),
    (
        "an upper bound rises",
        lambda it: put(berth(it, "length"), maximum=500),
        [("berth.length", Rule.WIDENED), ("others[].length", Rule.WIDENED)],
    ),
    (
        "a lower bound disappears",
        lambda it: berth(it, "length").pop("minimum"),
        [("berth.length", Rule.WIDENED), ("others[].length", Rule.WIDENED)],
    ),
    (
        "null is allowed",
        lambda it: it["properties"].update(remark={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        [("remark", Rule.WIDENED)],
    ),
]


@pytest.mark.parametrize(("change", "rules"), [case[1:] for case in FORWARD], ids=[case[0] for case in FORWARD])
def test_what_old_readers_cannot_read_is_allowed_for_commands_whose_owner_goes_first_and_for_nothing_else(
    change: Callable[[Schema], object], rules: list[tuple[str, Rule]]
) -> None:
    assert found(change, COMMAND) == [(COMMAND, path, rule, False) for path, rule in rules]
    assert found(change, EVENT) == [(EVENT, path, rule, True) for path, rule in rules]


def test_the_order_of_the_rollout_is_said() -> None:
    current = released()
    current[COMMAND]["$defs"]["Side"]["enum"].append("stern")
    current[EVENT]["$defs"]["Side"]["enum"].append("stern")
    orders = {change.message: change.order for change in changes(released(), current)}
    assert orders[COMMAND] == "Upgrade test-compatibility before anybody who sends it."
    assert orders[EVENT].startswith("Leave it as it was, or make a new major version")


def test_a_message_may_be_added_once_its_readers_know_it_and_never_removed() -> None:
    [added] = changes({COMMAND: released()[COMMAND]}, released())
    assert (added.message, added.rule, added.breaking) == (EVENT, Rule.MESSAGE_ADDED, False)
    assert added.order == "Upgrade those who read it before anybody who sends it."
    [removed] = changes(released(), {COMMAND: released()[COMMAND]})
    assert (removed.message, removed.rule, removed.breaking) == (EVENT, Rule.MESSAGE_REMOVED, True)


def test_a_change_reads_as_one_sentence_with_its_place_and_the_way_out() -> None:
    current = released()
    field(current[EVENT], "remark")["type"] = "integer"
    [change] = changes(released(), current)
    assert str(change) == (
        "test-compatibility.berth-ordered.v1 remark: type-changed: was string, is integer. "
        "Leave it as it was, or make a new major version and send both until all have moved."
    )


def test_our_own_messages_agree_with_themselves() -> None:
    schemas = {name: schema_of(message) for name, message in CATALOGUE.messages.items()}
    assert changes(schemas, deepcopy(schemas)) == []
