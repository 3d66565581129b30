"""Which of two values that do not go together a finding is about."""

from collections.abc import Sequence

from shared.formats.al.symbols.symbols import fold

from .binding import Binding
from .context import ExtensionCheck
from .evidence import SymbolPath


def to_blame(check: ExtensionCheck, values: Sequence[Binding]) -> Binding:
    """The first one that has another type than in the old base, else the first that has a name, else the first."""
    return next(
        (v for v in values if has_new_type(check, v)),
        next((v for v in values if v.foreign and v.name), next((v for v in values if v.name), values[0])),
    )


def has_new_type(check: ExtensionCheck, value: Binding) -> bool:
    """Whether a field or procedure of another app gave another type in the old base."""
    old = check.old
    if old is None or not value.foreign:
        return False
    if value.field is not None and value.table is not None:
        table = old.find("table", value.table.name)
        field = old.fields(table[0]).get(fold(value.name)) if table else None
        return field is not None and field[0].type.name.lower() != value.field.type.name.lower()
    if value.owner is not None and value.methods:
        found = old.find(value.owner.kind, value.owner.name)
        before = old.methods(*found).get(fold(value.name), ()) if found else ()
        now = {str(o.member.returns).lower() for o in value.methods}
        return bool(before) and not now & {str(o.member.returns).lower() for o in before}
    return False


def path_of_value(value: Binding) -> SymbolPath | None:
    """The field or procedure that gives a value."""
    if value.field is not None and value.table is not None:
        return SymbolPath.of(value.table, "fields", value.field.name)
    if value.owner is not None and value.methods:
        return SymbolPath.of(value.owner, "methods", value.name)
    return None
