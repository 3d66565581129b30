"""What is declared is the same whether it is read from source or from the symbols that a compiler makes of it."""

import json
from dataclasses import dataclass
from enum import IntEnum

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.formats.al.source.declared import declare
from shared.formats.al.source.parser import parse_source
from shared.formats.al.symbols.reader import read_symbols
from shared.formats.al.symbols.symbols import ActionKind, ControlKind, Symbol
from tests.support.al_packages import Json, field, method, properties, symbol_file
from tests.support.effort import times

_NAMES = st.text("AbÆ9 .-/&", min_size=1, max_size=8).map(str.strip).filter(bool)


@dataclass(frozen=True)
class Node:
    """A control or action, in the two forms in which it can be met."""

    kind: str
    name: str
    properties: dict[str, str]
    children: tuple["Node", ...] = ()
    actions: tuple["Node", ...] = ()

    def source(self) -> str:
        argument = '; ""' if self.kind == "field" else "; Lines" if self.kind == "part" else ""
        held = f"actions {{ {written(self.actions)} }}" if self.actions else ""
        told = " ".join(f"{k} = {v};" for k, v in self.properties.items())
        return f'{self.kind}("{self.name}"{argument}) {{ {told} {written(self.children)} {held} }}'

    def symbol(self, kinds: type[IntEnum], child: str) -> Json:
        told = properties(**{k: v.strip("'") for k, v in self.properties.items()})
        found = {"Name": self.name, "Kind": kinds[self.kind.upper()].value, "Properties": told}
        found[child] = [c.symbol(kinds, child) for c in self.children]
        if self.actions:
            found["Actions"] = [a.symbol(ActionKind, "Actions") for a in self.actions]
        return found


def written(nodes: tuple[Node, ...]) -> str:
    return " ".join(n.source() for n in nodes)


_OBSOLETE = st.sampled_from([{}, {"ObsoleteState": "Pending", "ObsoleteReason": "'old'", "ObsoleteTag": "'20.0'"}])
_ACTION = st.builds(Node, st.just("action"), _NAMES, _OBSOLETE | st.just({"Promoted": "true"}))
_ACTIONS = st.lists(
    _ACTION | st.builds(Node, st.just("group"), _NAMES, _OBSOLETE, st.lists(_ACTION, max_size=2).map(tuple)), max_size=3
).map(tuple)
_CUES = st.builds(
    Node, st.just("cuegroup"), _NAMES, _OBSOLETE, st.just(()), st.lists(_ACTION, min_size=1, max_size=3).map(tuple)
)
_LEAF = st.builds(Node, st.sampled_from(["field", "label", "part", "usercontrol", "systempart"]), _NAMES, _OBSOLETE)
_CONTROLS = st.recursive(
    _LEAF | _CUES,
    lambda inner: st.builds(
        Node,
        st.sampled_from(["group", "repeater", "grid", "fixed"]),
        _NAMES,
        _OBSOLETE,
        st.lists(inner, max_size=3).map(tuple),
    ),
    max_leaves=6,
)
_LAYOUT = st.lists(_CONTROLS, max_size=3).map(tuple)


def from_source(text: str) -> Symbol:
    file = parse_source("a.al", text)
    assert file.problems == []
    return declare(file.objects[0])


def from_symbols(**content: object) -> Symbol:
    return next(iter(read_symbols(json.dumps(symbol_file({"Id": 1, "Name": "X", **content})).encode())))


def shape(symbol: Symbol) -> dict[str, list[str]]:
    """Controls and actions in no order; ids are only in symbols."""
    return {
        part: sorted(repr((e.name, e.kind, e.parent, e.obsolete, e.promoted)) for e in getattr(symbol, part))
        for part in ("controls", "actions")
    }


def symbols_of(nodes: tuple[Node, ...], kinds: type[IntEnum], child: str) -> list[Json]:
    return [n.symbol(kinds, child) for n in nodes]


@settings(max_examples=times(20))
@given(_LAYOUT, _ACTIONS)
def test_a_page_has_the_same_controls_and_actions(layout: tuple[Node, ...], actions: tuple[Node, ...]) -> None:
    source = f"page 1 X {{ layout {{ {written(layout)} }} actions {{ {written(actions)} }} }}"
    controls = symbols_of(layout, ControlKind, "Controls")
    compiled = from_symbols(Kind_="page", Controls=controls, Actions=symbols_of(actions, ActionKind, "Actions"))
    assert shape(from_source(source)) == shape(compiled)


@settings(max_examples=times(20))
@given(_LAYOUT, _ACTIONS)
def test_so_has_what_extends_a_page(layout: tuple[Node, ...], actions: tuple[Node, ...]) -> None:
    changes = (
        f"layout {{ addlast(General) {{ {written(layout)} }} }} actions {{ addafter(Post) {{ {written(actions)} }} }}"
    )
    compiled = from_symbols(
        Kind_="pageextension",
        ControlChanges=[
            {"Anchor": "General", "ChangeKind": 2, "Controls": symbols_of(layout, ControlKind, "Controls")}
        ],
        ActionChanges=[{"Anchor": "Post", "ChangeKind": 4, "Actions": symbols_of(actions, ActionKind, "Actions")}],
    )
    assert shape(from_source(f"pageextension 1 X extends Card {{ {changes} }}")) == shape(compiled)


@settings(max_examples=times(20))
@given(_LAYOUT, _ACTIONS)
def test_so_has_the_request_page_of_a_report(layout: tuple[Node, ...], actions: tuple[Node, ...]) -> None:
    source = f"report 1 X {{ requestpage {{ layout {{ {written(layout)} }} actions {{ {written(actions)} }} }} }}"
    controls = symbols_of(layout, ControlKind, "Controls")
    request = {"Controls": controls, "Actions": symbols_of(actions, ActionKind, "Actions")}
    assert shape(from_source(source)) == shape(from_symbols(Kind_="report", RequestPage=request))


OBSOLETE = "ObsoleteState = Pending; ObsoleteReason = 'old'; ObsoleteTag = '20.0';"


def told(**more: str) -> list[Json]:
    return properties(ObsoleteState="Pending", ObsoleteReason="old", ObsoleteTag="20.0", **more)


def test_tables_enums_and_procedures_are_told_alike_too() -> None:
    table = from_source(
        f"table 1 X {{ fields {{ field(1; A; Code[20]) {{ {OBSOLETE} }} field(2; B; Enum Kind) {{ }} }} "
        f"keys {{ key(PK; A, B) {{ Clustered = true; {OBSOLETE} Unique = true; }} }} "
        "[TryFunction] procedure Try() begin end; procedure Count(): Integer begin end; "
        "protected var P: Code[20]; var Q: Code[20]; }"
    )
    compiled = from_symbols(
        Kind_="table",
        Fields=[field(1, "A", "Code[20]") | {"Properties": told()}, field(2, "B", "Enum 0 Kind")],
        Keys=[{"Name": "PK", "FieldNames": ["A", "B"], "Properties": told(Clustered="1", Unique="true")}],
        Methods=[method("Try", attributes=[("TryFunction", [])]), method("Count", returns="Integer")],
        Variables=[
            {"Name": "P", "TypeDefinition": {"Name": "Code[20]"}, "Protected": True},
            {"Name": "Q", "TypeDefinition": {"Name": "Code[20]"}},
        ],
    )
    assert table == compiled
    values = f'enum 1 X {{ value(0; " ") {{ }} value(1; A) {{ {OBSOLETE} }} }}'
    listed = [{"Ordinal": 0, "Name": " "}, {"Ordinal": 1, "Name": "A", "Properties": told()}]
    assert from_source(values) == from_symbols(Kind_="enum", Values=listed)
