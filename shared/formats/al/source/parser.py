"""AL files -> objects with their sections, properties, variables and procedures.

Every section of every object kind has one shape, `keyword(arguments) { properties, sections, procedures }`,
so one reader serves all; what a keyword means is decided by whoever looks at the tree.
"""

from collections.abc import Collection

from .cursor import Cursor
from .lexer import SourceError, T, Tokens, whole_number
from .procedures import read_attribute, read_procedure, read_variables
from .syntax import Attribute, Node, ObjectDecl, Property, SourceFile, SourceProblem


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


OBJECT_KINDS = _words("""
    table tableextension page pageextension pagecustomization codeunit report reportextension xmlport query
    enum enumextension interface controladdin permissionset permissionsetextension profile profileextension
    dotnet entitlement requestpage
""")
_ACCESS = frozenset(("local", "internal", "protected"))
_PROCEDURES = frozenset(("procedure", "trigger", "event"))
_TOO_DEEP = "it is nested too deep"


def parse_source(path: str, text: str, symbols: Collection[str] = ()) -> SourceFile:
    """Read one file. Never raises for its content: parts that are no AL are listed in `problems`."""
    try:
        tokens = Tokens(text, symbols)
    except SourceError as error:
        file = SourceFile(path, Tokens(""))
        line = text.count("\n", 0, error.offset) + 1
        file.problems.append((f"line {line}: {error}", 0))
        return file
    file = SourceFile(path, tokens)
    c = Cursor(tokens)
    try:
        while not c.is_end():
            _read_next(c, file)
    except SourceError as error:
        file.problems.append((str(error), error.offset))
    except RecursionError:
        file.problems.append((_TOO_DEEP, 0))
    return file


# -- objects ---------------------------------------------------------------------------------------


def _read_next(c: Cursor, file: SourceFile) -> None:
    """The next thing that stands in a file by itself."""
    word = c.word()
    if word == "namespace":
        c.at += 1
        file.namespace = c.dotted()
    elif word == "using":
        c.at += 1
        file.usings.append(c.dotted())
    elif word in OBJECT_KINDS:
        _object_or_problem(c, file)
    elif c.is_sign("["):
        read_attribute(c)
    elif not c.took(";"):
        raise c.error(f"'{c.text()[:30]}' begins no object")


def _object_or_problem(c: Cursor, file: SourceFile) -> None:
    """Read an object; one that cannot be read is kept as far as it goes, and the next one looked for."""
    known = len(file.objects)
    try:
        _object(c, file)
    except (SourceError, RecursionError) as error:
        message = str(error) if isinstance(error, SourceError) else _TOO_DEEP
        file.problems.append((message, getattr(error, "offset", c.offset())))
        for declared in file.objects[known:]:
            declared.is_partial = True
        c.depth = 0
        _skip_to_object(c)


def _skip_to_object(c: Cursor) -> None:
    kinds, texts = c.tokens.kinds, c.tokens.texts
    while not c.is_end():
        c.at += 1
        if c.is_word(OBJECT_KINDS) and texts[c.at - 1] == "}":
            named = kinds[c.at + 1] in (T.NAME, T.QUOTED, T.NUMBER)
            if named or (c.word() == "dotnet" and c.next_text() == "{"):
                return


def _object(c: Cursor, file: SourceFile) -> None:
    kind, at = c.word(), c.offset()
    c.at += 1
    number, name = 0, ""
    if c.is_number():
        number = whole_number(c.text())
        c.at += 1
    if kind != "dotnet" or not c.is_sign("{"):
        at = c.offset()
        name = c.name()
    root = Node(kind, at)
    declared = ObjectDecl(
        kind,
        number,
        name,
        at,
        namespace=file.namespace,
        usings=list(file.usings),
        root=root,
        file=file,
    )
    while c.is_word(("extends", "implements", "customizes")):
        _relationship(c, declared)
    c.expect("{")
    file.objects.append(declared)
    _members(c, root, file.problems)


def _relationship(c: Cursor, declared: ObjectDecl) -> None:
    """`extends X`, `implements X, Y`: what another interface is to an interface it is by either word."""
    word = c.word()
    c.at += 1
    first, at = c.reference()
    if word != "implements" and declared.kind != "interface":
        declared.target, declared.target_at = first, at
        return
    declared.interfaces.append((first, at))
    while c.took(","):
        declared.interfaces.append(c.reference())


# -- sections --------------------------------------------------------------------------------------


def _members(c: Cursor, node: Node, problems: list[SourceProblem]) -> None:
    """What stands between braces, up to and including the closing one."""
    c.enter()
    attributes: list[Attribute] = []
    while not c.is_sign("}"):
        if c.is_end():
            raise c.error("a '{' is not closed")
        if c.is_sign("["):
            attributes.append(read_attribute(c))
        elif not c.took(";"):
            _member(c, node, attributes, problems)
            attributes = []
    c.at += 1
    c.depth -= 1


def _member(c: Cursor, node: Node, attributes: list[Attribute], problems: list[SourceProblem]) -> None:
    tokens = c.tokens
    if not c.is_name():
        raise c.error(f"'{c.text()[:30]}' begins no declaration")
    word = c.word()
    following = tokens.lower[c.at + 1]
    if word == "var" or (word == "protected" and following == "var"):
        c.at += 2 if word == "protected" else 1
        read_variables(c, node.variables, protected=word == "protected")
    elif word in _PROCEDURES and following not in ("=", "(", "{"):
        node.procedures.append(read_procedure(c, "public", attributes, problems))
    elif word in _ACCESS and following in _PROCEDURES:
        c.at += 1
        node.procedures.append(read_procedure(c, word, attributes, problems))
    elif following == "=" and tokens.kinds[c.at + 1] is T.SIGN:
        _property(c, node)
    elif following in ("(", "{"):
        node.children.append(_section(c, problems))
    else:
        raise c.error(f"'{c.text()[:30]}' begins no declaration")


def _section(c: Cursor, problems: list[SourceProblem]) -> Node:
    node = Node(c.tokens.lower[c.at], c.offset())
    c.at += 1
    if c.took("("):
        _section_arguments(c, node)
    if c.took("{"):
        _members(c, node, problems)
    return node


def _section_arguments(c: Cursor, node: Node) -> None:
    """`A; B)`: token ranges, parentheses within them kept together."""
    first, depth = c.at, 0
    while depth or not c.is_sign(")"):
        if c.is_end():
            raise c.error("a '(' is not closed")
        depth += c.is_sign("(") - c.is_sign(")")
        if depth == 0 and c.is_sign(";"):
            node.arguments.append((first, c.at))
            first = c.at + 1
        c.at += 1
    node.arguments.append((first, c.at))
    c.at += 1


def _property(c: Cursor, node: Node) -> None:
    name, at = c.tokens.lower[c.at], c.offset()
    c.at += 2
    first = c.at
    while not c.is_sign(";"):
        if c.is_end() or c.is_sign("}"):
            raise c.error(f"the value of {name} is not closed by ';'")
        c.at += 1
    node.properties[name] = Property(name, at, first, c.at)
    c.at += 1
