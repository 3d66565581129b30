"""The lifecycles that `schemas/README.md` prints, read from there."""

import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

README = Path(__file__).parents[3] / "schemas" / "README.md"
OUTSIDE = "[*]"
"""Where a lifecycle begins, and where it may end."""

Moves = Mapping[str, frozenset[str]]
"""By a status, where it can go from there in one move."""

_DIAGRAM = re.compile(r"^### (\w+)\n.*?^```mermaid\nstateDiagram-v2\n(.*?)^```", re.DOTALL | re.MULTILINE)
_ALIAS = re.compile(r'^ *state "([^"]+)" as (\w+)$', re.MULTILINE)
_MOVE = re.compile(r"^ *(\[\*\]|\w+) --> (\[\*\]|\w+)", re.MULTILINE)


def printed_lifecycles(text: str) -> dict[str, Moves]:
    """The moves of each lifecycle by its name."""
    found: dict[str, Moves] = {}
    for name, diagram in _DIAGRAM.findall(text):
        aliases = {alias: status for status, alias in _ALIAS.findall(diagram)}
        moves: dict[str, set[str]] = defaultdict(set)
        for before, after in _MOVE.findall(diagram):
            moves[aliases.get(before, before)].add(aliases.get(after, after))
        found[name] = {status: frozenset(after) for status, after in moves.items()}
    return found


def leads(moves: Moves, before: str, after: str) -> bool:
    """Whether some moves lead from one status to another; none are needed where they are the same."""
    reached, new = {before}, [before]
    while new:
        ways = moves.get(new.pop(), frozenset()) - reached
        reached |= ways
        new += ways
    return after in reached
