"""Checks of what declarations name: types, properties, relations, formulas, keys, data items."""

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.lexer import SourceError, T, Tokens
from shared.formats.al.source.syntax import Node, ObjectDecl, Procedure, Property, SourceFile, VarDecl, walk
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import EXTENSION_OF, Field, Symbol, TypeRef, fold

from .context import ExtensionCheck
from .evidence import SymbolPath
from .links import check_links
from .naming import named_object
from .places import IN_SYMBOLS, Place
from .properties import OBJECT_PROPERTIES, PROPERTIES, PropertyKind
from .tables import Relation, field_exists, relations
from .world import KIND_OF_TYPE, fold_reference

_ARGUMENT_OBJECTS = {"part": "page", "dataitem": "table", "tableelement": "table"}
_SERVER_SETS = frozenset(("super", "super (data)", "security"))
_KINDS = frozenset(("table", "tabledata", "page", "codeunit", "report", "query", "xmlport"))


def check_references(check: ExtensionCheck) -> None:
    """Rows 9, 20, 21, 30, 31 for every declaration."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        check.look_from(declared, symbol)
        if declared is None:
            _compiled(check, symbol)
        else:
            _Declarations(check, declared, symbol).check_all()
            check_links(check, declared)


def check_type(check: ExtensionCheck, declared: TypeRef, place: Place) -> None:
    """Resolve the object of a type, and those of its type arguments."""
    kind = KIND_OF_TYPE.get(declared.name.lower())
    # Add-ins may come from the server's own folder, where no symbol file speaks of them.
    if kind is not None and kind != "controladdin" and (declared.subject or declared.subject_id):
        named_object(check, SymbolPath(kind, declared.subject, declared.subject_id), place)
    for argument in declared.arguments:
        check_type(check, argument, place)


class _Declarations:
    """The declarations of one object with source."""

    def __init__(self, check: ExtensionCheck, declared: ObjectDecl, symbol: Symbol) -> None:
        self.check = check
        self.object = declared
        self.symbol = symbol
        self.file: SourceFile = declared.file
        self.tokens = declared.file.tokens

    def check_all(self) -> None:
        for node, section in walk(self.object.root):
            self._node(node, section.keyword if section is not None else "")
        if self.object.kind == "query":
            for part in self.object.root.children:
                self._query_items(part, None)

    def _place(self, at: int, level: PlaceLevel = PlaceLevel.SYMBOLS) -> Place:
        return Place(level, self.file, at)

    def _node(self, node: Node, section: str) -> None:
        for variable in node.variables:
            self._variable(variable, PlaceLevel.SOURCE)
        for procedure in node.procedures:
            self._procedure(procedure)
        for prop in node.properties.values():
            self._property(prop)
        kind = _ARGUMENT_OBJECTS.get(node.keyword)
        if kind is not None and len(node.arguments) > 1:
            self._named(kind, *node.arguments[1])
        match section, node.keyword:
            case "fields", "field":
                self._table_field(node)
            case "fields", "modify":
                self._modified_field(node)
            case "keys", "key":
                self._key(node)

    def _variable(self, variable: VarDecl, level: PlaceLevel) -> None:
        check_type(self.check, variable.type, self._place(max(variable.subject_at, variable.at), level))

    def _procedure(self, procedure: Procedure) -> None:
        level = PlaceLevel.SOURCE if procedure.access == "local" or procedure.kind == "trigger" else PlaceLevel.SYMBOLS
        for parameter in procedure.parameters:
            self._variable(parameter, level)
        if procedure.returns is not None:
            check_type(self.check, procedure.returns, self._place(procedure.at, level))
        for variable in procedure.locals:
            self._variable(variable, PlaceLevel.SOURCE)

    def _named(self, kind: str, first: int, last: int) -> None:
        name = "".join(self.tokens.texts[first:last])
        if name and name != "0":
            named_object(self.check, SymbolPath(kind, name), self._place(self.tokens.offsets[first]))

    # -- properties --------------------------------------------------------------------------------

    def _property(self, prop: Property) -> None:
        match PROPERTIES.get(prop.name):
            case PropertyKind.OBJECT:
                self._object_property(OBJECT_PROPERTIES[prop.name], prop.first, prop.last)
            case PropertyKind.RUN_OBJECT:
                self._run_object(prop.first, prop.last)
            case PropertyKind.PERMISSIONS:
                self._permissions(prop.first, prop.last)
            case PropertyKind.PERMISSION_SETS:
                self._permission_sets(prop.first, prop.last)
            case PropertyKind.RELATION:
                for relation in relations(self.tokens, prop.first, prop.last):
                    self._relation(relation)

    def _object_property(self, kind: str, first: int, last: int) -> None:
        if first < last and self.tokens.lower[first] in _KINDS and last - first > 1:
            # SourceTable = table X is not AL, Page::X is
            first += 2 if self.tokens.texts[first + 1] == "::" else 1
        self._named(kind, first, last)

    def _run_object(self, first: int, last: int) -> None:
        kind = KIND_OF_TYPE.get(self.tokens.lower[first]) if last - first > 1 else None
        if kind is not None:
            self._named(kind, first + 1, last)

    def _permissions(self, first: int, last: int) -> None:
        """`tabledata Customer = RIMD, codeunit "Sales-Post" = X`; a star stands for everything."""
        tokens, at = self.tokens, first
        while at + 1 < last:
            kind = KIND_OF_TYPE.get(tokens.lower[at])
            end = at + 1
            while end < last and tokens.texts[end] != "=":
                end += 1
            if kind is not None and tokens.texts[at + 1] != "*":
                self._named(kind, at + 1, end)
            while end < last and tokens.texts[end] != ",":
                end += 1
            at = end + 1

    def _permission_sets(self, first: int, last: int) -> None:
        """`"D365 Basic", Mine`; sets that the server itself brings are in no symbol file."""
        for at in range(first, last):
            if self.tokens.kinds[at] in (T.NAME, T.QUOTED) and self.tokens.lower[at] not in _SERVER_SETS:
                self._named("permissionset", at, at + 1)

    def _relation(self, relation: Relation) -> None:
        place = self._place(relation.table_at)
        found = named_object(self.check, SymbolPath("table", relation.table), place)
        if found is None or found[1] is self.check.world.own:
            return
        for name, at in relation.fields:
            field_exists(self.check, found[0], name, self._place(at), "AL0132")

    def _table_field(self, node: Node) -> None:
        declared = next((f for f in self.symbol.fields if len(node.arguments) > 2 and self._is(node, f.name)), None)
        if declared is not None and (declared.type.subject or declared.type.subject_id):
            check_type(self.check, declared.type, self._place(self.tokens.offsets[node.arguments[2][0]]))

    def _is(self, node: Node, name: str) -> bool:
        first, last = node.arguments[1]
        return last - first == 1 and self.tokens.texts[first] == name

    def _target_table(self) -> Symbol | None:
        if EXTENSION_OF.get(self.object.kind) != "table":
            return None
        found = self.check.world.find("table", fold_reference(self.object.target))
        return found[0] if found and found[1] is not self.check.world.own else None

    def _key(self, node: Node) -> None:
        table = self._target_table()
        if table is None or len(node.arguments) < 2:
            return
        fields = self.check.world.fields(table)
        for at in range(*node.arguments[1]):
            if self.tokens.kinds[at] in (T.NAME, T.QUOTED):
                self._key_field(table, fields, self.tokens.texts[at], self._place(self.tokens.offsets[at]))

    def _key_field(
        self, table: Symbol, fields: dict[str, tuple[Field, AppIndex | None]], name: str, place: Place
    ) -> None:
        known = fields.get(fold(name))
        if known and known[0].obsolete and known[0].obsolete.state == "removed":
            message = f"Field '{name}' is removed and cannot be used in an active key."
            about = SymbolPath.of(table, "fields", name)
            self.check.report("AL0450", name, message, place, known[0].obsolete.reason, about=about)
        else:
            field_exists(self.check, table, name, place, "AL0186")

    def _modified_field(self, node: Node) -> None:
        table = self._target_table()
        if table is None or not node.arguments or node.arguments[0][1] - node.arguments[0][0] != 1:
            return
        at = node.arguments[0][0]
        place = self._place(self.tokens.offsets[at], PlaceLevel.SOURCE)
        field_exists(self.check, table, self.tokens.texts[at], place, "AL0295")

    def _query_items(self, node: Node, table: Symbol | None) -> None:
        for child in node.children:
            if len(child.arguments) < 2:
                continue
            if child.keyword == "dataitem":
                self._query_items(child, self._foreign_table(*child.arguments[1]))
            elif child.keyword in ("column", "filter") and table is not None:
                self._query_column(table, *child.arguments[1])

    def _foreign_table(self, first: int, last: int) -> Symbol | None:
        found = self.check.world.find("table", "".join(self.tokens.texts[first:last]))
        return found[0] if found and found[1] is not self.check.world.own else None

    def _query_column(self, table: Symbol, first: int, last: int) -> None:
        if last - first == 1:
            place = self._place(self.tokens.offsets[first])
            field_exists(self.check, table, self.tokens.texts[first], place, "AL0345")


# -- without source --------------------------------------------------------------------------------


def _compiled(check: ExtensionCheck, symbol: Symbol) -> None:
    """The same references as far as the symbols name them."""
    types = [f.type for f in symbol.fields] + [v.type for v in symbol.variables]
    for method in symbol.methods:
        types += [p.type for p in method.parameters] + ([method.returns] if method.returns else [])
    for declared in types:
        check_type(check, declared, IN_SYMBOLS)
    for name, kind in OBJECT_PROPERTIES.items():
        value = fold_reference(symbol.properties.get(name, ""))
        if value and value != "0":
            named_object(check, SymbolPath(kind, value.removeprefix("Page").strip() or value), IN_SYMBOLS)
    for field in symbol.fields:
        for name in ("tablerelation", "calcformula"):
            _compiled_relation(check, field.properties.get(name, ""))


_RELATION_SIGNS = frozenset(("(", ")", ",", "=", ".", "<>", "<", ">", "<=", ">=", "|", "..", "::"))
_RELATION_WORDS = frozenset(("if", "else", "where"))


def _is_quoted_as_needed(tokens: Tokens) -> bool:
    """Whether a property is written as AL. Apps converted from C/AL name `Country/Region` without quotes."""
    for at, kind in enumerate(tokens.kinds[:-1]):
        if kind is T.SIGN:
            minus = tokens.texts[at] == "-" and at == 0  # -sum(...)
            open_name = tokens.texts[at] == "." and tokens.kinds[at + 1] not in (T.NAME, T.QUOTED)
            if open_name or not (minus or tokens.texts[at] in _RELATION_SIGNS):
                return False
        elif kind is T.NAME or kind is T.QUOTED:
            follows = tokens.kinds[at + 1] in (T.NAME, T.QUOTED)
            if follows and not _RELATION_WORDS & {tokens.lower[at], tokens.lower[at + 1]}:
                return False
    return True


def _compiled_relation(check: ExtensionCheck, text: str) -> None:
    try:
        tokens = Tokens(text)
    except SourceError:
        return
    if not _is_quoted_as_needed(tokens):
        return
    for relation in relations(tokens, 0, len(tokens.kinds) - 1):
        found = named_object(check, SymbolPath("table", relation.table), IN_SYMBOLS)
        if found is not None and found[1] is not check.world.own:
            for name, _ in relation.fields:
                field_exists(check, found[0], name, IN_SYMBOLS, "AL0132")
