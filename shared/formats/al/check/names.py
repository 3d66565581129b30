"""Names without qualification: what one means where it stands, and whether it has lost that meaning.

The order is that of the language: the records of `with` from the innermost on, what the code declares, `Rec` and its
like, members of the implicit record and of the extended object, functions of the platform. A name that means none of
these is a break where the old base gave it a meaning, and unknown otherwise.
"""

from collections.abc import Iterator

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.syntax import Name
from shared.formats.al.symbols.builtins import SYSTEM_FIELDS, SYSTEM_FUNCTIONS
from shared.formats.al.symbols.platform import FUNCTIONS
from shared.formats.al.symbols.symbols import Symbol, TypeRef, fold

from .binding import UNKNOWN, Binding
from .context import ExtensionCheck
from .evidence import SymbolPath
from .lookup import find_subject
from .members import Members
from .places import Place
from .scope import CodeScope


class Names:
    """Resolves the names of one object's code in the scope in which they stand."""

    def __init__(self, check: ExtensionCheck, scope: CodeScope, members: Members) -> None:
        self.check = check
        self.scope = scope
        self.members = members

    def place(self, at: int) -> Place:
        """A place in the code."""
        return Place(PlaceLevel.SOURCE, self.scope.object.file, at)

    def resolve(self, expr: Name, place: Place) -> Binding:
        """What a name means; one that is gone is reported."""
        key = fold(expr.text) if expr.quoted else expr.text.casefold()
        found = self._of_withs(expr.text)
        if found is None:
            found = self._declared(key, expr)
        if found is None:
            found = self._implied(expr.text)
        if found is None and not expr.quoted and key in FUNCTIONS:
            found = Binding(platform=key)
        if found is None:
            if expr.quoted or key not in SYSTEM_FUNCTIONS:
                self._gone(expr, place)
            return UNKNOWN
        return self.members.reached(found, place)

    def means_something(self, name: str) -> bool:
        """Whether a name is a variable, or a member of a record or object that needs no qualification."""
        return self.scope.is_variable(fold(name)) or self._of_withs(name) is not None or self._implied(name) is not None

    def _of_withs(self, name: str) -> Binding | None:
        """A member of a record of `with`; UNKNOWN where one of them is not known."""
        for subject in reversed(self.scope.withs):
            found = self.members.find(subject, name)
            if found is not None:
                return found
        return None

    def _declared(self, key: str, expr: Name) -> Binding | None:
        declared = self.scope.declared(key)
        if declared is not None:
            return Binding(declared)
        if key in self.scope.procedures:
            # The implicit record's own procedure of that name may be meant as well.
            shadow = self.members.find(self.scope.implicit, key) if self.scope.implicit else None
            clashes = shadow is not None and (shadow.foreign or shadow is UNKNOWN)
            return UNKNOWN if clashes else self.scope.procedures[key]
        if expr.quoted:
            return None
        if key in ("rec", "xrec"):
            return Binding(self.scope.implicit)
        if key in self.scope.special:
            return Binding(self.scope.special[key])
        return None

    def _implied(self, name: str) -> Binding | None:
        """A member of `Rec`, or of the object that this one extends; UNKNOWN where one of them is not known."""
        unknown = None
        for owner in self._owners():
            found = self.members.find(owner, name)
            if found is not None and found is not UNKNOWN:
                return found
            unknown = found or unknown
        return unknown

    def _owners(self) -> Iterator[TypeRef]:
        yield from (o for o in (self.scope.implicit, self.scope.extended) if o is not None)

    # -- `this` ------------------------------------------------------------------------------------

    def of_this(self, name: str, place: Place) -> Binding:
        """`this.Name`: a member of the object itself or of the one that it extends."""
        key = fold(name)
        if key in self.scope.globals:
            return Binding(self.scope.globals[key])
        if key in self.scope.procedures:
            return self.scope.procedures[key]
        found = self._implied(name)
        if found is None:
            self._report_gone("AL0132", name, place)
        return self.members.reached(found or UNKNOWN, place)

    # -- what is gone ------------------------------------------------------------------------------

    def _gone(self, expr: Name, place: Place) -> None:
        if not self._report_gone("AL0118", expr.text, place) and expr.quoted:
            self._no_field(expr, place)

    def _report_gone(self, code: str, name: str, place: Place) -> bool:
        """Report a name that was a member of the old base: of a record of `with`, of `Rec`, or of what is extended."""
        for owner in (*reversed(self.scope.withs), *self._owners_before()):
            before = self.members.before(owner, name) if owner else None
            if before is None or not self._was_named(before):
                continue
            now = find_subject(self.check.world, owner)
            if now is not None and now[1] is not self.check.world.own:
                part = "fields" if before.field else "columns" if before.element else "methods"
                return self._report(code, name, now[0], part, place)
        target, was = self.scope.target, self.scope.target_before
        if target is not None and was is not None and any(fold(v.name) == fold(name) for v in was.variables):
            return self._report(code, name, target, "variables", place)
        return False

    def _owners_before(self) -> Iterator[TypeRef]:
        yield from self._owners()
        if self.scope.implicit is self.scope.implicit_of_object and self.scope.implicit_before is not None:
            yield self.scope.implicit_before

    def _was_named(self, before: Binding) -> bool:
        """Whether code could name it without qualification; of a report's elements that are the data items."""
        if before.element is not None:
            return before.element.kind == "dataitem"
        return not before.methods or any(self.members.is_callable(o) for o in before.methods)

    def _no_field(self, expr: Name, place: Place) -> None:
        """A quoted name that means nothing else can only be a field of the records around it."""
        subjects = [s for s in (*self.scope.withs, self.scope.implicit) if s is not None]
        found = [f for s in subjects if (f := find_subject(self.check.world, s)) is not None]
        tables = [f[0] for f in found if f[1] is not self.check.world.own]
        if tables and len(tables) == len(subjects) and fold(expr.text) not in SYSTEM_FIELDS:
            self._report("AL0118", expr.text, tables[0], "fields", place)

    def _report(self, code: str, name: str, owner: Symbol, part: str, place: Place) -> bool:
        """Whether the name is certainly gone; then it is reported, with the nearest of what is there."""
        if not self.check.member_missing(owner, name):
            return False
        message = f"The name '{name}' does not exist in the current context."
        if code == "AL0132":
            message = f"'{owner.title}' does not contain a definition for '{name}'."
        advice = self.members.advice(owner, name)
        self.check.report(code, name, message, place, advice, about=SymbolPath.of(owner, part, name))
        return True

    def no_such_field(self, name: str, table: Symbol, place: Place) -> None:
        """Report a name that stands where only a field of `table` may, and is none."""
        self._report("AL0118", name, table, "fields", place)
