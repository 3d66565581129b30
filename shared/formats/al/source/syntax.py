"""The syntax tree: declarations, and expressions as far as checks look. Offsets count characters."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from shared.formats.al.symbols.symbols import TypeRef

from .lexer import Tokens


@dataclass(slots=True)
class Name:
    """A bare identifier."""

    text: str
    quoted: bool
    at: int


@dataclass(slots=True)
class MemberAccess:
    """`target.text`."""

    target: "Expr"
    text: str
    at: int


@dataclass(slots=True)
class ScopeAccess:
    """`target::text`."""

    target: "Expr"
    text: str
    at: int


@dataclass(slots=True)
class Call:
    """`target(arguments)`."""

    target: "Expr"
    arguments: list["Expr"]
    at: int


@dataclass(slots=True)
class IndexAccess:
    """`target[arguments]`."""

    target: "Expr"
    arguments: list["Expr"]
    at: int


@dataclass(slots=True)
class Literal:
    """A constant; `type` is its AL type."""

    type: str
    text: str
    at: int


@dataclass(slots=True)
class Many:
    """Operands side by side: `operators` between them as written, or one before a single operand; none in a set."""

    parts: list["Expr"]
    at: int
    operators: tuple[str, ...] = ()


Expr = Name | MemberAccess | ScopeAccess | Call | IndexAccess | Literal | Many


def start_of(expr: Expr) -> int:
    """The offset at which an expression begins."""
    while isinstance(expr, MemberAccess | ScopeAccess | Call | IndexAccess):
        expr = expr.target
    return expr.at


@dataclass(slots=True)
class Assignment:
    """`target := value`; `operator` is that of `target += value` and its like."""

    target: Expr
    value: Expr
    operator: str = ""


@dataclass(slots=True)
class WithStatement:
    """`with subject do body`: names in the body may be the subject's members."""

    subject: Expr
    body: list["Statement"]


@dataclass(slots=True)
class ExitStatement:
    """`exit(value)`."""

    value: Expr


@dataclass(slots=True)
class Condition:
    """What `if`, `while` and `until` ask for: a Boolean."""

    value: Expr


@dataclass(slots=True)
class CaseHead:
    """`case subject of` with all its choices; their statements follow on their own."""

    subject: Expr
    choices: list[Expr]


Statement = Expr | Assignment | WithStatement | ExitStatement | Condition | CaseHead


@dataclass(slots=True)
class Attribute:
    """`[Name(arguments)]`."""

    name: str
    arguments: list[Expr]
    at: int


@dataclass(slots=True)
class VarDecl:
    """A variable or parameter. `subject_at` is where the object's name stands."""

    name: str
    type: TypeRef
    at: int
    subject_at: int = -1
    by_reference: bool = False
    protected: bool = False


@dataclass(slots=True)
class Procedure:
    """A procedure, trigger or event; `problem` says why its body could not be read."""

    kind: str
    name: str
    at: int
    access: str = "public"
    attributes: list[Attribute] = field(default_factory=list)
    parameters: list[VarDecl] = field(default_factory=list)
    returns: TypeRef | None = None
    return_name: str = ""
    locals: list[VarDecl] = field(default_factory=list)
    body: list[Statement] = field(default_factory=list)
    problem: str = ""


@dataclass(slots=True)
class Property:
    """`Name = tokens;`; `first` and `last` are token numbers of the value, `last` excluded."""

    name: str
    at: int
    first: int
    last: int


@dataclass(slots=True)
class Node:
    """`keyword(arguments) { ... }`; each argument is a token range."""

    keyword: str
    at: int
    arguments: list[tuple[int, int]] = field(default_factory=list)
    properties: dict[str, Property] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)
    procedures: list[Procedure] = field(default_factory=list)
    variables: list[VarDecl] = field(default_factory=list)


def walk(node: Node, parent: Node | None = None) -> Iterator[tuple[Node, Node | None]]:
    """A section and all within it, each with the one around it, in the order of the file."""
    yield node, parent
    for child in node.children:
        yield from walk(child, node)


@dataclass(slots=True)
class ObjectDecl:
    """One AL object. `root` holds its sections, `namespace` what the file declares.

    `is_partial`: its end could not be read, so what is not in it may have been.
    """

    kind: str
    id: int
    name: str
    at: int
    namespace: str
    usings: list[str]
    root: Node
    file: "SourceFile"
    target: str = ""
    target_at: int = -1
    interfaces: list[tuple[str, int]] = field(default_factory=list)
    is_partial: bool = False


SourceProblem = tuple[str, int]
"""What could not be read, and the offset where that was noticed."""


@dataclass(slots=True)
class SourceFile:
    """One file; `problems` are of parts that could not be read."""

    path: str
    tokens: Tokens
    objects: list[ObjectDecl] = field(default_factory=list)
    problems: list[SourceProblem] = field(default_factory=list)
    namespace: str = ""
    usings: list[str] = field(default_factory=list)
