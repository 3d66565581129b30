"""Tables and fields that declarations name: whether a field is there, and relations and formulas read."""

from dataclasses import dataclass

from shared.formats.al.source.lexer import T, Tokens
from shared.formats.al.symbols.builtins import SYSTEM_FIELDS
from shared.formats.al.symbols.symbols import Symbol, fold

from .context import ExtensionCheck
from .evidence import SymbolPath
from .lifecycle import report_state
from .places import Place
from .suggestions import nearest

_MESSAGES = {
    "AL0132": "'Record {table}' does not contain a definition for '{field}'.",
    "AL0186": "Reference '{field}' in application object '{table}' does not exist.",
    "AL0295": "The field '{field}' is not found in the target '{table}'.",
    "AL0345": (
        "The source of a Column or Filter must be a field defined on the table referenced by its parent DataItem; "
        "'{table}' has no '{field}'."
    ),
}


def field_exists(check: ExtensionCheck, table: Symbol, name: str, place: Place, code: str) -> None:
    """Report a field that the table and its extensions do not have, as `code`; or what its state foretells."""
    known, about = check.world.fields(table), SymbolPath.of(table, "fields", name)
    found = known.get(fold(name))
    if found is not None:
        field, app = found
        if app is not check.world.own:
            report_state(check, "Field", field, place, about)
        return
    if fold(name) in SYSTEM_FIELDS or not check.member_missing(table):
        return
    message = _MESSAGES[code].format(table=table.name, field=name)
    advice = renamed_field(check, table, name) or nearest(name, (f.name for f, _ in known.values()))
    check.report(code, name, message, place, advice, about=about)


def renamed_field(check: ExtensionCheck, table: Symbol, name: str) -> str:
    """The reason that the old base gave for the field, or the field that has its id now."""
    old = check.old
    before = old.find("table", table.name) if old else None
    was = old.fields(before[0]).get(fold(name)) if old and before else None
    if was is None:
        return ""
    if was[0].obsolete is not None and was[0].obsolete.reason:
        return was[0].obsolete.reason
    now = [f.name for f, _ in check.world.fields(table).values() if f.id == was[0].id]
    return f'Field {was[0].id} is called "{now[0]}" now.' if now else ""


@dataclass(frozen=True, slots=True)
class Relation:
    """A table and fields of it that a relation or formula names; offsets are those of their tokens."""

    table: str
    table_at: int
    fields: tuple[tuple[str, int], ...]


_FORMULAS = frozenset(("sum", "average", "exist", "count", "min", "max", "lookup"))


def relations(tokens: Tokens, first: int, last: int) -> list[Relation]:
    """Tables and fields of a TableRelation or CalcFormula value in tokens `first` to `last`.

    Conditions (`if (Type = const(Item))`) and right-hand sides (`field("No.")`) name fields of the table that
    declares them; they are passed over.
    """
    found: list[Relation] = []
    texts, lower, kinds = tokens.texts, tokens.lower, tokens.kinds
    at = first
    while at < last:
        word = lower[at] if kinds[at] is T.NAME else ""
        if word == "if":
            at = behind(texts, at + 1, last)
        elif word in _FORMULAS and at + 1 < last and texts[at + 1] == "(":
            at += 2
        elif word == "else" or kinds[at] not in (T.NAME, T.QUOTED):
            at += 1
        else:
            relation, at = _relation(tokens, at, last)
            if relation is None:
                return found
            found.append(relation)
    return found


def _relation(tokens: Tokens, at: int, last: int) -> tuple[Relation | None, int]:
    """`Table.Field where (A = const(x))` at token `at`, and the token behind it; None for a table with namespace."""
    texts, kinds = tokens.texts, tokens.kinds
    table, table_at = texts[at], tokens.offsets[at]
    at += 1
    fields: list[tuple[str, int]] = []
    while at + 1 < last and texts[at] == "." and kinds[at] is T.SIGN:
        fields.append((texts[at + 1], tokens.offsets[at + 1]))
        at += 2
    if len(fields) > 1:  # a namespace stands before the table
        return None, at
    if at < last and tokens.lower[at] == "where" and kinds[at] is T.NAME:
        end = behind(texts, at + 1, last)
        fields += left_sides(tokens, at + 2, end - 1)
        at = end
    return Relation(table, table_at, tuple(fields)), at


def behind(texts: list[str], at: int, last: int) -> int:
    """The token behind the parenthesis that opens at `at`."""
    depth = 0
    while at < last:
        depth += (texts[at] == "(") - (texts[at] == ")")
        at += 1
        if depth == 0:
            break
    return at


def left_sides(tokens: Tokens, at: int, last: int) -> list[tuple[str, int]]:
    """`A = const(x), B = field(C)` -> A and B with their offsets."""
    found, depth, begins = [], 0, True
    while at < last:
        text = tokens.texts[at]
        if begins and depth == 0 and tokens.kinds[at] in (T.NAME, T.QUOTED) and tokens.texts[at + 1] == "=":
            found.append((text, tokens.offsets[at]))
        depth += (text == "(") - (text == ")")
        begins = text == "," and depth == 0
        at += 1
    return found
