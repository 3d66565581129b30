"""SymbolReference.json -> `Symbol`, object by object.

The file is split into objects with `msgspec.Raw`, which keeps slices of the one buffer; each object is
decoded, reduced and dropped, so that memory stays near the size of the file. Both dialects are read: that of
base 11 and older (`"Type": "Record"`, comma-separated strings) and the modern one (`TypeDefinition`, lists).

Compilers differ in small things, so nulls, absent keys, numbers as text and unknown lists are no errors. What is not
a symbol at all is one, with its place: an object that is passed over would be taken for one that is gone.
"""

import gc
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from shared.formats.al.package.values import flag, text

from .lenient import cleaned
from .symbols import (
    EXTENSION_OF,
    ActionKind,
    Change,
    ControlKind,
    Element,
    EnumValue,
    Field,
    Key,
    Method,
    Obsolete,
    Parameter,
    Symbol,
    TypeRef,
    Variable,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LISTS = {
    "Tables": "table",
    "Codeunits": "codeunit",
    "Pages": "page",
    "PageExtensions": "pageextension",
    "PageCustomizations": "pagecustomization",
    "TableExtensions": "tableextension",
    "Reports": "report",
    "ReportExtensions": "reportextension",
    "XmlPorts": "xmlport",
    "Queries": "query",
    "Profiles": "profile",
    "ProfileExtensions": "profileextension",
    "ControlAddIns": "controladdin",
    "EnumTypes": "enum",
    "EnumExtensionTypes": "enumextension",
    "DotNetPackages": "dotnet",
    "Interfaces": "interface",
    "PermissionSets": "permissionset",
    "PermissionSetExtensions": "permissionsetextension",
}

_VERBS = {1: "addfirst", 2: "addlast", 3: "addbefore", 4: "addafter", 9: "modify"}

# Properties that a rule compares or resolves; captions, tool tips and layout would only make the index larger.
KEPT_PROPERTIES = _words("""
    access extensible sourcetable pagetype tabletype datapercompany tableno subtype singleinstance scope
    inherent fieldclass enabled tablerelation calcformula sqldatatype autoincrement compressed
    optionordinalvalues runobject lookuppageid drilldownpageid cardpageid movedto movedfrom
    defaultimplementation unknownvalueimplementation implementation includedpermissionsets rolecenter
    externalname externaltype replicatedata linkedobject linkedintransaction sourcetabletemporary permissions
    obsoletestate obsoletereason obsoletetag columnfilter allowincustomizations apipublisher apigroup apiversion
    entityname entitysetname odatakeyfields assignable unique maintainsqlindex maintainsiftindex includedfields
    promoted clustered
""")
_TARGET = re.compile(r"#([0-9a-fA-F]{32})#(.*)", re.DOTALL)
_LENGTH = re.compile(r"(\w+)\[(\d{1,9})\]")

_MOST_NUMBER = (1 << 63) - 1

type_cache: dict[str, TypeRef] = {}


class SymbolError(ValueError):
    """The symbol file cannot be read; the message says where and why."""


class _Node(msgspec.Struct, gc=False):
    """The root or a namespace: raw object lists and further namespaces."""

    Name: Any = None
    Namespaces: list["_Node | None"] | None = None
    Tables: list[msgspec.Raw] | None = None
    Codeunits: list[msgspec.Raw] | None = None
    Pages: list[msgspec.Raw] | None = None
    PageExtensions: list[msgspec.Raw] | None = None
    PageCustomizations: list[msgspec.Raw] | None = None
    TableExtensions: list[msgspec.Raw] | None = None
    Reports: list[msgspec.Raw] | None = None
    ReportExtensions: list[msgspec.Raw] | None = None
    XmlPorts: list[msgspec.Raw] | None = None
    Queries: list[msgspec.Raw] | None = None
    Profiles: list[msgspec.Raw] | None = None
    ProfileExtensions: list[msgspec.Raw] | None = None
    ControlAddIns: list[msgspec.Raw] | None = None
    EnumTypes: list[msgspec.Raw] | None = None
    EnumExtensionTypes: list[msgspec.Raw] | None = None
    DotNetPackages: list[msgspec.Raw] | None = None
    Interfaces: list[msgspec.Raw] | None = None
    PermissionSets: list[msgspec.Raw] | None = None
    PermissionSetExtensions: list[msgspec.Raw] | None = None


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the cyclic collector from scanning a bulk parse again and again (5-7 times faster)."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_split = msgspec.json.Decoder(_Node, strict=False)
_object = msgspec.json.Decoder(dict[str, Any])


class RawObject(NamedTuple):
    """One object of a symbol file, not decoded yet; `place` names it in error messages."""

    kind: str
    namespace: str
    content: msgspec.Raw
    place: str

    def decode(self) -> Symbol:
        """The object; SymbolError when it is malformed."""
        try:
            content = _object.decode(self.content)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            content = self._with_replaced_bytes(error)
        try:
            return _symbol(self.kind, self.namespace, content)
        except _SHAPE_ERRORS:
            # What the ordinary path does not take may still be a symbol, written oddly.
            try:
                return _symbol(self.kind, self.namespace, cleaned(content))
            except _SHAPE_ERRORS as error:
                raise self._malformed(error) from None

    def _with_replaced_bytes(self, error: Exception) -> dict[str, Any]:
        """The object when only the bytes of a text are no UTF-8; a caption must not cost the whole file."""
        try:
            return _object.decode(bytes(self.content).decode("utf-8", "replace"))
        except (msgspec.DecodeError, RecursionError):
            raise self._malformed(error) from None

    def _malformed(self, error: Exception) -> SymbolError:
        said = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        return SymbolError(f"SymbolReference.json: {self.place} is malformed: {said}")


def split_symbols(data: bytes | memoryview) -> Iterator[RawObject]:
    """Every object in the file with its namespace; SymbolError when the file is no symbol file."""
    try:
        root = _split.decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise SymbolError(f"SymbolReference.json is not a readable symbol file: {error}") from None
    yield from _objects(root)


def read_symbols(data: bytes | memoryview) -> Iterator[Symbol]:
    """Every object, decoded; SymbolError when the file or one of its objects is malformed."""
    return (raw.decode() for raw in split_symbols(data))


def _objects(root: _Node) -> Iterator[RawObject]:
    pending = [(root, "")]
    while pending:
        node, namespace = pending.pop()
        for name, kind in LISTS.items():
            for position, raw in enumerate(getattr(node, name) or ()):
                if bytes(memoryview(raw)[:5]) != b"null":
                    yield RawObject(kind, namespace, raw, f"{name}[{position}]")
        for child in reversed(node.Namespaces or ()):
            if child is not None:
                own = text(child.Name)
                pending.append((child, f"{namespace}.{own}" if namespace and own else namespace or own))


_SHAPE_ERRORS = (KeyError, TypeError, AttributeError, ValueError, OverflowError)


def _symbol(kind: str, namespace: str, o: dict[str, Any]) -> Symbol:
    properties = _properties(o)
    target_app, target = _reference(_target(kind, o))
    fields = o.get("Fields") or ()
    variables = o.get("Variables") or ()
    return Symbol(
        kind=kind,
        id=_number(o.get("Id")),
        name=text(o.get("Name")),
        namespace=namespace,
        target=target,
        target_app=target_app,
        properties=properties,
        obsolete=_obsolete(properties),
        fields=tuple(_field(f) for f in fields),
        keys=tuple(_key(k) for k in o.get("Keys") or ()),
        methods=tuple(_method(m) for m in [*(o.get("Methods") or ()), *(o.get("Events") or ())]),
        variables=tuple(_variable(v) for v in variables if flag(v.get("Protected"))),
        controls=tuple(_controls(o)),
        actions=tuple(_actions(o)),
        views=tuple(_views(o)),
        columns=tuple(_columns(o)),
        values=tuple(_value(v) for v in o.get("Values") or ()),
        interfaces=tuple(_reference(i)[1] for i in _interfaces(kind, o)),
        changes=tuple(_changes(o)),
        source=text(o.get("ReferenceSourceFileName")),
        private_variables="\n".join(text(v.get("Name")) for v in variables if not v.get("Protected")),
    )


def _target(kind: str, o: dict[str, Any]) -> str:
    """What an extension object extends: `TargetObject`, `Target` in report extensions, in any case."""
    found = o.get("TargetObject") or o.get("Target")
    if not found and kind in EXTENSION_OF:
        found = next((v for k, v in o.items() if k.lower() in ("targetobject", "target")), "")
    return found or ""


def _interfaces(kind: str, o: dict[str, Any]) -> list[str]:
    """Names of implemented interfaces, or of those that an interface extends.

    No package seen holds the latter, so its key is not known: these are the likely ones.
    """
    found = o.get("ImplementedInterfaces")
    if not found and kind == "interface":
        found = o.get("ExtendedInterfaces") or o.get("Extends") or o.get("BaseInterfaces")
    return found or []


def _number(value: Any) -> int:
    """A whole number that an index can hold; what is none takes the lenient path by an error."""
    if type(value) is int and -_MOST_NUMBER <= value <= _MOST_NUMBER:
        return value
    found = int(value or 0)
    if abs(found) > _MOST_NUMBER:
        raise OverflowError
    return found


def _properties(o: dict[str, Any]) -> dict[str, str]:
    found = {}
    for p in o.get("Properties") or ():
        name = p["Name"].lower()
        if name in KEPT_PROPERTIES:
            value = p.get("Value")
            found[name] = value if type(value) is str else text(value)
    return found


def _obsolete(properties: dict[str, str]) -> Obsolete | None:
    state = properties.pop("obsoletestate", "").lower()
    reason = properties.pop("obsoletereason", "")
    tag = properties.pop("obsoletetag", "")
    return Obsolete(state, reason, tag) if state not in ("", "no") else None


def _obsolete_attribute(attributes: list[dict[str, Any]]) -> Obsolete | None:
    for attribute in attributes:
        if attribute["Name"].lower() == "obsolete":
            texts = [text(a.get("Value")).strip("'") for a in attribute.get("Arguments") or ()]
            return Obsolete("pending", *texts[:2])
    return None


def _reference(written: str) -> tuple[str, str]:
    """(app id with dashes or empty, name): `#<32 hex>#Customer`, `Customer` and `"No. Series"` are all written."""
    found = _TARGET.fullmatch(written)
    app = ""
    if found:
        h, written = found[1].lower(), found[2]
        app = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    if len(written) > 1 and written[0] == '"' == written[-1]:
        written = written[1:-1].replace('""', '"')
    return app, written


def simple_type(name: str) -> TypeRef:
    """`Code[20]` -> Code of length 20; equal names share one value."""
    known = type_cache.get(name)
    if known is None:
        found = _LENGTH.fullmatch(name)
        known = TypeRef(found[1], int(found[2])) if found else TypeRef(name)
        type_cache[name] = known
    return known


def _type(d: dict[str, Any] | None, owner: dict[str, Any]) -> TypeRef:
    old = owner.get("Type")
    if d is None:
        d = {"Name": old or "", "Subtype": owner.get("Subtype")}
        for key in ("ArrayDimensions", "OptionMembers", "Temporary"):
            d[key] = owner.get(key)
    name = str(d.get("Name") or "")
    subject = d.get("Subtype")
    options = _members(d.get("OptionMembers"))
    dimensions = d.get("ArrayDimensions")
    arguments = d.get("TypeArguments")
    if not (subject or options or dimensions or arguments or d.get("Temporary")):
        return simple_type(name)
    plain = simple_type(name)
    if isinstance(dimensions, str):
        dimensions = [_number(n) for n in dimensions.split(",") if n.strip()]
    if isinstance(subject, str):
        subject = {"Name": subject}
    subject = subject or {}
    return TypeRef(
        plain.name,
        plain.length,
        _reference(str(subject.get("Name") or ""))[1],
        _number(subject.get("Id")),
        bool(d.get("Temporary")),
        tuple(_number(n) for n in dimensions or ()),
        tuple(_type(a, {}) for a in arguments or ()),
        options,
    )


def _members(options: Any) -> tuple[str, ...]:
    if isinstance(options, str):
        return tuple(name.strip().strip('"') for name in options.split(","))
    return tuple(str(name) for name in options or ())


def _field(f: dict[str, Any]) -> Field:
    properties = _properties(f)
    state = _obsolete(properties)
    number = _number(f.get("Id"))
    name = f["Name"] if not number else f.get("Name")
    return Field(number, text(name), _type(f.get("TypeDefinition"), f), properties, state)


def _key(k: dict[str, Any]) -> Key:
    properties = _properties(k)
    clustered = properties.pop("clustered", None)
    names = k.get("FieldNames") or ()
    return Key(
        text(k.get("Name")),
        tuple(names.split(",")) if isinstance(names, str) else tuple(map(str, names)),
        None if clustered is None else flag(clustered),
        _obsolete(properties),
        properties,
    )


def _method(m: dict[str, Any]) -> Method:
    attributes = m.get("Attributes") or []
    event, scope, is_try = "", "", False
    arguments: tuple[str, ...] = ()
    for a in attributes:
        name = a["Name"].lower()
        if name.endswith("event"):
            event = name[: -len("event")]
            arguments = tuple(text(x.get("Value")).strip("'").lower() for x in a.get("Arguments") or ())
        elif name == "scope":
            scope = "".join(text(x.get("Value")) for x in a.get("Arguments") or ()).strip("'").lower()
        elif name == "tryfunction":
            is_try = True
    access = "public"
    for key in ("IsLocal", "IsInternal", "IsProtected"):
        if m.get(key) and flag(m[key]):
            access = key[2:].lower()
    returned = m.get("ReturnTypeDefinition")
    if returned is None and m.get("ReturnType"):
        returned = {"Name": m["ReturnType"]}
    returns = _type(returned, {}) if returned else None
    if returns is not None and returns.name.lower() in ("none", ""):
        returns = None
    if returns is None and is_try:
        returns = simple_type("Boolean")  # what a TryFunction returns without saying so
    return Method(
        text(m.get("Name")),
        tuple(
            Parameter(text(p.get("Name")), _type(p.get("TypeDefinition"), p), flag(p.get("IsVar")))
            for p in m.get("Parameters") or ()
        ),
        returns,
        access,
        event,
        arguments,
        _obsolete_attribute(attributes),
        scope,
        _number(m.get("Id")),
    )


def _variable(v: dict[str, Any]) -> Variable:
    return Variable(
        text(v.get("Name")),
        _type(v.get("TypeDefinition"), v),
        True,
        _obsolete_attribute(v.get("Attributes") or []),
    )


def _value(v: dict[str, Any]) -> EnumValue:
    properties = _properties(v)
    return EnumValue(
        _number(v.get("Ordinal")),
        text(v.get("Name")),
        _obsolete(properties),
        properties.get("implementation", ""),
    )


def _kind_name(kinds: type[ControlKind] | type[ActionKind], number: Any) -> str:
    try:
        return kinds(int(number or 0)).name.lower()
    except ValueError:
        return "other"


def _tree(nodes: Any, child: str, kinds: type[ControlKind] | type[ActionKind], parent: str) -> Iterator[Element]:
    for node in nodes or ():
        properties = _properties(node)
        name = text(node.get("Name"))
        related = node.get("RelatedPagePartId") or {}
        yield Element(
            name,
            _kind_name(kinds, node.get("Kind")),
            _number(node.get("Id")),
            parent,
            str(related.get("Name") or related.get("Id") or properties.get("runobject", "")),
            _obsolete(properties),
            "promoted" in properties and flag(properties["promoted"]),
        )
        yield from _tree(node.get(child), child, kinds, name)


def _controls(o: dict[str, Any]) -> Iterator[Element]:
    yield from _tree(o.get("Controls"), "Controls", ControlKind, "")
    for change in o.get("ControlChanges") or ():
        yield from _tree(change.get("Controls"), "Controls", ControlKind, text(change.get("Anchor")))
    page = o.get("RequestPage")
    if isinstance(page, dict):
        yield from _controls(page)


def _actions(o: dict[str, Any]) -> Iterator[Element]:
    yield from _tree(o.get("Actions"), "Actions", ActionKind, "")
    yield from _control_actions(o.get("Controls"))
    for change in o.get("ActionChanges") or ():
        yield from _tree(change.get("Actions"), "Actions", ActionKind, text(change.get("Anchor")))


def _control_actions(nodes: Any) -> Iterator[Element]:
    """Actions of a cue group stand in its control."""
    for node in nodes or ():
        if "Actions" in node:
            yield from _tree(node["Actions"], "Actions", ActionKind, text(node.get("Name")))
        if "Controls" in node:
            yield from _control_actions(node["Controls"])


def _views(o: dict[str, Any]) -> Iterator[Element]:
    for view in o.get("Views") or ():
        yield Element(text(view.get("Name")), "view", _number(view.get("Id")))
    for change in o.get("ViewChanges") or ():
        yield from _views(change)


def _columns(o: dict[str, Any]) -> Iterator[Element]:
    """Report data items and columns, query data items, columns and filters, in file order."""
    for item in [*(o.get("DataItems") or ()), *(o.get("Elements") or ())]:
        name = text(item.get("Name"))
        table = _reference(text(item.get("RelatedTable")))[1]
        yield Element(name, "dataitem", _number(item.get("Id")), text(item.get("OwningDataItemName")), table)
        for kind, list_name in (("column", "Columns"), ("filter", "Filters")):
            for column in item.get(list_name) or ():
                yield Element(
                    text(column.get("Name")),
                    kind,
                    _number(column.get("Id")),
                    name,
                    text(column.get("SourceColumn")),
                )
        yield from _columns({"DataItems": item.get("DataItems")})
    if "TargetObject" in o or "Target" in o:
        for column in o.get("Columns") or ():
            yield Element(text(column.get("Name")), "column", _number(column.get("Id")))


def _changes(o: dict[str, Any]) -> Iterator[Change]:
    for part, name in (("control", "ControlChanges"), ("action", "ActionChanges"), ("view", "ViewChanges")):
        for change in o.get(name) or ():
            verb = _VERBS.get(_number(change.get("ChangeKind")), "move")
            yield Change(part, verb, text(change.get("Anchor")))
