"""What a base declares, as AL text: the evidence that stands beside a finding.

Only what a rule looks at is written: a table's declaration names its obsolete state and access, not its caption.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.formats.al.source.syntax import VarDecl
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import (
    Element,
    EnumValue,
    Field,
    Method,
    Obsolete,
    Parameter,
    Symbol,
    TableKey,
    TypeRef,
    Variable,
    fold,
    fold_reference,
)

from .world import World

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOLD = ("access", "extensible", "scope", "sourcetable", "tabletype", "defaultimplementation", "fieldclass", "enabled")
_PROPERTY_NAMES = {
    "sourcetable": "SourceTable",
    "tabletype": "TableType",
    "defaultimplementation": "DefaultImplementation",
    "fieldclass": "FieldClass",
}
_MOST_OVERLOADS = 4

SymbolMember = Field | Method | Element | EnumValue | Variable | TableKey


@dataclass(frozen=True, slots=True)
class SymbolPath:
    """Names an object, or with `part` (an attribute of `Symbol`) one of its members; `number` is the object's id."""

    kind: str
    name: str
    number: int = 0
    part: str = ""
    member: str = ""

    @classmethod
    def object(cls, symbol: Symbol) -> "SymbolPath":
        """A whole object; by name, since ids may be given to something else."""
        return cls(symbol.kind, symbol.name, 0 if symbol.name else symbol.id)

    @classmethod
    def of(cls, symbol: Symbol, part: str, member: str) -> "SymbolPath":
        """A member of an object or of an extension of it."""
        return cls(symbol.kind, symbol.name, 0 if symbol.name else symbol.id, part, member)


def declaration(world: World | None, about: SymbolPath | None) -> str:
    """How `world` declares it, leaving out what the checked extension brings itself; empty if it does not."""
    if world is None or about is None:
        return ""
    found = world.find(about.kind, about.name, about.number)
    if found is None or found[1] is world.own:
        return ""
    if not about.part:
        return object_text(found[0])
    members = [text_of_member(m, world) for m in _members(world, found, about)]
    return "; ".join(members[:_MOST_OVERLOADS])


def _members(world: World, found: tuple[Symbol, AppIndex], about: SymbolPath) -> Iterator[SymbolMember]:
    wanted = fold(about.member)
    for owner, app in [found, *world.extensions(found[0])]:
        if app is not world.own:
            yield from (m for m in getattr(owner, about.part) if fold(m.name) == wanted)


def object_text(symbol: Symbol) -> str:
    """`table 18 Customer { ObsoleteState = Removed; }`; a namespace stands before the name."""
    number = f" {symbol.id}" if symbol.id else ""
    space = f"{symbol.namespace}." if symbol.namespace else ""
    told = [f"{_PROPERTY_NAMES.get(n, n.capitalize())} = {v};" for n in _TOLD if (v := _readable(symbol, n))]
    told += _obsolete(symbol.obsolete)
    implements = (
        f" implements {', '.join(quoted(fold_reference(i)) for i in symbol.interfaces)}" if symbol.interfaces else ""
    )
    return f"{symbol.kind}{number} {space}{quoted(symbol.name)}{implements}" + (
        f" {{ {' '.join(told)} }}" if told else ""
    )


def _readable(symbol: Symbol, name: str) -> str:
    value = symbol.properties.get(name, "")
    if name == "extensible" and value:
        return "true" if value.lower() in ("1", "true") else "false"
    return quoted(fold_reference(value)) if name == "sourcetable" and value else value


def text_of_member(member: SymbolMember, world: World | None = None) -> str:
    """A member as AL declares it; with `world`, objects that types name by id get their names."""
    if isinstance(member, Method):
        return method_text(member, world)
    if isinstance(member, Field):
        told = [f"{_PROPERTY_NAMES.get(n, n.capitalize())} = {v};" for n in _TOLD if (v := member.properties.get(n))]
        told += _obsolete(member.obsolete)
        head = f"field({member.id}; {quoted(member.name)}; {type_text(member.type, world)})"
    elif isinstance(member, EnumValue):
        told, head = _obsolete(member.obsolete), f"value({member.ordinal}; {quoted(member.name)})"
    elif isinstance(member, Element):
        told, head = _obsolete(member.obsolete), f"{member.kind}({quoted(member.name)})"
    elif isinstance(member, TableKey):
        told = ["Clustered = true;"] if member.clustered else []
        head = f"key({quoted(member.name)}; {', '.join(map(quoted, member.fields))})"
    else:
        return f"protected var {quoted(member.name)}: {type_text(member.type, world)}"
    return head + (f" {{ {' '.join(told)} }}" if told else "")


def method_text(method: Method, world: World | None = None) -> str:
    """`[IntegrationEvent(true, false)] local procedure OnX(var Rec: Record Customer)`."""
    attributes = ""
    if method.event:
        name = {"externalbusiness": "ExternalBusiness"}.get(method.event, method.event.capitalize()) + "Event"
        attributes = f"[{name}({', '.join(method.event_arguments)})] "
    if method.scope:
        attributes += f"[Scope('{'OnPrem' if method.scope == 'onprem' else method.scope.capitalize()}')] "
    if method.obsolete is not None:
        attributes += f"[Obsolete('{method.obsolete.reason}', '{method.obsolete.tag}')] "
    access = "" if method.access == "public" else f"{method.access} "
    returns = f": {type_text(method.returns, world)}" if method.returns else ""
    return f"{attributes}{access}procedure {quoted(method.name)}({parameters_text(method.parameters, world)}){returns}"


def parameters_text(parameters: Sequence[Parameter | VarDecl], world: World | None = None) -> str:
    """`var Rec: Record Customer; Hide: Boolean`."""
    return "; ".join(
        f"{'var ' if p.by_reference else ''}{quoted(p.name)}: {type_text(p.type, world)}" for p in parameters
    )


def signature(method: Method, world: World | None = None) -> str:
    """`OnX(var A: Record B; C: Code[20]): Boolean`."""
    returns = f": {type_text(method.returns, world)}" if method.returns else ""
    return f"{quoted(method.name)}({parameters_text(method.parameters, world)}){returns}"


def type_text(declared: TypeRef, world: World | None = None) -> str:
    """A type as AL writes it: `Record "Sales Header" temporary`, `List of [Text]`, `array[2] of Code[10]`."""
    text = declared.name + (f"[{declared.length}]" if declared.length else "")
    subject = declared.subject
    if declared.subject_id and not subject and world is not None:
        found = world.find_type(declared)
        subject = found[0].name if found else ""
    if subject:
        text += " " + quoted(subject)
    elif declared.subject_id:
        text += f" {declared.subject_id}"
    if declared.arguments:
        text += f" of [{', '.join(type_text(a, world) for a in declared.arguments)}]"
    if declared.options and declared.name.lower() == "option":
        text += " " + ",".join(quoted(o) if o else "" for o in declared.options)
    if declared.temporary:
        text += " temporary"
    return f"array[{','.join(map(str, declared.dimensions))}] of {text}" if declared.dimensions else text


def quoted(name: str) -> str:
    """An identifier, in quotes where AL asks for them."""
    if not name or _IDENTIFIER.fullmatch(name):
        return name
    return '"' + name.replace('"', '""') + '"'


def _obsolete(obsolete: Obsolete | None) -> list[str]:
    if obsolete is None:
        return []
    states = {"pendingmove": "PendingMove"}
    told = [f"ObsoleteState = {states.get(obsolete.state, obsolete.state.capitalize())};"]
    told += [f"ObsoleteReason = '{obsolete.reason}';"] if obsolete.reason else []
    return told + ([f"ObsoleteTag = '{obsolete.tag}';"] if obsolete.tag else [])
