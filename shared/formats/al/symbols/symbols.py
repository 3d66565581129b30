"""What a compiled app exposes: the compact form of SymbolReference.json and of declarations read from source.

One vocabulary for both, so that every check asks the same questions whatever decided the answer. Kinds are the
keywords of AL (`table`, `pageextension`, ...). Names keep their author's casing; compare them with `fold`.
"""

from enum import IntEnum
from functools import lru_cache

import msgspec


class TypeRef(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A type as declared: `Record` + subject, `Code` + length, `List` + arguments. `name` is as written."""

    name: str
    length: int = 0
    subject: str = ""
    subject_id: int = 0
    temporary: bool = False
    dimensions: tuple[int, ...] = ()
    arguments: tuple["TypeRef", ...] = ()
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = self.name + (f"[{self.length}]" if self.length else "")
        if self.subject or self.subject_id:
            text += f' "{self.subject}"' if self.subject else f" {self.subject_id}"
        if self.arguments:
            text += f" of [{', '.join(map(str, self.arguments))}]"
        if self.temporary:
            text += " temporary"
        return f"array[{','.join(map(str, self.dimensions))}] of {text}" if self.dimensions else text


class Obsolete(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`state` is `pending`, `removed`, `pendingmove` or `moved`; `tag` the version in which it was marked."""

    state: str
    reason: str = ""
    tag: str = ""


class Parameter(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A parameter; `by_reference` is AL's `var`."""

    name: str
    type: TypeRef
    by_reference: bool = False


class Method(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A procedure or event. `event` is `integration`, `business`, `internal`, `externalbusiness` or empty."""

    name: str
    parameters: tuple[Parameter, ...] = ()
    returns: TypeRef | None = None
    access: str = "public"
    event: str = ""
    event_arguments: tuple[str, ...] = ()
    obsolete: Obsolete | None = None
    scope: str = ""
    id: int = 0


class Field(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A table field. `properties` holds what rules compare, keys in lower case."""

    id: int
    name: str
    type: TypeRef
    properties: dict[str, str] = {}
    obsolete: Obsolete | None = None


class TableKey(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A key; the first of a table is its primary key. `properties` holds what rules compare, keys in lower case."""

    name: str
    fields: tuple[str, ...]
    clustered: bool | None = None
    obsolete: Obsolete | None = None
    properties: dict[str, str] = {}


class Variable(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A global variable; only `protected` ones can be seen by extensions."""

    name: str
    type: TypeRef
    protected: bool = False
    obsolete: Obsolete | None = None


class Element(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A control, action, view, data item or column. `kind` is the AL keyword (`group`, `field`)."""

    name: str
    kind: str
    id: int = 0
    parent: str = ""
    subject: str = ""
    obsolete: Obsolete | None = None
    promoted: bool = False


class EnumValue(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A value of an enum."""

    ordinal: int
    name: str
    obsolete: Obsolete | None = None
    implementation: str = ""


class AnchoredChange(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One `addlast(X)`-like change; `part` is `control`, `action`, `view` or `dataset`."""

    part: str
    verb: str
    anchor: str
    offset: int = -1


class Symbol(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One object. `target` is what an extension object extends; `properties` keys are in lower case.

    `interfaces` are those that it implements, or extends if it is an interface itself. `private_variables` are the
    names of global variables that others cannot see, one a line.
    """

    kind: str
    id: int
    name: str
    namespace: str = ""
    target: str = ""
    target_app: str = ""
    properties: dict[str, str] = {}
    obsolete: Obsolete | None = None
    fields: tuple[Field, ...] = ()
    keys: tuple[TableKey, ...] = ()
    methods: tuple[Method, ...] = ()
    variables: tuple[Variable, ...] = ()
    controls: tuple[Element, ...] = ()
    actions: tuple[Element, ...] = ()
    views: tuple[Element, ...] = ()
    columns: tuple[Element, ...] = ()
    values: tuple[EnumValue, ...] = ()
    interfaces: tuple[str, ...] = ()
    changes: tuple[AnchoredChange, ...] = ()
    source: str = ""
    private_variables: str = ""

    @property
    def title(self) -> str:
        """`codeunit 80 "Sales-Post"`: how messages name it."""
        return f'{self.kind} {self.id} "{self.name}"' if self.id else f'{self.kind} "{self.name}"'


class ControlKind(IntEnum):
    """`Kind` of a page control, found by joining real symbols to their source."""

    AREA = 0
    GROUP = 1
    CUEGROUP = 2
    REPEATER = 3
    FIXED = 4
    GRID = 5
    PART = 6
    SYSTEMPART = 7
    FIELD = 8
    LABEL = 9
    USERCONTROL = 10


class ActionKind(IntEnum):
    """`Kind` of a page action, found the same way."""

    AREA = 0
    GROUP = 1
    ACTION = 2
    SEPARATOR = 3
    ACTIONREF = 4
    SYSTEMACTION = 6


EXTENSION_OF = {
    "tableextension": "table",
    "pageextension": "page",
    "pagecustomization": "page",
    "enumextension": "enum",
    "reportextension": "report",
    "permissionsetextension": "permissionset",
    "profileextension": "profile",
}


@lru_cache(maxsize=1 << 16)
def fold(name: str) -> str:
    """The form in which AL compares identifiers: case does not count, surrounding quotes neither."""
    name = name.strip()
    if len(name) > 1 and name[0] == '"' == name[-1]:
        name = name[1:-1].replace('""', '"')
    return name.casefold()


def fold_reference(text: str) -> str:
    """An object named in a property: quotes and the `#app#` prefix of newer symbols are dropped."""
    text = text.strip()
    if text.startswith("#") and text.count("#") >= 2:
        text = text.split("#", 2)[2]
    if len(text) > 1 and text[0] == '"' == text[-1]:
        text = text[1:-1].replace('""', '"')
    return text


def has_member(symbol: Symbol, name: str) -> bool:
    """Whether an object itself declares something that others may name by that name."""
    parts = (
        symbol.fields,
        symbol.methods,
        symbol.controls,
        symbol.actions,
        symbol.views,
        symbol.columns,
        symbol.values,
        symbol.variables,
    )
    wanted = fold(name)
    return any(fold(member.name) == wanted for part in parts for member in part)
