"""What is removed, moved to another app, or pending: told wherever an extension names it."""

from typing import Protocol

from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Obsolete, Symbol

from .context import ExtensionCheck
from .evidence import SymbolPath
from .places import Place
from .suggestions import predicted_removal, replacement
from .world import is_moved

_TITLES = {"xmlport": "XmlPort", "controladdin": "ControlAddIn", "permissionset": "PermissionSet"}


class Lasting(Protocol):
    """What has a name and may be obsolete."""

    @property
    def name(self) -> str: ...
    @property
    def obsolete(self) -> Obsolete | None: ...


def title_of_kind(kind: str) -> str:
    """`Codeunit`, `XmlPort`: how the compiler writes the kind of an object."""
    return _TITLES.get(kind, kind.capitalize())


def called(kind: str, name: str) -> str:
    """`Codeunit 'Sales-Post'`: how the compiler names an object."""
    return f"{title_of_kind(kind)} '{name}'"


def report_state(
    check: ExtensionCheck, what: str, named: Lasting, place: Place, about: SymbolPath, *, removed: str = "AL0433"
) -> None:
    """Report a removed symbol (as `removed`), or the forecast of a pending one; `what` is its kind in words."""
    obsolete, title = named.obsolete, f"{what} '{named.name}'"
    if obsolete is None:
        return
    reason = f" Reason: {obsolete.reason.rstrip('.')}." if obsolete.reason else ""
    tag = f" Tag: {obsolete.tag}." if obsolete.tag else ""
    if obsolete.state in ("removed", "moved"):
        message = f"{title} is removed.{reason}{tag}"
        check.report(removed, named.name, message, place, replacement(obsolete), about=about)
    elif obsolete.state in ("pending", "pendingmove"):
        major = predicted_removal(obsolete)
        when = f" It may be gone from version {major}.0 on." if major else ""
        end = "removal" if obsolete.state == "pending" else "a move to another app"
        message = f"{title} is marked for {end}.{reason}{tag}{when}"
        check.report("AL0432", named.name, message, place, replacement(obsolete), about=about)


def report_object_state(
    check: ExtensionCheck, symbol: Symbol, app: AppIndex, place: Place, removed: str = "AL0433"
) -> None:
    """Report an object that is removed, moved or pending; `removed` is the code for a removed one."""
    if is_moved(symbol):
        _moved(check, symbol, place)
        return
    report_state(check, title_of_kind(symbol.kind), symbol, place, SymbolPath.object(symbol), removed=removed)
    _unreached(check, symbol, app, place)


def _moved(check: ExtensionCheck, symbol: Symbol, place: Place) -> None:
    """Only the marker that the object left in its old app is in sight: where did it go?"""
    wanted = symbol.properties.get("movedto", "").strip("{}'").lower()
    home = next((a for a in check.world.apps if a.app.id == wanted), None)
    if home is None and not check.world.closed:
        check.unknown.setdefault(f"{symbol.kind} {symbol.name}")
        return
    reason = f" Reason: {symbol.obsolete.reason}." if symbol.obsolete and symbol.obsolete.reason else ""
    message = f"{called(symbol.kind, symbol.name)} is removed.{reason} It moved to another app."
    where = home.app.title if home else f"the app {wanted}" if wanted else "another app"
    advice = f"It moved to {where}, which is not in the target set: install that app, and depend on it."
    if home is not None:
        advice = f"It moved to {where}, which does not have it in this version."
    check.report("AL0433", symbol.name, message, place, advice, about=SymbolPath.object(symbol))


def _unreached(check: ExtensionCheck, symbol: Symbol, app: AppIndex, place: Place) -> None:
    """It is there, in an app that this extension does not depend on yet."""
    origin = symbol.properties.get("movedfrom", "").strip("{}'").lower()
    if not origin or check.reached is None or app.app.id in check.reached or origin not in check.reached:
        return
    if not any(a.app.id == origin for a in check.world.apps):
        return  # what the old owner passes on to its dependents is not known
    message = f"{called(symbol.kind, symbol.name)} has been moved to the extension '{app.app.name}'."
    advice = f"Add a dependency on {app.app.name} by {app.app.publisher} ({app.app.id})."
    check.report("AL0824", symbol.name, message, place, advice, about=SymbolPath.object(symbol))
