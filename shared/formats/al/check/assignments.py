"""Rows 13 and 32: what a value becomes where it is assigned or returned, and what a condition asks for."""

from shared.formats.al.source.syntax import Call, Expr, Literal, MemberAccess, Name, ScopeAccess
from shared.formats.al.symbols.symbols import Field, Symbol, TypeRef, fold

from .binding import Binding, are_judged
from .blame import path_of_value, to_blame
from .context import ExtensionCheck
from .evidence import SymbolPath, type_text
from .fitting import fits
from .places import Place

BOOLEAN = Binding(TypeRef("Boolean"))
"""What a condition asks for."""


def check_assigned(check: ExtensionCheck, value: Expr, given: Binding, wanted: Binding, place: Place) -> None:
    """Report a value that does not convert to the type that is wanted, or that may be too long for it now."""
    if wanted.type is None or given.type is None or not are_judged(given, wanted):
        return
    if fits(check.world, given.type, wanted.type) is False:
        _not_converted(check, value, given, wanted, place)
    elif given.field is not None and given.table is not None:
        _grown(check, given.table, given.field, wanted.type, place)


def _not_converted(check: ExtensionCheck, value: Expr, given: Binding, wanted: Binding, place: Place) -> None:
    assert given.type is not None
    assert wanted.type is not None
    a, b = type_text(given.type, check.world), type_text(wanted.type, check.world)
    named = to_blame(check, (given, wanted))
    name = named.name or _called(value) or a
    message = f"Cannot implicitly convert type '{a}' to '{b}'."
    check.report("AL0122", name, message, place, about=path_of_value(named) or _of_type(check, given.type))


def _of_type(check: ExtensionCheck, type_: TypeRef) -> SymbolPath | None:
    found = check.world.find_type(type_)
    return SymbolPath.object(found[0]) if found else None


def _grown(check: ExtensionCheck, table: Symbol, field: Field, wanted: TypeRef, place: Place) -> None:
    """Row 32: it fitted before and need not fit now."""
    before = check.old.find("table", table.name) if check.old else None
    if before is None or check.old is None or not wanted.length:
        return
    old = check.old.fields(before[0]).get(fold(field.name))
    if old is not None and old[0].type.length <= wanted.length < field.type.length:
        message = (
            f"Field '{field.name}' of {table.title} grew from {old[0].type} to "
            f"{field.type}; a {wanted} may overflow at run time."
        )
        advice = f"Declare it as {field.type}, or cut the value with CopyStr."
        check.report("AS0086", field.name, message, place, advice, about=SymbolPath.of(table, "fields", field.name))


def _called(value: Expr) -> str:
    """The name of what is called or read, empty for anything else."""
    inner = value.target if isinstance(value, Call) else value
    return inner.text if isinstance(inner, Name | MemberAccess | ScopeAccess | Literal) else ""
