"""Where something stands in an extension, and which part of the extension tells of it."""

from typing import NamedTuple

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.declared import text_of
from shared.formats.al.source.syntax import ObjectDecl, SourceFile
from shared.formats.al.symbols.symbols import fold


class Place(NamedTuple):
    """Where something stands, and what tells of it; without source there is no file."""

    level: PlaceLevel
    file: SourceFile | None = None
    at: int = -1


IN_MANIFEST = Place(PlaceLevel.MANIFEST)
IN_SYMBOLS = Place(PlaceLevel.SYMBOLS)


def object_place(declared: ObjectDecl | None) -> Place:
    """Where an object begins."""
    return Place(PlaceLevel.SYMBOLS, declared.file, declared.at) if declared else IN_SYMBOLS


def member_place(declared: ObjectDecl | None, name: str) -> Place:
    """Where an object declares a field, value, key, control or action of that name; else where it begins."""
    if declared is None:
        return IN_SYMBOLS
    tokens = declared.file.tokens
    pending = list(declared.root.children)
    while pending:
        node = pending.pop()
        pending += node.children
        position = 1 if node.keyword in ("field", "value") and len(node.arguments) > 2 else 0
        if declared.kind in ("enum", "enumextension"):
            position = 1
        if len(node.arguments) > position:
            first, last = node.arguments[position]
            declares = node.keyword != "modify" and not node.keyword.startswith(("add", "move"))
            if declares and last - first == 1 and fold(text_of(tokens, first, last)) == fold(name):
                return Place(PlaceLevel.SYMBOLS, declared.file, tokens.offsets[first])
    return object_place(declared)
