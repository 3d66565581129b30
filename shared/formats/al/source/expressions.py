"""Expressions, as far as names, members, calls and constants go."""

from .cursor import Cursor
from .lexer import SourceError, T
from .syntax import Call, Expr, IndexAccess, Literal, Many, MemberAccess, Name, ScopeAccess

_UNARY = {"+", "-", "not"}
_ARITHMETIC = {"+", "-", "*", "/", "div", "mod", "and", "or", "xor", "..", "?", ":", "as"}
_BINARY = _ARITHMETIC | {"=", "<>", "<", ">", "<=", ">=", "in", "is"}
_SUFFIX_TYPES = {"d": "Date", "t": "Time", "dt": "DateTime", "l": "BigInteger"}


class ExpressionReader(Cursor):
    """Reads expressions from where it stands. SourceError where the text is not understood."""

    def expression(self) -> Expr:
        """An expression; operators are kept flat, in the order of the text."""
        self.enter()
        start = self.offset()
        parts = [self._operand()]
        operators: list[str] = []
        while True:
            sign = self.sign()
            if sign not in _BINARY:
                break
            if sign == ":" and operators.count("?") == operators.count(":"):
                break  # it is no ternary's, but stands behind a choice of `case`
            operators.append(sign)
            self.at += 1
            parts.append(self._operand())
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Many(parts, start, tuple(operators))

    def _operand(self) -> Expr:
        first = self.sign() if self.sign() in _UNARY else ""
        while self.sign() in _UNARY:
            self.at += 1
        if self.sign() == "..":  # an open range, as in [..5]
            return Many([], self.offset())
        expr = self._postfix(self._primary())
        return Many([expr], self.offset(), (first,)) if first else expr

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
            self.expect(")")
            return inner if isinstance(inner, Many) else Many([inner], offset)
        if text == "[":
            return Many(self.arguments("]"), offset)
        if text in (")", "]", ",") and at:  # a range that is open at its end, as in [5..]
            self.at -= 1
            if tokens.texts[at - 1] == "..":
                return Many([], offset)
        raise SourceError(f"an expression cannot begin with '{text[:20]}'", offset)

    def _postfix(self, expr: Expr) -> Expr:
        tokens = self.tokens
        while tokens.kinds[self.at] is T.SIGN:
            sign, offset = tokens.texts[self.at], self.offset()
            if sign == "(":
                self.at += 1
                expr = Call(expr, self.arguments(")"), offset)
            elif sign == "[":
                self.at += 1
                expr = IndexAccess(expr, self.arguments("]"), offset)
            elif sign in (".", "::"):
                self.at += 1
                kind, text, offset = tokens.kinds[self.at], tokens.texts[self.at], self.offset()
                if kind not in (T.NAME, T.QUOTED) and not (sign == "::" and kind is T.NUMBER):
                    raise self.error("a name is missing")
                self.at += 1
                expr = MemberAccess(expr, text, offset) if sign == "." else ScopeAccess(expr, text, offset)
            else:
                break
        return expr

    def arguments(self, closing: str) -> list[Expr]:
        """Pass expressions between commas, and the sign that closes them."""
        found: list[Expr] = []
        while not self.is_sign(closing):
            found.append(self.expression())
            if not self.is_sign(","):
                break
            self.at += 1
        self.expect(closing)
        return found
