"""Tables and fields that move from one app to another together with their data."""

from collections.abc import Iterator

from shared.formats.al.package.manifest import APPLICATION, BASE_APPLICATION, BUSINESS_FOUNDATION, SYSTEM_APPLICATION
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Obsolete, Symbol, fold

from .comparison import Comparison

# Apps that Microsoft's "Application" unites.
_UMBRELLA = frozenset((APPLICATION, BASE_APPLICATION, BUSINESS_FOUNDATION, SYSTEM_APPLICATION))
_LEAVING = ("pendingmove", "moved")


def compare_moves(c: Comparison) -> None:
    """AS0117 for what leaves this app; AS0116, AS0119-AS0122, AS0141 and AS0142 for tables that come to it."""
    for entry in c.old.entries:
        if entry.kind in ("table", "tableextension") and not c.is_unchanged(entry):
            before = c.old.symbol(entry)
            after = c.new.numbered(before.kind, before.id)
            if after is not None:
                _leaving(c, before, after)
    for entry in c.new.entries:
        if entry.kind == "table" and not c.is_unchanged(entry):
            _coming(c, c.new.symbol(entry))


def _leaving(c: Comparison, before: Symbol, after: Symbol) -> None:
    """The table and its fields, where they are marked as moved."""
    _left(c, None, before.name, before.obsolete, after.obsolete)
    now = {f.id: f for f in after.fields}
    for field in before.fields:
        if field.id in now:
            _left(c, before, field.name, field.obsolete, now[field.id].obsolete)


def _coming(c: Comparison, table: Symbol) -> None:
    """A table that says that it comes from another app, or that is new without saying so."""
    old = c.old.numbered("table", table.id)
    source = _app_id(table.properties.get("movedfrom", ""))
    if source and (old is None or not old.properties.get("movedfrom")):
        _came(c, table, source)
    elif not source and old is None:
        _unsaid(c, table)


def _left(c: Comparison, owner: Symbol | None, name: str, before: Obsolete | None, after: Obsolete | None) -> None:
    moved = after is not None and after.state == "moved"
    if moved and (before is None or before.state not in _LEAVING):
        c.add("AS0117", owner, name, f"'{name}' moved without having been PendingMove")


def _app_id(text: str) -> str:
    return text.strip().strip("{}").lower()


def _came(c: Comparison, table: Symbol, source: str) -> None:
    if not c.others:
        c.undecided.append(
            f"{table.title} comes from app {source}: whether it fits is not known without that app (--with)"
        )
        return
    name = table.name
    elsewhere = list(_sources(c, table))
    app = next((a for a in c.others if a.app.id == source or source in a.app.alternate_ids), None)
    leaving = [a for a, t in elsewhere if _goes_here(c, t)]
    if leaving and app not in leaving:
        titles = leaving[0].app.title
        c.add("AS0120", None, name, f"{table.title} says that it comes from {source}; it comes from {titles}")
        return
    if app is None:
        c.add("AS0116", None, name, f"{table.title} comes from app {source}, which is not there")
        return
    origin = app.numbered("table", table.id)
    if origin is None:
        c.add("AS0122", None, name, f"{table.title} comes from {app.app.title}, which does not have it")
        return
    target = _app_id(origin.properties.get("movedto", ""))
    if target and target != c.new.app.id:
        c.add("AS0119", None, name, f"{origin.title} of {app.app.title} goes to app {target}, not here")
    if fold(origin.name) != fold(name):
        c.add("AS0121", None, name, f"{table.title} is called '{origin.name}' in {app.app.title}")


def _goes_here(c: Comparison, table: Symbol) -> bool:
    return _app_id(table.properties.get("movedto", "")) == c.new.app.id


def _sources(c: Comparison, table: Symbol) -> Iterator[tuple[AppIndex, Symbol]]:
    for app in c.others:
        found = app.numbered("table", table.id)
        if found is not None:
            yield app, found


def _unsaid(c: Comparison, table: Symbol) -> None:
    for app, origin in _sources(c, table):
        if app.app.id in _UMBRELLA and c.new.app.id in _UMBRELLA:
            change = f"{table.title} is in {app.app.title} as {origin.title} and does not say MovedFrom"
            c.add("AS0141", None, table.name, change)
            return
        if _goes_here(c, origin) or (fold(origin.name) == fold(table.name)):
            c.add("AS0142", None, table.name, f"{table.title} is also in {app.app.title} and does not say MovedFrom")
            return
