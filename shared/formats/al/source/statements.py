"""Procedure bodies: statements and expressions, as far as names, members, calls and assignments go."""

from .lexer import SourceError, T, Tokens
from .syntax import Assign, Call, Exit, Expr, Index, Literal, Many, Member, Name, Scope, Statement, With

_UNARY = {"+", "-", "not"}
_ARITHMETIC = {"+", "-", "*", "/", "div", "mod", "and", "or", "xor", "..", "?", ":", "as"}
_COMPARISON = {"=", "<>", "<", ">", "<=", ">=", "in", "is"}
_ASSIGNING = {":=", "+=", "-=", "*=", "/="}
_JUMP_ENDS = {";", "end", "else", "until"}
_SUFFIX_TYPES = {"d": "Date", "t": "Time", "dt": "DateTime", "l": "BigInteger"}
MAX_DEPTH = 120


class BodyReader:
    """Reads statements from token `at` on, moving it. SourceError where the text is not understood."""

    def __init__(self, tokens: Tokens, at: int) -> None:
        self.tokens = tokens
        self.at = at
        self._depth = 0

    def block(self, out: list[Statement]) -> None:
        """`begin ... end`."""
        self._expect("begin")
        self._until({"end"}, out)
        self._expect("end")

    def _until(self, ends: set[str], out: list[Statement]) -> None:
        while not self._is_word(ends):
            if self.tokens.kinds[self.at] is T.END:
                raise self._error("a block is not closed")
            if self._is(";"):
                self.at += 1
                continue
            self.statement(out)
            if not self._is(";") and not self._is_word(ends):
                raise self._error("a ';' is missing")

    def statement(self, out: list[Statement]) -> None:
        """One statement; what it contains is appended to `out`, nesting dropped except for `with`."""
        self._enter()
        tokens = self.tokens
        word = tokens.lower[self.at] if tokens.kinds[self.at] is T.NAME else ""
        read = _STATEMENTS.get(word)
        # `Continue` and `Break` may also be the author's variables.
        if read is not None and not (word in ("continue", "break") and tokens.lower[self.at + 1] not in _JUMP_ENDS):
            read(self, out)
        elif not self._is(";"):
            self._simple(out)
        self._depth -= 1

    def _simple(self, out: list[Statement]) -> None:
        left = self.expression()
        if self._sign() in _ASSIGNING:
            sign = self._sign()
            self.at += 1
            right = self.expression()
            out.append(Assign(left, right) if sign == ":=" else Many([left, right], self._offset()))
        else:
            out.append(left)

    def _if(self, out: list[Statement]) -> None:
        self.at += 1
        out.append(self.expression())
        self._expect("then")
        if not self._is_word({"else", "end", "until"}):
            self.statement(out)
        if self._is_word({"else"}):
            self.at += 1
            if not self._is_word({"end", "until"}):
                self.statement(out)

    def _case(self, out: list[Statement]) -> None:
        self.at += 1
        out.append(self.expression())
        self._expect("of")
        while not self._is_word({"end"}):
            if self._is(";"):
                self.at += 1
                continue
            if self._is_word({"else"}):
                self.at += 1
                self._until({"end"}, out)
                break
            self._choice(out)
        self._expect("end")

    def _choice(self, out: list[Statement]) -> None:
        out.append(self.expression(colon_ends=True))
        while self._is(","):
            self.at += 1
            out.append(self.expression(colon_ends=True))
        self._expect(":")
        if not self._is_word({"end", "else"}):
            self.statement(out)

    def _while(self, out: list[Statement]) -> None:
        self.at += 1
        out.append(self.expression())
        self._expect("do")
        self._body(out)

    def _repeat(self, out: list[Statement]) -> None:
        self.at += 1
        self._until({"until"}, out)
        self._expect("until")
        out.append(self.expression())

    def _for(self, out: list[Statement]) -> None:
        self.at += 1
        out.append(self.expression())
        if not self._is(":="):
            raise self._error("':=' is missing")
        self.at += 1
        out.append(self.expression())
        if not self._is_word({"to", "downto"}):
            raise self._error("'to' is missing")
        self.at += 1
        out.append(self.expression())
        self._expect("do")
        self._body(out)

    def _with(self, out: list[Statement]) -> None:
        self.at += 1
        subject = self.expression()
        self._expect("do")
        body: list[Statement] = []
        self._body(body)
        out.append(With(subject, body))

    def _body(self, out: list[Statement]) -> None:
        if not self._is(";") and not self._is_word({"end", "else", "until"}):
            self.statement(out)

    def _asserterror(self, out: list[Statement]) -> None:
        self.at += 1
        self._body(out)

    def _jump(self, out: list[Statement]) -> None:
        at = self.at
        self.at += 1
        if self.tokens.lower[at] == "exit" and self._is("("):
            self.at += 1
            if not self._is(")"):
                value = self.expression()
                out.append(Exit(value) if self.tokens.lower[at] == "exit" else value)
            self._expect(")")

    def expression(self, *, colon_ends: bool = False) -> Expr:
        """An expression; operators are kept flat, since no check depends on their order."""
        self._enter()
        start = self._offset()
        parts, comparison, chosen = [self._operand()], False, False
        while True:
            sign = self._sign()
            if sign not in _ARITHMETIC and sign not in _COMPARISON:
                break
            if sign == ":" and (colon_ends or len(parts) < 2):
                break
            comparison = comparison or sign in _COMPARISON
            chosen = chosen or sign == "?"  # of type of its branches, not Boolean
            self.at += 1
            parts.append(self._operand())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Many(parts, start, comparison and not chosen)

    def _operand(self) -> Expr:
        signs = 0
        while self._sign() in _UNARY:
            self.at += 1
            signs += 1
        if self._sign() == "..":  # an open range, as in [..5]
            return Many([], self._offset())
        expr = self._postfix(self._primary())
        return Many([expr], self._offset()) if signs else expr

    def _primary(self) -> Expr:
        tokens, at = self.tokens, self.at
        kind, text, offset = tokens.kinds[at], tokens.texts[at], tokens.offsets[at]
        self.at += 1
        if kind is T.NAME or kind is T.QUOTED:
            lower = tokens.lower[at]
            if kind is T.NAME and lower in ("true", "false"):
                return Literal("Boolean", lower, offset)
            return Name(text, kind is T.QUOTED, offset)
        if kind is T.STRING:
            return Literal("Text", text, offset)
        if kind is T.NUMBER:
            suffix = text.lstrip("0123456789.").lower()
            return Literal(_SUFFIX_TYPES.get(suffix) or ("Decimal" if "." in text else "Integer"), text, offset)
        if text == "(":
            inner = self.expression()
            self._expect(")")
            return inner if isinstance(inner, Many) else Many([inner], offset)
        if text == "[":
            return Many(self._arguments("]"), offset)
        if text in (")", "]", ",") and at:  # a range that is open at its end, as in [5..]
            self.at -= 1
            if tokens.texts[at - 1] == "..":
                return Many([], offset)
        raise SourceError(f"an expression cannot begin with '{text[:20]}'", offset)

    def _postfix(self, expr: Expr) -> Expr:
        tokens = self.tokens
        while tokens.kinds[self.at] is T.SIGN:
            sign, offset = tokens.texts[self.at], self._offset()
            if sign == "(":
                self.at += 1
                expr = Call(expr, self._arguments(")"), offset)
            elif sign == "[":
                self.at += 1
                expr = Index(expr, self._arguments("]"), offset)
            elif sign in (".", "::"):
                self.at += 1
                kind, text, offset = tokens.kinds[self.at], tokens.texts[self.at], self._offset()
                if kind not in (T.NAME, T.QUOTED) and not (sign == "::" and kind is T.NUMBER):
                    raise self._error("a name is missing")
                self.at += 1
                expr = Member(expr, text, offset) if sign == "." else Scope(expr, text, offset)
            else:
                break
        return expr

    def _arguments(self, closing: str) -> list[Expr]:
        found: list[Expr] = []
        while not self._is(closing):
            found.append(self.expression())
            if not self._is(","):
                break
            self.at += 1
        self._expect(closing)
        return found

    def _sign(self) -> str:
        """The sign or operator word that stands here, or nothing."""
        kind = self.tokens.kinds[self.at]
        return self.tokens.lower[self.at] if kind is T.SIGN or kind is T.NAME else ""

    def _is(self, sign: str) -> bool:
        return self.tokens.texts[self.at] == sign and self.tokens.kinds[self.at] is T.SIGN

    def _is_word(self, words: set[str]) -> bool:
        return self.tokens.lower[self.at] in words and self.tokens.kinds[self.at] is T.NAME

    def _expect(self, text: str) -> None:
        if self._sign() != text:
            raise self._error(f"'{text}' is missing")
        self.at += 1

    def _offset(self) -> int:
        return self.tokens.offsets[self.at]

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(f"it is nested deeper than {MAX_DEPTH} levels")

    def _error(self, message: str) -> SourceError:
        return SourceError(message, self._offset())


_STATEMENTS = {
    "begin": BodyReader.block,
    "if": BodyReader._if,
    "case": BodyReader._case,
    "while": BodyReader._while,
    "repeat": BodyReader._repeat,
    "for": BodyReader._for,
    "foreach": BodyReader._while,  # `foreach X in Y do`: the header reads like one expression
    "with": BodyReader._with,
    "asserterror": BodyReader._asserterror,
    "exit": BodyReader._jump,
    "break": BodyReader._jump,
    "continue": BodyReader._jump,
}
