"""Every construct of the language, once, by the runtime that brought it: it is read, and yields what it declares.

A comment `// = kind name: part A, B; ...` before each object of a file says what that is. The runtimes are those that
the vendor's documentation names (devenv-choosing-runtime); analysis views are told there without their full syntax.
"""

from pathlib import Path

import pytest

from shared.formats.al.source.declared import declare
from shared.formats.al.source.lexer import T
from shared.formats.al.source.parser import parse_source
from shared.formats.al.source.syntax import ObjectDecl

FILES = sorted((Path(__file__).parent / "syntax").glob("*.al"))
PARTS = ("fields", "keys", "columns", "values", "controls", "actions", "methods", "variables", "views")


def told(o: ObjectDecl) -> str:
    symbol = declare(o)
    parts = {part: [m.name for m in getattr(symbol, part)] for part in PARTS}
    parts["changes"] = [c.anchor for c in symbol.changes]
    lists = [f"{part} {', '.join(names)}" for part, names in sorted(parts.items()) if names]
    return f"{symbol.kind} {symbol.name}".strip() + (": " + "; ".join(lists) if lists else "")


def ordered(line: str) -> str:
    head, colon, lists = line.partition(": ")
    return head + colon + "; ".join(sorted(lists.split("; ")))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_each_construct_is_read_and_yields_what_it_declares(file: Path) -> None:
    text = file.read_text()
    source = parse_source(file.name, text)
    assert source.problems == []
    assert [told(o) for o in source.objects] == [ordered(x[5:]) for x in text.split("\n") if x.startswith("// = ")]


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_what_breaks_one_object_leaves_the_others_as_they_are(file: Path) -> None:
    """A stray sign in the midst of an object: whatever is lost, it is lost within."""
    text = file.read_text()
    whole = parse_source(file.name, text)
    for broken, o in enumerate(whole.objects):
        opening = whole.tokens.offsets.index(o.at)
        while whole.tokens.texts[opening] != "{" or whole.tokens.kinds[opening] is not T.SIGN:
            opening += 1
        at = whole.tokens.offsets[opening] + 1
        partial = parse_source(file.name, text[:at] + " ) " + text[at:])
        assert partial.problems
        names = [(p.kind, p.name) for p in partial.objects]
        assert names == [(p.kind, p.name) for p in whole.objects]
        assert [p.is_partial for p in partial.objects] == [n == broken for n in range(len(names))]
