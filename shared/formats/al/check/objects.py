"""Checks of whole objects: targets, extensibility, anchors, clashes of names and ids, interfaces."""

from shared.formats.al.finding import Level
from shared.formats.al.package.version import Version
from shared.formats.al.source.declared import MOVING, changes_of, text_of
from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.builtins import AREAS
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import EXTENSION_OF, Element, Field, Symbol, fold

from .context import NOWHERE, Check, Place, called
from .evidence import About, Member, declaration, object_text, text_of_member
from .interfaces import check_interfaces
from .schema import member_place
from .suggestions import nearest_control
from .world import fold_reference, is_moved

# Whitespace in a name becomes an underscore when an object is compiled; from this runtime on a clash is an error.
_CLEANED_NAMES_CLASH_FROM = Version(15)
_ANCHOR_CODES = {"control": ("AL0270", "control"), "action": ("AL0271", "action"), "view": ("AL0533", "view")}


def check_objects(check: Check) -> None:
    """Rows 7, 8, 10, 20-28 for every object of the extension."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        check.look_from(declared.file if declared else None)
        if symbol.kind in EXTENSION_OF:
            _extension(check, symbol, declared)
        _identity(check, symbol, _here(declared))
        check_interfaces(check, symbol, declared)
        if declared is not None:
            _cleaned_names(check, declared)


def check_clashes(check: Check) -> None:
    """Rows 24 and 25 against extensions that this one does not depend on: objects, and fields in one table."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        _identity(check, symbol, _here(declared))
        if symbol.kind == "tableextension":
            _fields_beside(check, symbol, declared)


def _fields_beside(check: Check, symbol: Symbol, declared: ObjectDecl | None) -> None:
    own = check.world.own
    for app in check.world.apps:
        if app is own or app.app.id == own.app.id:
            continue
        for other in app.extensions_of(symbol.kind, symbol.target):
            numbers = {f.id: f for f in other.fields}
            names = {fold(f.name): f for f in other.fields}
            for field in symbol.fields:
                place = _member_place(declared, field.name)
                twin = names.get(fold(field.name))
                if twin is not None:
                    _already(check, "Field", field.name, other, app.app.name, place, "Rename the field.", twin)
                elif field.id in numbers:
                    _same_id(check, field, other, app.app.name, place, numbers[field.id])


def _same_id(check: Check, field: Field, owner: Symbol, app: str, place: Place, twin: Field) -> None:
    message = (
        f"A field with ID {field.id} is already defined in {owner.kind.capitalize()} '{owner.name}' "
        f"by the extension '{app}'."
    )
    evidence = (_before(check, owner, "fields", twin.name), text_of_member(twin, check.world))
    check.report("AL0206", Level.SYMBOLS, field.name, message, place, "Give the field another id.", evidence=evidence)


def _before(check: Check, owner: Symbol, part: str, name: str) -> str:
    """The member as the old base had it, in the object or in the extension of it that now brings it."""
    target = EXTENSION_OF.get(owner.kind)
    about = About(target, fold_reference(owner.target), 0, part, name) if target else About.of(owner, part, name)
    return declaration(check.old, about)


def _here(declared: ObjectDecl | None) -> Place:
    return Place(declared.file, declared.at) if declared else NOWHERE


def _extension(check: Check, symbol: Symbol, declared: ObjectDecl | None) -> None:
    kind = EXTENSION_OF[symbol.kind]
    place = Place(declared.file, declared.target_at) if declared else NOWHERE
    name = fold_reference(symbol.target)
    found = check.world.find(kind, name)
    if found is None:
        if name and kind != "profile" and check.missing(kind, name):
            message = f"The target {kind.capitalize()} {name} for the extension object is not found."
            advice = check.instead(kind, name, 0)
            check.report("AL0247", Level.SYMBOLS, name, message, place, advice, about=About(kind, name))
        return
    target, app = found
    if app is check.world.own:
        return
    if symbol.kind != "pagecustomization":
        _extensible(check, target, place)
    check.accessible(target, app, Level.SYMBOLS, place)
    # A published extension of a table must stay when the table is removed (appsourcecop-as0001): that is no error.
    removed = "AL0520" if symbol.kind == "tableextension" and not is_moved(target) else "AL0433"
    check.target_state(target, app, Level.SYMBOLS, place, removed)
    if kind == "page":
        _anchors(check, symbol, target, declared)
        _new_elements(check, symbol, target, declared)
    elif kind == "table":
        _new_fields(check, symbol, target, declared)
    elif kind == "enum":
        _new_values(check, symbol, target, declared)
    elif kind == "report":
        _anchors(check, symbol, target, declared)
        if declared is not None:
            _report_anchors(check, target, declared)


def _extensible(check: Check, target: Symbol, place: Place) -> None:
    extensible = target.properties.get("extensible", "").lower()
    if target.kind == "enum" and extensible not in ("1", "true"):
        message = f"The enum '{target.name}' is not extensible."
        check.report("AL0504", Level.SYMBOLS, target.name, message, place, about=About.object(target))
    elif target.kind != "enum" and extensible in ("0", "false"):
        message = f"The object {target.kind.capitalize()} '{target.name}' is not extensible."
        check.report("AL0564", Level.SYMBOLS, target.name, message, place, about=About.object(target))


# -- anchors ---------------------------------------------------------------------------------------


def _anchors(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    if declared is None:
        for change in symbol.changes:
            _anchor(check, target, change.part, change.verb, change.anchor, Level.SYMBOLS, NOWHERE)
        return
    tokens = declared.file.tokens
    for node, part in changes_of(declared):
        # The anchor itself, and what a move takes along.
        ranges = list(node.arguments[:1])
        if node.keyword in MOVING and len(node.arguments) > 1:
            ranges += _listed(tokens.texts, *node.arguments[1])
        level = Level.SYMBOLS if node.keyword.startswith("add") else Level.SOURCE
        for first, last in ranges:
            if last - first == 1:
                place = Place(declared.file, tokens.offsets[first])
                _anchor(check, target, part, node.keyword, tokens.texts[first], level, place)


def _listed(texts: list[str], first: int, last: int) -> list[tuple[int, int]]:
    return [(at, at + 1) for at in range(first, last) if texts[at] != ","]


def _anchor(check: Check, page: Symbol, part: str, verb: str, anchor: str, level: Level, place: Place) -> None:
    if part not in _ANCHOR_CODES or fold(anchor) in AREAS:
        return
    code, what = _ANCHOR_CODES[part]
    now = _elements(check, page, part)
    if page.kind == "report" and (part != "control" or not now):
        return  # actions of request pages are not in the symbols
    element = now.get(fold(anchor))
    about = About.of(page, f"{part}s", anchor)
    if element is not None:
        title = f"{what.capitalize()} '{element.name}'"
        check.state(element.obsolete, title, element.name, level, place, about)
        return
    if part == "action" and _is_synthesized(fold(anchor), now):
        return
    if not check.member_missing(page):
        return
    before = check.old.find(page.kind, page.name) if check.old else None
    old = (_old_elements(check, before[0], part) if before else {}).get(fold(anchor))
    advice = nearest_control(anchor, verb, old, now)
    message = f"The {what} '{anchor}' is not found in the target '{page.name}'."
    check.report(code, level, anchor, message, place, advice, about=about)


def _is_synthesized(anchor: str, actions: dict[str, Element]) -> bool:
    """Whether the compiler makes the anchor itself, for a page that marks actions as `Promoted`.

    Since base 21 such a page has groups `Category_...`, and `X_Promoted` for each promoted action X.
    """
    return anchor.startswith("category_") or anchor.removesuffix("_promoted") in actions


def _elements(check: Check, page: Symbol, part: str) -> dict[str, Element]:
    if part == "control":
        return check.world.controls(page)
    return check.world.actions(page) if part == "action" else check.world.views(page)


def _old_elements(check: Check, page: Symbol, part: str) -> dict[str, Element]:
    assert check.old is not None
    if part == "control":
        return check.old.controls(page)
    return check.old.actions(page) if part == "action" else check.old.views(page)


def _report_anchors(check: Check, target: Symbol, declared: ObjectDecl) -> None:
    known = check.world.columns(target)
    items = {name: e for name, e in known.items() if e.kind == "dataitem"}
    tokens = declared.file.tokens
    for node, part in changes_of(declared):
        if part != "dataset" or not node.arguments:
            continue
        # Columns are added to a data item; what is modified or stands beside may be a column too.
        alone = node.keyword in ("add", "addfirst", "addlast")
        anchor = text_of(tokens, *node.arguments[0])
        place = Place(declared.file, tokens.offsets[node.arguments[0][0]])
        about = About.of(target, "columns", anchor)
        there = (items if alone else known).get(fold(anchor))
        if there is not None:
            check.state(there.obsolete, f"Data item '{there.name}'", there.name, Level.SYMBOLS, place, about)
        elif check.member_missing(target):
            what = "DataItem" if alone else "DataItem or Column"
            message = f"A {what} with name '{anchor}' could not be found in the target {target.name}."
            advice = nearest_control(anchor, "", None, items if alone else known)
            level = Level.SYMBOLS if node.keyword.startswith("add") else Level.SOURCE
            check.report("AL0681" if alone else "AL0682", level, anchor, message, place, advice, about=about)


# -- what the target gained ------------------------------------------------------------------------


def _member_place(declared: ObjectDecl | None, name: str) -> Place:
    return NOWHERE if declared is None else member_place(declared, name)


def _others(check: Check, target: Symbol) -> list[tuple[Symbol, AppIndex]]:
    own = check.world.own
    return [(e, app) for e, app in check.world.extensions(target) if app is not own]


def _already(
    check: Check, kind: str, name: str, owner: Symbol, app_name: str, place: Place, advice: str, twin: Member
) -> None:
    message = (
        f"A member of type {kind} with name '{name}' is already defined in {owner.kind.capitalize()} "
        f"'{owner.name}' by the extension '{app_name}'."
    )
    part = {"Field": "fields", "EnumValue": "values", "Control": "controls", "Action": "actions"}[kind]
    evidence = (_before(check, owner, part, name), text_of_member(twin, check.world))
    check.report("AL0155", Level.SYMBOLS, name, message, place, advice, evidence=evidence)


def _new_fields(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    home = check.world.find("table", target.name)
    home_app = home[1].app.name if home else ""
    owners = [(target, home_app), *((e, app.app.name) for e, app in _others(check, target))]
    # A field that moved leaves a marker behind, which its new owner may fill.
    living = [(f, owner, app) for owner, app in owners for f in owner.fields if not is_moved(f)]
    by_name = {fold(f.name): (f, owner, app) for f, owner, app in living}
    by_id = {f.id: (f, owner, app) for f, owner, app in living if f.id}
    for field in symbol.fields:
        place = _member_place(declared, field.name)
        if fold(field.name) in by_name:
            other, owner, app = by_name[fold(field.name)]
            advice = (
                f"Move the data to field {other.id} of {owner.kind} '{owner.name}' and remove the extension's field."
            )
            _already(check, "Field", field.name, owner, app, place, advice, other)
        elif field.id in by_id:
            other, owner, app = by_id[field.id]
            _same_id(check, field, owner, app, place, other)


def _new_values(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    home = check.world.find("enum", target.name)
    owners = [
        (target, home[1].app.name if home else ""),
        *((e, a.app.name) for e, a in _others(check, target)),
    ]
    names = {fold(v.name): (v, owner, app) for owner, app in owners for v in owner.values}
    ordinals = {v.ordinal: (v, owner, app) for owner, app in owners for v in owner.values}
    for value in symbol.values:
        place = _member_place(declared, value.name)
        if fold(value.name) in names:
            twin, owner, app = names[fold(value.name)]
            _already(check, "EnumValue", value.name, owner, app, place, "Rename the value.", twin)
        elif value.ordinal in ordinals:
            twin, owner, app = ordinals[value.ordinal]
            message = (
                f"A member with ID '{value.ordinal}' is already defined in {owner.kind.capitalize()} "
                f"'{owner.name}' by the extension '{app}'."
            )
            evidence = (_before(check, owner, "values", twin.name), text_of_member(twin))
            advice = "Give the value another ordinal."
            check.report("AL0231", Level.SYMBOLS, value.name, message, place, advice, evidence=evidence)
    _default_implementations(check, symbol, target, declared)


def _default_implementations(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    defaults = target.properties.get("defaultimplementation", "")
    for interface in target.interfaces:
        name = fold_reference(interface)
        if defaults and (len(target.interfaces) == 1 or fold(name) in defaults.casefold()):
            continue
        for value in symbol.values:
            given = value.implementation
            if given and (len(target.interfaces) == 1 or fold(name) in given.casefold() or given.isdigit()):
                continue
            message = (
                f"Value '{value.name}' does not implement interface '{name}' and there is no default "
                "implementation for the mentioned interface."
            )
            advice = f'Add an Implementation property for "{name}" to the value.'
            place, about = _member_place(declared, value.name), About.object(target)
            check.report("AL0596", Level.SYMBOLS, value.name, message, place, advice, about=about)


def _new_elements(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    for part, kind in (("controls", "Control"), ("actions", "Action")):
        known = getattr(check.world, part)(target, without=symbol)
        home = check.world.find("page", target.name)
        app = home[1].app.name if home else ""
        for element in getattr(symbol, part):
            other = known.get(fold(element.name))
            if other is not None and element.name:
                advice = f"Rename it, or remove it and use the page's own '{other.name}'."
                place = _member_place(declared, element.name)
                _already(check, kind, element.name, target, app, place, advice, other)


# -- identity --------------------------------------------------------------------------------------


def _identity(check: Check, symbol: Symbol, place: Place) -> None:
    own = check.world.own
    kind = symbol.kind.capitalize()
    for app in check.world.apps:
        if app is own or app.app.id == own.app.id:
            continue
        twin = app.numbered(symbol.kind, symbol.id) if symbol.id else None
        if twin is not None and not _moves_between(symbol, twin):
            message = (
                f"An application object of type '{kind}' with ID '{symbol.id}' is "
                f"already declared by the extension '{app.app.name}'."
            )
            evidence = _twins(check, twin)
            advice = "Give the object another id."
            check.report("AL0264", Level.SYMBOLS, str(symbol.id), message, place, advice, evidence=evidence)
        for other in app.named(symbol.kind, symbol.name) if symbol.name else ():
            apart = fold(other.namespace) != fold(symbol.namespace) or symbol.kind in ("dotnet", "profile")
            if not apart and not _moves_between(symbol, other):
                message = (
                    f"An application object of type '{kind}' with name "
                    f"'{symbol.name}' is already declared by the extension '{app.app.name}'."
                )
                evidence = _twins(check, other)
                advice = "Give the object another name."
                check.report("AL0197", Level.SYMBOLS, symbol.name, message, place, advice, evidence=evidence)


def _twins(check: Check, twin: Symbol) -> tuple[str, str]:
    return declaration(check.old, About.object(twin)), object_text(twin)


def _moves_between(one: Symbol, other: Symbol) -> bool:
    """Whether one is the marker that the other left behind when it moved to another app."""
    states = {s.obsolete.state for s in (one, other) if s.obsolete is not None}
    return bool(states & {"moved", "pendingmove"})


def _cleaned_names(check: Check, declared: ObjectDecl) -> None:
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
        place = Place(declared.file, procedure.at)
        check.report(code, Level.SOURCE, procedure.name, message, place, "Rename one of the two.")
