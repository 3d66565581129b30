"""Checks of procedure bodies and of expressions in pages and reports."""

from shared.formats.al.source.expressions import ExpressionReader
from shared.formats.al.source.lexer import SourceError
from shared.formats.al.source.syntax import (
    Assignment,
    Call,
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

from .assignments import check_assigned
from .binder import Binder
from .context import ExtensionCheck
from .members import Binding
from .property_walk import expressions_of
from .scope import CodeScope

_CODELESS = ("interface", "enum", "dotnet", "permissionset")


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
        self.scope = CodeScope(check.world, declared)
        self.binder = Binder(check, self.scope)

    def check_all(self) -> None:
        self._node(self.object.root)

    def _node(self, node: Node) -> None:
        with self.scope.within(node):
            for procedure in node.procedures:
                self._procedure(procedure)
            for first, last in expressions_of(self.object.kind, node):
                self._expression(first, last)
            for child in node.children:
                self._node(child)

    def _expression(self, first: int, last: int) -> None:
        """The source of a control or column, or a property; one that is not understood is left alone."""
        reader = ExpressionReader(self.object.file.tokens, first)
        try:
            expr = reader.expression()
        except SourceError:
            return
        if reader.at == last:
            self.binder.resolve(expr)

    def _procedure(self, procedure: Procedure) -> None:
        with self.scope.within_procedure(procedure):
            self._statements(procedure.body, procedure.returns)

    def _statements(self, statements: list[Statement], returns: TypeRef | None) -> None:
        resolve = self.binder.resolve
        for statement in statements:
            if isinstance(statement, Assignment):
                given = resolve(statement.value)
                self._assigned(statement.value, given, resolve(statement.target).type)
            elif isinstance(statement, WithStatement):
                with self.scope.within_with(resolve(statement.subject).type):
                    self._statements(statement.body, returns)
            elif isinstance(statement, ExitStatement):
                self._assigned(statement.value, resolve(statement.value), returns)
            elif isinstance(statement, Call):
                self.binder.call(statement, ignored=True)
            else:
                resolve(statement)

    def _assigned(self, value: Expr, given: Binding, wanted: TypeRef | None) -> None:
        check_assigned(self.check, value, given, wanted, self.binder.place(start_of(value)))
