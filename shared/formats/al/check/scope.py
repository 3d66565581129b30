"""What the names of one object's code are declared as: its variables, procedures, `Rec`, and the `with` around."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.formats.al.source.lexer import whole_number
from shared.formats.al.source.syntax import Node, ObjectDecl, Procedure, walk
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, TypeRef, fold

from .world import World, fold_reference

_RECORD_ITEMS = frozenset(("dataitem", "tableelement"))


class CodeScope:
    """Declarations by folded name; `locals`, `withs` and `implicit` (what `Rec` is) are those of the place in hand.

    `target` is the object that an extension object extends. `withs` has None for a subject of no known type.
    """

    def __init__(self, world: World, declared: ObjectDecl) -> None:
        self.object = declared
        self._tokens = declared.file.tokens
        self.globals = {fold(v.name): v.type for v in declared.root.variables}
        self.procedures = {fold(p.name): p for p in declared.root.procedures if p.kind != "trigger"}
        self.locals: dict[str, TypeRef] = {}
        self.withs: list[TypeRef | None] = []
        self.implicit: TypeRef | None = self._implicit(world)
        self.target = _target(world, declared)
        if self.target is not None:
            self.globals = {fold(v.name): v.type for v in self.target.variables} | self.globals
        for node, _ in walk(declared.root):
            if node.keyword in _RECORD_ITEMS and len(node.arguments) > 1:
                self.globals.setdefault(fold(self._text(*node.arguments[0])), self._record(*node.arguments[1]))

    def _text(self, first: int, last: int) -> str:
        return "".join(self._tokens.texts[first:last])

    def _record(self, first: int, last: int) -> TypeRef:
        name = self._text(first, last)
        number = whole_number(name)
        return TypeRef("Record", subject="" if number else name, subject_id=number)

    def _implicit(self, world: World) -> TypeRef | None:
        """The type of `Rec`, where the object has one."""
        kind, target = self.object.kind, fold_reference(self.object.target)
        if kind == "table":
            return TypeRef("Record", subject=self.object.name)
        if kind == "tableextension":
            return TypeRef("Record", subject=target)
        if kind == "pageextension":
            page = world.find("page", target)
            table = world.source_table(page[0]) if page else None
            return TypeRef("Record", subject=table[0].name, subject_id=table[0].id) if table else None
        source = self.object.root.properties.get("tableno" if kind == "codeunit" else "sourcetable")
        return self._record(source.first, source.last) if source and kind in ("page", "codeunit") else None

    def declared(self, key: str) -> TypeRef | None:
        """The type of a variable that the code itself declares, by its folded name."""
        return self.locals.get(key) or self.globals.get(key)

    def is_variable(self, key: str) -> bool:
        """Whether the code declares a variable of that folded name."""
        return key in self.locals or key in self.globals

    @contextmanager
    def within(self, node: Node) -> Iterator[None]:
        """While a section is looked at: data items and request pages have a `Rec` of their own, or none."""
        outer = self.implicit
        if node.keyword == "dataitem" and len(node.arguments) > 1 and self.object.kind.startswith("report"):
            self.implicit = self._record(*node.arguments[1])
        elif node.keyword == "requestpage":
            self.implicit = None
        yield
        self.implicit = outer

    @contextmanager
    def within_procedure(self, procedure: Procedure) -> Iterator[None]:
        """While a procedure is looked at: its parameters and variables; only OnRun of a codeunit has a `Rec`."""
        self.locals = {fold(v.name): v.type for v in (*procedure.parameters, *procedure.locals)}
        if procedure.return_name and procedure.returns is not None:
            self.locals[fold(procedure.return_name)] = procedure.returns
        outer = self.implicit
        if self.object.kind == "codeunit" and fold(procedure.name) != "onrun":
            self.implicit = None
        yield
        self.implicit = outer
        self.locals = {}

    @contextmanager
    def within_with(self, subject: TypeRef | None) -> Iterator[None]:
        """While the body of `with subject do` is looked at."""
        self.withs.append(subject)
        yield
        self.withs.pop()


def _target(world: World, declared: ObjectDecl) -> Symbol | None:
    kind = EXTENSION_OF.get(declared.kind)
    found = world.find(kind, fold_reference(declared.target)) if kind else None
    return found[0] if found else None
