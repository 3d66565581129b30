"""What an extension adds to an object, beside what the object and other extensions of it have: rows 23, 24 and 28."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.formats.al.source.syntax import ObjectDecl
from shared.formats.al.symbols.symbols import EXTENSION_OF, Field, Symbol, fold, fold_reference

from .context import ExtensionCheck
from .evidence import SymbolMember, SymbolPath, declaration, text_of_member
from .places import Place, member_place
from .world import is_moved

_PARTS = {"Field": "fields", "EnumValue": "values", "Control": "controls", "Action": "actions"}


@dataclass(frozen=True, slots=True)
class Twin:
    """A member of the same name or id that `owner`, an object of the app called `app`, has already."""

    member: SymbolMember
    owner: Symbol
    app: str

    @property
    def place(self) -> str:
        """Where it is defined, in words."""
        return f"{self.owner.kind.capitalize()} '{self.owner.name}' by the extension '{self.app}'"


def check_additions(check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    """What the extension object `symbol` adds to its target, which may have it by now."""
    if target.kind == "page":
        _new_elements(check, symbol, target, declared)
    elif target.kind == "table":
        _new_fields(check, symbol, target, declared)
    elif target.kind == "enum":
        _new_values(check, symbol, target, declared)
        _default_implementations(check, symbol, target, declared)


def check_fields_beside(check: ExtensionCheck, symbol: Symbol, declared: ObjectDecl | None) -> None:
    """Fields of a table extension against those that extensions of the same table in other apps add."""
    own = check.world.own
    for app in check.world.apps:
        if app is own or app.app.id == own.app.id:
            continue
        for other in app.extensions_of(symbol.kind, symbol.target):
            twins = [Twin(f, other, app.app.name) for f in other.fields]
            numbers = {f.id: twin for f, twin in zip(other.fields, twins, strict=True)}
            names = {fold(f.name): twin for f, twin in zip(other.fields, twins, strict=True)}
            for field in symbol.fields:
                place = member_place(declared, field.name)
                twin = names.get(fold(field.name))
                if twin is not None:
                    _same_name(check, "Field", field.name, twin, place, "Rename the field.")
                elif field.id in numbers:
                    _same_id(check, field, numbers[field.id], place)


def _same_name(check: ExtensionCheck, kind: str, name: str, twin: Twin, place: Place, advice: str) -> None:
    message = f"A member of type {kind} with name '{name}' is already defined in {twin.place}."
    evidence = (_before(check, twin.owner, _PARTS[kind], name), text_of_member(twin.member, check.world))
    check.report("AL0155", name, message, place, advice, evidence=evidence)


def _same_id(check: ExtensionCheck, field: Field, twin: Twin, place: Place) -> None:
    message = f"A field with ID {field.id} is already defined in {twin.place}."
    evidence = (_before(check, twin.owner, "fields", twin.member.name), text_of_member(twin.member, check.world))
    check.report("AL0206", field.name, message, place, "Give the field another id.", evidence=evidence)


def _before(check: ExtensionCheck, owner: Symbol, part: str, name: str) -> str:
    """The member as the old base had it, in the object or in the extension of it that now brings it."""
    target = EXTENSION_OF.get(owner.kind)
    if target is None:
        return declaration(check.old, SymbolPath.of(owner, part, name))
    return declaration(check.old, SymbolPath(target, fold_reference(owner.target), 0, part, name))


def _owners(check: ExtensionCheck, target: Symbol) -> Sequence[tuple[Symbol, str]]:
    """The target and what others extend it by, each with the name of its app."""
    home = check.world.find(target.kind, target.name)
    others = [(e, app.app.name) for e, app in check.world.extensions(target) if app is not check.world.own]
    return [(target, home[1].app.name if home else ""), *others]


def _new_fields(check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    # A field that moved leaves a marker behind, which its new owner may fill.
    living = [(f, Twin(f, *owner)) for owner in _owners(check, target) for f in owner[0].fields if not is_moved(f)]
    by_name = {fold(f.name): (f, twin) for f, twin in living}
    by_id = {f.id: twin for f, twin in living if f.id}
    for field in symbol.fields:
        place = member_place(declared, field.name)
        if fold(field.name) in by_name:
            other, twin = by_name[fold(field.name)]
            where = f"{twin.owner.kind} '{twin.owner.name}'"
            advice = f"Move the data to field {other.id} of {where} and remove the extension's field."
            _same_name(check, "Field", field.name, twin, place, advice)
        elif field.id in by_id:
            _same_id(check, field, by_id[field.id], place)


def _new_values(check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    known = [(v, Twin(v, *owner)) for owner in _owners(check, target) for v in owner[0].values]
    names = {fold(v.name): twin for v, twin in known}
    ordinals = {v.ordinal: twin for v, twin in known}
    for value in symbol.values:
        place = member_place(declared, value.name)
        if fold(value.name) in names:
            _same_name(check, "EnumValue", value.name, names[fold(value.name)], place, "Rename the value.")
        elif value.ordinal in ordinals:
            twin = ordinals[value.ordinal]
            message = f"A member with ID '{value.ordinal}' is already defined in {twin.place}."
            evidence = (_before(check, twin.owner, "values", twin.member.name), text_of_member(twin.member))
            check.report("AL0231", value.name, message, place, "Give the value another ordinal.", evidence=evidence)


def _default_implementations(
    check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None
) -> None:
    defaults, alone = target.properties.get("defaultimplementation", ""), len(target.interfaces) == 1
    for interface in target.interfaces:
        name = fold_reference(interface)
        if defaults and (alone or fold(name) in defaults.casefold()):
            continue
        for value in symbol.values:
            given = value.implementation
            if given and (alone or fold(name) in given.casefold() or given.isdigit()):
                continue
            message = (
                f"Value '{value.name}' does not implement interface '{name}' and there is no default "
                "implementation for the mentioned interface."
            )
            advice = f'Add an Implementation property for "{name}" to the value.'
            place, about = member_place(declared, value.name), SymbolPath.object(target)
            check.report("AL0596", value.name, message, place, advice, about=about)


def _new_elements(check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    home = check.world.find("page", target.name)
    app = home[1].app.name if home else ""
    for kind, added, known in (
        ("Control", symbol.controls, check.world.controls(target, without=symbol)),
        ("Action", symbol.actions, check.world.actions(target, without=symbol)),
    ):
        for element in added:
            other = known.get(fold(element.name))
            if other is not None and element.name:
                advice = f"Rename it, or remove it and use the page's own '{other.name}'."
                place = member_place(declared, element.name)
                _same_name(check, kind, element.name, Twin(other, target, app), place, advice)
