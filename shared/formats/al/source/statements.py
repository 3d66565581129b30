"""Procedure bodies: statements, flat but for `with`."""

from .expressions import ExpressionReader
from .lexer import T
from .syntax import Assignment, CaseHead, Condition, ExitStatement, Statement, WithStatement

_ASSIGNING = {":=", "+=", "-=", "*=", "/="}
_JUMP_ENDS = {";", "end", "else", "until"}


class BodyReader(ExpressionReader):
    """Reads statements from token `at` on, moving it. SourceError where the text is not understood."""

    def block(self, out: list[Statement]) -> None:
        """`begin ... end`."""
        self.expect("begin")
        self._until({"end"}, out)
        self.expect("end")

    def _until(self, ends: set[str], out: list[Statement]) -> None:
        while not self.is_word(ends):
            if self.tokens.kinds[self.at] is T.END:
                raise self.error("a block is not closed")
            if self.is_sign(";"):
                self.at += 1
                continue
            self.statement(out)
            if not self.is_sign(";") and not self.is_word(ends):
                raise self.error("a ';' is missing")

    def statement(self, out: list[Statement]) -> None:
        """One statement; what it contains is appended to `out`, nesting dropped except for `with`."""
        self.enter()
        tokens = self.tokens
        word = tokens.lower[self.at] if tokens.kinds[self.at] is T.NAME else ""
        read = _STATEMENTS.get(word)
        # `Continue` and `Break` may also be the author's variables.
        if read is not None and not (word in ("continue", "break") and tokens.lower[self.at + 1] not in _JUMP_ENDS):
            read(self, out)
        elif not self.is_sign(";"):
            self._simple(out)
        self.depth -= 1

    def _simple(self, out: list[Statement]) -> None:
        left = self.expression()
        if self.sign() in _ASSIGNING:
            sign = self.sign()
            self.at += 1
            right = self.expression()
            out.append(Assignment(left, right, sign.rstrip(":=")))
        else:
            out.append(left)

    def _if(self, out: list[Statement]) -> None:
        self.at += 1
        out.append(Condition(self.expression()))
        self.expect("then")
        if not self.is_word({"else", "end", "until"}):
            self.statement(out)
        if self.is_word({"else"}):
            self.at += 1
            if not self.is_word({"end", "until"}):
                self.statement(out)

    def _case(self, out: list[Statement]) -> None:
        self.at += 1
        head = CaseHead(self.expression(), [])
        out.append(head)
        self.expect("of")
        while not self.is_word({"end"}):
            if self.is_sign(";"):
                self.at += 1
                continue
            if self.is_word({"else"}):
                self.at += 1
                self._until({"end"}, out)
                break
            self._choice(head, out)
        self.expect("end")

    def _choice(self, head: CaseHead, out: list[Statement]) -> None:
        head.choices.append(self.expression())
        while self.is_sign(","):
            self.at += 1
            head.choices.append(self.expression())
        self.expect(":")
        if not self.is_word({"end", "else"}):
            self.statement(out)

    def _while(self, out: list[Statement]) -> None:
        self.at += 1
        out.append(Condition(self.expression()))
        self.expect("do")
        self._body(out)

    def _foreach(self, out: list[Statement]) -> None:
        """`foreach X in Y do`: the header reads like one expression."""
        self.at += 1
        out.append(self.expression())
        self.expect("do")
        self._body(out)

    def _repeat(self, out: list[Statement]) -> None:
        self.at += 1
        self._until({"until"}, out)
        self.expect("until")
        out.append(Condition(self.expression()))

    def _for(self, out: list[Statement]) -> None:
        self.at += 1
        counter = self.expression()
        if not self.is_sign(":="):
            raise self.error("':=' is missing")
        self.at += 1
        out.append(Assignment(counter, self.expression()))
        if not self.is_word({"to", "downto"}):
            raise self.error("'to' is missing")
        self.at += 1
        out.append(Assignment(counter, self.expression()))
        self.expect("do")
        self._body(out)

    def _with(self, out: list[Statement]) -> None:
        self.at += 1
        subject = self.expression()
        self.expect("do")
        body: list[Statement] = []
        self._body(body)
        out.append(WithStatement(subject, body))

    def _body(self, out: list[Statement]) -> None:
        if not self.is_sign(";") and not self.is_word({"end", "else", "until"}):
            self.statement(out)

    def _asserterror(self, out: list[Statement]) -> None:
        self.at += 1
        self._body(out)

    def _jump(self, out: list[Statement]) -> None:
        at = self.at
        self.at += 1
        if self.tokens.lower[at] == "exit" and self.is_sign("("):
            self.at += 1
            if not self.is_sign(")"):
                value = self.expression()
                out.append(ExitStatement(value) if self.tokens.lower[at] == "exit" else value)
            self.expect(")")


_STATEMENTS = {
    "begin": BodyReader.block,
    "if": BodyReader._if,
    "case": BodyReader._case,
    "while": BodyReader._while,
    "repeat": BodyReader._repeat,
    "for": BodyReader._for,
    "foreach": BodyReader._foreach,
    "with": BodyReader._with,
    "asserterror": BodyReader._asserterror,
    "exit": BodyReader._jump,
    "break": BodyReader._jump,
    "continue": BodyReader._jump,
}
