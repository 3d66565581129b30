"""Checks of whole objects: targets, extensibility, clashes of names and ids."""

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.package.version import Version
from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, fold, fold_reference

from .additions import check_additions, check_fields_beside
from .anchors import check_anchors
from .context import ExtensionCheck
from .evidence import SymbolPath, declaration, object_text
from .interfaces import check_interfaces
from .lifecycle import called, report_object_state
from .naming import is_accessible, successor
from .places import IN_SYMBOLS, Place, object_place

# Whitespace in a name becomes an underscore when an object is compiled; from this runtime on a clash is an error.
_CLEANED_NAMES_CLASH_FROM = Version(15)


def check_objects(check: ExtensionCheck) -> None:
    """Rows 7, 8, 10, 20-28 for every object of the extension."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        check.look_from(declared, symbol)
        if symbol.kind in EXTENSION_OF:
            _extension(check, symbol, declared)
        _identity(check, symbol, object_place(declared))
        check_interfaces(check, symbol, declared)
        if declared is not None:
            _cleaned_names(check, declared)


def check_clashes(check: ExtensionCheck) -> None:
    """Rows 24 and 25 against extensions that this one does not depend on: objects, and fields in one table."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        check.look_from(declared, symbol)
        _identity(check, symbol, object_place(declared))
        if symbol.kind == "tableextension":
            check_fields_beside(check, symbol, declared)


def _extension(check: ExtensionCheck, symbol: Symbol, declared: ObjectDecl | None) -> None:
    kind = EXTENSION_OF[symbol.kind]
    place = Place(PlaceLevel.SYMBOLS, declared.file, declared.target_at) if declared else IN_SYMBOLS
    name = fold_reference(symbol.target)
    found = check.world.find(kind, name)
    if found is None:
        if name and kind != "profile" and check.missing(kind, name):
            message = f"The target {kind.capitalize()} {name} for the extension object is not found."
            advice = successor(check, SymbolPath(kind, name))
            check.report("AL0247", name, message, place, advice, about=SymbolPath(kind, name))
        return
    target, app = found
    if app is check.world.own:
        return
    if symbol.kind != "pagecustomization":
        _extensible(check, target, place)
    is_accessible(check, target, app, place)
    # A published extension of a table must stay when the table is removed (appsourcecop-as0001): that is no error.
    removed = "AL0520" if symbol.kind == "tableextension" else "AL0433"
    report_object_state(check, target, app, place, removed)
    if kind in ("page", "report"):
        check_anchors(check, symbol, target, declared)
    check_additions(check, symbol, target, declared)


def _extensible(check: ExtensionCheck, target: Symbol, place: Place) -> None:
    extensible = target.properties.get("extensible", "").lower()
    if target.kind == "enum" and extensible not in ("1", "true"):
        message = f"The enum '{target.name}' is not extensible."
        check.report("AL0504", target.name, message, place, about=SymbolPath.object(target))
    elif target.kind != "enum" and extensible in ("0", "false"):
        message = f"The object {target.kind.capitalize()} '{target.name}' is not extensible."
        check.report("AL0564", target.name, message, place, about=SymbolPath.object(target))


# -- identity --------------------------------------------------------------------------------------


def _identity(check: ExtensionCheck, symbol: Symbol, place: Place) -> None:
    """Row 25: another app has an object of that id or name."""
    own = check.world.own
    for app in check.world.apps:
        if app is own or app.app.id == own.app.id:
            continue
        twin = app.numbered(symbol.kind, symbol.id) if symbol.id else None
        if twin is not None and not _moves_between(symbol, twin):
            _already_declared(check, "AL0264", "ID", symbol, place, twin, app.app.name)
        for other in app.named(symbol.kind, symbol.name) if symbol.name else ():
            apart = fold(other.namespace) != fold(symbol.namespace) or symbol.kind in ("dotnet", "profile")
            if not apart and not _moves_between(symbol, other):
                _already_declared(check, "AL0197", "name", symbol, place, other, app.app.name)


def _already_declared(
    check: ExtensionCheck, code: str, what: str, symbol: Symbol, place: Place, twin: Symbol, app: str
) -> None:
    value = str(symbol.id) if what == "ID" else symbol.name
    message = (
        f"An application object of type '{symbol.kind.capitalize()}' with {what} '{value}' is already declared by the "
        f"extension '{app}'."
    )
    evidence = declaration(check.old, SymbolPath.object(twin)), object_text(twin)
    advice = f"Give the object another {what.lower()}."
    check.report(code, value, message, place, advice, evidence=evidence)


def _moves_between(one: Symbol, other: Symbol) -> bool:
    """Whether one is the marker that the other left behind when it moved to another app."""
    states = {s.obsolete.state for s in (one, other) if s.obsolete is not None}
    return bool(states & {"moved", "pendingmove"})


def _cleaned_names(check: ExtensionCheck, declared: ObjectDecl) -> None:
    """Row 26: events and subscribers of one object whose names become one when whitespace is replaced."""
    seen: dict[str, str] = {}
    for procedure in declared.root.procedures:
        attributes = {a.name.lower() for a in procedure.attributes}
        if not any(a == "eventsubscriber" or a.endswith("event") for a in attributes):
            continue
        cleaned = "_".join(procedure.name.split()).casefold()
        first = seen.setdefault(cleaned, procedure.name)
        if fold(first) == fold(procedure.name):
            continue
        runtime = check.extension.manifest.runtime
        code = "AL0757" if runtime is not None and runtime >= _CLEANED_NAMES_CLASH_FROM else "AL0803"
        owner = called(declared.kind, declared.name)
        message = f"The names '{first}' and '{procedure.name}' in {owner} are one name when compiled."
        place = Place(PlaceLevel.SOURCE, declared.file, procedure.at)
        check.report(code, procedure.name, message, place, "Rename one of the two.")
