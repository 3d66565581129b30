"""AL text -> tokens. Comments vanish, preprocessor directives decide which text counts."""

import re
from bisect import bisect_right
from collections.abc import Collection
from enum import IntEnum


class T(IntEnum):
    """Kinds of tokens. A quoted name is a name that can be no keyword."""

    NAME = 1
    QUOTED = 2
    STRING = 3
    NUMBER = 4
    SIGN = 5
    END = 6


class SourceError(ValueError):
    """Text that is no AL; `offset` is where it was noticed."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def whole_number(text: str) -> int:
    """The number that `text` writes; 0 for anything else, and for more digits than an id has."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 12 else 0


# What is passed over stands before each token, so that one match is one token.
_TOKEN = re.compile(
    r"""
    (?:[\s\ufeff]++ | //[^\n]*+ | /\*.*?\*/)*+
    (?: ([^\W\d]\w*)
      | ("(?:[^"\n]|"")*")
      | (@'(?:[^']|'')*'|'(?:[^'\n]|'')*')
      | (\d+(?:\.\d+)?(?:[DdTt]{1,2}|[Ll])?\b|\d+)
      | (:=|::|\.\.|\+=|-=|\*=|/=|<>|<=|>=|[^\s\#])
      | (\#[^\n]*)
      | (\Z)
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE_GROUP = 6
_END_GROUP = 7
_KINDS = (T.END, T.NAME, T.QUOTED, T.STRING, T.NUMBER, T.SIGN)  # by group
_OPENING = frozenset(('"', "'", "/"))
_DIRECTIVE = re.compile(r"#\s*(\w+)[ \t]*(.*)")
_CONDITIONAL = re.compile(r"^[ \t]*#\s*(if|elif|else|endif)\b([^\n]*)", re.MULTILINE)


class Tokens:
    """Tokens of one file in three parallel lists; `lower` are the texts folded, names without their
    quotes."""

    __slots__ = ("_lines", "kinds", "lower", "offsets", "texts")

    def __init__(self, text: str, symbols: Collection[str] = ()) -> None:
        self.kinds: list[T] = []
        self.texts: list[str] = []
        self.offsets: list[int] = []
        self._lines = [0, *(m.end() for m in re.finditer("\n", text))]
        self._scan(text, {s.casefold() for s in symbols})
        self.lower = [t.casefold() for t in self.texts]

    def place(self, offset: int) -> tuple[int, int]:
        """(line, column) of an offset, both from 1, as compilers count."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def sign(self, at: int) -> str:
        """The sign that token `at` is, or nothing."""
        return self.texts[at] if self.kinds[at] is T.SIGN else ""

    def word(self, at: int) -> str:
        """The word that token `at` is in lower case, or nothing; a quoted name is none."""
        return self.lower[at] if self.kinds[at] is T.NAME else ""

    def _scan(self, text: str, symbols: set[str]) -> None:
        taken: list[bool] = []  # per open #if: whether one of its branches was already used
        position: int | None = 0
        while position is not None:
            position = self._until_directive(text, position, symbols, taken)
        self.kinds.append(T.END)
        self.texts.append("")
        self.offsets.append(len(text))

    def _until_directive(self, text: str, position: int, symbols: set[str], taken: list[bool]) -> int | None:
        """Take tokens up to a directive, and obey that; where to go on, None at the end."""
        kinds, texts, offsets = self.kinds, self.texts, self.offsets
        for found in _TOKEN.finditer(text, position):
            group = found.lastindex or _END_GROUP
            start = found.start(group)
            content = found[group]
            if group >= _DIRECTIVE_GROUP:
                if group == _END_GROUP:
                    return None
                return self._directive(text, start, found.end(), symbols, taken)
            if group == T.QUOTED:
                content = content[1:-1].replace('""', '"')
            elif group == T.STRING:
                content = content.lstrip("@")[1:-1].replace("''", "'")
            elif group == T.SIGN and content in _OPENING:
                _refuse_unclosed(text, content, start)
            kinds.append(_KINDS[group])
            texts.append(content)
            offsets.append(start)
        return None

    def _directive(self, text: str, start: int, end: int, symbols: set[str], taken: list[bool]) -> int:
        """Obey one directive; the offset where scanning goes on."""
        found = _DIRECTIVE.match(text, start)
        word = found[1].lower() if found else ""
        rest = found[2].split("//")[0].strip() if found else ""
        if word == "if":
            taken.append(_holds(rest, symbols, start))
            return end if taken[-1] else _next_branch(text, end, symbols, taken)
        if word in ("elif", "else"):
            if not taken:
                raise SourceError(f"#{word} without #if", start)
            return _next_branch(text, end, symbols, taken)  # the branch before it was the used one
        if word == "endif":
            if not taken:
                raise SourceError("#endif without #if", start)
            taken.pop()
        elif word == "define":
            symbols.add(rest.casefold())
        elif word == "undef":
            symbols.discard(rest.casefold())
        return end


def _refuse_unclosed(text: str, sign: str, start: int) -> None:
    if sign in ('"', "'"):
        raise SourceError("a name or text is not closed on its line", start)
    if sign == "/" and text.startswith("/*", start):
        raise SourceError("a comment is not closed", start)


def _next_branch(text: str, position: int, symbols: set[str], taken: list[bool]) -> int:
    """Skip text that does not count: to the branch that does, or behind the closing #endif."""
    depth = 0
    for found in _CONDITIONAL.finditer(text, position):
        word, rest = found[1].lower(), found[2].split("//")[0].strip()
        if word == "if":
            depth += 1
        elif word == "endif":
            if depth == 0:
                taken.pop()
                return found.end()
            depth -= 1
        elif depth == 0 and not taken[-1] and (word == "else" or _holds(rest, symbols, found.start())):
            taken[-1] = True
            return found.end()
    raise SourceError("#if without #endif", position)


def _holds(condition: str, symbols: set[str], offset: int) -> bool:
    """Evaluate `A and not (B or C)`."""
    words = re.findall(r"\w+|[()]|!|&&|\|\|", condition.casefold())
    position = 0

    def either() -> bool:
        nonlocal position
        value = both()
        while position < len(words) and words[position] in ("or", "||"):
            position += 1
            other = both()
            value = value or other
        return value

    def both() -> bool:
        nonlocal position
        value = one(0)
        while position < len(words) and words[position] in ("and", "&&"):
            position += 1
            other = one(0)
            value = value and other
        return value

    def one(depth: int) -> bool:
        nonlocal position
        if position >= len(words) or depth > 50:
            raise SourceError("a preprocessor condition is incomplete", offset)
        word = words[position]
        position += 1
        if word in ("not", "!"):
            return not one(depth + 1)
        if word == "(":
            value = either()
            position += 1
            return value
        return word == "true" or word in symbols

    try:
        return either()
    except RecursionError:
        raise SourceError("a preprocessor condition is nested too deep", offset) from None
