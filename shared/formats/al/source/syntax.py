"""The syntax tree: declarations, and expressions as far as checks look. Offsets count characters."""

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
class Member:
    """`target.text`."""

    target: "Expr"
    text: str
    at: int


@dataclass(slots=True)
class Scope:
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
class Index:
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
    """Operands whose combination has no type of interest: operators, lists of cases."""

    parts: list["Expr"]
    at: int
    comparison: bool = False


Expr = Name | Member | Scope | Call | Index | Literal | Many


def start_of(expr: Expr) -> int:
    """The offset at which an expression begins."""
    while isinstance(expr, Member | Scope | Call | Index):
        expr = expr.target
    return expr.at


@dataclass(slots=True)
class Assign:
    """`target := value`."""

    target: Expr
    value: Expr


@dataclass(slots=True)
class With:
    """`with subject do body`: names in the body may be the subject's members."""

    subject: Expr
    body: list["Statement"]


@dataclass(slots=True)
class Exit:
    """`exit(value)`."""

    value: Expr


Statement = Expr | Assign | With | Exit


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
    target: str
    target_at: int
    interfaces: list[tuple[str, int]]
    root: Node
    file: "SourceFile"
    is_partial: bool = False


@dataclass(slots=True)
class SourceFile:
    """One file; `problems` are (message, offset) of parts that could not be read."""

    path: str
    tokens: Tokens
    objects: list[ObjectDecl] = field(default_factory=list)
    problems: list[tuple[str, int]] = field(default_factory=list)
    namespace: str = ""
    usings: list[str] = field(default_factory=list)
