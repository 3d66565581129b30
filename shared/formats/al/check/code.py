"""Checks of procedure bodies and of expressions in pages and reports."""

from shared.formats.al.source.expressions import ExpressionReader
from shared.formats.al.source.lexer import SourceError
from shared.formats.al.source.syntax import (
    Assignment,
    Call,
    CaseHead,
    Condition,
    ExitStatement,
    Expr,
    Node,
    ObjectDecl,
    Procedure,
    Statement,
    WithStatement,
    start_of,
)
from shared.formats.al.symbols.symbols import TypeRef

from .assignments import BOOLEAN, check_assigned
from .binder import Binder
from .binding import Binding
from .context import ExtensionCheck
from .operators import binary
from .property_walk import expressions_of
from .scope import CodeScope

_CODELESS = ("interface", "enum", "dotnet", "permissionset")
_SHOWN = Binding(TypeRef("Variant"))  # a control or column takes any value


def check_code(check: ExtensionCheck) -> None:
    """Rows 9, 11 to 14, 19 to 21, 29 and 32 in the code of every object that has source."""
    for declared in check.extension.objects:
        if declared.kind not in _CODELESS:
            check.look_from(declared)
            _Code(check, declared).check_all()


class _Code:
    """Every procedure, trigger and expression of one object, in the order of the file."""

    def __init__(self, check: ExtensionCheck, declared: ObjectDecl) -> None:
        self.check = check
        self.object = declared
        self.scope = CodeScope(check.world, declared, check.old)
        self.binder = Binder(check, self.scope)

    def check_all(self) -> None:
        self._node(self.object.root, None)

    def _node(self, node: Node, parent: Node | None) -> None:
        with self.scope.within(node, parent):
            for procedure in node.procedures:
                self._procedure(procedure)
            for first, last in expressions_of(self.object.kind, node):
                self._expression(first, last)
            for child in node.children:
                self._node(child, node)

    def _expression(self, first: int, last: int) -> None:
        """The source of a control or column, or a property; one that is not understood is left alone."""
        reader = ExpressionReader(self.object.file.tokens, first)
        try:
            expr = reader.expression()
        except SourceError:
            return
        if reader.at == last:
            self._assigned(expr, self.binder.value(expr), _SHOWN)

    def _procedure(self, procedure: Procedure) -> None:
        with self.scope.within_procedure(procedure):
            self._statements(procedure.body, Binding(procedure.returns))

    def _statements(self, statements: list[Statement], returns: Binding) -> None:
        value = self.binder.value
        for statement in statements:
            if isinstance(statement, Assignment):
                self._assignment(statement)
            elif isinstance(statement, WithStatement):
                with self.scope.within_with(value(statement.subject).type):
                    self._statements(statement.body, returns)
            elif isinstance(statement, ExitStatement):
                self._assigned(statement.value, value(statement.value), returns)
            elif isinstance(statement, Condition):
                self._assigned(statement.value, value(statement.value), BOOLEAN)
            elif isinstance(statement, CaseHead):
                subject = value(statement.subject)
                for choice in statement.choices:
                    self.binder.choice(subject, choice, start_of(choice))
            elif isinstance(statement, Call):
                self.binder.call(statement, ignored=True)
            else:
                value(statement)

    def _assignment(self, statement: Assignment) -> None:
        given, target = self.binder.value(statement.value), self.binder.value(statement.target)
        if statement.operator:
            place = self.binder.place(start_of(statement.target))
            given = binary(self.check, statement.operator, target, given, place)
        self._assigned(statement.value, given, target)

    def _assigned(self, value: Expr, given: Binding, wanted: Binding) -> None:
        if given.type is not None and wanted.type is not None:
            check_assigned(self.check, value, given, wanted, self.binder.place(start_of(value)))
