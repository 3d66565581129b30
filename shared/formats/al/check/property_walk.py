"""Rows 9, 20, 21, 30 and 31 in properties and arguments: the one walk over everything that the table lists."""

from collections.abc import Iterable, Iterator

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.declared import text_of
from shared.formats.al.source.syntax import Node, ObjectDecl
from shared.formats.al.source.type_refs import parse_type
from shared.formats.al.symbols.symbols import EXTENSION_OF, AnchoredChange, Symbol, fold, fold_reference

from .anchors import check_anchor
from .context import ExtensionCheck
from .evidence import SymbolPath
from .naming import named_object
from .places import Place
from .properties import ARGUMENTS, PROPERTIES, TableOf, ValueKind, ValueRow
from .property_tables import Around, NamedTables, related_table
from .property_values import FieldCondition, Relation, conditions, items, names, permissions, relations, view
from .suggestions import nearest
from .tables import field_exists, key_field
from .values import check_constant
from .world import KIND_OF_TYPE

_SERVER_SETS = frozenset(("super", "super (data)", "security"))
_KINDS = frozenset(("table", "tabledata", "page", "codeunit", "report", "query", "xmlport"))


def expressions_of(kind: str, node: Node) -> Iterator[tuple[int, int]]:
    """Tokens of the expressions in a section of an object of that kind: its source, and those in properties."""
    position, row = ARGUMENTS.get(kind, {}).get(node.keyword, (0, None))
    if row is not None and row.kind is ValueKind.EXPRESSION and len(node.arguments) == position + 1:
        yield node.arguments[position]
    for prop in node.properties.values():
        row = PROPERTIES.get(prop.name)
        if row is not None and row.kind is ValueKind.EXPRESSION:
            yield prop.first, prop.last


def check_values(check: ExtensionCheck, declared: ObjectDecl) -> None:
    """Everything that properties and arguments in one object name, but for what expressions do."""
    _Values(check, declared).walk()


class _Values:
    def __init__(self, check: ExtensionCheck, declared: ObjectDecl) -> None:
        self.check = check
        self.world = check.world
        self.object = declared
        self.tokens = declared.file.tokens
        self.arguments = ARGUMENTS.get(declared.kind, {})
        self.tables = NamedTables(check.world, declared)

    def walk(self) -> None:
        self._node(self.object.root, None, Around(self.tables.own_table()))

    def _node(self, node: Node, parent: Node | None, around: Around) -> None:
        around = self.tables.inside(node, parent, around)
        position, row = self.arguments.get(node.keyword, (0, None))
        if row is not None and len(node.arguments) > position:
            self._value(row, *node.arguments[position], node, around)
        for prop in node.properties.values():
            row = PROPERTIES.get(prop.name)
            if row is not None and prop.first < prop.last:
                self._value(row, prop.first, prop.last, node, around)
        for child in node.children:
            self._node(child, node, around)

    # -- values ------------------------------------------------------------------------------------

    def _value(self, row: ValueRow, first: int, last: int, node: Node, around: Around) -> None:
        match row.kind:
            case ValueKind.EXPRESSION:
                pass  # resolved with the code around it, where its names are declared
            case ValueKind.RELATION:
                for relation in relations(self.tokens, first, last):
                    self._relation(relation, around.table)
            case ValueKind.VALUE:
                self._constant(node, first, last)
            case ValueKind.ACTION:
                self._action(first, last)
            case ValueKind.CONTROL | ValueKind.DATA_ITEM:
                self._element(row.kind, first, last)
            case ValueKind.FIELDS | ValueKind.KEY | ValueKind.VIEW | ValueKind.LINK:
                self._of_table(row, first, last, node, around)
            case _:
                for kind, at, end in self._objects(row, first, last):
                    self._object(kind, at, end)

    def _objects(self, row: ValueRow, first: int, last: int) -> Iterator[tuple[str, int, int]]:
        """Kinds and tokens of the objects that a value names."""
        match row.kind:
            case ValueKind.OBJECT:
                yield row.object, first, last
            case ValueKind.RUN_OBJECT:
                yield KIND_OF_TYPE.get(self.tokens.lower[first], ""), first + 1, last
            case ValueKind.PERMISSIONS:
                for kind, at, end in permissions(self.tokens, first, last):
                    yield KIND_OF_TYPE.get(kind, ""), at, end
            case ValueKind.PERMISSION_SETS:
                for at, end in items(self.tokens, first, last):
                    yield "" if self.tokens.lower[at] in _SERVER_SETS else "permissionset", at, end

    def _of_table(self, row: ValueRow, first: int, last: int, node: Node, around: Around) -> None:
        """Values whose names are fields of a table that the row tells."""
        table = self.tables.table_of(row.shown, node, around)
        if row.shown in (TableOf.PART, TableOf.RUN) and not self._shows_records(row.shown, node, first):
            return
        match row.kind:
            case ValueKind.FIELDS | ValueKind.KEY:
                self._fields(table, names(self.tokens, first, last), row)
            case ValueKind.VIEW:
                sorted_by, where = view(self.tokens, first, last)
                self._fields(table, sorted_by, row)
                self._conditions(table, where, around.table, row)
            case ValueKind.LINK:
                linked = self.tables.table_of(row.linked, node, around)
                self._conditions(table, conditions(self.tokens, first, last), linked, row)

    def _place(self, at: int, level: PlaceLevel = PlaceLevel.SYMBOLS) -> Place:
        return Place(level, self.object.file, self.tokens.offsets[at])

    def _object(self, kind: str, first: int, last: int) -> None:
        if first < last - 1 and self.tokens.lower[first] in _KINDS:
            # SourceTable = table X is not AL, Page::X is
            first += 2 if self.tokens.sign(first + 1) == "::" else 1
        name = "".join(self.tokens.texts[first:last])
        if kind and name and name != "0":
            named_object(self.check, SymbolPath(kind, name), self._place(first))

    def _fields(self, table: Symbol | None, found: Iterable[int], row: ValueRow) -> None:
        if table is None:
            return
        for at in found:
            name, place = self.tokens.texts[at], self._place(at, row.level)
            if row.kind is ValueKind.KEY:
                key_field(self.check, table, name, place)
            else:
                field_exists(self.check, table, name, place, row.code)

    def _conditions(
        self, table: Symbol | None, found: Iterable[FieldCondition], linked: Symbol | None, row: ValueRow
    ) -> None:
        for condition in found:
            self._fields(table, (condition.left,), row)
            if condition.right >= 0:
                other = linked
                if condition.item >= 0:
                    other = self.tables.item(self.tokens.lower[condition.item])
                self._fields(other, (condition.right,), row)
            if condition.values and table is not None:
                self._constants(table, condition)

    def _constants(self, table: Symbol, condition: FieldCondition) -> None:
        known = self.world.fields(table).get(fold(self.tokens.texts[condition.left]))
        for scope, at in condition.values if known is not None else ():
            kind = KIND_OF_TYPE.get(self.tokens.word(scope), "") if scope >= 0 else ""
            if kind:
                self._object(kind, at, at + 1)
            elif known is not None:
                check_constant(self.check, known[0].type, self.tokens.texts[at], self._place(at))

    def _constant(self, node: Node, first: int, last: int) -> None:
        declared = parse_type(self.tokens, node.arguments[2][0]) if len(node.arguments) > 2 else None
        if declared is not None and declared.name.lower() == "enum":
            for at in names(self.tokens, first, last):
                check_constant(self.check, declared, self.tokens.texts[at], self._place(at))

    def _relation(self, relation: Relation, own: Symbol | None) -> None:
        row = PROPERTIES["tablerelation"]
        self._conditions(own, relation.given, None, row)
        table, behind = related_table(self.check, self.tokens, relation.parts, self._place(relation.parts[0]))
        if table is not None:
            self._fields(table, behind, ValueRow(row.kind, code="AL0132"))
            self._conditions(table, relation.where, None, ValueRow(row.kind, code="AL0132"))
        for condition in relation.where:
            if condition.right >= 0:
                self._fields(own, (condition.right,), row)

    # -- pages -------------------------------------------------------------------------------------

    def _shows_records(self, which: TableOf, node: Node, at: int) -> bool:
        """Whether the page of a link or view shows a table at all, as it must."""
        page = self.tables.page(which, node)
        if page is None:
            return False
        if page[0].properties.get("sourcetable") or page[1] is self.world.own:
            return True
        message = f"The referenced page '{page[0].name}' must specify a 'SourceTable'."
        self.check.report("AL0320", page[0].name, message, self._place(at), about=SymbolPath.object(page[0]))
        return False

    def _target(self, kind: str) -> Symbol | None:
        """The page or report of another app that the object extends."""
        if EXTENSION_OF.get(self.object.kind) != kind:
            return None
        found = self.world.find(kind, fold_reference(self.object.target))
        return found[0] if found is not None and found[1] is not self.world.own else None

    def _action(self, first: int, last: int) -> None:
        """What an `actionref` stands for, in an extension of a page."""
        page = self._target("page")
        if page is not None:
            named = AnchoredChange("action", "actionref", text_of(self.tokens, first, last))
            check_anchor(self.check, page, named, self._place(first))

    def _element(self, kind: ValueKind, first: int, last: int) -> None:
        """A control or data item that an extension names in a property; nothing is said where symbols tell of none."""
        of_page = kind is ValueKind.CONTROL
        target = self._target("page" if of_page else "report")
        if target is None or not (target.controls if of_page else target.columns):
            return
        known = self.world.controls(target) if of_page else self.world.columns(target)
        name = text_of(self.tokens, first, last)
        if fold(name) not in known and self.check.member_missing(target, name):
            message = f"Reference '{name}' in application object '{target.name}' does not exist."
            about = SymbolPath.of(target, "controls" if of_page else "columns", name)
            advice = nearest(name, (e.name for e in known.values()))
            self.check.report("AL0186", name, message, self._place(first), advice, about=about)
