"""Anchors: the controls, actions, views, data items and columns beside which an extension puts something."""

from collections.abc import Iterator

from shared.formats.al.finding import PlaceLevel
from shared.formats.al.source.declared import MOVING, changes_of, text_of
from shared.formats.al.source.syntax import Node, ObjectDecl
from shared.formats.al.symbols.builtins import AREAS
from shared.formats.al.symbols.symbols import AnchoredChange, Element, Symbol, fold

from .context import ExtensionCheck
from .evidence import SymbolPath, quoted
from .lifecycle import report_state
from .places import IN_SYMBOLS, Place
from .suggestions import nearest_control
from .world import World

_ANCHOR_CODES = {"control": ("AL0270", "control"), "action": ("AL0271", "action"), "view": ("AL0533", "view")}

_INTO = frozenset(("addfirst", "addlast", "movefirst", "movelast"))
# Kinds that hold nothing; of one that is not known, nothing is said.
_HOLDING_NOTHING = frozenset(
    ("field", "label", "part", "systempart", "chartpart", "usercontrol", "action", "separator", "actionref")
)
_NO_ACTIONS = frozenset(("group", "separator", "actionref"))


def check_anchors(check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    """Row 10 for every change that the extension of a page or report makes, row 31 for those in a dataset."""
    _placed(check, symbol, target, declared)
    if declared is not None and target.kind == "report":
        _report_anchors(check, target, declared)


def _placed(check: ExtensionCheck, symbol: Symbol, target: Symbol, declared: ObjectDecl | None) -> None:
    if declared is None:
        for change in symbol.changes:
            check_anchor(check, target, change, IN_SYMBOLS)
        return
    for change, at in _anchors_of(declared):
        level = PlaceLevel.SYMBOLS if change.verb.startswith("add") else PlaceLevel.SOURCE
        check_anchor(check, target, change, Place(level, declared.file, at))


def _anchors_of(declared: ObjectDecl) -> Iterator[tuple[AnchoredChange, int]]:
    """Each anchor, and what a move takes along, with the offset where it stands."""
    tokens = declared.file.tokens
    for node, part in changes_of(declared):
        named = [(node.keyword, span) for span in node.arguments[:1]]
        if node.keyword in MOVING and len(node.arguments) > 1:
            named += [("moved", span) for span in _listed(tokens.texts, *node.arguments[1])]
        for verb, (first, last) in named:
            if last - first == 1:
                yield AnchoredChange(part, verb, tokens.texts[first]), tokens.offsets[first]


def _listed(texts: list[str], first: int, last: int) -> list[tuple[int, int]]:
    return [(at, at + 1) for at in range(first, last) if texts[at] != ","]


def check_anchor(check: ExtensionCheck, page: Symbol, change: AnchoredChange, place: Place) -> None:
    """Report an anchor, or what else an extension of a page names, that is not there or not what it must be."""
    part, anchor = change.part, change.anchor
    if part not in _ANCHOR_CODES or fold(anchor) in AREAS:
        return
    code, what = _ANCHOR_CODES[part]
    now = _elements(check.world, page, part)
    if page.kind == "report" and not (page.controls if part == "control" else page.actions):
        return  # symbols of old compilers are silent of request pages
    element = now.get(fold(anchor))
    about = SymbolPath.of(page, f"{part}s", anchor)
    if element is not None:
        report_state(check, what.capitalize(), element, place, about)
        if change.verb in _INTO and element.kind in _HOLDING_NOTHING:
            message = f"The anchoring symbol '{anchor}' must be a grouping symbol."
            check.report("AL0272", anchor, message, place, f"Use addafter({quoted(element.name)}).", about=about)
        elif change.verb == "actionref" and element.kind in _NO_ACTIONS:
            message = (
                f"The {element.kind} '{anchor}' cannot be used as target of the ActionRef. "
                "ActionRefs can only target Actions."
            )
            check.report("AL0723", anchor, message, place, about=about)
        return
    if part == "action" and (_is_synthesized(fold(anchor), now) or _is_cue_group(check.world, page, anchor)):
        return
    if not check.member_missing(page, anchor):
        return
    before = check.old.find(page.kind, page.name) if check.old else None
    old = _elements(check.old, before[0], part).get(fold(anchor)) if check.old and before else None
    advice = nearest_control(anchor, change.verb, old, now)
    message = f"The {what} '{anchor}' is not found in the target '{page.name}'."
    check.report(code, anchor, message, place, advice, about=about)


def _is_synthesized(anchor: str, actions: dict[str, Element]) -> bool:
    """Whether the compiler makes the anchor itself, for a page that marks actions as `Promoted`.

    Since base 21 such a page has groups `Category_...`, and `X_Promoted` for each promoted action X.
    """
    return anchor.startswith("category_") or anchor.removesuffix("_promoted") in actions


def _is_cue_group(world: World, page: Symbol, anchor: str) -> bool:
    """Whether it is a control that holds actions: changes to those the compiler only warns of (AL0609 to AL0611)."""
    control = world.controls(page).get(fold(anchor))
    return control is not None and control.kind == "cuegroup"


def _elements(world: World, page: Symbol, part: str) -> dict[str, Element]:
    if part == "control":
        return world.controls(page)
    return world.actions(page) if part == "action" else world.views(page)


def _report_anchors(check: ExtensionCheck, target: Symbol, declared: ObjectDecl) -> None:
    for node, part in changes_of(declared):
        if part == "dataset" and node.arguments:
            _report_anchor(check, target, declared, node)


def _report_anchor(check: ExtensionCheck, target: Symbol, declared: ObjectDecl, node: Node) -> None:
    tokens, known = declared.file.tokens, check.world.columns(target)
    # Columns are added to a data item; what is modified or stands beside may be a column too.
    alone = node.keyword in ("add", "addfirst", "addlast")
    if alone:
        known = {name: e for name, e in known.items() if e.kind == "dataitem"}
    anchor = text_of(tokens, *node.arguments[0])
    at = tokens.offsets[node.arguments[0][0]]
    about = SymbolPath.of(target, "columns", anchor)
    there = known.get(fold(anchor))
    if there is not None:
        report_state(check, "Data item", there, Place(PlaceLevel.SYMBOLS, declared.file, at), about)
    elif check.member_missing(target, anchor):
        what = "DataItem" if alone else "DataItem or Column"
        message = f"A {what} with name '{anchor}' could not be found in the target {target.name}."
        place = Place(PlaceLevel.SYMBOLS if node.keyword.startswith("add") else PlaceLevel.SOURCE, declared.file, at)
        advice = nearest_control(anchor, "", None, known)
        check.report("AL0681" if alone else "AL0682", anchor, message, place, advice, about=about)
