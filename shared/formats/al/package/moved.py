"""MovedObjectsManifest.json: objects that went from one app to another with the data of their tables.

Written by compilers of base 24 on. `SymbolKind` 10 is a table (seen in real packages); other numbers are kept.
"""

from typing import Any

import msgspec

from .values import text, whole

_TABLE = 10


class MovedObject(msgspec.Struct, frozen=True, array_like=True):
    """One object that came `from_app` or went `to_app`; the other is empty. `kind` is `table`, or empty if unknown."""

    kind: str
    id: int
    name: str
    from_app: str = ""
    to_app: str = ""


def parse_moved(data: bytes) -> tuple[MovedObject, ...]:
    """Read the file. It only explains where an object went: what cannot be read there is left out."""
    try:
        root = msgspec.json.decode(data.removeprefix(b"\xef\xbb\xbf").rstrip(b"\0"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
    if not isinstance(root, dict):
        return ()
    came = _entries(root, "MovedInApplicationObjectSymbols")
    went = _entries(root, "MovedOutApplicationObjectSymbols")
    return (
        *(MovedObject(*_object(one), from_app=_app(one, "SourceAppId")) for one in came),
        *(MovedObject(*_object(one), to_app=_app(one, "DestinationAppId", "TargetAppId")) for one in went),
    )


def _entries(root: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = root.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _object(one: dict[str, Any]) -> tuple[str, int, str]:
    kind = "table" if whole(one.get("SymbolKind")) == _TABLE else ""
    return kind, whole(one.get("Id")), text(one.get("Name"))


def _app(one: dict[str, Any], *names: str) -> str:
    return next((str(one[name]).lower() for name in names if one.get(name)), "")
