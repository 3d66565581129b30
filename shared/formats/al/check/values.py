"""What stands behind `::`: values of enums and members of options."""

from shared.formats.al.symbols.symbols import Symbol, TypeRef, fold

from .context import ExtensionCheck
from .evidence import SymbolPath
from .lifecycle import report_state
from .naming import named_object, successor
from .places import Place
from .suggestions import nearest

_MESSAGES = {
    "AL0132": "'Enum {enum}' does not contain a definition for '{name}'.",
    "AL0522": "Property value {name} is not in the values for enum '{enum}'.",
}


def check_value(check: ExtensionCheck, owner: TypeRef, name: str, place: Place) -> None:
    """`owner::name`: report a value that another app's enum or option does not have, or what its state foretells."""
    kind = owner.name.lower()
    if kind == "enum":
        enum = check.world.find_type(owner)
        if enum is not None and enum[1] is not check.world.own:
            _enum_value(check, enum[0], name, place)
    elif kind == "option" and owner.options and not name.isdigit():
        members = {fold(o) for o in owner.options}
        if fold(name) not in members and not (name.strip() == "" and "" in members):
            message = f"'Option' does not contain a definition for '{name}'."
            check.report("AL0132", name, message, place, nearest(name, owner.options))


def check_constant(check: ExtensionCheck, owner: TypeRef, name: str, place: Place) -> None:
    """`const(name)` for a field of type `owner`: the same in a property, where the compiler has other codes."""
    kind = owner.name.lower()
    if kind == "enum":
        enum = check.world.find_type(owner)
        if enum is not None and enum[1] is not check.world.own:
            _enum_value(check, enum[0], name, place, "AL0522")
    elif kind == "option" and not name.isdigit() and owner.options and fold(name) not in map(fold, owner.options):
        message = f"Property value {name} is not in the field's OptionMembers."
        check.report("AL0293", name, message, place, nearest(name, owner.options))


def _enum_value(check: ExtensionCheck, enum: Symbol, name: str, place: Place, code: str = "AL0132") -> None:
    values = check.world.enum_values(enum)
    value = values.get(fold(name))
    about = SymbolPath.of(enum, "values", name)
    if value is not None:
        report_state(check, "Value", value, place, about)
    elif not name.isdigit() and check.member_missing(enum, name):
        message = _MESSAGES[code].format(enum=enum.name, name=name)
        advice = _value_with_its_ordinal(check, enum, name) or nearest(name, (v.name for v in values.values()))
        check.report(code, name, message, place, advice, about=about)


def _value_with_its_ordinal(check: ExtensionCheck, enum: Symbol, name: str) -> str:
    """The value that has the ordinal now."""
    old = check.old
    before = old.find("enum", enum.name) if old else None
    was = old.enum_values(before[0]).get(fold(name)) if old and before else None
    now = [v.name for v in check.world.enum_values(enum).values() if was and v.ordinal == was.ordinal]
    return f'Value {was.ordinal} is called "{now[0]}" now.' if was and now else ""


def bare_enum(check: ExtensionCheck, name: str, place: Place) -> TypeRef | None:
    """`"Sales Document Type"::Order`; without the old base any other name may stand there."""
    found = check.world.find("enum", name)
    if found is not None:
        named_object(check, SymbolPath("enum", name), place)
        return TypeRef("Enum", subject=found[0].name, subject_id=found[0].id)
    if check.old is not None and check.old.find("enum", name) and check.missing("enum", name):
        message = f"The name '{name}' does not exist in the current context."
        path = SymbolPath("enum", name)
        check.report("AL0118", name, message, place, successor(check, path), about=path)
    return None
