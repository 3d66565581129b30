"""Members of typed expressions: fields, methods, columns and values, and the arguments given to methods."""

from collections.abc import Sequence
from dataclasses import dataclass

from .builtins import METHODS, SYSTEM_FIELDS
from .context import Check, Place, is_on_premises
from .conversions import converts, same_subject
from .finding import Level
from .index import AppIndex
from .suggestions import nearest, signature
from .symbols import EXTENSION_OF, Field, Symbol, TypeRef, fold
from .syntax import Call, Expr, Literal, Many, ObjectDecl
from .world import Owned, World, fold_reference

_WITH_MEMBERS = frozenset(("record", "codeunit", "page", "report", "query", "xmlport", "interface"))


@dataclass(frozen=True, slots=True)
class Found:
    """What a member turned out to be; all empty where that is not known."""

    type: TypeRef | None = None
    methods: tuple[Owned, ...] = ()
    field: Field | None = None
    table: Symbol | None = None
    builtin: bool = False


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
        if methods:
            if report:
                self._reached_method(methods, symbol, place)
            return Found(methods[0].member.returns if len(methods) == 1 else _common(methods), tuple(methods))
        if folded in METHODS.get(symbol.kind, ()) or (symbol.kind == "table" and folded in SYSTEM_FIELDS):
            return Found(builtin=True, table=symbol if symbol.kind == "table" else None)
        if symbol.kind in ("query", "report") and folded in self.world.columns(symbol):
            return UNKNOWN
        if symbol.kind == "xmlport":
            return UNKNOWN  # its schema and variables are not in the symbols
        return None

    def _absent(self, owner: TypeRef, symbol: Symbol, name: str, place: Place) -> None:
        if not self.check.member_missing(symbol):
            return
        advice = self._renamed(symbol, name)
        if symbol.kind == "query":
            message = f"Column '{name}' does not exist in application object '{symbol.name}'."
            self.check.report("AL0349", Level.SOURCE, name, message, place, advice)
            return
        message = f"'{owner.name} {symbol.name}' does not contain a definition for '{name}'."
        self.check.report("AL0132", Level.SOURCE, name, message, place, advice)

    def _renamed(self, symbol: Symbol, name: str) -> str:
        """The field that has the id now, the reason the old base gave, or the nearest name."""
        old = self.check.old.find(symbol.kind, symbol.name) if self.check.old else None
        if old is not None and self.check.old is not None:
            before = self.check.old.fields(old[0]).get(fold(name)) if symbol.kind == "table" else None
            if before is not None:
                if before[0].obsolete is not None and before[0].obsolete.reason:
                    return before[0].obsolete.reason
                for field, _ in self.world.fields(symbol).values():
                    if field.id == before[0].id:
                        return f'Field {field.id} is called "{field.name}" now.'
            method = next((m for m in old[0].methods if fold(m.name) == fold(name)), None)
            if method is not None and method.obsolete is not None and method.obsolete.reason:
                return method.obsolete.reason
        known = [m.name for m in symbol.methods if m.access == "public"]
        if symbol.kind == "table":
            known += [f.name for f, _ in self.world.fields(symbol).values()]
        return nearest(name, known)

    # -- reach -------------------------------------------------------------------------------------

    def _reached_field(self, field: Field, app: AppIndex, table: Symbol, place: Place) -> None:
        if app is self.world.own:
            return
        self.check.state(field.obsolete, f"Field '{field.name}' of {table.title}", field.name, Level.SOURCE, place)
        access = field.properties.get("access", "").lower()
        if access == "local" or (access == "internal" and not self.check.sees_internals(app)):
            self._out_of_reach(field.name, place)

    def _reached_method(self, methods: Sequence[Owned], symbol: Symbol, place: Place) -> None:
        if any(o.app is self.world.own for o in methods):
            return
        first = methods[0].member
        if not any(self._callable(o) for o in methods):
            self._out_of_reach(first.name, place)
        if len(methods) == 1:
            title = f"Procedure '{first.name}' of {symbol.title}"
            self.check.state(first.obsolete, title, first.name, Level.SOURCE, place)
            if is_on_premises(first.scope) and self.check.extension.manifest.is_cloud:
                message = f"The method '{first.name}' has scope 'OnPrem' and cannot be used for 'Cloud' development."
                self.check.report("AL0296", Level.SOURCE, first.name, message, place)

    def _callable(self, owned: Owned) -> bool:
        access = owned.member.access
        if access == "internal":
            return self.check.sees_internals(owned.app)
        if access == "protected":
            return (owned.owner.kind, fold(owned.owner.name)) == self._target
        return access == "public"

    def _out_of_reach(self, name: str, place: Place) -> None:
        message = f"'{name}' is inaccessible due to its protection level."
        self.check.report("AL0161", Level.SOURCE, name, message, place)

    # -- arguments ---------------------------------------------------------------------------------

    def arguments(self, call: Call, methods: Sequence[Owned], types: list[TypeRef | None], place: Place) -> None:
        """Rows 12, 13, 14 and 29 for a call of methods that are not the extension's own."""
        if any(o.app is self.world.own for o in methods):
            return
        name, count = methods[0].member.name, len(call.arguments)
        fitting = [o for o in methods if len(o.member.parameters) == count]
        if not fitting:
            self._wrong_count(name, count, methods, place)
            return
        if len(fitting) > 1:
            self._ambiguous(name, fitting, place)
            return
        for number, (parameter, given, expr) in enumerate(
            zip(fitting[0].member.parameters, types, call.arguments, strict=True), start=1
        ):
            at = Place(place.file, expr.at)
            if parameter.by_reference and not _assignable(expr):
                message = "A 'var' argument must be an assignable variable."
                advice = f"The procedure is: {signature(fitting[0].member)}"
                self.check.report("AL0130", Level.SOURCE, name, message, at, advice)
            elif given is not None and self.converts(given, parameter.type) is False:
                message = f"Argument {number}: cannot convert from '{given}' to '{self.readable(parameter.type)}'."
                advice = f"The procedure is: {signature(fitting[0].member)}"
                self.check.report("AL0133", Level.SOURCE, name, message, at, advice)

    def converts(self, given: TypeRef, wanted: TypeRef) -> bool | None:
        """Like `conversions.converts`, with names and ids of objects brought together."""
        answer = converts(given, wanted)
        if answer is None and given.name.lower() == wanted.name.lower() and same_subject(given, wanted) is None:
            a, b = self.world.find_type(given), self.world.find_type(wanted)
            if a is not None and b is not None:
                return a[0].kind == b[0].kind and a[0].id == b[0].id and fold(a[0].name) == fold(b[0].name)
        return answer

    def readable(self, declared: TypeRef) -> str:
        """A type with the name of its object, where only an id is written."""
        if declared.subject_id and not declared.subject:
            found = self.world.find_type(declared)
            if found is not None:
                return f'{declared.name} "{found[0].name}"'
        return str(declared)

    def _wrong_count(self, name: str, count: int, methods: Sequence[Owned], place: Place) -> None:
        candidates = "; ".join(signature(o.member) for o in methods[:4])
        method = methods[0].member
        if len(methods) == 1 and count < len(method.parameters):
            required = method.parameters[count].name
            message = (
                "There is no argument given that corresponds to the required formal parameter "
                f"'{required}' of '{signature(method)}'."
            )
            self.check.report("AL0135", Level.SOURCE, name, message, place, f"The procedure is: {candidates}")
            return
        message = f"No overload for method '{name}' takes {count} arguments. Candidates: {candidates}."
        self.check.report("AL0126", Level.SOURCE, name, message, place, f"The procedure is: {candidates}")

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
                    self.check.report("AL0196", Level.SOURCE, name, message, place)
                    return


def _common(methods: Sequence[Owned]) -> TypeRef | None:
    returns = {str(o.member.returns) for o in methods}
    return methods[0].member.returns if len(returns) == 1 else None


def _assignable(expr: Expr) -> bool:
    return not isinstance(expr, Literal | Call) and not (isinstance(expr, Many) and len(expr.parts) > 1)
