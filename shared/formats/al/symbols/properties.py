"""Properties, numbers and references as symbol files write them."""

import re
from typing import Any

from shared.formats.al.package.values import text

from .symbols import Obsolete


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Properties that a rule compares or resolves; captions, tool tips and layout would only make the index larger.
KEPT_PROPERTIES = _words("""
    access extensible sourcetable pagetype tabletype datapercompany tableno subtype singleinstance scope
    inherent fieldclass enabled tablerelation calcformula sqldatatype autoincrement compressed
    optionordinalvalues runobject lookuppageid drilldownpageid cardpageid movedto movedfrom
    defaultimplementation unknownvalueimplementation implementation includedpermissionsets rolecenter
    externalname externaltype replicatedata linkedobject linkedintransaction sourcetabletemporary permissions
    obsoletestate obsoletereason obsoletetag columnfilter allowincustomizations apipublisher apigroup apiversion
    entityname entitysetname odatakeyfields assignable unique maintainsqlindex maintainsiftindex includedfields
    promoted clustered
""")
_TARGET = re.compile(r"#([0-9a-fA-F]{32})#(.*)", re.DOTALL)
_MOST_NUMBER = (1 << 63) - 1


def stored_number(value: Any) -> int:
    """A whole number that an index can hold; what is none takes the lenient path by an error."""
    if type(value) is int and -_MOST_NUMBER <= value <= _MOST_NUMBER:
        return value
    found = int(value or 0)
    if abs(found) > _MOST_NUMBER:
        raise OverflowError
    return found


def kept_properties(o: dict[str, Any]) -> dict[str, str]:
    """The properties that rules look at, their names in lower case."""
    found = {}
    for p in o.get("Properties") or ():
        name = p["Name"].lower()
        if name in KEPT_PROPERTIES:
            value = p.get("Value")
            found[name] = value if type(value) is str else text(value)
    return found


def take_obsolete(properties: dict[str, str]) -> Obsolete | None:
    """The obsolete state; what says so is taken out of the properties."""
    state = properties.pop("obsoletestate", "").lower()
    reason = properties.pop("obsoletereason", "")
    tag = properties.pop("obsoletetag", "")
    return Obsolete(state, reason, tag) if state not in ("", "no") else None


def obsolete_attribute(attributes: list[dict[str, Any]]) -> Obsolete | None:
    """The state that `[Obsolete(reason, tag)]` gives, None without it."""
    for attribute in attributes:
        if attribute["Name"].lower() == "obsolete":
            texts = [text(a.get("Value")).strip("'") for a in attribute.get("Arguments") or ()]
            return Obsolete("pending", *texts[:2])
    return None


def reference(written: str) -> tuple[str, str]:
    """(app id with dashes or empty, name): `#<32 hex>#Customer`, `Customer` and `"No. Series"` are all written."""
    found = _TARGET.fullmatch(written)
    app = ""
    if found:
        h, written = found[1].lower(), found[2]
        app = f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"
    if len(written) > 1 and written[0] == '"' == written[-1]:
        written = written[1:-1].replace('""', '"')
    return app, written
