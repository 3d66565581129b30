"""What is removed, moved to another app, or pending: told wherever an extension names it."""

from typing import Protocol

from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Field, Obsolete, Symbol

from .context import ExtensionCheck
from .evidence import SymbolPath
from .parts import may_name_removed
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
    """Report a removed symbol (as `removed`), one that moved away, or the forecast of one that will go or move.

    `what` is its kind in words.
    """
    obsolete = named.obsolete
    match obsolete.state if obsolete else "":
        case "removed":
            _removed(check, what, named, place, about, removed)
        case "moved":
            _moved(check, what, named, place, about)
        case "pendingmove":
            message = f"{what} '{named.name}' is marked to be moved.{_told(named)}"
            check.report("AL0801", named.name, message, place, _replacement(named), about=about)
        case "pending":
            major = predicted_removal(obsolete) if obsolete else None
            when = f" It may be gone from version {major}.0 on." if major else ""
            message = f"{what} '{named.name}' is marked for removal.{_told(named)}{when}"
            check.report("AL0432", named.name, message, place, _replacement(named), about=about)


def _told(named: Lasting) -> str:
    """What its author says of its state."""
    reason, tag = (named.obsolete.reason, named.obsolete.tag) if named.obsolete else ("", "")
    return (f" Reason: {reason.rstrip('.')}." if reason else "") + (f" Tag: {tag}." if tag else "")


def _replacement(named: Lasting) -> str:
    return replacement(named.obsolete) if named.obsolete else ""


def _removed(check: ExtensionCheck, what: str, named: Lasting, place: Place, about: SymbolPath, code: str) -> None:
    is_field = isinstance(named, Field)
    stores = is_field or (isinstance(named, Symbol) and named.kind == "table")
    if not (stores and may_name_removed(check.subtype)):
        message = f"{what} '{named.name}' is removed.{_told(named)}"
        check.report(code, named.name, message, place, _replacement(named), about=about)
    elif is_field and check.subtype == "install":
        message = (
            f"{what} '{named.name}' is removed.{_told(named)} Code that takes its data over compiles, but may fail "
            "when the app is installed anew."
        )
        advice = "Run this code only where there is data to take over, or remove it once all customers have the update."
        check.report("DRYDOCKINSTALL", named.name, message, place, advice, about=about)


def _moved(check: ExtensionCheck, what: str, named: Lasting, place: Place, about: SymbolPath) -> None:
    """Only the marker that it left in its old app is in sight: where did it go?"""
    properties = named.properties if isinstance(named, Field | Symbol) else {}
    wanted = properties.get("movedto", "").strip("{}'").lower()
    home = next((a.app for a in check.world.apps if a.app.id == wanted), None)
    if home is None:
        check.moved_out_of_sight(wanted, f"{what} '{named.name}'")
        return
    advice = f"It moved to {home.title}, which does not have it in this version."
    if check.world.reached is not None and home.id not in check.world.reached:
        advice = f"It moved to {home.title}: add a dependency on {home.name} by {home.publisher} ({home.id})."
    message = f"{what} '{named.name}' is moved.{_told(named)}"
    check.report("AL0797", named.name, message, place, advice, about=about)


def report_object_state(
    check: ExtensionCheck, symbol: Symbol, app: AppIndex, place: Place, removed: str = "AL0433"
) -> None:
    """Report an object that is removed, moved or pending; `removed` is the code for a removed one."""
    report_state(check, title_of_kind(symbol.kind), symbol, place, SymbolPath.object(symbol), removed=removed)
    if not is_moved(symbol):
        _unreached(check, symbol, app, place)


def _unreached(check: ExtensionCheck, symbol: Symbol, app: AppIndex, place: Place) -> None:
    """It is there, in an app that this extension does not depend on yet."""
    origin = symbol.properties.get("movedfrom", "").strip("{}'").lower()
    reached = check.world.reached
    if not origin or reached is None or app.app.id in reached or origin not in reached:
        return
    if not any(a.app.id == origin for a in check.world.apps):
        return  # what the old owner passes on to its dependents is not known
    message = f"{called(symbol.kind, symbol.name)} has been moved to the extension '{app.app.name}'."
    advice = f"Add a dependency on {app.app.name} by {app.app.publisher} ({app.app.id})."
    check.report("AL0824", symbol.name, message, place, advice, about=SymbolPath.object(symbol))
