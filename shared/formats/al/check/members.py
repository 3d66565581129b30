"""Members of typed expressions: fields, methods, columns and values, and the arguments given to methods."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.formats.al.finding import Level
from shared.formats.al.source.syntax import Call, Expr, Literal, Many, ObjectDecl, start_of
from shared.formats.al.symbols.builtins import METHODS, SYSTEM_FIELDS
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import EXTENSION_OF, Field, Method, Parameter, Symbol, TypeRef, fold

from .context import Check, Place, is_on_premises
from .conversions import converts, same_subject
from .evidence import About, signature, text_of_member, type_text
from .interfaces import ancestry, implements
from .suggestions import nearest
from .tables import renamed_field
from .world import Owned, World, fold_reference

# Runtime 15.0 lets interfaces extend others; whether symbols tell so was not seen.
_INTERFACES_EXTEND_FROM = 26
_WITH_MEMBERS = frozenset(("record", "codeunit", "page", "report", "query", "xmlport", "interface"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a member turned out to be; all empty where that is not known."""

    type: TypeRef | None = None
    methods: tuple[Owned, ...] = ()
    field: Field | None = None
    table: Symbol | None = None
    builtin: bool = False
    owner: Symbol | None = None


UNKNOWN = Found()


class Members:
    """Looks members up on behalf of one object's code and reports those that are gone or out of reach."""

    def __init__(self, check: Check, declared: ObjectDecl) -> None:
        self.check = check
        self.world: World = check.world
        self.declared = declared
        self._target = (EXTENSION_OF.get(declared.kind, ""), fold(fold_reference(declared.target)))

    def subject(self, owner: TypeRef | None) -> tuple[Symbol, AppIndex] | None:
        """The object behind a type, where its members can be known."""
        if owner is None or owner.dimensions or owner.name.lower() not in _WITH_MEMBERS:
            return None
        return self.world.find_type(owner)

    def lookup(self, owner: TypeRef | None, name: str, place: Place, *, report: bool = True) -> Found:
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

    def _member(self, symbol: Symbol, app: AppIndex, name: str, place: Place, *, report: bool) -> Found | None:
        folded = fold(name)
        if symbol.kind == "table":
            field = self.world.fields(symbol).get(folded)
            if field is not None:
                if report:
                    self._reached_field(field[0], field[1] or app, symbol, place)
                return Found(field[0].type, field=field[0], table=symbol)
        methods = self.world.methods(symbol, app).get(folded)
        if not methods and symbol.kind == "interface":
            inherited = (m for o in ancestry(self.world, symbol)[1:] for m in o.methods if fold(m.name) == folded)
            methods = [Owned(m, symbol, app) for m in inherited]
        if methods:
            if report:
                self._reached_method(methods, symbol, place)
            returns = methods[0].member.returns if len(methods) == 1 else _common(methods)
            return Found(returns, tuple(methods), owner=symbol)
        if folded in METHODS.get(symbol.kind, ()) or (symbol.kind == "table" and folded in SYSTEM_FIELDS):
            return Found(builtin=True, table=symbol if symbol.kind == "table" else None)
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
            about = About.of(symbol, "columns", name)
            self.check.report("AL0349", Level.SOURCE, name, message, place, advice, about=about)
            return
        message = f"'{owner.name} {symbol.name}' does not contain a definition for '{name}'."
        self.check.report("AL0132", Level.SOURCE, name, message, place, advice, about=self._about(symbol, name))

    def _about(self, symbol: Symbol, name: str) -> About:
        """A field where either side has one of that name, else a procedure."""
        for world in (self.check.old, self.world):
            found = world.find("table", symbol.name) if world and symbol.kind == "table" else None
            if world and found and fold(name) in world.fields(found[0]):
                return About.of(symbol, "fields", name)
        return About.of(symbol, "methods", name)

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
        about = About.of(table, "fields", field.name)
        self.check.state(field.obsolete, f"Field '{field.name}'", field.name, Level.SOURCE, place, about)
        access = field.properties.get("access", "").lower()
        if access == "local" or (access == "internal" and not self.check.sees_internals(app)):
            self._out_of_reach(field.name, place, about)

    def _reached_method(self, methods: Sequence[Owned], symbol: Symbol, place: Place) -> None:
        if any(o.app is self.world.own for o in methods):
            return
        first = methods[0].member
        about = About.of(symbol, "methods", first.name)
        if not any(self._callable(o) for o in methods):
            self._out_of_reach(first.name, place, about)
        if len(methods) == 1:
            title = f"Procedure '{first.name}'"
            self.check.state(first.obsolete, title, first.name, Level.SOURCE, place, about)
            if is_on_premises(first.scope) and self.check.extension.manifest.is_cloud:
                self.check.on_premises(first.name, Level.SOURCE, place, about)

    def _callable(self, owned: Owned) -> bool:
        access = owned.member.access
        if access == "internal":
            return self.check.sees_internals(owned.app)
        if access == "protected":
            return (owned.owner.kind, fold(owned.owner.name)) == self._target
        return access == "public"

    def _out_of_reach(self, name: str, place: Place, about: About) -> None:
        message = f"'{name}' is inaccessible due to its protection level."
        self.check.report("AL0161", Level.SOURCE, name, message, place, about=about)

    # -- arguments ---------------------------------------------------------------------------------

    def arguments(
        self, call: Call, found: Found, types: Sequence[TypeRef | None], place: Place, *, ignored: bool = False
    ) -> None:
        """Rows 12, 13, 14, 29 and 33 for a call of methods that are not the extension's own.

        `ignored`: the call is a statement of its own, so what it returns is lost.
        """
        methods = found.methods
        if found.owner is None or any(o.app is self.world.own for o in methods):
            return
        about = About.of(found.owner, "methods", methods[0].member.name)
        name, count = methods[0].member.name, len(call.arguments)
        fitting = [o for o in methods if len(o.member.parameters) == count]
        if not fitting:
            self._wrong_count(name, count, methods, place, about)
            return
        if len(fitting) > 1:
            self._ambiguous(name, fitting, place)
            return
        method = fitting[0].member
        advice = f"The procedure is: {signature(method, self.world)}"
        if ignored and len(methods) == 1:
            self._returns_now(found.owner, method, place, about)
        for number, (parameter, given, expr) in enumerate(
            zip(method.parameters, types, call.arguments, strict=True), start=1
        ):
            at = Place(place.file, start_of(expr))
            if parameter.by_reference and not _assignable(expr):
                message = "A 'var' argument must be an assignable variable."
                self.check.report("AL0130", Level.SOURCE, name, message, at, advice, about=about)
            elif given is not None and self._refused(given, parameter):
                a, b = type_text(given, self.world), type_text(parameter.type, self.world)
                message = f"Argument {number}: cannot convert from '{a}' to '{b}'."
                self.check.report("AL0133", Level.SOURCE, name, message, at, advice, about=about)

    def _refused(self, given: TypeRef, wanted: Parameter) -> bool:
        """Whether an argument certainly does not fit; a secret text and a text share no variable."""
        if wanted.by_reference and (given.name.lower() == "secrettext") != (wanted.type.name.lower() == "secrettext"):
            return not {given.name.lower(), wanted.type.name.lower()} & {"variant", "any", "joker", ""}
        return self.converts(given, wanted.type) is False

    def _returns_now(self, owner: Symbol, method: Method, place: Place, about: About) -> None:
        """Row 33, where the extension is not compiled anew: an update within one major version."""
        old, now = self.check.old_version, self.check.target_version
        if self.check.old is None or method.returns is None or old is None or now is None or old.major != now.major:
            return
        before = self.check.old.find(owner.kind, owner.name)
        was = [m for m in before[0].methods if fold(m.name) == fold(method.name)] if before else []
        if len(was) == 1 and was[0].returns is None and len(was[0].parameters) == len(method.parameters):
            message = f"'{method.name}' returns a value now: an extension that was compiled before fails to call it."
            advice = "Compile the extension against the target and install that version; its source need not change."
            self.check.report("AS0102", Level.SOURCE, method.name, message, place, advice, about=about)

    def converts(self, given: TypeRef, wanted: TypeRef) -> bool | None:
        """Like `conversions.converts`, with names and ids of objects brought together."""
        answer = converts(given, wanted)
        if answer is None and given.name.lower() == wanted.name.lower() and same_subject(given, wanted) is None:
            a, b = self.world.find_type(given), self.world.find_type(wanted)
            if a is not None and b is not None:
                return a[0].kind == b[0].kind and a[0].id == b[0].id and fold(a[0].name) == fold(b[0].name)
        if (given.name.lower(), wanted.name.lower()) == ("codeunit", "interface"):
            a, b = self.world.find_type(given), self.world.find_type(wanted)
            known = a is not None and b is not None and a[1] is not self.world.own
            if a is not None and b is not None and known and not implements(self.world, a[0], b[0]):
                return False
        return answer

    def _wrong_count(self, name: str, count: int, methods: Sequence[Owned], place: Place, about: About) -> None:
        candidates = "; ".join(signature(o.member, self.world) for o in methods[:4])
        method = methods[0].member
        advice = f"The procedure is: {candidates}"
        if len(methods) == 1 and count < len(method.parameters):
            required = method.parameters[count].name
            message = (
                "There is no argument given that corresponds to the required formal parameter "
                f"'{required}' of '{signature(method, self.world)}'."
            )
            self.check.report("AL0135", Level.SOURCE, name, message, place, advice, about=about)
            return
        message = f"No overload for method '{name}' takes {count} arguments. Candidates: {candidates}."
        self.check.report("AL0126", Level.SOURCE, name, message, place, advice, about=about)

    def _ambiguous(self, name: str, methods: Sequence[Owned], place: Place) -> None:
        for position, first in enumerate(methods):
            for second in methods[position + 1 :]:
                if first.app is second.app:
                    continue
                pairs = zip(first.member.parameters, second.member.parameters, strict=True)
                if all(str(a.type).lower() == str(b.type).lower() for a, b in pairs):
                    message = (
                        f"The call is ambiguous between the method '{name}' defined in {first.owner.title} "
                        f"by the extension '{first.app.app.name}' and the method '{name}' defined in "
                        f"{second.owner.title} by the extension '{second.app.app.name}'."
                    )
                    after = "; ".join(text_of_member(o.member, self.world) for o in (first, second))
                    self.check.report("AL0196", Level.SOURCE, name, message, place, evidence=("", after))
                    return


def _common(methods: Sequence[Owned]) -> TypeRef | None:
    returns = {str(o.member.returns) for o in methods}
    return methods[0].member.returns if len(returns) == 1 else None


def _assignable(expr: Expr) -> bool:
    return not isinstance(expr, Literal | Call) and not (isinstance(expr, Many) and len(expr.parts) > 1)
