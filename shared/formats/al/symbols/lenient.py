"""Puts an oddly written object of a symbol file into the shape that the reader expects.

Only for objects that the reader does not take as they are, so that the ordinary ones cost nothing.
"""

from typing import Any

from shared.formats.al.package.values import items, text, whole

_NUMBERS = frozenset(("Id", "Ordinal", "Kind", "ChangeKind", "Indentation"))
_TEXTS = frozenset(("Anchor", "RelatedTable", "ReferenceSourceFileName", "SourceColumn", "OwningDataItemName", "Value"))
_NAMES = frozenset(("TargetObject", "Target", "Name"))
_TYPES = frozenset(("TypeDefinition", "ReturnTypeDefinition", "Subtype", "RelatedPagePartId"))
_NAME_LISTS = frozenset(("ImplementedInterfaces", "ExtendedInterfaces", "FieldNames"))
_NAMED_LISTS = frozenset(("Properties", "Attributes"))


def cleaned(o: dict[str, Any]) -> dict[str, Any]:
    """The object without nulls; numbers, names and types as the compilers of most packages write them."""
    return {key: _value(key, value) for key, value in o.items() if value is not None}


def _value(key: str, value: Any) -> Any:
    if key in _NUMBERS:
        return whole(value)
    if key in _TEXTS:
        return text(value)
    if key in _NAMES:
        return text(value.get("Name")) if isinstance(value, dict) else text(value)
    if key in _TYPES:
        return cleaned(value) if isinstance(value, dict) else {"Name": text(value)}
    if key in _NAME_LISTS and isinstance(value, list):
        return [_value("Name", one) for one in items(value)]
    if key == "ArrayDimensions" and isinstance(value, list):
        return [whole(one) for one in value]
    if key == "Arguments" and isinstance(value, list):
        return [cleaned(one) if isinstance(one, dict) else {"Value": text(one)} for one in items(value)]
    if key == "Properties" and isinstance(value, dict):
        return [{"Name": name, "Value": text(one)} for name, one in value.items()]
    if isinstance(value, list):
        kept = [cleaned(one) if isinstance(one, dict) else one for one in items(value)]
        return [one for one in kept if "Name" in one] if key in _NAMED_LISTS else kept
    return cleaned(value) if isinstance(value, dict) else value
