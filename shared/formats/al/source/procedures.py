"""Procedures, triggers and events with their attributes, parameters and variables."""

from .cursor import Cursor
from .lexer import SourceError, T
from .statements import BodyReader
from .syntax import Attribute, Procedure, SourceProblem, VarDecl
from .type_refs import read_type


def read_attribute(c: Cursor) -> Attribute:
    """Pass `[Name(arguments)]`."""
    c.at += 1
    name, at = c.name_here(), c.offset()
    c.at += 1
    reader = BodyReader(c.tokens, c.at)
    arguments = reader.arguments(")") if reader.took("(") else []
    c.at = reader.at
    if c.is_sign(","):  # [A, B]: the further ones carry no rule of ours
        c.skip_behind("]", "a '[' is not closed")
    else:
        c.expect("]")
    return Attribute(name, arguments, at)


def read_variables(c: Cursor, out: list[VarDecl], *, protected: bool = False) -> None:
    """Pass the variables that stand behind `var`."""
    while True:
        start = c.at
        while c.is_sign("["):
            read_attribute(c)
        if not c.is_name() or c.next_text() not in (":", ","):
            c.at = start  # the attributes belong to the procedure that follows
            return
        names = [_variable_name(c)]
        while c.took(","):
            names.append(_variable_name(c))
        c.expect(":")
        declared, subject_at = read_type(c)
        for name, at in names:
            out.append(VarDecl(name, declared, at, subject_at, protected=protected))
        c.took(";")


def _variable_name(c: Cursor) -> tuple[str, int]:
    found = c.name_here(), c.offset()
    c.at += 1
    return found


def read_procedure(c: Cursor, access: str, attributes: list[Attribute], problems: list[SourceProblem]) -> Procedure:
    """Pass a procedure. A body that is not understood is passed over, and told in `problems`."""
    kind = c.word()
    c.at += 1
    found = Procedure(kind, c.name_here(), c.offset(), access, attributes)
    c.at += 1
    while c.is_sign("::") or c.is_sign("."):  # trigger AddIn::Event()
        c.at += 1
        found.name += "::" + c.name()
    c.expect("(")
    while not c.is_sign(")"):
        found.parameters.append(_parameter(c))
        c.took(";")
    c.at += 1
    if c.is_name() and c.next_text() == ":":
        found.return_name = c.name()
    if c.took(":"):
        found.returns = read_type(c)[0]
    c.took(";")
    if c.word() == "var":
        c.at += 1
        read_variables(c, found.locals)
    if c.word() == "begin":
        _body(c, found, problems)
    return found


def _parameter(c: Cursor) -> VarDecl:
    by_reference = c.word() == "var" and c.next_text() != ":"
    if by_reference:
        c.at += 1
    name, at = _variable_name(c)
    c.expect(":")
    declared, subject_at = read_type(c)
    return VarDecl(name, declared, at, subject_at, by_reference)


def _body(c: Cursor, procedure: Procedure, problems: list[SourceProblem]) -> None:
    """Read the body; one that is not understood is skipped by counting its blocks, and said so."""
    end = _end_of_block(c)
    reader = BodyReader(c.tokens, c.at)
    try:
        reader.block(procedure.body)
        if reader.at != end:
            raise c.error("the body ends before its last 'end'")
    except SourceError as error:
        procedure.body.clear()
        procedure.problem = str(error)
        problems.append((str(error), error.offset))
    c.at = end


def _end_of_block(c: Cursor) -> int:
    kinds, lower, texts = c.tokens.kinds, c.tokens.lower, c.tokens.texts
    depth, at = 0, c.at
    while kinds[at] is not T.END:
        word = lower[at] if kinds[at] is T.NAME and texts[at - 1] not in (".", "::") else ""
        depth += (word in ("begin", "case")) - (word == "end")
        at += 1
        if word == "end" and depth == 0:
            return at
    raise c.error("a 'begin' has no 'end'")
