"""Binds the expressions of one object's code to what they name, and reports what is gone on the way."""

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.syntax import Call, Expr, IndexAccess, Literal, MemberAccess, Name, ScopeAccess
from shared.formats.al.symbols.builtins import FIELD_ALL, FIELD_FIRST, SYSTEM_FIELDS
from shared.formats.al.symbols.symbols import Symbol, TypeRef, fold

from .arguments import check_arguments
from .context import ExtensionCheck
from .evidence import SymbolPath
from .members import UNKNOWN, Binding, Members
from .naming import named_object
from .places import Place
from .scope import CodeScope
from .suggestions import nearest
from .values import bare_enum, check_value
from .world import KIND_OF_TYPE

_SCOPES = frozenset(("database", "codeunit", "page", "report", "query", "xmlport", "enum"))


class Binder:
    """Resolves names, members, calls and `::` in the scope in which they stand."""

    def __init__(self, check: ExtensionCheck, scope: CodeScope) -> None:
        self.check = check
        self.world = check.world
        self.scope = scope
        self.members = Members(check, scope.object)

    def place(self, at: int) -> Place:
        """A place in the code."""
        return Place(PlaceLevel.SOURCE, self.scope.object.file, at)

    def resolve(self, expr: Expr) -> Binding:
        """What an expression is; parts that are gone are reported on the way."""
        if isinstance(expr, Name):
            return self._name(expr)
        if isinstance(expr, MemberAccess):
            return self._member(expr)
        if isinstance(expr, Call):
            return self.call(expr)
        if isinstance(expr, ScopeAccess):
            return self._scoped(expr)
        if isinstance(expr, Literal):
            return Binding(TypeRef(expr.type))
        if isinstance(expr, IndexAccess):
            return self._index(expr)
        for part in expr.parts:
            self.resolve(part)
        if len(expr.parts) == 1:
            return UNKNOWN
        return Binding(TypeRef("Boolean")) if expr.comparison else UNKNOWN

    def _index(self, expr: IndexAccess) -> Binding:
        owner = self.resolve(expr.target).type
        for argument in expr.arguments:
            self.resolve(argument)
        if owner is None or not owner.dimensions:
            return UNKNOWN
        return Binding(
            TypeRef(
                owner.name,
                owner.length,
                owner.subject,
                owner.subject_id,
                owner.temporary,
                (),
                owner.arguments,
            )
        )

    def _member(self, expr: MemberAccess) -> Binding:
        if isinstance(expr.target, Name) and not expr.target.quoted and expr.target.text.casefold() == "currpage":
            return UNKNOWN
        owner = self.resolve(expr.target)
        return self.members.lookup(owner.type, expr.text, self.place(expr.at))

    # -- names -------------------------------------------------------------------------------------

    def _name(self, expr: Name) -> Binding:
        key, place = fold(expr.text) if expr.quoted else expr.text.casefold(), self.place(expr.at)
        uncertain = False
        for subject in reversed(self.scope.withs):
            if self.members.subject(subject) is None:
                uncertain = True
            elif self._has(subject, expr.text, place):
                return self.members.lookup(subject, expr.text, place)
        declared = self.scope.declared(key)
        if declared is not None:
            return UNKNOWN if uncertain else Binding(declared)
        if key in self.scope.procedures:
            return UNKNOWN if uncertain else Binding(self.scope.procedures[key].returns)
        if not expr.quoted and key in ("rec", "xrec"):
            return Binding(self.scope.implicit)
        if uncertain:
            return UNKNOWN
        found = self._implied(expr, place)
        if found is UNKNOWN:
            self._undeclared(expr, place)
        return found

    def _has(self, owner: TypeRef | None, name: str, place: Place) -> bool:
        """Whether a value of type `owner` has the member; nothing is reported."""
        return self.members.lookup(owner, name, place, report=False) is not UNKNOWN

    def _implied(self, expr: Name, place: Place) -> Binding:
        """A member of `Rec`, or of the object that this one extends, named without qualification."""
        owners, target = [self.scope.implicit], self.scope.target
        if self.scope.object.kind == "pageextension" and target is not None:
            owners.append(TypeRef("Page", subject=target.name, subject_id=target.id))
        for owner in owners:
            if owner is not None and self._has(owner, expr.text, place):
                return self.members.lookup(owner, expr.text, place)
        return UNKNOWN

    def _undeclared(self, expr: Name, place: Place) -> None:
        """A quoted name can only be a field here; an unquoted one if the old base had it as one."""
        subjects = [s for s in (*self.scope.withs, self.scope.implicit) if s is not None]
        tables: list[Symbol] = []
        for subject in subjects:
            found = self.members.subject(subject)
            if found is None or found[1] is self.world.own or fold(expr.text) in SYSTEM_FIELDS:
                return
            if not expr.quoted and not self._was_field(found[0], expr.text):
                return
            tables.append(found[0])
        if tables and self.check.member_missing(tables[0]):
            self._no_such_name(expr, subjects[0], place)

    def _no_such_name(self, expr: Name, subject: TypeRef, place: Place) -> None:
        found = self.members.subject(subject)
        known = [f.name for f, _ in self.world.fields(found[0]).values()] if found else []
        message = f"The name '{expr.text}' does not exist in the current context."
        about = SymbolPath.of(found[0], "fields", expr.text) if found else None
        self.check.report("AL0118", expr.text, message, place, nearest(expr.text, known), about=about)

    def _was_field(self, table: Symbol, name: str) -> bool:
        before = self.check.old.find("table", table.name) if self.check.old else None
        return before is not None and self.check.old is not None and fold(name) in self.check.old.fields(before[0])

    # -- `::` --------------------------------------------------------------------------------------

    def _scoped(self, expr: ScopeAccess) -> Binding:
        target, place = expr.target, self.place(expr.at)
        if isinstance(target, Name) and not target.quoted:
            word = target.text.casefold()
            if word in _SCOPES and not self.scope.is_variable(word):
                kind = KIND_OF_TYPE[word]
                found = named_object(self.check, SymbolPath(kind, expr.text), place, code="AL0132")
                known = found is not None and kind == "enum"
                return Binding(TypeRef("Enum", subject=expr.text) if known else TypeRef("Integer"))
        owner = self._scope_owner(target)
        if owner is None or owner.dimensions:
            return UNKNOWN
        check_value(self.check, owner, expr.text, place)
        return Binding(owner)

    def _scope_owner(self, target: Expr) -> TypeRef | None:
        """The enum or option on the left of `::`; a bare name may be an enum's own."""
        if isinstance(target, Name) and not self.scope.is_variable(fold(target.text)) and not self._is_implied(target):
            return bare_enum(self.check, target.text, self.place(target.at))
        return self.resolve(target).type

    def _is_implied(self, target: Name) -> bool:
        place = self.place(target.at)
        owners = [*self.scope.withs, self.scope.implicit]
        return any(o is not None and self._has(o, target.text, place) for o in owners)

    # -- calls -------------------------------------------------------------------------------------

    def call(self, expr: Call, *, ignored: bool = False) -> Binding:
        """What a call gives; `ignored` says that it is a statement of its own, so that its result is lost."""
        target = expr.target
        found, owner = UNKNOWN, None
        if isinstance(target, Name | MemberAccess):
            found = self.resolve(target)
            owner = found.table
        else:
            self.resolve(target)
        if found.builtin and owner is not None and isinstance(target, Name | MemberAccess):
            self._field_arguments(owner, target.text.casefold(), expr)
            return UNKNOWN
        types = [self.resolve(argument).type for argument in expr.arguments]
        if found.methods and isinstance(target, Name | MemberAccess):
            check_arguments(self.check, expr, found, types, self.place(target.at), ignored=ignored)
        if found.methods:
            return Binding(found.type, found.methods, owner=found.owner)
        return Binding(found.type) if isinstance(target, Name) else UNKNOWN

    def _field_arguments(self, table: Symbol, method: str, call: Call) -> None:
        """`Rec.SetRange("No.", X)`: such arguments are names of the record's own fields."""
        fields = len(call.arguments) if method in FIELD_ALL else int(method in FIELD_FIRST)
        for position, argument in enumerate(call.arguments):
            if position < fields and isinstance(argument, Name):
                self._field_argument(table, argument)
            else:
                self.resolve(argument)

    def _field_argument(self, table: Symbol, argument: Name) -> None:
        place = self.place(argument.at)
        subject = TypeRef("Record", subject=table.name, subject_id=table.id)
        if self._has(subject, argument.text, place):
            self.members.lookup(subject, argument.text, place)
        elif (
            self.world.find("table", table.name, table.id)
            and not self._is_own(subject)
            and fold(argument.text) not in SYSTEM_FIELDS
            and self.check.member_missing(table)
        ):
            self._no_such_name(argument, subject, place)

    def _is_own(self, subject: TypeRef) -> bool:
        found = self.members.subject(subject)
        return found is None or found[1] is self.world.own
