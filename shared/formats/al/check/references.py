"""Checks of what declarations name: types, and what properties and arguments of sections do."""

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.lexer import SourceError, T, Tokens
from shared.formats.al.source.syntax import (
    Attribute,
    Name,
    Node,
    ObjectDecl,
    Procedure,
    ScopeAccess,
    SourceFile,
    VarDecl,
    walk,
)
from shared.formats.al.symbols.symbols import Symbol, TypeRef, fold_reference

from .context import ExtensionCheck
from .evidence import SymbolPath
from .naming import named_object
from .places import IN_SYMBOLS, Place
from .properties import PROPERTIES, ValueKind
from .property_tables import related_table
from .property_values import relations
from .property_walk import check_values
from .tables import field_exists
from .world import KIND_OF_TYPE

# Attributes whose arguments name objects; those of event subscribers are judged with what they subscribe to.
_NAMING_OBJECTS = ("inherentpermissions", "requiredpermissions")


def check_references(check: ExtensionCheck) -> None:
    """Rows 9, 20, 21, 30, 31 for every declaration."""
    for symbol in check.extension.index.symbols():
        declared = check.extension.declaration(symbol)
        check.look_from(declared, symbol)
        if declared is None:
            _compiled(check, symbol)
        else:
            _Declarations(check, declared, symbol).check_all()
            check_values(check, declared)


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

    def _place(self, at: int, level: PlaceLevel = PlaceLevel.SYMBOLS) -> Place:
        return Place(level, self.file, at)

    def _node(self, node: Node, section: str) -> None:
        for variable in node.variables:
            self._variable(variable, PlaceLevel.SOURCE)
        for procedure in node.procedures:
            self._procedure(procedure)
        if (section, node.keyword) == ("fields", "field"):
            self._table_field(node)

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
        for attribute in procedure.attributes:
            if attribute.name.lower() in _NAMING_OBJECTS:
                self._attribute(attribute)

    def _attribute(self, attribute: Attribute) -> None:
        """`[InherentPermissions(PermissionObjectType::TableData, Database::Customer, 'r')]`."""
        for argument in attribute.arguments:
            if isinstance(argument, ScopeAccess) and isinstance(argument.target, Name):
                kind = KIND_OF_TYPE.get(argument.target.text.lower())
                if kind is not None:
                    path = SymbolPath(kind, argument.text)
                    named_object(self.check, path, self._place(argument.at, PlaceLevel.SOURCE), code="AL0132")

    def _table_field(self, node: Node) -> None:
        declared = next((f for f in self.symbol.fields if len(node.arguments) > 2 and self._is(node, f.name)), None)
        if declared is not None and (declared.type.subject or declared.type.subject_id):
            check_type(self.check, declared.type, self._place(self.tokens.offsets[node.arguments[2][0]]))

    def _is(self, node: Node, name: str) -> bool:
        first, last = node.arguments[1]
        return last - first == 1 and self.tokens.texts[first] == name


# -- without source --------------------------------------------------------------------------------


def _compiled(check: ExtensionCheck, symbol: Symbol) -> None:
    """The same references as far as the symbols name them."""
    types = [f.type for f in symbol.fields] + [v.type for v in symbol.variables]
    for method in symbol.methods:
        types += [p.type for p in method.parameters] + ([method.returns] if method.returns else [])
    for declared in types:
        check_type(check, declared, IN_SYMBOLS)
    for name, row in PROPERTIES.items():
        value = fold_reference(symbol.properties.get(name, "")) if row.kind is ValueKind.OBJECT else ""
        if value and value != "0":
            named_object(check, SymbolPath(row.object, value.removeprefix("Page").strip() or value), IN_SYMBOLS)
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
        table, behind = related_table(check, tokens, relation.parts, IN_SYMBOLS)
        if table is not None:
            for at in (*behind, *(c.left for c in relation.where)):
                field_exists(check, table, tokens.texts[at], IN_SYMBOLS, "AL0132")
