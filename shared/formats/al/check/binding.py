"""What an expression turned out to be."""

from typing import NamedTuple

from shared.formats.al.symbols.index import AppIndex
from shared.formats.al.symbols.symbols import Element, Field, Symbol, TypeRef

from .world import Owned

NOTHING = TypeRef("None")
"""The type of what a procedure without result gives."""


class Binding(NamedTuple):
    """All empty where nothing is known. `type` is that of the value, None where it is not known.

    `field` is one of `table` that `app` brings. `methods` are overloads of a procedure, in `owner`: before it is called
    all of them, without a type. `platform` is the folded name of a method or function of the platform, `on` the type
    of the value that has it. `foreign` says that another app declares it: what an extension declares itself compiled,
    so that alone is never a break.
    """

    type: TypeRef | None = None
    methods: tuple[Owned, ...] = ()
    field: Field | None = None
    table: Symbol | None = None
    owner: Symbol | None = None
    element: Element | None = None
    app: AppIndex | None = None
    platform: str = ""
    on: TypeRef | None = None
    foreign: bool = False

    @property
    def name(self) -> str:
        """The field or procedure that gives the value, empty where it is neither."""
        if self.field is not None:
            return self.field.name
        return self.methods[0].member.name if self.methods else ""

    def given(self, type_: TypeRef | None) -> "Binding":
        """The same with the type of its value."""
        return self._replace(type=type_)


UNKNOWN = Binding()


def are_judged(one: Binding, other: Binding) -> bool:
    """Whether two values that meet can be a break: another app declares one of them, or the object that one is of."""
    return one.foreign or other.foreign or _has_subject(one.type) or _has_subject(other.type)


def _has_subject(type_: TypeRef | None) -> bool:
    return type_ is not None and bool(type_.subject or type_.subject_id)
