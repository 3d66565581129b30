"""Objects that an extension names: is one there, in sight, within reach, and what took the place of one that is not."""

from collections.abc import Callable

from shared.formats.al.source.lexer import whole_number
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Symbol, fold

from .context import ExtensionCheck
from .evidence import SymbolPath
from .lifecycle import called, report_object_state, title_of_kind
from .places import Place
from .suggestions import nearest

_MAY_HOLD_IT_NOW = ("codeunit", "table", "page", "enum", "query", "report")


def named_object(
    check: ExtensionCheck,
    path: SymbolPath,
    place: Place,
    *,
    code: str = "AL0185",
    instead: Callable[[], str] | None = None,
) -> tuple[Symbol, AppIndex] | None:
    """Resolve a named object; a missing, removed, pending or inaccessible one is reported.

    `instead` gives a suggestion that is better than what names and ids tell, or nothing. None stands for a
    missing and for an inaccessible object: nothing more can be said of its members.
    """
    kind, name = path.kind, path.name
    found = check.world.find(kind, name, path.number)
    if found is None:
        if check.missing(kind, name, path.number):
            _missing(check, path, place, code, instead)
        return None
    symbol, app = found
    if app is check.world.own:
        return found
    if _is_out_of_sight(check, symbol, name):
        message, advice = f"{called(kind, name)} is missing.", f"Add: using {symbol.namespace};"
        check.report("AL0185", name, message, place, advice, about=path)
        return None
    rivals = check.world.rivals(kind, name) if name else []
    # A file without namespace sees every one; that it compiled with two of a name says they are told apart.
    if rivals and (check.world.spaces is not None or (check.old and not check.old.rivals(kind, name))):
        _ambiguous(check, name, rivals, place)
        return None
    if not is_accessible(check, symbol, app, place):
        return None
    report_object_state(check, symbol, app, place)
    return found


def _missing(
    check: ExtensionCheck, path: SymbolPath, place: Place, code: str, instead: Callable[[], str] | None
) -> None:
    label = path.name or str(path.number)
    message = f"{called(path.kind, label)} is missing."
    if code == "AL0132":
        scope = "Database" if path.kind == "table" else title_of_kind(path.kind)
        message = f"'{scope}' does not contain a definition for '{label}'."
    advice = (instead() if instead else "") or successor(check, SymbolPath(path.kind, label, path.number))
    check.report(code, label, message, place, advice, about=path)


def _is_out_of_sight(check: ExtensionCheck, symbol: Symbol, name: str) -> bool:
    """Whether the object moved to a namespace that the file does not use: known where the old base is."""
    if not name or "." in name or check.old is None or check.world.in_sight(symbol):
        return False
    before = check.old.find(symbol.kind, name)
    return before is not None and check.old.in_sight(before[0])


def _ambiguous(check: ExtensionCheck, name: str, rivals: list[tuple[Symbol, AppIndex]], place: Place) -> None:
    (one, first), (two, second) = rivals[:2]
    names = [f"{s.namespace}.{s.name}" if s.namespace else s.name for s in (one, two)]
    message = (
        f"'{name}' is an ambiguous reference between '{names[0]}' defined by the extension '{first.app.name}' "
        f"and '{names[1]}' defined by the extension '{second.app.name}'."
    )
    advice = f"Write the namespace before the name: {' or '.join(names)}."
    after = f"{names[0]}; {names[1]}"
    check.report("AL0275", name, message, place, advice, evidence=("", after))


# -- reach -----------------------------------------------------------------------------------------


def is_accessible(check: ExtensionCheck, symbol: Symbol, app: AppIndex, place: Place) -> bool:
    """Whether this extension may name an object; it is reported if not."""
    access = symbol.properties.get("access", "").lower()
    if access == "internal" and not check.sees_internals(app):
        message = f"'{symbol.name}' is inaccessible due to its protection level."
        check.report("AL0161", symbol.name, message, place, about=SymbolPath.object(symbol))
        return False
    if is_on_premises(symbol.properties.get("scope", "")) and check.extension.manifest.is_cloud:
        report_on_premises(check, symbol.name, place, SymbolPath.object(symbol))
    return True


def report_on_premises(check: ExtensionCheck, name: str, place: Place, about: SymbolPath) -> None:
    """Report the use of something that a cloud extension must not use."""
    message = (
        f"The application object or method '{name}' has scope 'OnPrem' and cannot be used for 'Cloud' development."
    )
    check.report("AL0296", name, message, place, about=about)


def is_on_premises(scope: str) -> bool:
    """Scope `OnPrem`, which was called `Internal` before runtime 4.0."""
    return scope.strip("'").lower() in ("onprem", "internal")


# -- what took its place ---------------------------------------------------------------------------


def successor(check: ExtensionCheck, path: SymbolPath) -> str:
    """What took the place of an object that is gone, as far as ids, reasons and names tell."""
    key = SymbolPath(path.kind, fold(path.name), path.number)
    if key not in check.successors:
        check.successors[key] = _successor(check, path)
    return check.successors[key]


def _successor(check: ExtensionCheck, path: SymbolPath) -> str:
    kind, name = path.kind, path.name
    before = check.old.find(kind, name, path.number) if check.old else None
    if before is not None and before[0].id:
        renamed = check.world.find(kind, "", before[0].id)
        if renamed is not None and renamed[1] is not check.world.own:
            return f'It is called "{renamed[0].name}" now.'
    if before is not None and before[0].obsolete and before[0].obsolete.reason:
        return before[0].obsolete.reason
    bare = name.rpartition(".")[2]
    elsewhere = check.world.find(kind, bare) if bare != name and not whole_number(name) else None
    if elsewhere is not None:
        space = elsewhere[0].namespace
        return f"It is in namespace {space} now." if space else "It is in no namespace now."
    for other in _MAY_HOLD_IT_NOW:
        moved = check.world.find(other, name) if other != kind and name else None
        if moved is not None and moved[1] is not check.world.own:
            return f"There is a {moved[0].title} now."
    return nearest(name, (n for app in check.world.apps for n in app.names(kind)))
