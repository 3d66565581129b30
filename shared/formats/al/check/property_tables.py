"""Whose fields a property names: the tables of objects, data items, parts and of pages that actions run."""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.formats.al.source.declared import text_of
from shared.formats.al.source.lexer import Tokens, whole_number
from shared.formats.al.source.syntax import Node, ObjectDecl, walk
from shared.formats.al.symbols.symbols import EXTENSION_OF, Element, Symbol, fold, fold_reference

from .context import ExtensionCheck
from .evidence import SymbolPath
from .naming import named_object
from .places import Place
from .properties import TableOf
from .scope import INTO_ITEM, RECORD_ITEMS
from .world import World

_BESIDE_ITEM = frozenset(("addafter", "addbefore"))


def related_table(
    check: ExtensionCheck, tokens: Tokens, parts: tuple[int, ...], place: Place
) -> tuple[Symbol | None, tuple[int, ...]]:
    """The table that the dotted names of a relation begin with, if it is another app's, and the names behind it.

    A namespace may stand before the table, and a field behind it; one that is gone is reported.
    """
    size = next((n for n in range(len(parts), 0, -1) if _is_table(check, _dotted(tokens, parts[:n]))), 1)
    if size == 1 and len(parts) > 2:
        return None, ()  # a namespace before a table that nobody knows
    found = named_object(check, SymbolPath("table", _dotted(tokens, parts[:size])), place)
    return (found[0] if found is not None and found[1] is not check.world.own else None), parts[size:]


def _is_table(check: ExtensionCheck, name: str) -> bool:
    """Whether there is a table of that name, or was."""
    return any(world is not None and world.find("table", name) is not None for world in (check.world, check.old))


def _dotted(tokens: Tokens, parts: Iterable[int]) -> str:
    return ".".join(tokens.texts[at] for at in parts)


@dataclass(frozen=True, slots=True)
class Around:
    """The table whose fields stand free, and that of the item around it; None for the extension's own and unknown."""

    table: Symbol | None
    outer: Symbol | None = None


class NamedTables:
    """Finds tables from one object; None stands for those of the extension itself and for what is not known."""

    def __init__(self, world: World, declared: ObjectDecl) -> None:
        self.world = world
        self.object = declared
        self.tokens = declared.file.tokens
        self._items: dict[str, Symbol | None] | None = None

    def own_table(self) -> Symbol | None:
        """The table of the object itself: what it is, extends, or shows."""
        target = EXTENSION_OF.get(self.object.kind)
        if target in ("table", "page"):
            found = self.world.find(target, fold_reference(self.object.target))
            if found is not None and target == "page":
                found = self.world.source_table(found[0])
            return self._foreign(found)
        return self._source_table(self.object.root) if self.object.kind == "page" else None

    def inside(self, node: Node, parent: Node | None, around: Around) -> Around:
        """What is around the values of a section and what it holds."""
        if node.keyword in RECORD_ITEMS and len(node.arguments) > 1:
            return Around(self._table(*node.arguments[1]), around.table)
        if node.keyword == "requestpage":
            return Around(self._source_table(node))
        if parent is not None and parent.keyword == "dataset" and node.arguments:
            anchor = fold(text_of(self.tokens, *node.arguments[0]))
            if node.keyword in INTO_ITEM:
                return Around(self.item(anchor))
            if node.keyword in _BESIDE_ITEM:
                return Around(self.item(self._parent_of(anchor)))
        return around

    def _foreign(self, found: tuple[Symbol, object] | None) -> Symbol | None:
        return found[0] if found is not None and found[1] is not self.world.own else None

    def _named(self, kind: str, first: int, last: int) -> tuple[Symbol, object] | None:
        name = "".join(self.tokens.texts[first:last])
        number = whole_number(name)
        return self.world.find(kind, "" if number else name, number)

    def _table(self, first: int, last: int) -> Symbol | None:
        return self._foreign(self._named("table", first, last))

    def _source_table(self, node: Node) -> Symbol | None:
        prop = node.properties.get("sourcetable")
        return self._table(prop.first, prop.last) if prop else None

    def item(self, name: str) -> Symbol | None:
        """The table of a data item or table element, which the object or the report that it extends declares."""
        if self._items is None:
            self._items = {
                fold(text_of(self.tokens, *node.arguments[0])): self._table(*node.arguments[1])
                for node, _ in walk(self.object.root)
                if node.keyword in RECORD_ITEMS and len(node.arguments) > 1
            }
        if name not in self._items:
            element = self._target_columns().get(name)
            table = self.world.find("table", fold_reference(element.subject)) if element and element.subject else None
            self._items[name] = self._foreign(table)
        return self._items[name]

    def _target_columns(self) -> dict[str, Element]:
        found = self.world.find("report", fold_reference(self.object.target)) if self.object.target else None
        return self.world.columns(found[0]) if found is not None else {}

    def _parent_of(self, anchor: str) -> str:
        element = self._target_columns().get(anchor)
        return fold(element.parent) if element is not None else ""

    def page(self, which: TableOf, node: Node) -> tuple[Symbol, object] | None:
        """The page that a part or an action shows."""
        if which is TableOf.PART:
            shows = node.keyword == "part" and len(node.arguments) > 1
            return self._named("page", *node.arguments[1]) if shows else None
        run = node.properties.get("runobject")
        is_page = run is not None and run.last - run.first > 1 and self.tokens.lower[run.first] == "page"
        return self._named("page", run.first + 1, run.last) if run is not None and is_page else None

    def _provider(self, node: Node, around: Around) -> Symbol | None:
        provider = node.properties.get("provider")
        if provider is None:
            return around.table
        name = fold(text_of(self.tokens, provider.first, provider.last))
        for part, _ in walk(self.object.root):
            if part.keyword == "part" and part.arguments and fold(text_of(self.tokens, *part.arguments[0])) == name:
                return self.table_of(TableOf.PART, part, around)
        target = self.world.find("page", fold_reference(self.object.target)) if self.object.target else None
        shown = self.world.controls(target[0]).get(name) if target is not None else None
        page = self.world.find("page", shown.subject) if shown is not None and shown.subject else None
        return self._foreign(self.world.source_table(page[0])) if page is not None else None

    def table_of(self, which: TableOf, node: Node, around: Around) -> Symbol | None:
        """The table that a row of properties tells, for a property of `node`."""
        match which:
            case TableOf.AROUND:
                return around.table
            case TableOf.PROVIDER:
                return self._provider(node, around)
            case TableOf.OUTER:
                named = node.properties.get("dataitemlinkreference") or node.properties.get("linktable")
                if named is None:
                    return around.outer
                return self.item(fold(text_of(self.tokens, named.first, named.last)))
        page = self.page(which, node)
        return self._foreign(self.world.source_table(page[0])) if page is not None else None
