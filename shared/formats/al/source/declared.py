"""Objects as their source declares them, in the vocabulary of the symbols."""

from shared.formats.al.symbols.properties import KEPT_PROPERTIES, take_obsolete
from shared.formats.al.symbols.symbols import (
    AnchoredChange,
    Element,
    EnumValue,
    Field,
    Method,
    Obsolete,
    Parameter,
    Symbol,
    TableKey,
    TypeRef,
    Variable,
)

from .lexer import T, Tokens, whole_number
from .syntax import Literal, MemberAccess, Name, Node, ObjectDecl, Procedure, ScopeAccess
from .type_refs import parse_type

PLACING = frozenset(("addfirst", "addlast", "addafter", "addbefore", "modify"))
MOVING = frozenset(("movefirst", "movelast", "moveafter", "movebefore"))
CHANGES = PLACING | MOVING | {"add"}


def declare(o: ObjectDecl) -> Symbol:
    """The symbol of a declared object; local procedures are included, unlike in a symbol file."""
    tokens = o.file.tokens
    properties = {
        name: text_of(tokens, p.first, p.last) for name, p in o.root.properties.items() if name in KEPT_PROPERTIES
    }
    sections: dict[str, list[Node]] = {}
    for child in o.root.children:
        sections.setdefault(child.keyword, []).append(child)
    request = [s for page in sections.get("requestpage", ()) for s in page.children]
    controls = [*sections.get("layout", ()), *(s for s in request if s.keyword == "layout")]
    actions = [*sections.get("actions", ()), *(s for s in request if s.keyword == "actions")]
    return Symbol(
        kind=o.kind,
        id=o.id,
        name=o.name,
        namespace=o.namespace,
        target=o.target,
        properties=properties,
        obsolete=take_obsolete(properties),
        fields=tuple(_field(tokens, n) for n in _children(sections, "fields", "field") if len(n.arguments) > 2),
        keys=tuple(_key(tokens, n) for n in _children(sections, "keys", "key") if len(n.arguments) > 1),
        methods=tuple(_method(p) for p in o.root.procedures if p.kind != "trigger"),
        variables=tuple(Variable(v.name, v.type, True) for v in o.root.variables if v.protected),
        controls=tuple(e for s in controls for e in _elements(tokens, s, "")),
        actions=tuple(e for s in actions for e in _elements(tokens, s, "")),
        views=tuple(e for s in sections.get("views", ()) for e in _elements(tokens, s, "")),
        columns=tuple(
            e for k in ("dataset", "elements") for s in sections.get(k, ()) for e in _elements(tokens, s, "")
        ),
        values=tuple(_value(tokens, n) for n in sections.get("value", ()) if len(n.arguments) > 1),
        interfaces=tuple(name for name, _ in o.interfaces),
        changes=tuple(change for n, part in changes_of(o) for change in [_change(tokens, n, part)] if change.anchor),
    )


def text_of(tokens: Tokens, first: int, last: int) -> str:
    """A token range as text; a single name or string is given without its quotes."""
    if last - first == 1:
        return tokens.texts[first]
    parts = []
    for at in range(first, last):
        quoted = tokens.kinds[at] is T.QUOTED
        parts.append('"' + tokens.texts[at] + '"' if quoted else tokens.texts[at])
    return "".join(parts) if all(len(p) < 2 or p[0] in '"' or p.isalnum() for p in parts) else " ".join(parts)


def changes_of(o: ObjectDecl) -> list[tuple[Node, str]]:
    """(node, part) of each change that an extension object makes to its target."""
    parts = {
        "layout": "control",
        "actions": "action",
        "views": "view",
        "dataset": "dataset",
        "requestpage": "request",
    }
    found: list[tuple[Node, str]] = []
    for section in o.root.children:
        part = parts.get(section.keyword)
        if part is None:
            continue
        inner = [(s, parts.get(s.keyword, "")) for s in section.children] if part == "request" else [(section, part)]
        for node, name in inner:
            found += [(child, name) for child in node.children if child.keyword in CHANGES]
    return found


def _change(tokens: Tokens, node: Node, part: str) -> AnchoredChange:
    anchor = text_of(tokens, *node.arguments[0]) if node.arguments else ""
    return AnchoredChange(part, node.keyword, anchor, tokens.offsets[node.arguments[0][0]] if anchor else -1)


def _children(sections: dict[str, list[Node]], section: str, keyword: str) -> list[Node]:
    return [n for s in sections.get(section, ()) for n in s.children if n.keyword == keyword]


def _kept(tokens: Tokens, node: Node) -> dict[str, str]:
    return {name: text_of(tokens, p.first, p.last) for name, p in node.properties.items() if name in KEPT_PROPERTIES}


def _number(tokens: Tokens, node: Node) -> int:
    return whole_number(text_of(tokens, *node.arguments[0]))


def _field(tokens: Tokens, node: Node) -> Field:
    properties = _kept(tokens, node)
    declared = parse_type(tokens, node.arguments[2][0])
    if declared.name.lower() == "option" and "optionmembers" in node.properties:
        members = node.properties["optionmembers"]
        names = text_of_list(tokens, members.first, members.last)
        declared = TypeRef(declared.name, options=names)
    return Field(
        _number(tokens, node),
        text_of(tokens, *node.arguments[1]),
        declared,
        properties,
        take_obsolete(properties),
    )


def text_of_list(tokens: Tokens, first: int, last: int) -> tuple[str, ...]:
    """`A,"B C",D` as names; an empty place is an empty name."""
    names, current = [], ""
    for at in range(first, last):
        if tokens.texts[at] == "," and tokens.kinds[at] is T.SIGN:
            names.append(current)
            current = ""
        else:
            current = (current + " " + tokens.texts[at]).strip() if current else tokens.texts[at]
    return (*names, current)


def _key(tokens: Tokens, node: Node) -> TableKey:
    clustered = node.properties.get("clustered")
    return TableKey(
        text_of(tokens, *node.arguments[0]),
        text_of_list(tokens, *node.arguments[1]),
        None if clustered is None else text_of(tokens, clustered.first, clustered.last).lower() == "true",
    )


def _method(p: Procedure) -> Method:
    event, scope = "", ""
    arguments: tuple[str, ...] = ()
    obsolete: Obsolete | None = None
    for attribute in p.attributes:
        name = attribute.name.lower()
        texts = [a.text for a in attribute.arguments if isinstance(a, Literal | Name | MemberAccess | ScopeAccess)]
        if name.endswith("event"):
            event, arguments = name[: -len("event")], tuple(t.lower() for t in texts)
        elif name == "obsolete":
            obsolete = Obsolete("pending", *texts[:2])
        elif name == "scope" and texts:
            scope = texts[0].lower()
    parameters = tuple(Parameter(v.name, v.type, v.by_reference) for v in p.parameters)
    returns = p.returns
    if returns is None and any(a.name.lower() == "tryfunction" for a in p.attributes):
        returns = TypeRef("Boolean")  # what a TryFunction returns without saying so
    return Method(p.name, parameters, returns, p.access, event, arguments, obsolete, scope)


def _value(tokens: Tokens, node: Node) -> EnumValue:
    implementation = node.properties.get("implementation")
    text = text_of(tokens, implementation.first, implementation.last) if implementation else ""
    return EnumValue(_number(tokens, node), text_of(tokens, *node.arguments[1]).strip("'"), None, text)


def _elements(tokens: Tokens, node: Node, parent: str) -> list[Element]:
    found: list[Element] = []
    for child in node.children:
        if child.keyword in CHANGES:
            found += _elements(tokens, child, parent)
        elif child.arguments:
            name = text_of(tokens, *child.arguments[0])
            subject = text_of(tokens, *child.arguments[1]) if len(child.arguments) > 1 else ""
            found.append(Element(name, child.keyword, 0, parent, subject))
            found += _elements(tokens, child, name)
    return found
