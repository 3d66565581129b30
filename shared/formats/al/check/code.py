"""Checks of procedure bodies and of expressions in pages and reports."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.formats.al.finding import Level
from shared.formats.al.source.lexer import SourceError, whole_number
from shared.formats.al.source.statements import BodyReader
from shared.formats.al.source.syntax import (
    Assign,
    Call,
    Exit,
    Expr,
    Index,
    Literal,
    Member,
    Name,
    Node,
    ObjectDecl,
    Procedure,
    Scope,
    Statement,
    With,
    start_of,
)
from shared.formats.al.symbols.builtins import FIELD_ALL, FIELD_FIRST, SYSTEM_FIELDS
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, TypeRef, fold

from .context import Check, Place
from .evidence import About, type_text
from .members import UNKNOWN, Found, Members
from .suggestions import nearest
from .world import KIND_OF_TYPE, fold_reference

_SCOPES = frozenset(("database", "codeunit", "page", "report", "query", "xmlport", "enum"))
_RECORD_ITEMS = frozenset(("dataitem", "tableelement"))


def check_code(check: Check) -> None:
    """Rows 9, 11 to 14, 19 to 21, 29 and 32 in the code of every object that has source."""
    for declared in check.extension.objects:
        if declared.kind not in ("interface", "enum", "dotnet", "permissionset"):
            check.look_from(declared.file)
            _Code(check, declared).walk()


class _Code:
    def __init__(self, check: Check, declared: ObjectDecl) -> None:
        self.check = check
        self.world = check.world
        self.file = declared.file
        self.object = declared
        self.members = Members(check, declared)
        self.globals = {fold(v.name): v.type for v in declared.root.variables}
        self.procedures = {fold(p.name): p for p in declared.root.procedures if p.kind != "trigger"}
        self.locals: dict[str, TypeRef] = {}
        self.withs: list[TypeRef | None] = []
        self.returns: TypeRef | None = None
        self.implicit: TypeRef | None = self._implicit()
        self.target = self._target()
        if self.target is not None:
            self.globals = {fold(v.name): v.type for v in self.target[0].variables} | self.globals
        for node in _nodes(declared.root):
            if node.keyword in _RECORD_ITEMS and len(node.arguments) > 1:
                self.globals.setdefault(fold(self._text(*node.arguments[0])), self._record(*node.arguments[1]))

    def walk(self) -> None:
        """Check every procedure, trigger and expression of the object."""
        self._node(self.object.root)

    # -- what names mean here ----------------------------------------------------------------------

    def _text(self, first: int, last: int) -> str:
        return "".join(self.file.tokens.texts[first:last])

    def _record(self, first: int, last: int) -> TypeRef:
        name = self._text(first, last)
        number = whole_number(name)
        return TypeRef("Record", subject="" if number else name, subject_id=number)

    def _target(self) -> tuple[Symbol, object] | None:
        kind = EXTENSION_OF.get(self.object.kind)
        return self.world.find(kind, fold_reference(self.object.target)) if kind else None

    def _implicit(self) -> TypeRef | None:
        """The type of `Rec`, where the object has one."""
        kind, target = self.object.kind, fold_reference(self.object.target)
        if kind == "table":
            return TypeRef("Record", subject=self.object.name)
        if kind == "tableextension":
            return TypeRef("Record", subject=target)
        if kind == "pageextension":
            page = self.world.find("page", target)
            table = self.world.source_table(page[0]) if page else None
            return TypeRef("Record", subject=table[0].name, subject_id=table[0].id) if table else None
        source = self.object.root.properties.get("tableno" if kind == "codeunit" else "sourcetable")
        return self._record(source.first, source.last) if source and kind in ("page", "codeunit") else None

    def _node(self, node: Node) -> None:
        outer = self.implicit
        if node.keyword == "dataitem" and len(node.arguments) > 1 and self.object.kind.startswith("report"):
            self.implicit = self._record(*node.arguments[1])
        elif node.keyword == "requestpage":
            self.implicit = None
        for procedure in node.procedures:
            self._procedure(procedure)
        if node.keyword in ("field", "column") and len(node.arguments) == 2 and self.object.kind != "query":
            self._expression(*node.arguments[1])
        for child in node.children:
            self._node(child)
        self.implicit = outer

    def _expression(self, first: int, last: int) -> None:
        """The source expression of a control or column; one that is not understood is left alone."""
        reader = BodyReader(self.file.tokens, first)
        try:
            expr = reader.expression()
        except SourceError:
            return
        if reader.at == last:
            self.resolve(expr)

    def _procedure(self, procedure: Procedure) -> None:
        self.locals = {fold(v.name): v.type for v in (*procedure.parameters, *procedure.locals)}
        if procedure.return_name and procedure.returns is not None:
            self.locals[fold(procedure.return_name)] = procedure.returns
        outer = self.implicit
        if self.object.kind == "codeunit" and fold(procedure.name) != "onrun":
            self.implicit = None
        self.returns = procedure.returns
        self._statements(procedure.body)
        self.implicit = outer
        self.locals = {}

    def _statements(self, statements: list[Statement]) -> None:
        for statement in statements:
            if isinstance(statement, Assign):
                self._assign(statement)
            elif isinstance(statement, With):
                with self._inside(self.resolve(statement.subject).type):
                    self._statements(statement.body)
            elif isinstance(statement, Exit):
                self._converted(self.resolve(statement.value), self.returns, statement.value)
            elif isinstance(statement, Call):
                self._call(statement, ignored=True)
            else:
                self.resolve(statement)

    @contextmanager
    def _inside(self, subject: TypeRef | None) -> Iterator[None]:
        self.withs.append(subject)
        yield
        self.withs.pop()

    # -- expressions -------------------------------------------------------------------------------

    def resolve(self, expr: Expr) -> Found:
        """What an expression is; parts that are gone are reported on the way."""
        if isinstance(expr, Name):
            return self._name(expr)
        if isinstance(expr, Member):
            return self._member(expr)
        if isinstance(expr, Call):
            return self._call(expr)
        if isinstance(expr, Scope):
            return self._scope(expr)
        if isinstance(expr, Literal):
            return Found(TypeRef(expr.type))
        if isinstance(expr, Index):
            return self._index(expr)
        for part in expr.parts:
            self.resolve(part)
        if len(expr.parts) == 1:
            return UNKNOWN
        return Found(TypeRef("Boolean")) if expr.comparison else UNKNOWN

    def _index(self, expr: Index) -> Found:
        owner = self.resolve(expr.target).type
        for argument in expr.arguments:
            self.resolve(argument)
        if owner is None or not owner.dimensions:
            return UNKNOWN
        return Found(
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

    def _name(self, expr: Name) -> Found:
        key, place = fold(expr.text) if expr.quoted else expr.text.casefold(), Place(self.file, expr.at)
        uncertain = False
        for subject in reversed(self.withs):
            if self.members.subject(subject) is None:
                uncertain = True
                continue
            found = self.members.lookup(subject, expr.text, place, report=False)
            if found is not UNKNOWN:
                return self.members.lookup(subject, expr.text, place)
        declared = self.locals.get(key) or self.globals.get(key)
        if declared is not None:
            return UNKNOWN if uncertain else Found(declared)
        if key in self.procedures:
            return UNKNOWN if uncertain else Found(self.procedures[key].returns)
        if not expr.quoted and key in ("rec", "xrec"):
            return Found(self.implicit)
        if uncertain:
            return UNKNOWN
        found = self._implied(expr, place)
        if found is UNKNOWN:
            self._undeclared(expr, place)
        return found

    def _implied(self, expr: Name, place: Place) -> Found:
        """A member of `Rec`, or of the object that this one extends, named without qualification."""
        owners = [self.implicit]
        if self.object.kind == "pageextension" and self.target is not None:
            owners.append(TypeRef("Page", subject=self.target[0].name, subject_id=self.target[0].id))
        for owner in owners:
            if owner is not None and self.members.lookup(owner, expr.text, place, report=False) is not UNKNOWN:
                return self.members.lookup(owner, expr.text, place)
        return UNKNOWN

    def _undeclared(self, expr: Name, place: Place) -> None:
        """A quoted name can only be a field here; an unquoted one if the old base had it as one."""
        subjects = [s for s in (*self.withs, self.implicit) if s is not None]
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
        about = About.of(found[0], "fields", expr.text) if found else None
        self.check.report("AL0118", Level.SOURCE, expr.text, message, place, nearest(expr.text, known), about=about)

    def _was_field(self, table: Symbol, name: str) -> bool:
        before = self.check.old.find("table", table.name) if self.check.old else None
        return before is not None and self.check.old is not None and fold(name) in self.check.old.fields(before[0])

    def _member(self, expr: Member) -> Found:
        if isinstance(expr.target, Name) and not expr.target.quoted and expr.target.text.casefold() == "currpage":
            return UNKNOWN
        owner = self.resolve(expr.target)
        return self.members.lookup(owner.type, expr.text, Place(self.file, expr.at))

    def _scope(self, expr: Scope) -> Found:
        target, place = expr.target, Place(self.file, expr.at)
        if isinstance(target, Name) and not target.quoted:
            word = target.text.casefold()
            if word in _SCOPES and word not in self.locals and word not in self.globals:
                kind = KIND_OF_TYPE[word]
                found = self.check.reference(kind, expr.text, 0, Level.SOURCE, place, code="AL0132")
                known = found is not None and kind == "enum"
                return Found(TypeRef("Enum", subject=expr.text) if known else TypeRef("Integer"))
        owner = self._scope_owner(target)
        if owner is None or owner.dimensions:
            return UNKNOWN
        self._value(owner, expr.text, place)
        return Found(owner)

    def _scope_owner(self, target: Expr) -> TypeRef | None:
        """The enum or option on the left of `::`; a bare name may be an enum's own."""
        if isinstance(target, Name):
            key = fold(target.text)
            if key not in self.locals and key not in self.globals and not self._is_implied(target):
                return self._bare_enum(target)
        return self.resolve(target).type

    def _bare_enum(self, target: Name) -> TypeRef | None:
        """`"Sales Document Type"::Order`; without the old base any other name may stand there."""
        place = Place(self.file, target.at)
        found = self.world.find("enum", target.text)
        if found is not None:
            self.check.reference("enum", target.text, 0, Level.SOURCE, place)
            return TypeRef("Enum", subject=found[0].name, subject_id=found[0].id)
        old = self.check.old
        if old is not None and old.find("enum", target.text) and self.check.missing("enum", target.text):
            message = f"The name '{target.text}' does not exist in the current context."
            advice, about = self.check.instead("enum", target.text, 0), About("enum", target.text)
            self.check.report("AL0118", Level.SOURCE, target.text, message, place, advice, about=about)
        return None

    def _is_implied(self, target: Name) -> bool:
        place = Place(self.file, target.at)
        owners = [*self.withs, self.implicit]
        return any(
            o is not None and self.members.lookup(o, target.text, place, report=False) is not UNKNOWN for o in owners
        )

    def _value(self, owner: TypeRef, name: str, place: Place) -> None:
        kind = owner.name.lower()
        if kind == "enum":
            enum = self.world.find_type(owner)
            if enum is None or enum[1] is self.world.own:
                return
            values = self.world.enum_values(enum[0])
            value = values.get(fold(name))
            about = About.of(enum[0], "values", name)
            if value is not None:
                title = f"Value '{value.name}'"
                self.check.state(value.obsolete, title, value.name, Level.SOURCE, place, about)
            elif not name.isdigit() and self.check.member_missing(enum[0]):
                message = f"'Enum {enum[0].name}' does not contain a definition for '{name}'."
                advice = self._other_value(enum[0], name) or nearest(name, (v.name for v in values.values()))
                self.check.report("AL0132", Level.SOURCE, name, message, place, advice, about=about)
        elif kind == "option" and owner.options and not name.isdigit():
            members = {fold(o) for o in owner.options}
            if fold(name) not in members and not (name.strip() == "" and "" in members):
                message = f"'Option' does not contain a definition for '{name}'."
                self.check.report("AL0132", Level.SOURCE, name, message, place, nearest(name, owner.options))

    def _other_value(self, enum: Symbol, name: str) -> str:
        """The value that has the ordinal now."""
        old = self.check.old
        before = old.find("enum", enum.name) if old else None
        was = old.enum_values(before[0]).get(fold(name)) if old and before else None
        now = [v.name for v in self.world.enum_values(enum).values() if was and v.ordinal == was.ordinal]
        return f'Value {was.ordinal} is called "{now[0]}" now.' if was and now else ""

    # -- calls and assignments ---------------------------------------------------------------------

    def _call(self, expr: Call, *, ignored: bool = False) -> Found:
        target = expr.target
        found, owner = UNKNOWN, None
        if isinstance(target, Name):
            found = self._name(target)
            owner = found.table
        elif isinstance(target, Member):
            found = self._member(target)
            owner = found.table
        else:
            self.resolve(target)
        if found.builtin and owner is not None and isinstance(target, Name | Member):
            self._field_arguments(owner, target.text.casefold(), expr)
            return UNKNOWN
        types = [self.resolve(argument).type for argument in expr.arguments]
        if found.methods and isinstance(target, Name | Member):
            self.members.arguments(expr, found, types, Place(self.file, target.at), ignored=ignored)
        if found.methods:
            return Found(found.type, found.methods, owner=found.owner)
        return Found(found.type) if isinstance(target, Name) else UNKNOWN

    def _field_arguments(self, table: Symbol, method: str, call: Call) -> None:
        """`Rec.SetRange("No.", X)`: such arguments are names of the record's own fields."""
        fields = len(call.arguments) if method in FIELD_ALL else int(method in FIELD_FIRST)
        for position, argument in enumerate(call.arguments):
            if position >= fields or not isinstance(argument, Name):
                self.resolve(argument)
                continue
            place = Place(self.file, argument.at)
            subject = TypeRef("Record", subject=table.name, subject_id=table.id)
            found = self.members.lookup(subject, argument.text, place, report=False)
            if found is not UNKNOWN:
                self.members.lookup(subject, argument.text, place)
            elif self.world.find("table", table.name, table.id) and not self._is_own(subject):
                self._no_such_field(table, argument, subject, place)

    def _no_such_field(self, table: Symbol, argument: Name, subject: TypeRef, place: Place) -> None:
        if fold(argument.text) not in SYSTEM_FIELDS and self.check.member_missing(table):
            self._no_such_name(argument, subject, place)

    def _is_own(self, subject: TypeRef) -> bool:
        found = self.members.subject(subject)
        return found is None or found[1] is self.world.own

    def _assign(self, statement: Assign) -> None:
        self._converted(self.resolve(statement.value), self.resolve(statement.target).type, statement.value)

    def _converted(self, given: Found, wanted: TypeRef | None, value: Expr) -> None:
        if wanted is None or given.type is None:
            return
        place = Place(self.file, start_of(value))
        if self.members.converts(given.type, wanted) is False:
            a, b = type_text(given.type, self.world), type_text(wanted, self.world)
            name = given.field.name if given.field else _called(value) or a
            about: About | None
            if given.field is not None and given.table is not None:
                about = About.of(given.table, "fields", given.field.name)
            elif given.owner is not None and given.methods:
                about = About.of(given.owner, "methods", given.methods[0].member.name)
            else:
                found = self.world.find_type(given.type)
                about = About.object(found[0]) if found else None
            message = f"Cannot implicitly convert type '{a}' to '{b}'."
            self.check.report("AL0122", Level.SOURCE, name, message, place, about=about)
        elif given.field is not None and given.table is not None:
            self._grown(given, wanted, place)

    def _grown(self, given: Found, wanted: TypeRef, place: Place) -> None:
        """Row 32: it fitted before and need not fit now."""
        assert given.field is not None
        assert given.table is not None
        before = self.check.old.find("table", given.table.name) if self.check.old else None
        if before is None or self.check.old is None or not wanted.length:
            return
        old = self.check.old.fields(before[0]).get(fold(given.field.name))
        now = given.field.type.length
        if old is not None and old[0].type.length <= wanted.length < now:
            message = (
                f"Field '{given.field.name}' of {given.table.title} grew from {old[0].type} to "
                f"{given.field.type}; a {wanted} may overflow at run time."
            )
            advice = f"Declare it as {given.field.type}, or cut the value with CopyStr."
            about = About.of(given.table, "fields", given.field.name)
            self.check.report("AS0086", Level.SOURCE, given.field.name, message, place, advice, about=about)


def _called(value: Expr) -> str:
    """The name of what is called or read, empty for anything else."""
    inner = value.target if isinstance(value, Call) else value
    return inner.text if isinstance(inner, Name | Member | Scope | Literal) else ""


def _nodes(node: Node) -> Iterator[Node]:
    for child in node.children:
        yield child
        yield from _nodes(child)
