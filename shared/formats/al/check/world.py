"""Everything an extension can see on one side of an update: its own objects, its dependencies, the base.

A name that is not there is `missing` only if nothing that could hold it is absent from the set; otherwise
it is unknown, and unknown is never reported as a break.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from shared.formats.al.source.lexer import whole_number
from shared.formats.al.source.syntax import SourceFile
from shared.formats.al.symbols.builtins import FIRST_PLATFORM_ID, PLATFORM_OBJECTS
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import (
    EXTENSION_OF,
    Element,
    EnumValue,
    Field,
    Method,
    Symbol,
    TypeRef,
    fold,
    fold_reference,
)

from .needs import NeededApp

KIND_OF_TYPE = {
    "record": "table",
    "database": "table",
    "table": "table",
    "tabledata": "table",
    "codeunit": "codeunit",
    "page": "page",
    "report": "report",
    "query": "query",
    "xmlport": "xmlport",
    "enum": "enum",
    "interface": "interface",
    "controladdin": "controladdin",
    "testpage": "page",
    "testrequestpage": "report",
    "requestpage": "report",
}
_EXTENSION_KIND = {target: kind for kind, target in EXTENSION_OF.items() if kind != "pagecustomization"}
_GONE = ("removed", "moved")


@dataclass(frozen=True, slots=True)
class Owned:
    """A member and the object and app that bring it."""

    member: Method
    owner: Symbol
    app: AppIndex


class World:
    """Lookups over `apps`; `own` is the extension itself.

    `absent` are apps that are needed and not given: while there are any the world is not `closed`, and only while
    none of them may extend the objects of others it `has_all_extensions`. `reached` are the ids of the apps that the
    manifest makes visible, None where nobody asks.
    """

    def __init__(
        self,
        own: AppIndex,
        apps: Sequence[AppIndex],
        *,
        absent: Sequence[NeededApp] = (),
        reached: frozenset[str] | None = None,
    ) -> None:
        self.own = own
        self.apps = [own, *apps]
        self.closed = not absent
        self.has_all_extensions = not any(a.extends for a in absent)
        self.reached = reached
        self.has_platform = any(a.app.is_platform for a in apps)
        self.spaces: frozenset[str] | None = None
        self._nearer: frozenset[str] = frozenset()
        self._first_words: frozenset[str] | None = None
        self._of_types: dict[tuple[frozenset[str] | None, str, str, int], tuple[Symbol, AppIndex] | None] = {}
        self._fields: dict[tuple[str, int], dict[str, tuple[Field, AppIndex | None]]] = {}
        self._methods: dict[tuple[str, str, int], dict[str, list[Owned]]] = {}
        self._parts: dict[tuple[str, str, str, int], dict[str, Element]] = {}

    def look_from(self, file: SourceFile | None) -> None:
        """From now on names mean what they mean in `file`: its namespace and usings come first.

        A file without a namespace sees every one (devenv-namespaces-overview), so nothing is told apart there.
        """
        self.spaces, self._nearer = None, frozenset()
        if file is not None and (file.namespace or file.usings):
            own = fold(file.namespace).split(".")
            self._nearer = frozenset(".".join(own[:n]) for n in range(len(own) + 1))
            self.spaces = self._nearer | {fold(u) for u in file.usings}

    @property
    def first_words(self) -> frozenset[str]:
        """The first words of all namespaces, folded."""
        if self._first_words is None:
            spaces = {e.namespace for app in self.apps for e in app.entries}
            self._first_words = frozenset(s.partition(".")[0].casefold() for s in spaces if s)
        return self._first_words

    def in_sight(self, symbol: Symbol) -> bool:
        """Whether the file under check may name the object without its namespace."""
        return self.spaces is None or not symbol.namespace or fold(symbol.namespace) in self.spaces

    def find(self, kind: str, name: str, number: int = 0) -> tuple[Symbol, AppIndex] | None:
        """The object by name (`A.B.Name` names a namespace) or id.

        A living one comes before a removed one, then one in sight before one that is not.
        """
        best: tuple[Symbol, AppIndex] | None = None
        rank = (False, False)
        for symbol, app in self._candidates(kind, name, number):
            this = (not is_gone(symbol), self.in_sight(symbol))
            if best is None or this > rank:
                best, rank = (symbol, app), this
        return best

    def rivals(self, kind: str, name: str) -> list[tuple[Symbol, AppIndex]]:
        """Living objects of that bare name in sight, if they are in several namespaces and none is nearer than a using.

        Whether the file's own namespace, or none, comes before those that it uses is not public: then nothing is said.
        """
        found = [
            (symbol, app)
            for app in self.apps
            for symbol in app.named(kind, name)
            if not is_gone(symbol) and self.in_sight(symbol) and not _is_internal(symbol)
        ]
        spaces = {fold(s.namespace) for s, _ in found}
        if len(spaces) < 2 or spaces & self._nearer or any(app is self.own for _, app in found):
            return []
        return found

    def _candidates(self, kind: str, name: str, number: int) -> Iterator[tuple[Symbol, AppIndex]]:
        for app in self.apps:
            if name:
                for symbol in app.named(kind, name) or _in_namespace(app, kind, name):
                    yield symbol, app
            if number and (not name or name.isdigit()):
                symbol_by_id = app.numbered(kind, number)
                if symbol_by_id is not None:
                    yield symbol_by_id, app
        if not number and (written := whole_number(name)):
            yield from self._candidates(kind, "", written)

    def find_type(self, declared: TypeRef) -> tuple[Symbol, AppIndex] | None:
        """The object that a variable's type names."""
        key = (self.spaces, declared.name, declared.subject, declared.subject_id)
        if key not in self._of_types:
            self._of_types[key] = self._find_type(declared)
        return self._of_types[key]

    def _find_type(self, declared: TypeRef) -> tuple[Symbol, AppIndex] | None:
        kind = KIND_OF_TYPE.get(declared.name.lower())
        if kind is None:
            return None
        if declared.subject:
            found = self.find(kind, declared.subject)
            if found is not None or not declared.subject_id:
                return found
        return self.find(kind, "", declared.subject_id)

    def is_missing(self, name: str, number: int = 0) -> bool:
        """Whether an object that `find` does not find is certainly not there."""
        return self.closed and not self.is_platforms(name, number) and not self.is_well_known(name)

    def is_platforms(self, name: str, number: int = 0) -> bool:
        """Whether an object has an id of the server's `System` app, which is not given."""
        return not self.has_platform and max(number, whole_number(name)) >= FIRST_PLATFORM_ID

    def is_well_known(self, name: str) -> bool:
        """Whether it is one of those that every server's `System` app has; that app is not given."""
        return not self.has_platform and name.rpartition(".")[2].casefold() in PLATFORM_OBJECTS

    def extensions(self, target: Symbol) -> Iterator[tuple[Symbol, AppIndex]]:
        """Extension objects of an object, in every app."""
        kind = _EXTENSION_KIND.get(target.kind)
        if kind is None:
            return
        for app in self.apps:
            # Early extensions may name their target by its id.
            for name in (target.name, str(target.id)) if target.id else (target.name,):
                for extension in app.extensions_of(kind, name):
                    yield extension, app

    def fields(self, table: Symbol) -> dict[str, tuple[Field, AppIndex | None]]:
        """Fields of a table with those of its extensions, by folded name."""
        key = (table.namespace + "." + table.name, table.id)
        known = self._fields.get(key)
        if known is None:
            own: list[tuple[Field, AppIndex | None]] = [(f, None) for f in table.fields]
            added = [(f, app) for extension, app in self.extensions(table) for f in extension.fields]
            # A field that moved to another app lives on there; a marker of it stays where it was.
            everyone = (*(one for one in added if self._is_visible(*one)), *own)
            living_last = sorted(everyone, key=lambda one: not is_moved(one[0]))
            known = self._fields[key] = {fold(f.name): (f, app) for f, app in living_last}
        return known

    def _is_visible(self, field: Field, app: AppIndex) -> bool:
        """Whether the extension sees what moved to `app`: it has to depend on that, and not only on the old owner."""
        origin = field.properties.get("movedfrom", "").strip("{}'").lower()
        if not origin or self.reached is None or app is self.own:
            return True
        return app.app.id in self.reached or origin not in self.reached

    def methods(self, target: Symbol, owner: AppIndex) -> dict[str, list[Owned]]:
        """Methods of an object with those of its extensions, by folded name, overloads together."""
        key = (target.kind, target.namespace + "." + target.name, target.id)
        known = self._methods.get(key)
        if known is None:
            merged: dict[str, list[Owned]] = {}
            for source, app in [(target, owner), *self.extensions(target)]:
                for method in source.methods:
                    merged.setdefault(fold(method.name), []).append(Owned(method, source, app))
            known = self._methods[key] = merged
        return known

    def controls(self, page: Symbol, *, without: Symbol | None = None) -> dict[str, Element]:
        """Controls of a page and its extensions by folded name; `without` leaves one extension's own out."""
        return self._elements(page, "controls", without)

    def actions(self, page: Symbol, *, without: Symbol | None = None) -> dict[str, Element]:
        """Actions, likewise."""
        return self._elements(page, "actions", without)

    def views(self, page: Symbol) -> dict[str, Element]:
        """Views, likewise."""
        return self._elements(page, "views", None)

    def columns(self, target: Symbol) -> dict[str, Element]:
        """Data items and columns of a report or query and its extensions by folded name."""
        return self._elements(target, "columns", None)

    def _elements(self, target: Symbol, part: str, without: Symbol | None) -> dict[str, Element]:
        if without is not None:
            return self._merged(target, part, without)
        key = (part, target.kind, target.namespace + "." + target.name, target.id)
        known = self._parts.get(key)
        if known is None:
            known = self._parts[key] = self._merged(target, part, None)
        return known

    def _merged(self, target: Symbol, part: str, without: Symbol | None) -> dict[str, Element]:
        merged: dict[str, Element] = {}
        for extension, _ in self.extensions(target):
            if extension is not without:
                merged.update((fold(e.name), e) for e in getattr(extension, part))
        merged.update((fold(e.name), e) for e in getattr(target, part))
        return merged

    def enum_values(self, enum: Symbol) -> dict[str, EnumValue]:
        """Values of an enum and its extensions by folded name."""
        merged = {fold(v.name): v for extension, _ in self.extensions(enum) for v in extension.values}
        merged.update((fold(v.name), v) for v in enum.values)
        return merged

    def source_table(self, page: Symbol) -> tuple[Symbol, AppIndex] | None:
        """The table that a page shows."""
        name = page.properties.get("sourcetable", "")
        return self.find("table", fold_reference(name)) if name else None


def _in_namespace(app: AppIndex, kind: str, name: str) -> list[Symbol]:
    """Objects that `A.B.Name` names; the name itself may hold dots."""
    at = name.find(".")
    while at > 0:
        space, last = fold(name[:at]), name[at + 1 :]
        if named := [s for s in app.named(kind, last) if fold(s.namespace) == space]:
            return named
        at = name.find(".", at + 1)
    return []


def is_gone(symbol: Symbol) -> bool:
    """Whether an object is there only as a marker: removed, or moved to another app."""
    return symbol.obsolete is not None and symbol.obsolete.state in _GONE


def _is_internal(symbol: Symbol) -> bool:
    return symbol.properties.get("access", "").lower() == "internal"


def is_moved(member: Symbol | Field) -> bool:
    """Whether it lives in another app now."""
    return member.obsolete is not None and member.obsolete.state == "moved"
