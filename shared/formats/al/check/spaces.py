"""Objects that code names with their namespace: `Database::Microsoft.Sales.Customer`, `Microsoft.Sales.Colour::Red`."""

from collections.abc import Callable
from typing import NamedTuple

from shared.formats.al.source.syntax import Expr, MemberAccess, Name, ScopeAccess
from shared.formats.al.symbols.builtins import METHODS

from .world import KIND_OF_TYPE, World

_SCOPES = frozenset(("database", "codeunit", "page", "report", "query", "xmlport", "enum", "interface"))


class ObjectName(NamedTuple):
    """An object named behind `word::`, of no kind where its namespace is not known.

    `has_member` says that more follows its name.
    """

    word: str
    kind: str
    name: str
    at: int
    has_member: bool = False


def scoped_object(world: World, old: World | None, expr: Expr) -> ObjectName | None:
    """What `Word::Name` or `Word::A.B.Name` names; None for anything else, a member of `Word::Name` among it."""
    parts: list[str] = []
    while isinstance(expr, MemberAccess):
        parts.insert(0, expr.text)
        expr = expr.target
    if not isinstance(expr, ScopeAccess) or not isinstance(expr.target, Name) or expr.target.quoted:
        return None
    word = expr.target.text.casefold()
    if word not in _SCOPES:
        return None
    kind, at = KIND_OF_TYPE[word], expr.at
    if not parts:
        return ObjectName(word, kind, expr.text, at)
    worlds = [w for w in (world, old) if w is not None]
    if any(w.find(kind, expr.text) for w in worlds) or (kind == "enum" and parts[0].casefold() in METHODS["enum"]):
        return None
    for length in range(len(parts), 0, -1):
        name = ".".join((expr.text, *parts[:length]))
        if any(w.find(kind, name) for w in worlds):
            return ObjectName(word, kind, name, at, length < len(parts))
    is_told = any(_is_space(w, expr.text) for w in worlds)
    return ObjectName(word, kind if is_told else "", ".".join((expr.text, *parts)), at)


def qualified_enum(world: World, expr: MemberAccess, is_declared: Callable[[str], bool]) -> str | None:
    """The name of the enum in `A.B.Name`, where A begins a namespace and means nothing else."""
    parts = [expr.text]
    target = expr.target
    while isinstance(target, MemberAccess):
        parts.insert(0, target.text)
        target = target.target
    if not isinstance(target, Name) or target.quoted:
        return None
    if not _is_space(world, target.text) or is_declared(target.text):
        return None
    return ".".join((target.text, *parts))


def _is_space(world: World, word: str) -> bool:
    """Whether a word begins the namespace of an object."""
    return word.casefold() in world.first_words
