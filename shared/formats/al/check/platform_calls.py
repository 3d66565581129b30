"""Calls of what the platform brings: names of fields among their arguments, values, and what they give."""

from collections.abc import Sequence
from itertools import takewhile

from shared.formats.al.source.syntax import Call, Expr, Name, start_of
from shared.formats.al.symbols.builtins import COLUMN_FIRST, FIELD_ALL, FIELD_FIRST, SYSTEM_FIELDS
from shared.formats.al.symbols.platform import (
    FIELD_VALUE,
    FUNCTIONS,
    GIVES_FIELD,
    RECORD_METHODS,
    PlatformMethod,
    collection_result,
)
from shared.formats.al.symbols.symbols import Symbol, TypeRef, fold

from .binding import UNKNOWN, Binding, are_judged
from .blame import path_of_value, to_blame
from .context import ExtensionCheck
from .evidence import type_text
from .fitting import fits
from .lookup import find_subject
from .members import Members
from .names import Names
from .places import Place

_TESTS = frozenset(("testpage", "testpart", "testrequestpage"))


class PlatformCalls:
    """What is known of the platform's methods and functions, for the code of one object."""

    def __init__(self, check: ExtensionCheck, members: Members, names: Names) -> None:
        self.check = check
        self.members = members
        self.names = names

    # -- what they give ----------------------------------------------------------------------------

    def result(self, found: Binding, given: Sequence[Binding]) -> Binding:
        """What a call with the arguments `given` gives."""
        known = self._known(found)
        if known is not None:
            return Binding(known.returns)
        if found.table is not None and found.platform in GIVES_FIELD and given:
            return Binding(given[0].type, foreign=given[0].foreign)
        return Binding(collection_result(found.on, found.platform, len(given))) if found.on else UNKNOWN

    def _known(self, found: Binding) -> PlatformMethod | None:
        if found.table is not None:
            return RECORD_METHODS.get(found.platform)
        return FUNCTIONS.get(found.platform) if found.on is None else None

    # -- names of fields and columns ---------------------------------------------------------------

    def fields(self, found: Binding, call: Call) -> list[Binding]:
        """The first arguments, as far as they are names of what the value has: fields, columns, controls."""
        arguments, kind = call.arguments, found.on.name.lower() if found.on else ""
        if found.table is not None:
            count = len(arguments) if found.platform in FIELD_ALL else int(found.platform in FIELD_FIRST)
        elif kind == "query" and find_subject(self.check.world, found.on):
            count = int(found.platform in COLUMN_FIRST)
        else:
            return self._unknown_names(found.platform, kind, arguments)
        named: list[Binding] = []
        for argument in arguments[:count]:
            if not isinstance(argument, Name):
                break
            place = self.names.place(argument.at)
            if found.table is not None:
                named.append(self._field(found.table, argument, place))
            else:
                named.append(self.members.lookup(found.on, argument.text, place))
        return named

    def _unknown_names(self, method: str, kind: str, arguments: Sequence[Expr]) -> list[Binding]:
        """Names of what is not known: of controls in tests, of fields of a record of no known table."""
        count = 0
        if kind in ("", "record", "query"):
            count = len(arguments) if method in FIELD_ALL else int(method in FIELD_FIRST | COLUMN_FIRST)
        elif kind in _TESTS:
            count = 1
        return [UNKNOWN for _ in takewhile(lambda a: isinstance(a, Name), arguments[:count])]

    def _field(self, table: Symbol, argument: Name, place: Place) -> Binding:
        subject = TypeRef("Record", subject=table.name, subject_id=table.id)
        found = self.members.find(subject, argument.text)
        if found is not None:
            return self.members.reached(found, place)
        owner = find_subject(self.check.world, subject)
        if owner and owner[1] is not self.check.world.own and fold(argument.text) not in SYSTEM_FIELDS:
            self.names.no_such_field(argument.text, table, place)
        return UNKNOWN

    # -- values ------------------------------------------------------------------------------------

    def check_arguments(self, found: Binding, call: Call, given: Sequence[Binding]) -> None:
        """Report values that certainly do not convert to what the platform takes there."""
        known = self._known(found)
        if known is not None:
            for number, (wanted, value) in enumerate(zip(known.parameters, given, strict=False), start=1):
                self._argument(call, number, value, [Binding(t) for t in wanted])
        elif found.table is not None and found.platform in FIELD_VALUE and given and given[0].field is not None:
            for number, value in enumerate(given[1:3], start=2):
                if found.platform == "setrange" or number == 2:
                    self._argument(call, number, value, [given[0]])

    def _argument(self, call: Call, number: int, value: Binding, wanted: Sequence[Binding]) -> None:
        world, type_ = self.check.world, value.type
        if type_ is None or not wanted or not all(are_judged(value, w) for w in wanted):
            return
        if type_.name.lower() == "errorinfo" or any(
            w.type is None or fits(world, type_, w.type) is not False for w in wanted
        ):
            return
        first = wanted[0]
        assert first.type is not None
        message = (
            f"Argument {number}: cannot convert from '{type_text(type_, world)}' to '{type_text(first.type, world)}'."
        )
        named = to_blame(self.check, (value, first))
        place = self.names.place(start_of(call.arguments[number - 1]))
        self.check.report("AL0133", named.name or type_.name, message, place, about=path_of_value(named))
