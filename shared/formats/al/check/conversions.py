"""Whether one AL type can become another. Only what is certain is answered; everything else is None."""

from shared.formats.al.symbols.symbols import TypeRef, fold


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NUMBERS = frozenset(("integer", "decimal", "biginteger", "byte", "char", "option", "enum", "duration"))
_TEXTS = frozenset(("text", "code", "label", "textconst", "char", "guid", "string"))
_OBJECTS = frozenset(("codeunit", "page", "report", "query", "xmlport"))
# Types that convert to nothing but themselves and Variant.
_CLOSED = _words("""
    boolean date time datetime dateformula instream outstream jsonobject jsonarray jsontoken jsonvalue
    httpclient httprequestmessage httpresponsemessage httpcontent httpheaders xmldocument xmlelement list
    dictionary file dialog notification errorinfo moduleinfo
""")
_FREE = frozenset(("", "variant", "any", "joker", "dotnet", "recordref", "recordid", "fieldref", "variantref"))


def same_subject(a: TypeRef, b: TypeRef) -> bool | None:
    """Whether two object types name one object; None where one says only an id and the other only a name."""
    if a.subject_id and b.subject_id:
        return a.subject_id == b.subject_id
    if a.subject and b.subject:
        return fold(a.subject).rpartition(".")[2] == fold(b.subject).rpartition(".")[2] or fold(a.subject) == fold(
            b.subject
        )
    return None


def converts(source: TypeRef, wanted: TypeRef) -> bool | None:
    """Whether a value of `source` may be given where `wanted` is declared; None where it cannot be said."""
    a, b = source.name.lower(), wanted.name.lower()
    if a == "none":  # what a procedure without result gives
        return False
    if a in _FREE or b in _FREE or source.dimensions or wanted.dimensions:
        return None
    if a == b:
        if a == "record" or a in _OBJECTS:
            return same_subject(source, wanted)
        return True if a != "list" and a != "dictionary" else None
    if a in _NUMBERS and b in _NUMBERS:
        return True
    if a in _TEXTS and b in _TEXTS:
        return True
    if a == "secrettext" and b in _TEXTS | _NUMBERS | _CLOSED:
        return False
    if _is_plain(a) and _is_plain(b):
        # Numbers, texts and closed types do not mix; dates and times have conversions of their own.
        return None if {a, b} & {"date", "time", "datetime", "duration", "xmldocument", "xmlelement"} else _mixed(a, b)
    if a in ("record", *_OBJECTS) and (_is_plain(b) or b in ("record", *_OBJECTS)):
        return False
    if b in ("record", *_OBJECTS) and _is_plain(a):
        return False
    return None


def _is_plain(name: str) -> bool:
    return name in _NUMBERS or name in _TEXTS or name in _CLOSED


def _mixed(a: str, b: str) -> bool | None:
    groups = [_NUMBERS - {"char", "option", "enum"}, _TEXTS - {"char", "guid"}, {"boolean"}, {"enum"}]
    sides = [next((i for i, g in enumerate(groups) if name in g), None) for name in (a, b)]
    return False if None not in sides and sides[0] != sides[1] else None
