"""The table of transitions of an aggregate, written as the diagram that the documentation prints."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Generic, TypeVar

T = TypeVar("T", bound=StrEnum)

NOTHING = "[*]"
"""Where there is no aggregate: before the first one, and after one that may be forgotten or followed by another."""


class Lifecycle(Generic[T]):
    """The statuses of an aggregate and the moves from one to the other.

    `diagram` has a line for moves from some statuses to others, by their values, and after a colon why:

        [*] --> pending
        pending --> sent, failed : the server has answered
        sent, failed --> [*]

    What begins comes from `[*]`; what leads back to it may be forgotten, and another may take its place. A status
    that no line leads to is not in use. Staying in a status is no move and needs no line.
    """

    def __init__(self, statuses: type[T], diagram: str) -> None:
        """Raise ValueError, naming the line, if the diagram cannot be read or says a move twice."""
        self.statuses = statuses
        self._why: dict[tuple[T | None, T | None], str] = {}
        for line in filter(None, map(str.strip, diagram.splitlines())):
            for move, why in self._moves_of(line):
                if move in self._why or move[0] is move[1]:
                    raise ValueError(f"{statuses.__name__}: {line!r} says a move twice, or one that leads nowhere")
                self._why[move] = why
        self._reached: dict[T | None, frozenset[T | None]] = {
            status: frozenset(self._follow(status)) for status in (None, *statuses)
        }
        if stray := {before for before, _ in self._why} - self._reached[None] - {None}:
            raise ValueError(f"{statuses.__name__}: nothing leads to {', '.join(sorted(map(str, stray)))}")

    @property
    def moves(self) -> Mapping[T, frozenset[T]]:
        """To which statuses one can move from each."""
        return MappingProxyType({status: frozenset(self._next(status)) for status in self.statuses})

    @property
    def beginnings(self) -> frozenset[T]:
        """The statuses in which a new one may be."""
        return frozenset(self._next(None))

    @property
    def unused(self) -> tuple[T, ...]:
        """The statuses that nothing leads to."""
        return tuple(status for status in self.statuses if status not in self._reached[None])

    def is_end(self, status: T) -> bool:
        """Whether there is no way on from a status."""
        return not any(before is status and after is not None for before, after in self._why)

    def allows(self, before: T, after: T) -> bool:
        """Whether one may move from `before` to `after` at once; staying is allowed."""
        return before is after or (before, after) in self._why

    def reaches(self, before: T | None, after: T | None) -> bool:
        """Whether moves lead from `before` to `after`, in whatever number; None: there is no aggregate."""
        return before is after or after in self._reached[before]

    def ways_on(self, before: T | None) -> str:
        """Where one can move from a status, for a person."""
        return ", ".join(sorted(self._next(before))) or "nowhere"

    def mermaid(self) -> str:
        """The diagram in Mermaid's words."""
        lines = ["stateDiagram-v2"]
        lines += [
            f'    state "{status.value}" as {_name(status)}'
            for status in self.statuses
            if _name(status) != status.value and status not in self.unused
        ]
        for (before, after), why in self._why.items():
            lines.append(f"    {_name(before)} --> {_name(after)}{f' : {why}' if why else ''}")
        return "\n".join(lines)

    def _next(self, before: T | None) -> Iterator[T]:
        return (after for one, after in self._why if one is before and after is not None)

    def _follow(self, status: T | None) -> set[T | None]:
        found: set[T | None] = set()
        pending = [status]
        while pending:
            here = pending.pop()
            new = {after for before, after in self._why if before is here} - found
            found |= new
            pending += new
        return found

    def _moves_of(self, line: str) -> Iterator[tuple[tuple[T | None, T | None], str]]:
        move, _, why = line.partition(" : ")
        befores, arrow, afters = move.partition("-->")
        if not arrow:
            raise ValueError(f"{self.statuses.__name__}: {line!r} is no move: status --> status, status : why")
        for before in befores.split(","):
            for after in afters.split(","):
                yield (self._status(before, line), self._status(after, line)), why.strip()

    def _status(self, word: str, line: str) -> T | None:
        word = word.strip()
        if word == NOTHING:
            return None
        try:
            return self.statuses(word)
        except ValueError:
            known = ", ".join(self.statuses)
            raise ValueError(f"{self.statuses.__name__}: {word!r} in {line!r} is none of {known}") from None


def _name(status: StrEnum | None) -> str:
    """The status as Mermaid can name it: a hyphen would be an arrow there."""
    return NOTHING if status is None else status.value.replace("-", "_")
