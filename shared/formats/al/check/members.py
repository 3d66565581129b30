"""Members of typed expressions: fields, methods, columns and values, and the arguments given to methods."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.builtins import METHODS, SYSTEM_FIELDS
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import EXTENSION_OF, Field, Symbol, TypeRef, fold

from .context import ExtensionCheck
from .evidence import SymbolPath
from .interfaces import ancestry
from .lifecycle import report_state
from .naming import is_on_premises, report_on_premises
from .places import Place
from .suggestions import nearest
from .tables import renamed_field
from .world import Owned, World, fold_reference

# Runtime 15.0 lets interfaces extend others; whether symbols tell so was not seen.
_INTERFACES_EXTEND_FROM = 26
_WITH_MEMBERS = frozenset(("record", "codeunit", "page", "report", "query", "xmlport", "interface"))


@dataclass(frozen=True, slots=True)
class Binding:
    """What a member turned out to be; all empty where that is not known."""

    type: TypeRef | None = None
    methods: tuple[Owned, ...] = ()
    field: Field | None = None
    table: Symbol | None = None
    builtin: bool = False
    owner: Symbol | None = None


UNKNOWN = Binding()


class Members:
    """Looks members up on behalf of one object's code and reports those that are gone or out of reach."""

    def __init__(self, check: ExtensionCheck, declared: ObjectDecl) -> None:
        self.check = check
        self.world: World = check.world
        self.declared = declared
        self._target = (EXTENSION_OF.get(declared.kind, ""), fold(fold_reference(declared.target)))

    def subject(self, owner: TypeRef | None) -> tuple[Symbol, AppIndex] | None:
        """The object behind a type, where its members can be known."""
        if owner is None or owner.dimensions or owner.name.lower() not in _WITH_MEMBERS:
            return None
        return self.world.find_type(owner)

    def lookup(self, owner: TypeRef | None, name: str, place: Place, *, report: bool = True) -> Binding:
        """The member `name` of a value of type `owner`; a certain absence is reported once."""
        found = self.subject(owner)
        if found is None or owner is None:
            return UNKNOWN
        symbol, app = found
        member = self._member(symbol, app, name, place, report=report)
        if member is not None:
            return member
        if report and app is not self.world.own:
            self._absent(owner, symbol, name, place)
        return UNKNOWN

    def _member(self, symbol: Symbol, app: AppIndex, name: str, place: Place, *, report: bool) -> Binding | None:
        folded = fold(name)
        if symbol.kind == "table":
            field = self.world.fields(symbol).get(folded)
            if field is not None:
                if report:
                    self._reached_field(field[0], field[1] or app, symbol, place)
                return Binding(field[0].type, field=field[0], table=symbol)
        methods = self.world.methods(symbol, app).get(folded)
        if not methods and symbol.kind == "interface":
            inherited = (m for o in ancestry(self.world, symbol)[1:] for m in o.methods if fold(m.name) == folded)
            methods = [Owned(m, symbol, app) for m in inherited]
        if methods:
            if report:
                self._reached_method(methods, symbol, place)
            returns = methods[0].member.returns if len(methods) == 1 else _common(methods)
            return Binding(returns, tuple(methods), owner=symbol)
        if folded in METHODS.get(symbol.kind, ()) or (symbol.kind == "table" and folded in SYSTEM_FIELDS):
            return Binding(builtin=True, table=symbol if symbol.kind == "table" else None)
        if symbol.kind in ("query", "report") and folded in self.world.columns(symbol):
            return UNKNOWN
        if symbol.kind == "xmlport":
            return UNKNOWN  # its schema and variables are not in the symbols
        return None

    def _absent(self, owner: TypeRef, symbol: Symbol, name: str, place: Place) -> None:
        if not self.check.member_missing(symbol) or (symbol.kind == "interface" and not self._told(symbol, name)):
            return
        advice = self._renamed(symbol, name)
        if symbol.kind == "query":
            message = f"Column '{name}' does not exist in application object '{symbol.name}'."
            about = SymbolPath.of(symbol, "columns", name)
            self.check.report("AL0349", name, message, place, advice, about=about)
            return
        message = f"'{owner.name} {symbol.name}' does not contain a definition for '{name}'."
        self.check.report("AL0132", name, message, place, advice, about=self._about(symbol, name))

    def _about(self, symbol: Symbol, name: str) -> SymbolPath:
        """A field where either side has one of that name, else a procedure."""
        for world in (self.check.old, self.world):
            found = world.find("table", symbol.name) if world and symbol.kind == "table" else None
            if world and found and fold(name) in world.fields(found[0]):
                return SymbolPath.of(symbol, "fields", name)
        return SymbolPath.of(symbol, "methods", name)

    def _told(self, interface: Symbol, name: str) -> bool:
        """Whether an interface is known not to have a member: symbols may be silent of what it extends."""
        version = self.check.target_version
        before = self.check.old.find("interface", interface.name) if self.check.old else None
        if before is not None and any(fold(m.name) == fold(name) for m in before[0].methods):
            return True
        if version is not None and version.major < _INTERFACES_EXTEND_FROM:
            return True
        self.check.unknown.setdefault(f"a member of {interface.title}")
        return False

    def _renamed(self, symbol: Symbol, name: str) -> str:
        """The field that has the id now, the reason the old base gave, or the nearest name."""
        if symbol.kind == "table" and (advice := renamed_field(self.check, symbol, name)):
            return advice
        old = self.check.old.find(symbol.kind, symbol.name) if self.check.old else None
        method = next((m for m in old[0].methods if fold(m.name) == fold(name)), None) if old else None
        if method is not None and method.obsolete is not None and method.obsolete.reason:
            return method.obsolete.reason
        known = [m.name for m in symbol.methods if m.access == "public"]
        if symbol.kind == "table":
            known += [f.name for f, _ in self.world.fields(symbol).values()]
        elif symbol.kind in ("query", "report"):
            known += [e.name for e in self.world.columns(symbol).values()]
        return nearest(name, known)

    # -- reach -------------------------------------------------------------------------------------

    def _reached_field(self, field: Field, app: AppIndex, table: Symbol, place: Place) -> None:
        if app is self.world.own:
            return
        about = SymbolPath.of(table, "fields", field.name)
        report_state(self.check, "Field", field, place, about)
        access = field.properties.get("access", "").lower()
        if access == "local" or (access == "internal" and not self.check.sees_internals(app)):
            self._out_of_reach(field.name, place, about)

    def _reached_method(self, methods: Sequence[Owned], symbol: Symbol, place: Place) -> None:
        if any(o.app is self.world.own for o in methods):
            return
        first = methods[0].member
        about = SymbolPath.of(symbol, "methods", first.name)
        if not any(self._callable(o) for o in methods):
            self._out_of_reach(first.name, place, about)
        if len(methods) == 1:
            report_state(self.check, "Procedure", first, place, about)
            if is_on_premises(first.scope) and self.check.extension.manifest.is_cloud:
                report_on_premises(self.check, first.name, place, about)

    def _callable(self, owned: Owned) -> bool:
        access = owned.member.access
        if access == "internal":
            return self.check.sees_internals(owned.app)
        if access == "protected":
            return (owned.owner.kind, fold(owned.owner.name)) == self._target
        return access == "public"

    def _out_of_reach(self, name: str, place: Place, about: SymbolPath) -> None:
        message = f"'{name}' is inaccessible due to its protection level."
        self.check.report("AL0161", name, message, place, about=about)


def _common(methods: Sequence[Owned]) -> TypeRef | None:
    returns = {str(o.member.returns) for o in methods}
    return methods[0].member.returns if len(returns) == 1 else None
