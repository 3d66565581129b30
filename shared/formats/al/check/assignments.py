"""Rows 13 and 32: what a value becomes where it is assigned or returned."""

from shared.formats.al.source.syntax import Call, Expr, Literal, MemberAccess, Name, ScopeAccess
from shared.formats.al.symbols.symbols import Field, Symbol, TypeRef, fold

from .context import ExtensionCheck
from .evidence import SymbolPath, type_text
from .fitting import fits
from .members import Binding
from .places import Place


def check_assigned(check: ExtensionCheck, value: Expr, given: Binding, wanted: TypeRef | None, place: Place) -> None:
    """Report a value that does not convert to the type that is wanted, or that may be too long for it now."""
    if wanted is None or given.type is None:
        return
    if fits(check.world, given.type, wanted) is False:
        _not_converted(check, value, given, wanted, place)
    elif given.field is not None and given.table is not None:
        _grown(check, given.table, given.field, wanted, place)


def _not_converted(check: ExtensionCheck, value: Expr, given: Binding, wanted: TypeRef, place: Place) -> None:
    assert given.type is not None
    a, b = type_text(given.type, check.world), type_text(wanted, check.world)
    name = given.field.name if given.field else _called(value) or a
    message = f"Cannot implicitly convert type '{a}' to '{b}'."
    check.report("AL0122", name, message, place, about=_about(check, given, given.type))


def _about(check: ExtensionCheck, given: Binding, type_: TypeRef) -> SymbolPath | None:
    """The field or procedure that gives the value; else the object of its type."""
    if given.field is not None and given.table is not None:
        return SymbolPath.of(given.table, "fields", given.field.name)
    if given.owner is not None and given.methods:
        return SymbolPath.of(given.owner, "methods", given.methods[0].member.name)
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
