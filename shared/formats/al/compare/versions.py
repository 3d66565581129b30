"""Two versions of one app: what breaks its dependents or its own data, as AppSourceCop's upgrade rules say.

Public API is what others can name; schema rules look at every table, field and key, whatever its access or obsolete
state. Symbols that were obsolete in the old version may go. Three holes of the analyzer are closed: report columns and
data items, a return value that appears together with public access, and overloads.
"""

from collections.abc import Sequence

import msgspec

from shared.formats.al.finding import BreakFinding
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Symbol, fold

from .comparison import Comparison, ComparisonSettings
from .methods import compare_external_events, compare_methods
from .moves import compare_moves
from .objects import compare_object, compare_parts, gone
from .rules import BASELINE_RULES, SCHEMA_RULES, UNDECIDED_RULES
from .schema import compare_schema, new_schema

__all__ = [
    "BASELINE_RULES",
    "SCHEMA_RULES",
    "UNDECIDED_RULES",
    "Compared",
    "ComparisonSettings",
    "compare",
    "compare_versions",
]

_DEFAULTS = ComparisonSettings()
# Objects that are found by id: their name may change, and another may take it.
_NAMED_ONLY = frozenset(("interface", "controladdin", "profile", "profileextension", "pagecustomization", "dotnet"))


class Compared(msgspec.Struct, frozen=True):
    """What a comparison found; `undecided` are reasons why parts could not be judged."""

    findings: tuple[BreakFinding, ...]
    undecided: tuple[str, ...]


def compare(old: AppIndex, new: AppIndex) -> tuple[BreakFinding, ...]:
    """Every rule that the step from `old` to `new` violates, each once, in the order of the old symbols."""
    return compare_versions(old, new).findings


def compare_versions(
    old: AppIndex, new: AppIndex, settings: ComparisonSettings = _DEFAULTS, others: Sequence[AppIndex] = ()
) -> Compared:
    """Like `compare`, with the analyzer's settings, the apps around, and what could not be decided."""
    c = Comparison(old, new, settings, others)
    _app(c)
    for entry in old.entries:
        if c.is_unchanged(entry) or entry.kind == "dotnet":
            continue
        before = old.symbol(entry)
        after = _partner(new, before)
        if after is None:
            gone(c, before)
            continue
        compare_object(c, before, after)
        compare_schema(c, before, after)
        if c.is_api(before):
            compare_methods(c, before, after)
            compare_parts(c, before, after)
    compare_external_events(c)
    new_schema(c)
    compare_moves(c)
    return Compared(tuple(dict.fromkeys(c.findings)), tuple(dict.fromkeys(c.undecided)))


def _app(c: Comparison) -> None:
    a, b = c.old.app, c.new.app
    if b.runtime is not None and b.runtime >= Version(8):
        return  # from here on the id alone is the identity; before the attribute Runtime it never was
    if a.name != b.name:
        c.add("AS0096", None, a.name, f"The app is called '{b.name}' instead of '{a.name}'")
    if a.publisher != b.publisher:
        c.add("AS0097", None, a.publisher, f"The publisher is '{b.publisher}' instead of '{a.publisher}'")


def _partner(new: AppIndex, before: Symbol) -> Symbol | None:
    """The same object in the new version: by id, else by name (in its namespace first)."""
    if before.id and before.kind not in _NAMED_ONLY:
        found = new.numbered(before.kind, before.id)
        if found is not None:
            return found
    named = new.named(before.kind, before.name)
    same_space = [s for s in named if fold(s.namespace) == fold(before.namespace)]
    return next(iter(same_space or named), None)
