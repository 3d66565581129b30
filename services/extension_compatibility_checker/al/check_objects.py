"""Checks of whole objects: targets, extensibility, anchors, clashes of names and ids, interfaces."""

from .builtins import AREAS
from .context import NOWHERE, Check, Place
from .declared import MOVING, changes_of, text_of
from .finding import Level
from .index import AppIndex
from .suggestions import nearest, nearest_control, signature
from .symbols import EXTENSION_OF, Element, Symbol, fold
from .syntax import ObjectDecl
from .world import fold_reference

_ANCHOR_CODES = {"control": ("AL0270", "control"), "action": ("AL0271", "action"), "view": ("AL0533", "view")}


def check_objects(check: Check) -> None:
    """Rows 7, 8, 10, 20-25, 27, 28 for every object of the extension."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        if symbol.kind in EXTENSION_OF:
            _extension(check, symbol, declared)
        _identity(check, symbol, _here(declared))
        if symbol.interfaces:
            _interfaces(check, symbol, declared)


def check_clashes(check: Check) -> None:
    """Rows 24 and 25 against extensions that this one does not depend on: objects, and fields in one
    table."""
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
            numbers = {f.id for f in other.fields}
            names = {fold(f.name) for f in other.fields}
            for field in symbol.fields:
                place = _member_place(declared, field.name)
                if fold(field.name) in names:
                    _already(check, "Field", field.name, other, app.app.name, place, "Rename the field.")
                elif field.id in numbers:
                    _same_id(check, field.name, field.id, other, app.app.name, place)


def _same_id(check: Check, name: str, number: int, owner: Symbol, app: str, place: Place) -> None:
    message = (
        f"A field with ID {number} is already defined in {owner.kind.capitalize()} '{owner.name}' "
        f"by the extension '{app}'."
    )
    check.report("AL0206", Level.SYMBOLS, name, message, place, "Give the field another id.")


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
            check.report("AL0247", Level.SYMBOLS, name, message, place, advice)
        return
    target, app = found
    if app is check.world.own:
        return
    _extensible(check, target, place)
    check.accessible(target, app, Level.SYMBOLS, place)
    check.state(target.obsolete, target.title, target.name, Level.SYMBOLS, place)
    if kind == "page":
        _anchors(check, symbol, target, declared)
        _new_elements(check, symbol, target, declared)
    elif kind == "table":
        _new_fields(check, symbol, target, declared)
    elif kind == "enum":
        _new_values(check, symbol, target, declared)
    elif kind == "report" and declared is not None:
        _report_anchors(check, symbol, target, declared)


def _extensible(check: Check, target: Symbol, place: Place) -> None:
    extensible = target.properties.get("extensible", "").lower()
    if target.kind == "enum" and extensible not in ("1", "true"):
        check.report("AL0504", Level.SYMBOLS, target.name, f"The enum '{target.name}' is not extensible.", place)
    elif target.kind != "enum" and extensible in ("0", "false"):
        message = f"The object {target.kind.capitalize()} '{target.name}' is not extensible."
        check.report("AL0564", Level.SYMBOLS, target.name, message, place)


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
    element = now.get(fold(anchor))
    if element is not None:
        check.state(element.obsolete, f"{what.capitalize()} '{element.name}'", element.name, level, place)
        return
    if part == "action" and _is_synthesized(fold(anchor), now):
        return
    if not check.member_missing(page):
        return
    before = check.old.find("page", page.name) if check.old else None
    old = (_old_elements(check, before[0], part) if before else {}).get(fold(anchor))
    advice = nearest_control(anchor, verb, old, now)
    message = f"The {what} '{anchor}' is not found in the target '{page.name}'."
    check.report(code, level, anchor, message, place, advice)


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
    return check.old.controls(page) if part == "control" else check.old.actions(page)


def _report_anchors(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl) -> None:
    known = check.world.columns(target)
    tokens = declared.file.tokens
    for node, part in changes_of(declared):
        if part != "dataset" or not node.arguments:
            continue
        anchor = text_of(tokens, *node.arguments[0])
        if fold(anchor) not in known and check.member_missing(target):
            place = Place(declared.file, tokens.offsets[node.arguments[0][0]])
            message = f"The data item '{anchor}' is not found in the target '{target.name}'."
            advice = nearest(anchor, (e.name for e in known.values()))
            check.report("AL0681", Level.SYMBOLS, anchor, message, place, advice)


# -- what the target gained ------------------------------------------------------------------------


def _member_place(declared: ObjectDecl | None, name: str) -> Place:
    """Where the extension declares a field, value, control or action of that name."""
    if declared is None:
        return NOWHERE
    tokens = declared.file.tokens
    pending = list(declared.root.children)
    while pending:
        node = pending.pop()
        pending += node.children
        position = 1 if node.keyword in ("field", "value") and len(node.arguments) > 2 else 0
        if declared.kind == "enumextension":
            position = 1
        if len(node.arguments) > position:
            first, last = node.arguments[position]
            declares = node.keyword != "modify" and not node.keyword.startswith(("add", "move"))
            if declares and last - first == 1 and fold(tokens.texts[first]) == fold(name):
                return Place(declared.file, tokens.offsets[first])
    return Place(declared.file, declared.at)


def _others(check: Check, target: Symbol) -> list[tuple[Symbol, AppIndex]]:
    own = check.world.own
    return [(e, app) for e, app in check.world.extensions(target) if app is not own]


def _already(check: Check, kind: str, name: str, owner: Symbol, app_name: str, place: Place, advice: str) -> None:
    message = (
        f"A member of type {kind} with name '{name}' is already defined in {owner.kind.capitalize()} "
        f"'{owner.name}' by the extension '{app_name}'."
    )
    check.report("AL0155", Level.SYMBOLS, name, message, place, advice)


def _new_fields(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    home = check.world.find("table", target.name)
    home_app = home[1].app.name if home else ""
    owners = [(target, home_app), *((e, app.app.name) for e, app in _others(check, target))]
    by_name = {fold(f.name): (f, owner, app) for owner, app in owners for f in owner.fields}
    by_id = {f.id: (f, owner, app) for owner, app in owners for f in owner.fields if f.id}
    for field in symbol.fields:
        place = _member_place(declared, field.name)
        if fold(field.name) in by_name:
            other, owner, app = by_name[fold(field.name)]
            advice = (
                f"Move the data to field {other.id} of {owner.kind} '{owner.name}' and remove the extension's field."
            )
            _already(check, "Field", field.name, owner, app, place, advice)
        elif field.id in by_id:
            _, owner, app = by_id[field.id]
            _same_id(check, field.name, field.id, owner, app, place)


def _new_values(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    home = check.world.find("enum", target.name)
    owners = [
        (target, home[1].app.name if home else ""),
        *((e, a.app.name) for e, a in _others(check, target)),
    ]
    names = {fold(v.name): (owner, app) for owner, app in owners for v in owner.values}
    ordinals = {v.ordinal: (owner, app) for owner, app in owners for v in owner.values}
    for value in symbol.values:
        place = _member_place(declared, value.name)
        if fold(value.name) in names:
            owner, app = names[fold(value.name)]
            _already(check, "EnumValue", value.name, owner, app, place, "Rename the value.")
        elif value.ordinal in ordinals:
            owner, app = ordinals[value.ordinal]
            message = (
                f"A member with ID '{value.ordinal}' is already defined in {owner.kind.capitalize()} "
                f"'{owner.name}' by the extension '{app}'."
            )
            check.report("AL0231", Level.SYMBOLS, value.name, message, place, "Give the value another ordinal.")
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
            check.report("AL0596", Level.SYMBOLS, value.name, message, _member_place(declared, value.name), advice)


def _new_elements(check: Check, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    for part, kind in (("controls", "Control"), ("actions", "Action")):
        known = getattr(check.world, part)(target, without=symbol)
        home = check.world.find("page", target.name)
        app = home[1].app.name if home else ""
        for element in getattr(symbol, part):
            other = known.get(fold(element.name))
            if other is not None and element.name:
                advice = f"Rename it, or remove it and use the page's own '{other.name}'."
                _already(check, kind, element.name, target, app, _member_place(declared, element.name), advice)


# -- identity --------------------------------------------------------------------------------------


def _identity(check: Check, symbol: Symbol, place: Place) -> None:
    own = check.world.own
    for app in check.world.apps:
        if app is own or app.app.id == own.app.id:
            continue
        twin = app.numbered(symbol.kind, symbol.id) if symbol.id else None
        if twin is not None:
            message = (
                f"An application object of type '{symbol.kind.capitalize()}' with ID '{symbol.id}' is "
                f"already declared by the extension '{app.app.name}'."
            )
            check.report("AL0264", Level.SYMBOLS, str(symbol.id), message, place, "Give the object another id.")
        for other in app.named(symbol.kind, symbol.name) if symbol.name else ():
            if fold(other.namespace) == fold(symbol.namespace) and symbol.kind not in ("dotnet", "profile"):
                message = (
                    f"An application object of type '{symbol.kind.capitalize()}' with name "
                    f"'{symbol.name}' is already declared by the extension '{app.app.name}'."
                )
                check.report("AL0197", Level.SYMBOLS, symbol.name, message, place, "Give the object another name.")


def _interfaces(check: Check, symbol: Symbol, declared: ObjectDecl | None) -> None:
    places = {fold(n): Place(declared.file, at) for n, at in declared.interfaces} if declared else {}
    for interface in symbol.interfaces:
        name = fold_reference(interface)
        place = places.get(fold(interface), _here(declared))
        found = check.reference("interface", name, 0, Level.SYMBOLS, place)
        if found is None or symbol.kind != "codeunit":
            continue
        own = {(fold(m.name), len(m.parameters)) for m in symbol.methods if m.access != "local"}
        for method in found[0].methods:
            if (fold(method.name), len(method.parameters)) not in own:
                message = f"'{symbol.name}' does not implement the interface member '{method.name}'."
                advice = f"Add: procedure {signature(method)}"
                check.report("AL0582", Level.SYMBOLS, method.name, message, place, advice)
