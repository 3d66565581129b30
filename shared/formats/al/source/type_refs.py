"""Types as declarations write them: `array[2] of Record "Sales Header" temporary`."""

from shared.formats.al.symbols.symbols import TypeRef

from .cursor import Cursor
from .lexer import SourceError, T, Tokens, whole_number


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SUBJECT_TYPES = _words("""
    record codeunit page report query xmlport enum interface controladdin testpage testrequestpage
    requestpage dotnet
""")
# What may follow a type, since the ';' behind a result type may be left out; such a word may be a member, too.
_BEHIND_TYPES = _words("begin var procedure local internal protected trigger event")
_BEHIND_MEMBERS = frozenset((",", ";", ")"))
_MODIFIERS = frozenset(("temporary", "withevents", "runonclient", "suppressdispose", "securityfiltering"))


def parse_type(tokens: Tokens, at: int) -> TypeRef:
    """The type that begins at token `at`; one that is not understood has the token's text as name."""
    try:
        return read_type(Cursor(tokens, at))[0]
    except SourceError:
        return TypeRef(tokens.texts[at])


def read_type(c: Cursor) -> tuple[TypeRef, int]:
    """Pass a type; with the offset where its object's name stands (-1 if it has none)."""
    dimensions = _dimensions(c) if c.word() == "array" else ()
    if not c.is_name():
        raise c.error("a type is missing")
    name, word = c.text(), c.word()
    subject, subject_id, subject_at, length = "", 0, -1, 0
    arguments: tuple[TypeRef, ...] = ()
    options: tuple[str, ...] = ()
    c.at += 1
    if word in _SUBJECT_TYPES and c.tokens.kinds[c.at] in (T.NAME, T.QUOTED, T.NUMBER):
        subject_at = c.offset()
        subject, subject_id = _subject(c)
    elif c.is_sign("["):
        length = whole_number(c.next_text())
        c.skip_behind("]", "a '[' is not closed")
    elif word in ("list", "dictionary") and c.word() == "of":
        arguments = _arguments(c)
    elif word == "option":
        options = _options(c)
    elif word in ("label", "textconst"):
        c.skip_to((";", ")", "}"))
    temporary = _modifiers(c)
    return TypeRef(name, length, subject, subject_id, temporary, dimensions, arguments, options), subject_at


def _dimensions(c: Cursor) -> tuple[int, ...]:
    """`array[10, 2] of`."""
    c.at += 1
    c.expect("[")
    sizes = []
    while not c.is_sign("]"):
        if c.is_end():
            raise c.error("an array's size is not closed")
        if c.is_number():
            sizes.append(whole_number(c.text()))
        c.at += 1
    c.at += 1
    c.expect("of")
    return tuple(sizes)


def _subject(c: Cursor) -> tuple[str, int]:
    """(name, id) of the object that a type names; one of them."""
    if c.is_number():
        text = c.text()
        c.at += 1
        return "", whole_number(text)
    return c.dotted(), 0


def _arguments(c: Cursor) -> tuple[TypeRef, ...]:
    """`of [Text, Integer]`."""
    c.enter()
    c.at += 1
    c.expect("[")
    arguments = [read_type(c)[0]]
    while c.took(","):
        arguments.append(read_type(c)[0])
    c.expect("]")
    c.depth -= 1
    return tuple(arguments)


def _modifiers(c: Cursor) -> bool:
    """Words behind a type; whether `temporary` is among them."""
    temporary = False
    while c.word() in _MODIFIERS:
        temporary = temporary or c.word() == "temporary"
        c.at += 1
        if c.is_sign("("):
            while not c.is_sign(")") and not c.is_end():
                c.at += 1
            c.at += 1
    return temporary


def _options(c: Cursor) -> tuple[str, ...]:
    """`A,"B C",,D`: members between commas, some of them empty; none where a declaration or body begins."""
    members: list[str] = []
    while True:
        if c.is_name() and not (c.word() in _BEHIND_TYPES and c.next_text() not in _BEHIND_MEMBERS):
            members.append(c.name())
        if not c.took(","):
            return tuple(members)
