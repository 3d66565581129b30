"""Row 13: what operators make of their operands, and which operands they certainly do not take."""

from collections.abc import Sequence

from shared.formats.al.source.syntax import Expr, Many, start_of
from shared.formats.al.symbols.symbols import TypeRef

from .binding import NOTHING, UNKNOWN, Binding, are_judged
from .blame import path_of_value, to_blame
from .context import ExtensionCheck
from .evidence import type_text
from .places import Place

_COMPARING = frozenset(("=", "<>", "<", ">", "<=", ">=", "in", "is"))
_LOGICAL = frozenset(("and", "or", "xor", "not"))
_CALCULATING = frozenset(("-", "*", "/", "div", "mod"))
# From the one that binds closest on (devenv-al-operators).
_LEVELS = (frozenset(("*", "/", "div", "mod", "and")), frozenset(("+", "-", "or", "xor")), _COMPARING)
# What they give depends on more than the two beside them.
_UNTYPED = frozenset(("?", ":", "..", "as"))

_NUMBERS = frozenset(("integer", "decimal", "biginteger", "byte"))
_TEXTS = frozenset(("text", "code", "label", "textconst", "string"))
_GROUPS = {
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_TEXTS, "text"),
    "boolean": "boolean",
    "enum": "enum",
    NOTHING.name.lower(): "nothing",
}
_BOOLEAN, _DECIMAL, _TEXT = TypeRef("Boolean"), TypeRef("Decimal"), TypeRef("Text")


def combine(check: ExtensionCheck, expr: Many, operands: Sequence[Binding], place: Place) -> Binding:
    """What an expression of several operands gives; a pair that its operator does not take is reported."""
    if not expr.operators and len(operands) == 1:
        return operands[0]  # in parentheses
    if not expr.operators or not _UNTYPED.isdisjoint(expr.operators):
        return UNKNOWN
    if len(operands) == 1:
        return _unary(check, expr.operators[0], operands[0], place)
    values, signs = list(operands), list(expr.operators)
    starts = [Place(place.level, place.file, start_of(part)) for part in expr.parts]
    for level in _LEVELS:
        at = 0
        while at < len(signs):
            if signs[at] not in level:
                at += 1
                continue
            values[at] = binary(check, signs[at], values[at], values[at + 1], starts[at])
            del values[at + 1], signs[at], starts[at + 1]
    return values[0]


def binary(check: ExtensionCheck, operator: str, left: Binding, right: Binding, place: Place) -> Binding:
    """What `left operator right` gives; refused operands are reported once, and then nothing is known."""
    if are_judged(left, right) and _refuses(operator, _group(left), _group(right)):
        a, b = (type_text(v.type, check.world) if v.type else "?" for v in (left, right))
        message = f"Operator '{operator}' cannot be applied to operands of type '{a}' and '{b}'."
        _report(check, "AL0175", message, to_blame(check, (left, right)), place)
        return UNKNOWN
    return Binding(_type(operator, _group(left), _group(right)), foreign=left.foreign or right.foreign)


def _unary(check: ExtensionCheck, operator: str, value: Binding, place: Place) -> Binding:
    group = _group(value)
    refused = ("text", "enum", "nothing") if operator == "not" else ("text", "boolean", "nothing")
    if value.foreign and value.type is not None and group in refused:
        message = f"Operator '{operator}' cannot be applied to operand of type '{type_text(value.type, check.world)}'."
        _report(check, "AL0173", message, value, place)
        return UNKNOWN
    if operator == "not":
        return Binding(_BOOLEAN, foreign=value.foreign)
    return Binding(_DECIMAL if group == "number" else None, foreign=value.foreign)


def _report(check: ExtensionCheck, code: str, message: str, blamed: Binding, place: Place) -> None:
    name = blamed.name or (blamed.type.name if blamed.type else "")
    check.report(code, name, message, place, about=path_of_value(blamed))


def _group(value: Binding) -> str:
    return "" if value.type is None or value.type.dimensions else _GROUPS.get(value.type.name.lower(), "")


def _refuses(operator: str, left: str, right: str) -> bool:
    """Whether two groups of types certainly do not go together; the empty group is what is not known."""
    pair = {left, right}
    if "nothing" in pair:
        return True
    if operator in _LOGICAL:
        return bool(pair & {"text", "enum"})
    if operator in _CALCULATING:
        return bool(pair & {"text", "boolean"})
    if "" in pair or left == right or operator in ("in", "is"):
        return False
    return pair != {"number", "enum"}  # AL0603 warns of those


def _type(operator: str, left: str, right: str) -> TypeRef | None:
    if operator in _COMPARING or operator in _LOGICAL:
        return _BOOLEAN
    if left != right:
        return None
    return {"number": _DECIMAL, "text": _TEXT if operator == "+" else None}.get(left)


def members_of(expr: Expr) -> Sequence[Expr]:
    """What stands in `[A, B]`, if it is such a set."""
    return expr.parts if isinstance(expr, Many) and not expr.operators else ()
