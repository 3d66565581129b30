"""Binds the expressions of one object's code to what they name, and reports what is gone on the way."""

from collections.abc import Sequence

from shared.formats.al.source.syntax import (
    Call,
    Expr,
    IndexAccess,
    Literal,
    Many,
    MemberAccess,
    Name,
    ScopeAccess,
    start_of,
)
from shared.formats.al.symbols.builtins import STATIC_WORDS
from shared.formats.al.symbols.symbols import TypeRef

from .arguments import check_arguments
from .binding import UNKNOWN, Binding
from .context import ExtensionCheck
from .evidence import SymbolPath
from .members import Members
from .names import Names
from .naming import named_object
from .operators import binary, combine, members_of
from .overloads import result
from .places import Place
from .platform_calls import PlatformCalls
from .scope import CodeScope
from .spaces import ObjectName, qualified_enum, scoped_object
from .values import bare_enum, check_value


class Binder:
    """Resolves names, members, calls and `::` in the scope in which they stand, and types what they make up."""

    def __init__(self, check: ExtensionCheck, scope: CodeScope) -> None:
        self.check = check
        self.world = check.world
        self.scope = scope
        self.members = Members(check, scope.object)
        self.names = Names(check, scope, self.members)
        self.platform = PlatformCalls(check, self.members, self.names)

    def place(self, at: int) -> Place:
        """A place in the code."""
        return self.names.place(at)

    def value(self, expr: Expr) -> Binding:
        """What an expression gives where its value is used; parts that are gone are reported on the way."""
        return self._called(self._meaning(expr))

    def _called(self, found: Binding) -> Binding:
        """A procedure or method that is named without parentheses is called."""
        if found.methods and found.type is None:
            return result(self.world, found, ())
        return self.platform.result(found, ()) if found.platform and found.type is None else found

    def _meaning(self, expr: Expr) -> Binding:
        """What an expression names; procedures are not called yet."""
        if isinstance(expr, Name):
            return self.names.resolve(expr, self.place(expr.at))
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
        return self._many(expr)

    def _many(self, expr: Many) -> Binding:
        operands = [self.value(part) for part in expr.parts]
        if expr.operators == ("in",) and members_of(expr.parts[1]):
            for member in members_of(expr.parts[1]):
                self.choice(operands[0], member, start_of(expr))
        return combine(self.check, expr, operands, self.place(expr.at))

    def choice(self, subject: Binding, member: Expr, at: int) -> None:
        """One of the values, or ranges, with which a value is compared; `at` is where it is told if it does not fit."""
        ends = member.parts if isinstance(member, Many) and ".." in member.operators else (member,)
        for end in ends:
            binary(self.check, "=", subject, self.value(end), self.place(at))

    def _index(self, expr: IndexAccess) -> Binding:
        owner = self.value(expr.target)
        for argument in expr.arguments:
            self.value(argument)
        if owner.type is None or not owner.type.dimensions:
            return UNKNOWN
        t = owner.type
        return owner.given(TypeRef(t.name, t.length, t.subject, t.subject_id, t.temporary, (), t.arguments, t.options))

    # -- members -----------------------------------------------------------------------------------

    def _member(self, expr: MemberAccess) -> Binding:
        named = scoped_object(self.world, self.check.old, expr)
        if named is not None and not self.scope.is_variable(named.word):
            return self._object_number(named)
        target, place = expr.target, self.place(expr.at)
        if isinstance(target, Name) and not target.quoted:
            word = target.text.casefold()
            if word == "this" and not self.scope.is_variable(word):
                return self.names.of_this(expr.text, place)
            if word in STATIC_WORDS and not self.scope.is_variable(word):
                return UNKNOWN
        owner = self._owner(target, certain=expr.text.casefold() == "page")
        if owner.element is not None:
            return self._of_control(owner, expr.text, place)
        found = self.members.lookup(owner.type, expr.text, place)
        # A method of the platform, as far as anybody can tell.
        return found if found is not UNKNOWN else Binding(platform=expr.text.casefold(), on=owner.type or TypeRef(""))

    def _owner(self, expr: Expr, *, certain: bool) -> Binding:
        """What stands before a dot; `certain`: `.Page` follows, which nothing but a part of `CurrPage` has."""
        if certain and isinstance(expr, MemberAccess) and isinstance(expr.target, Name):
            page = self.value(expr.target)
            if page.type is not None and page.type.name == "CurrPage":
                return self.members.lookup(page.type, expr.text, self.place(expr.at), certain=True)
        return self.value(expr)

    def _of_control(self, control: Binding, name: str, place: Place) -> Binding:
        """`.Page` of a part, a control of a tested part; what else controls have is the platform's."""
        part = control.type
        if part is None:
            return UNKNOWN
        if part.name == "PagePart":
            return Binding(TypeRef("Page", subject=part.subject)) if name.casefold() == "page" else UNKNOWN
        return self.members.lookup(part, name, place)

    # -- `::` --------------------------------------------------------------------------------------

    def _scoped(self, expr: ScopeAccess) -> Binding:
        named = scoped_object(self.world, self.check.old, expr)
        if named is not None and not self.scope.is_variable(named.word):
            return self._object_number(named)
        owner = self._scope_owner(expr.target)
        if owner.type is None or owner.type.dimensions:
            return UNKNOWN
        check_value(self.check, owner.type, expr.text, self.place(expr.at))
        return Binding(owner.type, foreign=owner.foreign)

    def _object_number(self, named: ObjectName) -> Binding:
        """`Database::Customer`: the number of an object; `Enum::Colour` stands before a value."""
        if not named.kind:
            return UNKNOWN
        found = named_object(self.check, SymbolPath(named.kind, named.name), self.place(named.at), code="AL0132")
        if named.has_member:
            return UNKNOWN
        known = found is not None and named.kind == "enum"
        return Binding(TypeRef("Enum", subject=named.name) if known else TypeRef("Integer"))

    def _scope_owner(self, target: Expr) -> Binding:
        """The enum or option on the left of `::`; a bare name may be an enum's own."""
        if isinstance(target, Name) and not self.names.means_something(target.text):
            return Binding(bare_enum(self.check, target.text, self.place(target.at)))
        if isinstance(target, MemberAccess):
            enum = qualified_enum(self.world, target, self.names.means_something)
            if enum is not None:
                return Binding(bare_enum(self.check, enum, self.place(target.at)))
        return self.value(target)

    # -- calls -------------------------------------------------------------------------------------

    def call(self, expr: Call, *, ignored: bool = False) -> Binding:
        """What a call gives; `ignored` says that it is a statement of its own, so that its result is lost."""
        target = expr.target
        if not isinstance(target, Name | MemberAccess):
            self.value(target)
            self._values(expr.arguments)
            return UNKNOWN
        found = self._meaning(target)
        if found.platform:
            fields = self.platform.fields(found, expr)
            given = [*fields, *self._values(expr.arguments[len(fields) :])]
            self.platform.check_arguments(found, expr, given)
            return self.platform.result(found, given)
        given = self._values(expr.arguments)
        if found.methods and found.type is None:
            check_arguments(self.check, expr, found, given, self.place(target.at), ignored=ignored)
            return result(self.world, found, [g.type for g in given])
        return UNKNOWN

    def _values(self, exprs: Sequence[Expr]) -> list[Binding]:
        return [self.value(e) for e in exprs]
