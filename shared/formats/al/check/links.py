"""Row 30 in views and links: fields that `SubPageLink`, `SourceTableView` and their like name.

Left sides are fields of the table that is shown, `field(X)` on the right one of the table that links to it.
"""

from collections.abc import Iterator

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.lexer import T, Tokens, whole_number
from shared.formats.al.source.syntax import Node, ObjectDecl, Property
from shared.formats.al.symbols.symbols import EXTENSION_OF, Symbol

from .context import ExtensionCheck
from .places import Place
from .properties import PROPERTIES, PropertyKind
from .tables import behind, field_exists, left_sides
from .world import fold_reference

_RECORD_ITEMS = frozenset(("dataitem", "tableelement"))


def check_links(check: ExtensionCheck, declared: ObjectDecl) -> None:
    """Every view, link and list of fields in one object."""
    _Links(check, declared).node(declared.root, None)


class _Links:
    def __init__(self, check: ExtensionCheck, declared: ObjectDecl) -> None:
        self.check = check
        self.object = declared
        self.tokens = declared.file.tokens
        self.own = self._own_table()

    def _own_table(self) -> Symbol | None:
        """The table of the object itself: what it is, extends, or shows."""
        world, kind = self.check.world, self.object.kind
        target = EXTENSION_OF.get(kind)
        if kind == "table":
            return None
        if target in ("table", "page"):
            found = world.find(target, fold_reference(self.object.target))
            if found is not None and target == "page":
                found = world.source_table(found[0])
            return self._foreign(found)
        prop = self.object.root.properties.get("sourcetable")
        return self._table(prop.first, prop.last) if prop else None

    def _foreign(self, found: tuple[Symbol, object] | None) -> Symbol | None:
        return found[0] if found is not None and found[1] is not self.check.world.own else None

    def _named(self, kind: str, first: int, last: int) -> tuple[Symbol, object] | None:
        name = "".join(self.tokens.texts[first:last])
        number = whole_number(name)
        return self.check.world.find(kind, "" if number else name, number)

    def _table(self, first: int, last: int) -> Symbol | None:
        return self._foreign(self._named("table", first, last))

    def _page_table(self, first: int, last: int) -> Symbol | None:
        found = self._named("page", first, last)
        return self._foreign(self.check.world.source_table(found[0])) if found else None

    def node(self, node: Node, item: Symbol | None) -> None:
        """Check a section and what it holds; `item` is the table of the data item around it."""
        if node.keyword in _RECORD_ITEMS and len(node.arguments) > 1:
            item = self._table(*node.arguments[1])
        for prop in node.properties.values():
            table = self._shown(prop.name, node, item)
            if table is not None and prop.first < prop.last:
                self._property(table, prop)
        if node.keyword == "fieldgroup" and self.own is not None and len(node.arguments) > 1:
            self._fields(self.own, self._names(*node.arguments[1]))
        if node.keyword == "addlast" and self.object.kind == "tableextension" and len(node.arguments) > 1:
            self._fields(self.own, self._names(*node.arguments[1]))
        for child in node.children:
            self.node(child, item)

    def _property(self, table: Symbol, prop: Property) -> None:
        match PROPERTIES[prop.name]:
            case PropertyKind.VIEW:
                self._fields(table, self._view(prop))
            case PropertyKind.LINK:
                self._fields(table, left_sides(self.tokens, prop.first, prop.last))
                if self.own is not None and prop.name in ("subpagelink", "runpagelink"):
                    self._fields(self.own, self._right_sides(prop))
            case _:
                self._fields(table, self._names(prop.first, prop.last))

    def _shown(self, name: str, node: Node, item: Symbol | None) -> Symbol | None:
        """The table whose fields a property names; None where it is the extension's own or not known."""
        if name in ("subpagelink", "subpageview") and node.keyword == "part" and len(node.arguments) > 1:
            return self._page_table(*node.arguments[1])
        if name in ("runpagelink", "runpageview"):
            run = node.properties.get("runobject")
            if run is not None and run.last - run.first > 1 and self.tokens.lower[run.first] == "page":
                return self._page_table(run.first + 1, run.last)
            return None
        if name in ("dataitemtableview", "dataitemlink", "linkfields"):
            return item
        is_own = name == "sourcetableview" or PROPERTIES.get(name) is PropertyKind.FIELDS
        return self.own if is_own else None

    def _fields(self, table: Symbol | None, names: list[tuple[str, int]]) -> None:
        for name, at in names if table is not None else ():
            assert table is not None
            field_exists(self.check, table, name, Place(PlaceLevel.SYMBOLS, self.object.file, at), "AL0186")

    def _view(self, prop: Property) -> list[tuple[str, int]]:
        """`sorting(A, B) order(descending) where(C = const(1))` -> A, B, C."""
        found: list[tuple[str, int]] = []
        tokens, at = self.tokens, prop.first
        while at < prop.last:
            word = tokens.lower[at] if tokens.kinds[at] is T.NAME else ""
            if word in ("sorting", "where", "order") and at + 1 < prop.last and tokens.texts[at + 1] == "(":
                end = behind(tokens.texts, at + 1, prop.last)
                if word == "sorting":
                    found += self._names(at + 2, end - 1)
                elif word == "where":
                    found += left_sides(tokens, at + 2, end - 1)
                at = end
            else:
                at += 1
        return found

    def _names(self, first: int, last: int) -> list[tuple[str, int]]:
        """`A, "B C"`; anything but names and commas is left alone."""
        return [(self.tokens.texts[at], self.tokens.offsets[at]) for at in _single_names(self.tokens, first, last)]

    def _right_sides(self, prop: Property) -> list[tuple[str, int]]:
        """`A = field(B)` -> B."""
        tokens = self.tokens
        return [
            (tokens.texts[at + 2], tokens.offsets[at + 2])
            for at in range(prop.first, prop.last - 3)
            if tokens.lower[at] == "field"
            and tokens.kinds[at] is T.NAME
            and tokens.texts[at + 1] == "("
            and tokens.kinds[at + 2] in (T.NAME, T.QUOTED)
            and tokens.texts[at + 3] == ")"
        ]


def _single_names(tokens: Tokens, first: int, last: int) -> Iterator[int]:
    for at in range(first, last):
        alone = (at == first or tokens.texts[at - 1] == ",") and (at + 1 == last or tokens.texts[at + 1] == ",")
        if alone and tokens.kinds[at] in (T.NAME, T.QUOTED):
            yield at
