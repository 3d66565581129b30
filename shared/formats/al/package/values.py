"""Values of a symbol file as they ought to be, whatever a compiler wrote: absent, null, a number as text."""

from collections.abc import Iterable
from typing import Any

_MOST = (1 << 63) - 1


def whole(value: Any) -> int:
    """A whole number of at most 64 bits; 0 for what is none."""
    if type(value) is int:
        return value if -_MOST <= value <= _MOST else 0
    if isinstance(value, float | bool):
        return int(value) if abs(value) < _MOST else 0
    text = value.strip() if isinstance(value, str) else ""
    digits = text.removeprefix("-")
    return whole(int(text)) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0


def text(value: Any) -> str:
    """A text; empty for null, `1` and `0` for booleans as compilers write them."""
    if isinstance(value, str):
        return value
    return "" if value is None else str(int(value)) if isinstance(value, bool) else str(value)


def flag(value: Any) -> bool:
    """A boolean; as text it is true as `true`, `1` or `yes`."""
    return value.strip().lower() in ("true", "1", "yes") if isinstance(value, str) else bool(value)


def items(value: Any) -> Iterable[Any]:
    """What a list holds, without nulls; nothing for null. TypeError where there is something else."""
    if value is None:
        return ()
    if type(value) is not list:
        raise TypeError(f"a list is expected, not {type(value).__name__}")
    return value if None not in value else [one for one in value if one is not None]
