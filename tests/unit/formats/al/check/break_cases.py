"""A change of the base and what an extension has to do with it: the form of a case, and what several cases use."""

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

from shared.formats.al.finding import PlaceLevel
from tests.support.al_packages import (
    Json,
    codeunit,
    control,
    field,
    method,
    page,
    table,
)

CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"), field(2, "Name", "Text[50]"))


def customer(*more: Json, methods: tuple[Json, ...] = (), **props: str) -> Json:
    return table(18, "Customer", *CUSTOMER["Fields"], *more, methods=methods, **props)


def run(body: str, variables: str = 'Customer: Record Customer; Post: Codeunit "Sales-Post"') -> str:
    return f"codeunit 50000 Work {{ trigger OnRun() var {variables}; begin {body} end; }}"


def subscriber(
    event_name: str, parameters: str = "", element: str = "", publisher: str = 'Codeunit::"Sales-Post"'
) -> str:
    kind = publisher.partition("::")[0].replace("Database", "Table")
    given = f"ObjectType::{kind}, {publisher}, '{event_name}', '{element}', false, false"
    header = f"[EventSubscriber({given})] local procedure Handle({parameters})"
    return f"codeunit 50000 Work {{ {header} begin end; }}"


def report(name: str, *items: str, request: list[Json] | None = None) -> Json:
    found = {
        "Kind_": "report",
        "Id": 7,
        "Name": name,
        "DataItems": [{"Name": n, "RelatedTable": "Customer"} for n in items],
    }
    return found | ({"RequestPage": {"Controls": request}} if request else {})


@dataclass
class Case:
    """`breaks` triggers exactly `code` on the extension's source, `fits` triggers nothing."""

    row: int
    code: str
    source: str
    fits: tuple[Json, ...]
    breaks: tuple[Json, ...]
    old: bool = False
    manifest: dict[str, Any] = attribute(default_factory=dict)
    base: dict[str, Any] = attribute(default_factory=dict)
    old_base: dict[str, Any] = attribute(default_factory=lambda: {"version": "24.0.0.0"})
    fitting_source: str = ""
    at: str = ""
    symbol: str = ""
    level: PlaceLevel | None = None


POST = codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer"))
ITEM_LIST = page(31, "Item List", controls=[control("Content", 0, control("Item", 3, number=1))], SourceTable="Item")
RENAMED_LIST = page(31, "Item List", controls=[control("Content", 0, control("Control1", 3, number=1))])

TWO_EVENTS = (
    'codeunit 50000 W { [IntegrationEvent(false, false)] procedure "My Event"() begin end; '
    "[IntegrationEvent(false, false)] procedure %s() begin end; }"
)
EXTENDS_CUSTOMER = "tableextension 50000 X extends Customer { }"
TABLE = "table 50000 T { fields { field(1; A; Decimal) { %s; } } }"
