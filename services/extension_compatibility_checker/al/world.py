"""Everything an extension can see on one side of an update: its own objects, its dependencies, the base.

A name that is not there is `missing` only if nothing that could hold it is absent from the set; otherwise
it is
unknown, and unknown is never reported as a break.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .builtins import FIRST_PLATFORM_ID, PLATFORM_OBJECTS
from .index import AppIndex
from .lexer import whole_number
from .symbols import EXTENSION_OF, Element, EnumValue, Field, Method, Symbol, TypeRef, fold

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
    """Lookups over `apps`; `own` is the extension itself. `closed` is False while a needed app is absent."""

    def __init__(self, own: AppIndex, apps: Sequence[AppIndex], *, closed: bool = True) -> None:
        self.own = own
        self.apps = [own, *apps]
        self.closed = closed
        self.has_platform = any(a.app.is_platform for a in apps)
        self._fields: dict[tuple[str, int], dict[str, tuple[Field, AppIndex | None]]] = {}
        self._methods: dict[tuple[str, str, int], dict[str, list[Owned]]] = {}

    def find(self, kind: str, name: str, number: int = 0) -> tuple[Symbol, AppIndex] | None:
        """The object by name (`A.B.Name` names a namespace) or id; a living one before a removed one."""
        best: tuple[Symbol, AppIndex] | None = None
        for symbol, app in self._candidates(kind, name, number):
            if best is None or (_is_gone(best[0]) and not _is_gone(symbol)):
                best = (symbol, app)
        return best

    def _candidates(self, kind: str, name: str, number: int) -> Iterator[tuple[Symbol, AppIndex]]:
        for app in self.apps:
            if name:
                named = app.named(kind, name)
                if not named and "." in name:
                    space, _, last = name.rpartition(".")
                    named = [s for s in app.named(kind, last) if fold(s.namespace) == fold(space)]
                for symbol in named:
                    yield symbol, app
            if number and (not name or name.isdigit()):
                symbol_by_id = app.numbered(kind, number)
                if symbol_by_id is not None:
                    yield symbol_by_id, app
        if not number and (written := whole_number(name)):
            yield from self._candidates(kind, "", written)

    def find_type(self, declared: TypeRef) -> tuple[Symbol, AppIndex] | None:
        """The object that a variable's type names."""
        kind = KIND_OF_TYPE.get(declared.name.lower())
        if kind is None:
            return None
        if declared.subject:
            found = self.find(kind, declared.subject)
            if found is not None or not declared.subject_id:
                return found
        return self.find(kind, "", declared.subject_id)

    def is_missing(self, kind: str, name: str, number: int = 0) -> bool:
        """Whether an object that `find` does not find is certainly not there."""
        if not self.closed:
            return False
        if max(number, whole_number(name)) >= FIRST_PLATFORM_ID:
            return self.has_platform
        return self.has_platform or name.rpartition(".")[2].casefold() not in PLATFORM_OBJECTS

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
            merged: dict[str, tuple[Field, AppIndex | None]] = {
                fold(f.name): (f, app) for ext, app in self.extensions(table) for f in ext.fields
            }
            merged.update({fold(f.name): (f, None) for f in table.fields})
            known = self._fields[key] = merged
        return known

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


def fold_reference(text: str) -> str:
    """An object named in a property: quotes and the `#app#` prefix of newer symbols are dropped."""
    text = text.strip()
    if text.startswith("#") and text.count("#") >= 2:
        text = text.split("#", 2)[2]
    if len(text) > 1 and text[0] == '"' == text[-1]:
        text = text[1:-1].replace('""', '"')
    return text


def _is_gone(symbol: Symbol) -> bool:
    return symbol.obsolete is not None and symbol.obsolete.state in _GONE
