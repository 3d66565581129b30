"""How a kind of thing is listed and shown, wherever that is."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from shared.contracts.message import Message, Part

V = TypeVar("V", bound=Message)

Column = tuple[str, Callable[[Any], object]]
"""What it is called, and its value for one line."""
Row = tuple[str, object]


@dataclass(frozen=True)
class Lines:
    """What stands in a table where one view holds several things."""

    of: Callable[[Any], Iterable[Part]]
    order: Callable[[Any], Any] | None = None
    """None: as the view has them."""
    over: Callable[[Any], bool] | None = None
    """Whether a line is left out unless all are asked for; None: none is."""

    def listed(self, views: Iterable[Any], *, everything: bool) -> list[Part]:
        """The lines of these views."""
        over = None if everything else self.over
        found = [line for view in views for line in self.of(view) if over is None or not over(line)]
        return sorted(found, key=self.order) if self.order else found


@dataclass(frozen=True, kw_only=True)
class Noun(Generic[V]):
    """One kind of thing that people list and look at."""

    name: str
    """Several of them; the collection's path in the HTTP API."""
    one: str
    """One of them."""
    view: type[V]
    columns: tuple[Column, ...]
    filters: tuple[str, ...] = ()
    """Fields by whose values a list can be narrowed."""
    order: Callable[[Any], Any] = lambda view: view.key
    backwards: bool = False
    """Whether a page of the HTTP API begins with the last; a terminal shows that at its end."""
    rows: Callable[[Any], Sequence[Row]] | None = None
    """How one is shown; None: its columns, below each other."""
    lines: Lines | None = None
    group: str = ""
    """The command's noun, where it is not `one`."""
    of_environment: bool = False
    """Whether they are listed for one environment only, which must exist."""

    def chosen(self, views: Iterable[V], wanted: Mapping[str, Sequence[str] | None]) -> list[V]:
        """Those whose fields have one of the values that are wanted, in order."""
        asked = {name: values for name, values in wanted.items() if values}
        found = (view for view in views if all(str(getattr(view, name)) in asked[name] for name in asked))
        return sorted(found, key=self.order)

    def listed(self, views: Sequence[V], *, everything: bool = False) -> Sequence[Part]:
        """The lines of a table of these views."""
        return self.lines.listed(views, everything=everything) if self.lines else views

    def shown(self, view: V) -> Sequence[Row]:
        """One of them, for a person."""
        return self.rows(view) if self.rows else [(name.lower(), value(view)) for name, value in self.columns]

    def choices(self, field: str) -> type[StrEnum] | None:
        """The values that a field can have, where that is a closed list."""
        found = self.view.model_fields[field].annotation
        return found if isinstance(found, type) and issubclass(found, StrEnum) else None
