"""Objects as a whole, and the parts that others can name: controls, actions, values, variables, interfaces."""

from collections.abc import Iterator, Sequence

from shared.formats.al.package.manifest import (
    APPLICATION,
    BASE_APPLICATION,
    BUSINESS_FOUNDATION,
    SINGLE_APPLICATION,
    SYSTEM_APPLICATION,
)
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.symbols import EXTENSION_OF, Element, EnumValue, Symbol, fold

from .comparison import Comparison, is_true, reach, same_type

_VENDOR_APPS = (APPLICATION, BASE_APPLICATION, BUSINESS_FOUNDATION, SINGLE_APPLICATION, SYSTEM_APPLICATION)
_WITHOUT_ID = frozenset(("interface", "controladdin", "profile"))
_OWN_RULE_WHEN_GONE = {
    "table": "AS0001",
    "tableextension": "AS0001",
    "page": "AS0029",
    "pageextension": "AS0029",
    "interface": "AS0065",
}
_OWN_RULE_WHEN_RENAMED = {"table": "AS0006", "page": "AS0030"}
# Nobody can name these; what they add to their targets is compared part by part.
_UNNAMEABLE = frozenset(
    ("enumextension", "reportextension", "permissionsetextension", "profileextension", "pagecustomization")
)
_PAGE_PROPERTIES = {
    "pagetype": "PageType",
    "sourcetable": "SourceTable",
    "apipublisher": "APIPublisher",
    "apigroup": "APIGroup",
    "apiversion": "APIVersion",
    "entityname": "EntityName",
    "entitysetname": "EntitySetName",
    "odatakeyfields": "ODataKeyFields",
}
_EXTENSIBLE_BY_DEFAULT = frozenset(("table", "page", "report", "permissionset", "profile"))
_MAY_GO_WITH_TARGET = Version(13)
_PROMOTED_ACTIONS = Version(10)  # the runtime of 21.0, whose compiler makes an action reference of each


def gone(c: Comparison, before: Symbol) -> None:
    """An object that the new version has neither by id nor by name."""
    code = _OWN_RULE_WHEN_GONE.get(before.kind) or ("AS0089" if before.kind in _WITHOUT_ID else "AS0088")
    if before.kind == "tableextension" and _target_removed(c, before):
        return
    if code == "AS0001" or c.is_api(before):
        if before.kind in _UNNAMEABLE:
            nothing = Symbol(before.kind, before.id, before.name)
            compare_parts(c, before, nothing)
        else:
            c.add(code, None, before.name, f"{before.title} is gone{_unless(c, before)}", before.source)


def _unless(c: Comparison, before: Symbol) -> str:
    """The exception that could not be looked at."""
    runtime = c.new.app.runtime
    vendor = before.target_app in ("", *_VENDOR_APPS) and not any(a.app.id in _VENDOR_APPS for a in c.others)
    if before.kind != "tableextension" or runtime is None or runtime < _MAY_GO_WITH_TARGET or not vendor:
        return ""
    return f", which is allowed only if '{before.target}' was removed by Microsoft (compare with that app)"


def _target_removed(c: Comparison, before: Symbol) -> bool:
    """From runtime 13.0 on a table extension may go with the vendor's table that it extends."""
    runtime = c.new.app.runtime
    if runtime is None or runtime < _MAY_GO_WITH_TARGET:
        return False
    for app in c.others:
        if app.app.id in _VENDOR_APPS and before.target_app in ("", app.app.id):
            tables = app.named("table", before.target)
            if any(t.obsolete is None or t.obsolete.state != "removed" for t in tables):
                return False
            if tables or before.target_app:
                return True
    return False


def compare_object(c: Comparison, before: Symbol, after: Symbol) -> None:
    """Name, id, namespace, target, state, access and properties of an object."""
    is_api = c.is_api(before)
    if is_api or before.kind == "table":
        _identity(c, before, after)
    c.tags(before.obsolete, after.obsolete, None, before.name)
    if before.target and fold(before.target) != fold(after.target):
        code = "AS0068" if before.kind == "tableextension" else "AS0124"
        c.add(code, None, before.name, f"{before.title} extends '{after.target}', not '{before.target}'", before.source)
    if is_api:
        if fold(before.namespace) != fold(after.namespace):
            spaces = f"from '{before.namespace}' to '{after.namespace}'"
            c.add("AS0007", None, before.name, f"{before.title} moved {spaces}", before.source)
        _reach(c, before, after)
        _page_properties(c, before, after)


def _identity(c: Comparison, before: Symbol, after: Symbol) -> None:
    nameable = before.kind not in EXTENSION_OF or before.kind == "pagecustomization"
    if fold(before.name) != fold(after.name) and nameable:
        code = _OWN_RULE_WHEN_RENAMED.get(before.kind, "AS0090")
        c.add(code, None, before.name, f"{before.title} is called '{after.name}' now", before.source)
    if before.id != after.id and before.id and nameable and before.kind not in _WITHOUT_ID:
        code = _OWN_RULE_WHEN_GONE.get(before.kind, "AS0088")
        c.add(code, None, before.name, f"{before.title} has id {after.id} now", before.source)


def _reach(c: Comparison, before: Symbol, after: Symbol) -> None:
    if reach(after.properties) < reach(before.properties):
        access = after.properties["access"]
        c.add("AS0049", None, before.name, f"{before.title} has access {access}", before.source)
    if _is_extensible(before) and not _is_extensible(after):
        c.add("AS0050", None, before.name, f"{before.title} is extensible no longer", before.source)


def _is_extensible(symbol: Symbol) -> bool:
    default = "1" if symbol.kind in _EXTENSIBLE_BY_DEFAULT else "0"
    return is_true(symbol.properties.get("extensible", default))


def _page_properties(c: Comparison, before: Symbol, after: Symbol) -> None:
    if before.kind != "page":
        return
    for key, title in _PAGE_PROPERTIES.items():
        was, now = before.properties.get(key), after.properties.get(key)
        if was and now is None:
            c.add("AS0040", before, title, f"Property {title} is gone, it was '{was}'")
        elif was and now is not None and fold(was) != fold(now):
            c.add("AS0035", before, title, f"Property {title} is '{now}' instead of '{was}'")


def compare_parts(c: Comparison, before: Symbol, after: Symbol) -> None:
    """What others can name inside of an object beside its procedures."""
    _interfaces(c, before, after)
    _variables(c, before, after)
    _elements(c, before, after)
    _values(c, before, after)


def _interfaces(c: Comparison, before: Symbol, after: Symbol) -> None:
    was, now = ({fold(i) for i in s.interfaces} for s in (before, after))
    extends = before.kind == "interface"
    for interface in before.interfaces:
        if fold(interface) not in now:
            word = "extended" if extends else "implemented"
            code = "AS0128" if extends else "AS0064"
            c.add(code, before, interface, f"Interface '{interface}' is {word} no longer")
    if before.kind not in ("enum", "interface"):
        return
    defaults = _with_default(after.properties.get("defaultimplementation", ""))
    for interface in after.interfaces:
        if fold(interface) in was:
            continue
        if extends:
            c.add("AS0129", before, interface, f"Interface '{interface}' is extended now")
        elif defaults is not None and fold(interface) not in defaults:
            c.add("AS0067", before, interface, f"Interface '{interface}' has no default implementation")


def _with_default(text: str) -> set[str] | None:
    """The interfaces in `A = X, "B" = Y`; None where only implementations are given, in the order of interfaces."""
    parts = [part.partition("=") for part in text.split(",") if part.strip()]
    if parts and not any(sign for _, sign, _ in parts):
        return None
    return {fold(name) for name, _, _ in parts}


def _variables(c: Comparison, before: Symbol, after: Symbol) -> None:
    known = {fold(v.name): v for v in after.variables}
    for variable in before.variables:
        if c.is_settled(variable.obsolete):
            continue
        name, now = variable.name, known.get(fold(variable.name))
        if now is not None:
            if not same_type(variable.type, now.type) or variable.type.dimensions != now.type.dimensions:
                c.add("AS0108", before, name, f"Variable '{name}' is {now.type} instead of {variable.type}")
        elif fold(name) in map(fold, after.private_variables.split("\n")):
            c.add("AS0107", before, name, f"Variable '{name}' is protected no longer")
        else:
            c.add("AS0106", before, name, f"Variable '{name}' is gone")


def _elements(c: Comparison, before: Symbol, after: Symbol) -> None:
    for code, part, what in (
        ("AS0032", "controls", "Control"),
        ("AS0031", "actions", "Action"),
        ("AS0033", "views", "View"),
        ("DRYDOCK", "columns", "Column or data item"),
    ):
        if part == "columns" and not before.kind.startswith("report"):
            continue
        known = {fold(e.name): e for e in getattr(after, part)}
        for element in _nameable(c, getattr(before, part)):
            now = known.get(fold(element.name))
            if now is None and part == "columns":
                # Compilers from 14.0 on call a data item DataItem<id> that its author gave no name.
                now = known.get(f"dataitem{element.id}")
            if now is None:
                c.add(code, before, element.name, f"{what} '{element.name}' is gone")
                continue
            c.tags(element.obsolete, now.obsolete, before, element.name)
            reference = f"{element.name}_Promoted"
            if element.promoted and not now.promoted and fold(reference) not in known and _has_references(c):
                c.add("AS0031", before, reference, f"Action reference '{reference}' is gone with Promoted")


def _has_references(c: Comparison) -> bool:
    return c.old.app.runtime is not None and c.old.app.runtime >= _PROMOTED_ACTIONS


def _nameable(c: Comparison, elements: Sequence[Element]) -> Iterator[Element]:
    return (e for e in elements if e.name and e.kind not in ("area", "separator") and not c.is_settled(e.obsolete))


def _values(c: Comparison, before: Symbol, after: Symbol) -> None:
    by_ordinal: dict[int, EnumValue] = {v.ordinal: v for v in after.values}
    for value in before.values:
        now = by_ordinal.get(value.ordinal)
        if c.is_settled(value.obsolete):
            continue
        if now is None:
            c.add("AS0083", before, value.name, f"Value {value.ordinal} '{value.name}' is gone")
        elif fold(now.name) != fold(value.name):
            change = f"Value {value.ordinal} is called '{now.name}' instead of '{value.name}'"
            c.add("AS0082", before, value.name, change)
        else:
            c.tags(value.obsolete, now.obsolete, before, value.name)
