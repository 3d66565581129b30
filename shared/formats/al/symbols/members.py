"""What objects hold, each from its place in the symbol file: fields, keys, procedures, variables, values."""

from typing import Any

from shared.formats.al.package.values import flag, text

from .properties import kept_properties, obsolete_attribute, stored_number, take_obsolete
from .symbols import EnumValue, Field, Method, Parameter, TableKey, Variable
from .type_refs import simple_type, type_ref


def field(f: dict[str, Any]) -> Field:
    """A field of a table or table extension."""
    properties = kept_properties(f)
    state = take_obsolete(properties)
    number = stored_number(f.get("Id"))
    name = f["Name"] if not number else f.get("Name")
    return Field(number, text(name), type_ref(f.get("TypeDefinition"), f), properties, state)


def key(k: dict[str, Any]) -> TableKey:
    """A key; its fields as a list, or as one string with commas."""
    properties = kept_properties(k)
    clustered = properties.pop("clustered", None)
    names = k.get("FieldNames") or ()
    return TableKey(
        text(k.get("Name")),
        tuple(names.split(",")) if isinstance(names, str) else tuple(map(str, names)),
        None if clustered is None else flag(clustered),
        take_obsolete(properties),
        properties,
    )


def method(m: dict[str, Any]) -> Method:
    """A procedure or event, with what its attributes say of it."""
    attributes = m.get("Attributes") or []
    event, scope, is_try = "", "", False
    arguments: tuple[str, ...] = ()
    for a in attributes:
        name = a["Name"].lower()
        if name.endswith("event"):
            event = name[: -len("event")]
            arguments = tuple(text(x.get("Value")).strip("'").lower() for x in a.get("Arguments") or ())
        elif name == "scope":
            scope = "".join(text(x.get("Value")) for x in a.get("Arguments") or ()).strip("'").lower()
        elif name == "tryfunction":
            is_try = True
    access = "public"
    for key in ("IsLocal", "IsInternal", "IsProtected"):
        if m.get(key) and flag(m[key]):
            access = key[2:].lower()
    returned = m.get("ReturnTypeDefinition")
    if returned is None and m.get("ReturnType"):
        returned = {"Name": m["ReturnType"]}
    returns = type_ref(returned, {}) if returned else None
    if returns is not None and returns.name.lower() in ("none", ""):
        returns = None
    if returns is None and is_try:
        returns = simple_type("Boolean")  # what a TryFunction returns without saying so
    return Method(
        text(m.get("Name")),
        tuple(
            Parameter(text(p.get("Name")), type_ref(p.get("TypeDefinition"), p), flag(p.get("IsVar")))
            for p in m.get("Parameters") or ()
        ),
        returns,
        access,
        event,
        arguments,
        obsolete_attribute(attributes),
        scope,
        stored_number(m.get("Id")),
    )


def variable(v: dict[str, Any]) -> Variable:
    """A protected variable."""
    return Variable(
        text(v.get("Name")),
        type_ref(v.get("TypeDefinition"), v),
        True,
        obsolete_attribute(v.get("Attributes") or []),
    )


def enum_value(v: dict[str, Any]) -> EnumValue:
    """A value of an enum."""
    properties = kept_properties(v)
    return EnumValue(
        stored_number(v.get("Ordinal")),
        text(v.get("Name")),
        take_obsolete(properties),
        properties.get("implementation", ""),
    )
