"""What the names of one object's code are declared as: its variables, procedures, `Rec`, and the `with` around."""

from collections.abc import Iterator
from contextlib import contextmanager

from shared.formats.al.source.lexer import whole_number
from shared.formats.al.source.syntax import Node, ObjectDecl, Procedure, walk
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol, TypeRef, fold, fold_reference

from .binding import Binding
from .world import Owned, World

INTO_ITEM = frozenset(("add", "addfirst", "addlast", "modify"))
"""Changes of a report's dataset whose anchor is the data item that what they hold belongs to."""
RECORD_ITEMS = frozenset(("dataitem", "tableelement"))


class CodeScope:
    """Declarations by folded name; `locals`, `withs` and `implicit` (what `Rec` is) are those of the place in hand.

    `withs` has None for a subject of no known type. `target` is the object that an extension object extends,
    `extended` the type whose members it may name, `special` are the words that mean the object itself. What ends in
    `before` is that of the old base.
    """

    def __init__(self, world: World, declared: ObjectDecl, old: World | None = None) -> None:
        self.object = declared
        self._tokens = declared.file.tokens
        self.globals = {fold(v.name): v.type for v in declared.root.variables}
        self.procedures = _procedures(world, declared)
        self.locals: dict[str, TypeRef] = {}
        self.withs: list[TypeRef | None] = []
        self.implicit: TypeRef | None = self._implicit(world)
        self.implicit_of_object = self.implicit
        self.implicit_before = self._implicit(old) if old else None
        self.target = _target(world, declared)
        self.target_before = _target(old, declared) if old else None
        self.extended = self._extended()
        self.special = _special(declared)
        self._items: dict[str, TypeRef] = {}
        if self.target is not None:
            self._take_over(self.target)
        for node, _ in walk(declared.root):
            if node.keyword in RECORD_ITEMS and len(node.arguments) > 1:
                self.globals.setdefault(fold(self._text(*node.arguments[0])), self._record(*node.arguments[1]))

    def _take_over(self, target: Symbol) -> None:
        """The protected variables and the data items of what is extended are variables here."""
        self._items = {
            fold(e.name): TypeRef("Record", subject=e.subject) for e in target.columns if e.kind == "dataitem"
        }
        self.globals = self._items | {fold(v.name): v.type for v in target.variables} | self.globals

    def _extended(self) -> TypeRef | None:
        kind = {"pageextension": "Page", "reportextension": "Report"}.get(self.object.kind)
        return TypeRef(kind, subject=fold_reference(self.object.target)) if kind else None

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
        return self._shown(self.object.root) if kind in ("page", "codeunit") else None

    def _shown(self, node: Node) -> TypeRef | None:
        """The record that a page or request page shows, or a codeunit runs with."""
        source = node.properties.get("tableno" if node.keyword == "codeunit" else "sourcetable")
        return self._record(source.first, source.last) if source else None

    def declared(self, key: str) -> TypeRef | None:
        """The type of a variable that the code itself declares, by its folded name."""
        return self.locals.get(key) or self.globals.get(key)

    def is_variable(self, key: str) -> bool:
        """Whether the code declares a variable of that folded name."""
        return key in self.locals or key in self.globals

    @contextmanager
    def within(self, node: Node, parent: Node | None) -> Iterator[None]:
        """While a section is looked at: data items and request pages have a `Rec` of their own, or none."""
        outer = self.implicit
        if node.keyword == "dataitem" and len(node.arguments) > 1 and self.object.kind.startswith("report"):
            self.implicit = self._record(*node.arguments[1])
        elif node.keyword == "requestpage":
            self.implicit = self._shown(node)
        elif parent is not None and parent.keyword == "dataset" and node.keyword in INTO_ITEM and node.arguments:
            self.implicit = self._items.get(fold(self._text(*node.arguments[0])))
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


def _procedures(world: World, declared: ObjectDecl) -> dict[str, Binding]:
    """Procedures of the object itself, overloads together."""
    own = next((s for s in world.own.named(declared.kind, declared.name) if s.namespace == declared.namespace), None)
    if own is None:
        return {}
    found: dict[str, list[Owned]] = {}
    for method in own.methods:
        found.setdefault(fold(method.name), []).append(Owned(method, own, world.own))
    return {name: Binding(methods=tuple(methods), owner=own) for name, methods in found.items()}


def _special(declared: ObjectDecl) -> dict[str, TypeRef]:
    """Words for the object: `CurrPage`, `RequestOptionsPage`."""
    name = fold_reference(declared.target) if declared.kind in EXTENSION_OF else declared.name
    if declared.kind in ("page", "pageextension"):
        return {"currpage": TypeRef("CurrPage", subject=name)}
    if declared.kind in ("report", "reportextension"):
        return {"requestoptionspage": TypeRef("RequestOptionsPage", subject=name)}
    return {}


def _target(world: World, declared: ObjectDecl) -> Symbol | None:
    kind = EXTENSION_OF.get(declared.kind)
    found = world.find(kind, fold_reference(declared.target)) if kind else None
    return found[0] if found else None
