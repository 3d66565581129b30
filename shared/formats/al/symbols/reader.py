"""SymbolReference.json -> `Symbol`, object by object.

The file is split into objects with `msgspec.Raw`, which keeps slices of the one buffer; each object is
decoded, reduced and dropped, so that memory stays near the size of the file. Both dialects are read: that of
base 11 and older (`"Type": "Record"`, comma-separated strings) and the modern one (`TypeDefinition`, lists).

Compilers differ in small things, so nulls, absent keys, numbers as text and unknown lists are no errors. What is not
a symbol at all is one, with its place: an object that is passed over would be taken for one that is gone.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import msgspec

from shared.formats.al.package.values import flag, text

from .elements import actions, changes, columns, controls, views
from .lenient import cleaned
from .members import enum_value, field, key, method, variable
from .properties import kept_properties, reference, stored_number, take_obsolete
from .symbols import EXTENSION_OF, Symbol

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
    properties = kept_properties(o)
    target_app, target = reference(_target(kind, o))
    fields = o.get("Fields") or ()
    variables = o.get("Variables") or ()
    return Symbol(
        kind=kind,
        id=stored_number(o.get("Id")),
        name=text(o.get("Name")),
        namespace=namespace,
        target=target,
        target_app=target_app,
        properties=properties,
        obsolete=take_obsolete(properties),
        fields=tuple(field(f) for f in fields),
        keys=tuple(key(k) for k in o.get("Keys") or ()),
        methods=tuple(method(m) for m in [*(o.get("Methods") or ()), *(o.get("Events") or ())]),
        variables=tuple(variable(v) for v in variables if flag(v.get("Protected"))),
        controls=tuple(controls(o)),
        actions=tuple(actions(o)),
        views=tuple(views(o)),
        columns=tuple(columns(o)),
        values=tuple(enum_value(v) for v in o.get("Values") or ()),
        interfaces=tuple(reference(i)[1] for i in _interfaces(kind, o)),
        changes=tuple(changes(o)),
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
