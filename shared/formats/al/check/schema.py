"""Row 34: what keeps the staged version's tables from taking over the data of the installed version."""

from shared.formats.al.compare.versions import compare
from shared.formats.al.source.opening import OpenedExtension
from shared.formats.al.symbols.index import App, AppIndex, build_index
from shared.formats.al.symbols.symbols import Symbol, fold

from .context import ExtensionCheck
from .evidence import SymbolPath, declaration
from .places import member_place
from .rules import RULES
from .world import World

# Rules of the comparison that speak of stored data; growing a field or adding one is fine.
SCHEMA_CODES = frozenset(next(rule for rule in RULES if rule.row == 34).codes)
_STORED = ("table", "tableextension")


def check_schema(check: ExtensionCheck, installed: OpenedExtension) -> None:
    """Compare tables and table extensions of the installed version with those of the staged one."""
    before, after = _stored(installed, check.extension)
    worlds = World(_nothing(before.app), [before]), World(_nothing(after.app), [after])
    for found in compare(before, after):
        if found.code not in SCHEMA_CODES:
            continue
        owner = _owner(before, found.symbol, found.message)
        declared = check.extension.declaration(owner) if owner else None
        place = member_place(declared, found.symbol)
        message = f"{found.message} The installed version is {installed.manifest.version}."
        advice = "Keep what the installed version stores, or move the data in an upgrade codeunit of a version between."
        evidence = tuple(_text(world, owner, found.symbol) for world in worlds)
        check.report(
            found.code,
            found.symbol,
            message,
            place,
            advice,
            evidence=(evidence[0], evidence[1]),
        )


def _stored(installed: OpenedExtension, staged: OpenedExtension) -> tuple[AppIndex, AppIndex]:
    """Both versions' tables as the compiler wrote them; as their source declares them where one has no symbols."""
    compiled = all(any(s.kind in _STORED for s in e.compiled) or not e.objects for e in (installed, staged))

    def of(e: OpenedExtension) -> AppIndex:
        symbols = e.compiled if compiled else list(e.index.symbols())
        return build_index(App.of(e.manifest), [s for s in symbols if s.kind in _STORED])

    return of(installed), of(staged)


def _nothing(app: App) -> AppIndex:
    return AppIndex(app, [])


def _owner(before: AppIndex, name: str, message: str) -> Symbol | None:
    """The table that a finding of the comparison is about; its message ends with the table's title."""
    tables = list(before.symbols())
    return next((s for s in tables if s.title in message), None) or next(
        (s for s in tables if fold(s.name) == fold(name)), None
    )


def _text(world: World, owner: Symbol | None, name: str) -> str:
    if owner is None:
        return ""
    for part in ("fields", "keys"):
        text = declaration(world, SymbolPath(owner.kind, owner.name, owner.id, part, name))
        if text:
            return text
    named = fold(name) in {fold(f.name) for f in owner.fields} | {fold(k.name) for k in owner.keys}
    return "" if named else declaration(world, SymbolPath.object(owner))
