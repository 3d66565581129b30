"""Members of typed expressions: what is gone, out of reach or obsolete is reported where it is named."""

from collections.abc import Sequence

from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import EXTENSION_OF, Field, Symbol, TypeRef, fold, fold_reference

from .binding import UNKNOWN, Binding
from .context import ExtensionCheck
from .evidence import SymbolPath
from .lifecycle import report_state
from .lookup import OF_CONTROLS, elements, find_member, find_subject
from .naming import is_on_premises, report_on_premises
from .places import Place
from .suggestions import nearest
from .tables import renamed_field
from .world import Owned, World

# Runtime 15.0 lets interfaces extend others; whether symbols tell so was not seen.
_INTERFACES_EXTEND_FROM = 26
_ACTIONS = frozenset(("action", "actionref", "systemaction"))


class Members:
    """Looks members up on behalf of one object's code and reports those that are gone or out of reach."""

    def __init__(self, check: ExtensionCheck, declared: ObjectDecl) -> None:
        self.check = check
        self.world: World = check.world
        self.declared = declared
        self._target = (EXTENSION_OF.get(declared.kind, ""), fold(fold_reference(declared.target)))

    def find(self, owner: TypeRef | None, name: str) -> Binding | None:
        """The member `name` of a value of type `owner`, None if it has none; nothing is reported."""
        return find_member(self.world, owner, name)

    def before(self, owner: TypeRef | None, name: str) -> Binding | None:
        """What it was in the old base; None where that does not have it, or the extension itself brings it."""
        found = find_member(self.check.old, owner, name) if self.check.old else None
        return found if found is not None and found.foreign else None

    def lookup(self, owner: TypeRef | None, name: str, place: Place, *, certain: bool = False) -> Binding:
        """The member `name` of a value of type `owner`; a certain absence is reported once.

        `certain`: it can be nothing that the platform brings.
        """
        found = self.find(owner, name)
        if owner is not None and (found is None or (found is UNKNOWN and self._lost(owner, name))):
            self._absent(owner, name, place, certain=certain)
            return UNKNOWN
        return self.reached(found or UNKNOWN, place)

    def _lost(self, owner: TypeRef, name: str) -> bool:
        """Whether what cannot be known of an object was a procedure in the old base."""
        before = self.before(owner, name) if find_subject(self.world, owner) else None
        return before is not None and bool(before.methods)

    def reached(self, found: Binding, place: Place) -> Binding:
        """The same; what it is reported to be obsolete, or out of reach, on the way."""
        if found.field is not None and found.table is not None and found.foreign:
            self._reached_field(found.field, found.app, found.table, place)
        elif found.methods and found.owner is not None and found.foreign:
            self._reached_method(found.methods, found.owner, place)
        return found

    def _absent(self, owner: TypeRef, name: str, place: Place, *, certain: bool) -> None:
        subject = find_subject(self.world, owner)
        if subject is None or subject[1] is self.world.own or not self.check.member_missing(subject[0], name):
            return
        symbol, kind = subject[0], owner.name.lower()
        if kind in OF_CONTROLS:
            self._absent_control(owner, symbol, name, place, certain=certain)
            return
        if symbol.kind == "interface" and not self._told(symbol, name):
            return
        if symbol.kind == "controladdin" and self.before(owner, name) is None:
            return  # it has members of the platform, too
        advice = self.advice(symbol, name)
        if symbol.kind == "query":
            message = f"Column '{name}' does not exist in application object '{symbol.name}'."
            about = SymbolPath.of(symbol, "columns", name)
            self.check.report("AL0349", name, message, place, advice, about=about)
            return
        message = f"'{owner.name} {symbol.name}' does not contain a definition for '{name}'."
        self.check.report("AL0132", name, message, place, advice, about=self.path_of(symbol, name))

    def _absent_control(self, owner: TypeRef, symbol: Symbol, name: str, place: Place, *, certain: bool) -> None:
        """A control, action or procedure of a page: the old base had it, or it can be nothing of the platform's."""
        before = self.before(owner, name)
        if before is None and not certain:
            return
        known = elements(self.world, symbol, tested=True)
        part = "controls"
        if before is not None and (before.element is None or before.element.kind in _ACTIONS):
            part = "actions" if before.element else "methods"
        about = SymbolPath.of(symbol, part, name)
        message = f"'{owner.name} {symbol.name}' does not contain a definition for '{name}'."
        advice = nearest(name, (e.name for e in known.values()))
        self.check.report("AL0132", name, message, place, advice, about=about)

    def path_of(self, symbol: Symbol, name: str) -> SymbolPath:
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

    def advice(self, symbol: Symbol, name: str) -> str:
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

    def _reached_field(self, field: Field, app: AppIndex | None, table: Symbol, place: Place) -> None:
        about = SymbolPath.of(table, "fields", field.name)
        report_state(self.check, "Field", field, place, about)
        access = field.properties.get("access", "").lower()
        if access == "local" or (access == "internal" and not (app and self.check.sees_internals(app))):
            self._out_of_reach(field.name, place, about)

    def _reached_method(self, methods: Sequence[Owned], symbol: Symbol, place: Place) -> None:
        first = methods[0].member
        about = SymbolPath.of(symbol, "methods", first.name)
        if not any(self.is_callable(o) for o in methods):
            self._out_of_reach(first.name, place, about)
        if len(methods) == 1:
            report_state(self.check, "Procedure", first, place, about)
            if is_on_premises(first.scope) and self.check.extension.manifest.is_cloud:
                report_on_premises(self.check, first.name, place, about)

    def is_callable(self, owned: Owned) -> bool:
        """Whether this object's code may call a method."""
        access = owned.member.access
        if access == "internal":
            return self.check.sees_internals(owned.app)
        if access == "protected":
            return (owned.owner.kind, fold(owned.owner.name)) == self._target
        return access == "public"

    def _out_of_reach(self, name: str, place: Place, about: SymbolPath) -> None:
        message = f"'{name}' is inaccessible due to its protection level."
        self.check.report("AL0161", name, message, place, about=about)
