"""What stands in the value of a property: names with the tokens where they stand. Nothing is looked up here."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.formats.al.source.lexer import T, Tokens

_FORMULAS = frozenset(("sum", "average", "exist", "count", "min", "max", "lookup"))
_BESIDE_VALUES = frozenset(("(", ")", "|", "&", "..", "<>", "=", "<", ">", "<=", ">="))
_RANGES = frozenset(("filter", "upperlimit"))


@dataclass(frozen=True, slots=True)
class FieldCondition:
    """`left = field(right)`, `left = const(value)`, `left = filter(value|scope::value)` or `left = Item.right`.

    All are numbers of tokens, -1 for what is not there. `item` is the data item that a query names on the right;
    `values` are (what stands before `::`, the value).
    """

    left: int
    right: int = -1
    item: int = -1
    values: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """`parts` name a table, with its namespace before and a field behind it where those are written.

    `where` are conditions on that table, `given` those of the `if` before it.
    """

    parts: tuple[int, ...]
    where: list[FieldCondition] = field(default_factory=list)
    given: list[FieldCondition] = field(default_factory=list)


def names(tokens: Tokens, first: int, last: int) -> Iterator[int]:
    """`A, "B C"`: what stands alone between commas."""
    for at in range(first, last):
        alone = (at == first or tokens.sign(at - 1) == ",") and (at + 1 == last or tokens.sign(at + 1) == ",")
        if alone and _is_name(tokens, at):
            yield at


def conditions(tokens: Tokens, first: int, last: int) -> Iterator[FieldCondition]:
    """`A = const(x), B = field(C)`, each."""
    at = first
    while at < last:
        end = _end_of_item(tokens, at, last)
        if end - at > 2 and _is_name(tokens, at) and tokens.sign(at + 1) == "=":
            yield _condition(tokens, at, end)
        at = end + 1


def _condition(tokens: Tokens, left: int, end: int) -> FieldCondition:
    at = left + 2
    word = tokens.word(at)
    if end - at == 3 and tokens.sign(at + 1) == "." and _is_name(tokens, at) and _is_name(tokens, at + 2):
        return FieldCondition(left, right=at + 2, item=at)
    if word in ("const", "filter"):
        return FieldCondition(left, values=tuple(_constants(tokens, at + 1, end)))
    if word == "field":
        at += 2
        while at + 1 < end and tokens.lower[at] in _RANGES and tokens.sign(at + 1) == "(":
            at += 2
        if at + 1 < end and _is_name(tokens, at) and tokens.sign(at + 1) == ")":
            return FieldCondition(left, right=at)
    return FieldCondition(left)


def _constants(tokens: Tokens, first: int, last: int) -> Iterator[tuple[int, int]]:
    """Names that stand alone between signs, and those behind one name and `::`."""
    for at in range(first + 1, last - 1):
        if _is_name(tokens, at) and tokens.sign(at + 1) in _BESIDE_VALUES:
            if tokens.sign(at - 1) in _BESIDE_VALUES:
                yield -1, at
            elif tokens.sign(at - 1) == "::" and tokens.sign(at - 3) in _BESIDE_VALUES and _is_name(tokens, at - 2):
                yield at - 2, at


def view(tokens: Tokens, first: int, last: int) -> tuple[list[int], list[FieldCondition]]:
    """`sorting(A, B) order(descending) where(C = const(1))`: A and B, and the conditions."""
    sorted_by: list[int] = []
    where: list[FieldCondition] = []
    at = first
    while at < last:
        word = tokens.word(at)
        if word in ("sorting", "where", "order") and at + 1 < last and tokens.sign(at + 1) == "(":
            end = _behind(tokens, at + 1, last)
            if word == "sorting":
                sorted_by += names(tokens, at + 2, end - 1)
            elif word == "where":
                where += conditions(tokens, at + 2, end - 1)
            at = end
        else:
            at += 1
    return sorted_by, where


def relations(tokens: Tokens, first: int, last: int) -> Iterator[Relation]:
    """`if (A = const(x)) T.F where(B = field(C)) else U`, `sum(T.F where(...))`: each table of a value."""
    given: list[FieldCondition] = []
    at = first
    while at < last:
        word = tokens.word(at)
        if word == "if":
            end = _behind(tokens, at + 1, last)
            given = list(conditions(tokens, at + 2, end - 1))
            at = end
        elif word in _FORMULAS and at + 1 < last and tokens.sign(at + 1) == "(":
            at += 2
        elif word == "else" or not _is_name(tokens, at):
            at += 1
        else:
            relation, at = _relation(tokens, at, last, given)
            given = []
            yield relation


def _relation(tokens: Tokens, at: int, last: int, given: list[FieldCondition]) -> tuple[Relation, int]:
    """The one that begins at token `at`, and the token behind it."""
    parts = [at]
    at += 1
    while at + 1 < last and tokens.sign(at) == ".":
        parts.append(at + 1)
        at += 2
    where: list[FieldCondition] = []
    if at + 1 < last and tokens.word(at) == "where":
        end = _behind(tokens, at + 1, last)
        where = list(conditions(tokens, at + 2, end - 1))
        at = end
    return Relation(tuple(parts), where, given), at


def items(tokens: Tokens, first: int, last: int) -> Iterator[tuple[int, int]]:
    """`A, B."C"`: the tokens of each item of a list."""
    while first < last:
        end = _end_of_item(tokens, first, last)
        yield first, end
        first = end + 1


def permissions(tokens: Tokens, first: int, last: int) -> Iterator[tuple[str, int, int]]:
    """`tabledata Customer = RIMD, codeunit "A B" = X` -> (tabledata, the tokens of Customer) ..."""
    for at, end in items(tokens, first, last):
        equals = next((i for i in range(at, end) if tokens.sign(i) == "="), end)
        if at + 1 < equals and tokens.sign(at + 1) != "*":
            yield tokens.lower[at], at + 1, equals


def _is_name(tokens: Tokens, at: int) -> bool:
    return tokens.kinds[at] is T.NAME or tokens.kinds[at] is T.QUOTED


def _end_of_item(tokens: Tokens, at: int, last: int) -> int:
    """The comma behind an item of a list, or the list's end."""
    depth = 0
    while at < last and (depth or tokens.sign(at) != ","):
        depth += (tokens.sign(at) == "(") - (tokens.sign(at) == ")")
        at += 1
    return at


def _behind(tokens: Tokens, at: int, last: int) -> int:
    """The token behind the parenthesis that opens at `at`."""
    depth = 0
    while at < last:
        depth += (tokens.sign(at) == "(") - (tokens.sign(at) == ")")
        at += 1
        if depth == 0:
            break
    return at
