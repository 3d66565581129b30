"""A place among the tokens of a file that moves forward: what every reader of AL needs to look and to go on."""

from collections.abc import Collection

from .lexer import SourceError, T, Tokens

MAX_DEPTH = 120


class Cursor:
    """Stands at token `at`. What is read must be there: SourceError with its offset where it is not.

    `depth` counts how deep the readers are nested, at most MAX_DEPTH.
    """

    def __init__(self, tokens: Tokens, at: int = 0) -> None:
        self.tokens = tokens
        self.at = at
        self.depth = 0

    def word(self) -> str:
        """The word that stands here in lower case; empty for a quoted name and for anything else."""
        return self.tokens.lower[self.at] if self.tokens.kinds[self.at] is T.NAME else ""

    def sign(self) -> str:
        """The sign or word that stands here, or nothing."""
        kind = self.tokens.kinds[self.at]
        return self.tokens.lower[self.at] if kind is T.SIGN or kind is T.NAME else ""

    def is_sign(self, sign: str) -> bool:
        """Whether that sign stands here."""
        return self.tokens.texts[self.at] == sign and self.tokens.kinds[self.at] is T.SIGN

    def is_word(self, words: Collection[str]) -> bool:
        """Whether one of these words stands here."""
        return self.tokens.lower[self.at] in words and self.tokens.kinds[self.at] is T.NAME

    def is_name(self) -> bool:
        """Whether a name stands here, quoted or not."""
        return self.tokens.kinds[self.at] in (T.NAME, T.QUOTED)

    def is_number(self) -> bool:
        """Whether a number stands here."""
        return self.tokens.kinds[self.at] is T.NUMBER

    def is_end(self) -> bool:
        """Whether there is nothing more."""
        return self.tokens.kinds[self.at] is T.END

    def text(self) -> str:
        """The text of the token that stands here."""
        return self.tokens.texts[self.at]

    def offset(self) -> int:
        """Where the token stands in the file, in characters."""
        return self.tokens.offsets[self.at]

    def next_text(self) -> str:
        """The text of the token behind this one."""
        return self.tokens.texts[self.at + 1]

    def took(self, sign: str) -> bool:
        """Whether that sign stood here; then it is passed."""
        found = self.is_sign(sign)
        self.at += found
        return found

    def expect(self, text: str) -> None:
        """Pass a sign or word that must stand here."""
        if self.sign() != text:
            raise self.error(f"'{text}' is missing")
        self.at += 1

    def skip_behind(self, sign: str, problem: str) -> None:
        """Pass everything up to a sign, and the sign; `problem` is what is wrong where it does not come."""
        while not self.is_sign(sign):
            if self.is_end():
                raise self.error(problem)
            self.at += 1
        self.at += 1

    def skip_to(self, signs: Collection[str]) -> None:
        """Pass everything up to the first of these signs, or to the end."""
        while not (self.is_end() or (self.tokens.texts[self.at] in signs and self.tokens.kinds[self.at] is T.SIGN)):
            self.at += 1

    def name_here(self) -> str:
        """The name that must stand here; it is not passed."""
        if not self.is_name():
            raise self.error("a name is missing")
        return self.text()

    def name(self) -> str:
        """Pass a name."""
        name = self.name_here()
        self.at += 1
        return name

    def dotted(self) -> str:
        """Pass `A.B.C`."""
        parts = [self.name()]
        while self.took("."):
            parts.append(self.name())
        return ".".join(parts)

    def reference(self) -> tuple[str, int]:
        """Pass the name or id of an object; with the offset where it begins."""
        at = self.offset()
        if self.is_number():
            self.at += 1
            return self.tokens.texts[self.at - 1], at
        return self.dotted(), at

    def enter(self) -> None:
        """One level deeper; whoever enters lowers `depth` when it is done."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.error(f"it is nested deeper than {MAX_DEPTH} levels")

    def error(self, message: str) -> SourceError:
        """What is wrong here."""
        return SourceError(message, self.offset())
