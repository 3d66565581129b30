"""Controls, actions, views, data items and columns, and the changes that extensions make to them."""

from collections.abc import Iterator
from typing import Any

from shared.formats.al.package.values import flag, text

from .properties import kept_properties, reference, stored_number, take_obsolete
from .symbols import ActionKind, AnchoredChange, ControlKind, Element

_VERBS = {1: "addfirst", 2: "addlast", 3: "addbefore", 4: "addafter", 9: "modify"}


def _kind_name(kinds: type[ControlKind] | type[ActionKind], number: Any) -> str:
    try:
        return kinds(int(number or 0)).name.lower()
    except ValueError:
        return "other"


def _tree(nodes: Any, child: str, kinds: type[ControlKind] | type[ActionKind], parent: str) -> Iterator[Element]:
    for node in nodes or ():
        properties = kept_properties(node)
        name = text(node.get("Name"))
        related = node.get("RelatedPagePartId") or {}
        yield Element(
            name,
            _kind_name(kinds, node.get("Kind")),
            stored_number(node.get("Id")),
            parent,
            str(related.get("Name") or related.get("Id") or properties.get("runobject", "")),
            take_obsolete(properties),
            "promoted" in properties and flag(properties["promoted"]),
        )
        yield from _tree(node.get(child), child, kinds, name)


def controls(o: dict[str, Any]) -> Iterator[Element]:
    """Controls of a page, of its extension, or of a report's request page."""
    yield from _tree(o.get("Controls"), "Controls", ControlKind, "")
    for change in o.get("ControlChanges") or ():
        yield from _tree(change.get("Controls"), "Controls", ControlKind, text(change.get("Anchor")))
    page = o.get("RequestPage")
    if isinstance(page, dict):
        yield from controls(page)


def actions(o: dict[str, Any]) -> Iterator[Element]:
    """Actions of a page, of its extension, or of a report's request page; those of cue groups are among them."""
    yield from _tree(o.get("Actions"), "Actions", ActionKind, "")
    yield from _control_actions(o.get("Controls"))
    for change in o.get("ActionChanges") or ():
        yield from _tree(change.get("Actions"), "Actions", ActionKind, text(change.get("Anchor")))
    for change in o.get("ControlChanges") or ():
        yield from _control_actions(change.get("Controls"))
    page = o.get("RequestPage")
    if isinstance(page, dict):
        yield from actions(page)


def _control_actions(nodes: Any) -> Iterator[Element]:
    """Actions of a cue group stand in its control."""
    for node in nodes or ():
        if "Actions" in node:
            yield from _tree(node["Actions"], "Actions", ActionKind, text(node.get("Name")))
        if "Controls" in node:
            yield from _control_actions(node["Controls"])


def views(o: dict[str, Any]) -> Iterator[Element]:
    """Views of a page or of its extension."""
    for view in o.get("Views") or ():
        yield Element(text(view.get("Name")), "view", stored_number(view.get("Id")))
    for change in o.get("ViewChanges") or ():
        yield from views(change)


def columns(o: dict[str, Any]) -> Iterator[Element]:
    """Report data items and columns, query data items, columns and filters, in file order."""
    for item in [*(o.get("DataItems") or ()), *(o.get("Elements") or ())]:
        name = text(item.get("Name"))
        table = reference(text(item.get("RelatedTable")))[1]
        yield Element(name, "dataitem", stored_number(item.get("Id")), text(item.get("OwningDataItemName")), table)
        for kind, list_name in (("column", "Columns"), ("filter", "Filters")):
            for column in item.get(list_name) or ():
                yield Element(
                    text(column.get("Name")),
                    kind,
                    stored_number(column.get("Id")),
                    name,
                    text(column.get("SourceColumn")),
                )
        yield from columns({"DataItems": item.get("DataItems")})
    if "TargetObject" in o or "Target" in o:
        for column in o.get("Columns") or ():
            yield Element(text(column.get("Name")), "column", stored_number(column.get("Id")))


def changes(o: dict[str, Any]) -> Iterator[AnchoredChange]:
    """What an extension puts where in its target."""
    for part, name in (("control", "ControlChanges"), ("action", "ActionChanges"), ("view", "ViewChanges")):
        for change in o.get(name) or ():
            verb = _VERBS.get(stored_number(change.get("ChangeKind")), "move")
            yield AnchoredChange(part, verb, text(change.get("Anchor")))
