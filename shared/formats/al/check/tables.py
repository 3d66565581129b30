"""Fields that declarations name: whether one is there, and which took its place."""

from shared.formats.al.symbols.builtins import SYSTEM_FIELDS
from shared.formats.al.symbols.symbols import Symbol, fold

from .context import ExtensionCheck
from .evidence import SymbolPath
from .lifecycle import report_state
from .places import Place
from .suggestions import nearest

_MESSAGES = {
    "AL0132": "'Record {table}' does not contain a definition for '{field}'.",
    "AL0186": "Reference '{field}' in application object '{table}' does not exist.",
    "AL0295": "The field '{field}' is not found in the target '{table}'.",
    "AL0345": (
        "The source of a Column or Filter must be a field defined on the table referenced by its parent DataItem; "
        "'{table}' has no '{field}'."
    ),
}


def field_exists(check: ExtensionCheck, table: Symbol, name: str, place: Place, code: str) -> None:
    """Report a field that the table and its extensions do not have, as `code`; or what its state foretells."""
    known, about = check.world.fields(table), SymbolPath.of(table, "fields", name)
    found = known.get(fold(name))
    if found is not None:
        field, app = found
        if app is not check.world.own:
            report_state(check, "Field", field, place, about)
        return
    if fold(name) in SYSTEM_FIELDS or not check.member_missing(table, name):
        return
    message = _MESSAGES[code].format(table=table.name, field=name)
    advice = renamed_field(check, table, name) or nearest(name, (f.name for f, _ in known.values()))
    check.report(code, name, message, place, advice, about=about)


def renamed_field(check: ExtensionCheck, table: Symbol, name: str) -> str:
    """The reason that the old base gave for the field, or the field that has its id now."""
    old = check.old
    before = old.find("table", table.name) if old else None
    was = old.fields(before[0]).get(fold(name)) if old and before else None
    if was is None:
        return ""
    if was[0].obsolete is not None and was[0].obsolete.reason:
        return was[0].obsolete.reason
    now = [f.name for f, _ in check.world.fields(table).values() if f.id == was[0].id]
    return f'Field {was[0].id} is called "{now[0]}" now.' if now else ""


def key_field(check: ExtensionCheck, table: Symbol, name: str, place: Place) -> None:
    """The same in a key, where a removed field is an error of its own."""
    known = check.world.fields(table).get(fold(name))
    if known and known[0].obsolete and known[0].obsolete.state == "removed":
        message = f"Field '{name}' is removed and cannot be used in an active key."
        about = SymbolPath.of(table, "fields", name)
        check.report("AL0450", name, message, place, known[0].obsolete.reason, about=about)
    else:
        field_exists(check, table, name, place, "AL0186")
