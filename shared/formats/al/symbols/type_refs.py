"""Types as symbol files write them: `TypeDefinition` of today, `"Type": "Record"` of base 11 and older."""

import re
from typing import Any

from .properties import reference, stored_number
from .symbols import TypeRef

_LENGTH = re.compile(r"(\w+)\[(\d{1,9})\]")

type_cache: dict[str, TypeRef] = {}


def simple_type(name: str) -> TypeRef:
    """`Code[20]` -> Code of length 20; equal names share one value."""
    known = type_cache.get(name)
    if known is None:
        found = _LENGTH.fullmatch(name)
        known = TypeRef(found[1], int(found[2])) if found else TypeRef(name)
        type_cache[name] = known
    return known


def type_ref(d: dict[str, Any] | None, owner: dict[str, Any]) -> TypeRef:
    """The type in `d`, or where there is none as its owner writes it itself."""
    old = owner.get("Type")
    if d is None:
        d = {"Name": old or "", "Subtype": owner.get("Subtype")}
        for key in ("ArrayDimensions", "OptionMembers", "Temporary"):
            d[key] = owner.get(key)
    name = str(d.get("Name") or "")
    subject = d.get("Subtype")
    options = _members(d.get("OptionMembers"))
    dimensions = d.get("ArrayDimensions")
    arguments = d.get("TypeArguments")
    if not (subject or options or dimensions or arguments or d.get("Temporary")):
        return simple_type(name)
    plain = simple_type(name)
    if isinstance(dimensions, str):
        dimensions = [stored_number(n) for n in dimensions.split(",") if n.strip()]
    if isinstance(subject, str):
        subject = {"Name": subject}
    subject = subject or {}
    return TypeRef(
        plain.name,
        plain.length,
        reference(str(subject.get("Name") or ""))[1],
        stored_number(subject.get("Id")),
        bool(d.get("Temporary")),
        tuple(stored_number(n) for n in dimensions or ()),
        tuple(type_ref(a, {}) for a in arguments or ()),
        options,
    )


def _members(options: Any) -> tuple[str, ...]:
    if isinstance(options, str):
        return tuple(name.strip().strip('"') for name in options.split(","))
    return tuple(str(name) for name in options or ())
