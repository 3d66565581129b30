"""Each row of the rule table: one change of the base that triggers it, and a neighbour that does not."""

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

import pytest

from services.extension_compatibility_checker.al.finding import Level, Verdict
from services.extension_compatibility_checker.al.rules import RULES, SEVERITIES
from tests.support.al_checks import check, codes
from tests.support.al_packages import (
    Json,
    action,
    app,
    base_app,
    codeunit,
    control,
    enum,
    event,
    extension,
    field,
    interface,
    method,
    page,
    symbol_file,
    table,
)
from tests.support.al_rules import SHOWN, shows
from tests.unit.extension_compatibility_checker import test_schema, test_sets  # noqa: F401, test_sets marks its rows

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
    level: Level | None = None


POST = codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer"))
ITEM_LIST = page(31, "Item List", controls=[control("Content", 0, control("Item", 3, number=1))], SourceTable="Item")
RENAMED_LIST = page(31, "Item List", controls=[control("Content", 0, control("Control1", 3, number=1))])

TWO_EVENTS = (
    'codeunit 50000 W { [IntegrationEvent(false, false)] procedure "My Event"() begin end; '
    "[IntegrationEvent(false, false)] procedure %s() begin end; }"
)
EXTENDS_CUSTOMER = "tableextension 50000 X extends Customer { }"
TABLE = "table 50000 T { fields { field(1; A; Decimal) { %s; } } }"

CASES = [
    Case(
        6,
        "AL0296",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (
            CUSTOMER,
            codeunit(
                80,
                "Sales-Post",
                method("Go", "var R: Record 18 Customer", attributes=[("Scope", ["OnPrem"])]),
            ),
        ),
        at="|Go",
        symbol="Go",
    ),
    Case(7, "AL0247", EXTENDS_CUSTOMER, (CUSTOMER,), (), at="|Customer", symbol="Customer"),
    Case(
        8,
        "AL0564",
        "tableextension 50000 X extends Customer { }",
        (CUSTOMER,),
        (customer(Extensible="0"),),
        at="|Customer",
        symbol="Customer",
    ),
    Case(
        8,
        "AL0504",
        'enumextension 50000 X extends Colour { value(50000; "Pink") { } }',
        (enum(5, "Colour", "Red"),),
        (enum(5, "Colour", "Red", Extensible="0"),),
        at="|Colour",
        symbol="Colour",
    ),
    Case(
        9,
        "AL0185",
        run("", "C: Record Customer"),
        (CUSTOMER,),
        (),
        at="|Customer",
        symbol="Customer",
        level=Level.SOURCE,
    ),
    Case(9, "AL0185", "page 50000 X { SourceTable = Customer; }", (CUSTOMER,), (), at="|Customer", symbol="Customer"),
    Case(
        9,
        "AL0132",
        run('Page.Run(Page::"Item List");', "I: Integer"),
        (ITEM_LIST,),
        (),
        at='|"Item List"',
        symbol="Item List",
        level=Level.SOURCE,
    ),
    Case(
        9,
        "AL0185",
        'page 50000 X { actions { area(Processing) { action(A) { RunObject = page "Item List"; } } } }',
        (ITEM_LIST,),
        (),
        at='|"Item List"',
        symbol="Item List",
    ),
    Case(
        9,
        "AL0185",
        "permissionset 50000 X { Permissions = tabledata Customer = RIMD, table * = X; }",
        (CUSTOMER,),
        (),
        at="|Customer",
        symbol="Customer",
    ),
    Case(
        10,
        "AL0270",
        'pageextension 50000 X extends "Item List" { layout { addlast(Item) { } } }',
        (ITEM_LIST,),
        (RENAMED_LIST,),
        at="addlast(|Item",
        symbol="Item",
    ),
    Case(
        10,
        "AL0270",
        'pageextension 50000 X extends "Item List" { layout { modify(Item) { Visible = false; } } }',
        (ITEM_LIST,),
        (RENAMED_LIST,),
        at="modify(|Item",
        symbol="Item",
        level=Level.SOURCE,
    ),
    Case(
        10,
        "AL0270",
        'pageextension 50000 X extends "Item List" { layout { movefirst(Content; Item) } }',
        (ITEM_LIST,),
        (RENAMED_LIST,),
        at=" |Item",
        symbol="Item",
        level=Level.SOURCE,
    ),
    Case(
        10,
        "AL0271",
        "pageextension 50000 X extends P { actions { addafter(Post) { action(Mine) { } } } }",
        (page(9, "P", actions=[action("Post")]),),
        (page(9, "P", actions=[action("PostAll")]),),
        at="|Post",
        symbol="Post",
    ),
    Case(
        10,
        "AL0533",
        "pageextension 50000 X extends P { views { addafter(Mine) { view(Other) { } } } }",
        (page(9, "P") | {"Views": [{"Name": "Mine"}]},),
        (page(9, "P"),),
        at="|Mine",
        symbol="Mine",
    ),
    Case(
        11,
        "AL0132",
        run("Customer.Blocked := true;", "Customer: Record Customer"),
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        11,
        "AL0132",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post")),
        at="|Go",
        symbol="Go",
    ),
    Case(
        11,
        "AL0132",
        run("if C = Enum::Colour::Green then;", "C: Enum Colour"),
        (enum(5, "Colour", "Red", "Green"),),
        (enum(5, "Colour", "Red"),),
        at="|Green",
        symbol="Green",
    ),
    Case(
        11,
        "AL0118",
        run('Customer.SetRange("Post Code", X);', "Customer: Record Customer; X: Code[20]"),
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
        at='|"Post Code"',
        symbol="Post Code",
    ),
    Case(
        11,
        "AL0118",
        "tableextension 50000 X extends Customer { procedure A() begin \"Post Code\" := '1'; end; }",
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
        at='|"Post Code"',
        symbol="Post Code",
    ),
    Case(
        11,
        "AL0295",
        "tableextension 50000 X extends Customer { fields { modify(\"Post Code\") { Caption = 'c'; } } }",
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
        at='|"Post Code"',
        symbol="Post Code",
    ),
    Case(
        11,
        "AL0132",
        "page 50000 P { SourceTable = Customer; layout { area(Content) { field(B; Rec.Blocked) { } } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        11,
        "AL0118",
        'report 50000 R { dataset { dataitem(C; Customer) { column(B; "Post Code") { } } } }',
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
        at='|"Post Code"',
        symbol="Post Code",
    ),
    Case(
        12,
        "AL0126",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go"))),
        at="|Go",
        symbol="Go",
    ),
    Case(
        12,
        "AL0135",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer", "Hide: Boolean"))),
        at="|Go",
        symbol="Go",
    ),
    Case(
        13,
        "AL0133",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (
            CUSTOMER,
            table(36, "Order", field(1, "No.", "Code[20]")),
            codeunit(80, "Sales-Post", method("Go", "var R: Record 36 Order")),
        ),
        at="Go(|Customer",
        symbol="Go",
    ),
    Case(
        13,
        "AL0122",
        run("T := Post.Text();", 'T: Text; Post: Codeunit "Sales-Post"'),
        (codeunit(80, "Sales-Post", method("Text", returns="Text")),),
        (codeunit(80, "Sales-Post", method("Text", returns="SecretText")),),
        at="|Post.Text",
        symbol="Text",
    ),
    Case(
        14,
        "AL0130",
        run("Post.Go(1);", 'Post: Codeunit "Sales-Post"'),
        (codeunit(80, "Sales-Post", method("Go", "N: Integer")),),
        (codeunit(80, "Sales-Post", method("Go", "var N: Integer")),),
        at="|1",
        symbol="Go",
    ),
    Case(
        15,
        "AL0280",
        subscriber("OnBeforePost"),
        (codeunit(80, "Sales-Post", event("OnBeforePost")),),
        (codeunit(80, "Sales-Post", event("OnAfterPost")),),
        at="|'OnBeforePost'",
        symbol="OnBeforePost",
    ),
    Case(
        15,
        "AL0281",
        subscriber("OnBeforePost"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", IsLocal=True)),),
        (codeunit(80, "Sales-Post", method("OnBeforePost")),),
        at="|'OnBeforePost'",
        symbol="OnBeforePost",
    ),
    Case(
        15,
        "AL0462",
        subscriber("OnBeforePost"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", kind="BusinessEvent")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", kind="InternalEvent")),),
        at="|'OnBeforePost'",
        symbol="OnBeforePost",
    ),
    Case(
        16,
        "AL0282",
        subscriber("OnBeforePost", "PreviewMode: Boolean"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "Hide: Boolean", "PreviewMode: Boolean")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "Hide: Boolean")),),
        at="|PreviewMode",
        symbol="PreviewMode",
    ),
    Case(
        16,
        "AL0282",
        subscriber("OnAfterValidateEvent", "var Rec: Record Customer", "Post Code", "Database::Customer"),
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
        at="|'Post Code'",
        symbol="Post Code",
    ),
    Case(
        17,
        "AL0284",
        subscriber("OnBeforePost", "N: Integer"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "N: Integer")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "N: Boolean")),),
        at="|N",
        symbol="N",
    ),
    Case(
        17,
        "AL0284",
        subscriber("OnOpenPageEvent", "var Rec: Record Customer", publisher="Page::P"),
        (CUSTOMER, page(9, "P", SourceTable="Customer")),
        (CUSTOMER, table(5, "Other", field(1, "A", "Code[20]")), page(9, "P", SourceTable="Other")),
        at="var |Rec",
        symbol="Rec",
    ),
    Case(
        17,
        "AL0288",
        subscriber("OnBeforePost", "var N: Integer"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "var N: Integer")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "N: Integer")),),
        at="|N",
        symbol="N",
    ),
    Case(
        17,
        "AL0588",
        subscriber("OnBeforePost", "C: Option A,B"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "C: Option A,B")),),
        (enum(5, "Colour", "A"), codeunit(80, "Sales-Post", event("OnBeforePost", "C: Enum 5 Colour"))),
        at="Handle(|C",
        symbol="C",
    ),
    Case(
        17,
        "AL0593",
        subscriber("OnBeforePost", "C: Code[10]"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "C: Code[10]")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "C: Code[20]")),),
        at="Handle(|C",
        symbol="C",
    ),
    Case(
        18,
        "AL0282",
        subscriber("OnBeforePost", 'sender: Codeunit "Sales-Post"'),
        (codeunit(80, "Sales-Post", event("OnBeforePost", sender=True)),),
        (codeunit(80, "Sales-Post", event("OnBeforePost")),),
        at="|sender",
        symbol="sender",
    ),
    Case(
        19,
        "AL0161",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer", IsInternal=True))),
        at="|Go",
        symbol="Go",
    ),
    Case(
        19,
        "AL0161",
        run("", "C: Record Customer"),
        (CUSTOMER,),
        (customer(Access="Internal"),),
        at="|Customer",
        symbol="Customer",
    ),
    Case(
        20,
        "AL0433",
        run("", "C: Record Customer"),
        (CUSTOMER,),
        (customer(ObsoleteState="Removed"),),
        at="|Customer",
        symbol="Customer",
        level=Level.SOURCE,
    ),
    Case(
        20,
        "AL0450",
        "tableextension 50000 X extends Customer { keys { key(K; Blocked) { } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (customer(field(3, "Blocked", "Boolean", ObsoleteState="Removed", ObsoleteReason="Gone.")),),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        21,
        "AL0432",
        run("", "C: Record Customer"),
        (CUSTOMER,),
        (customer(ObsoleteState="Pending", ObsoleteTag="24.0"),),
        at="|Customer",
        symbol="Customer",
        level=Level.SOURCE,
    ),
    Case(
        22,
        "AL0433",
        run("", "C: Record Customer"),
        (CUSTOMER,),
        (customer(ObsoleteState="Moved"),),
        at="|Customer",
        symbol="Customer",
        level=Level.SOURCE,
    ),
    Case(
        23,
        "AL0155",
        'tableextension 50000 X extends Customer { fields { field(50000; "Loyalty"; Code[10]) { } } }',
        (CUSTOMER,),
        (customer(field(5794, "Loyalty", "Code[10]")),),
        at='|"Loyalty"',
        symbol="Loyalty",
    ),
    Case(
        23,
        "AL0155",
        "pageextension 50000 X extends P { actions { addlast(Processing) { action(Mine) { } } } }",
        (page(9, "P"),),
        (page(9, "P", actions=[action("Mine")]),),
        at="|Mine",
        symbol="Mine",
    ),
    Case(
        24,
        "AL0206",
        'tableextension 50000 X extends Customer { fields { field(50000; "Loyalty"; Code[10]) { } } }',
        (CUSTOMER,),
        (customer(field(50000, "Other", "Code[10]")),),
        at='|"Loyalty"',
        symbol="Loyalty",
    ),
    Case(
        24,
        "AL0231",
        "enumextension 50000 X extends Colour { value(1; Pink) { } }",
        (enum(5, "Colour", "Red"),),
        (enum(5, "Colour", "Red", "Green"),),
        at="|Pink",
        symbol="Pink",
    ),
    Case(
        25,
        "AL0264",
        run("", "I: Integer"),
        (codeunit(50001, "Other"),),
        (codeunit(50000, "Other"),),
        at="|Work",
        symbol="50000",
    ),
    Case(
        25,
        "AL0197",
        run("", "I: Integer"),
        (codeunit(50001, "Other"),),
        (codeunit(50001, "Work"),),
        at="|Work",
        symbol="Work",
    ),
    Case(
        27,
        "AL0582",
        "codeunit 50000 X implements Price { procedure Get(): Decimal begin end; }",
        (interface("Price", method("Get", returns="Decimal")),),
        (interface("Price", method("Get", returns="Decimal"), method("Explain", "Long: Boolean")),),
        at="|Price",
        symbol="Explain",
    ),
    Case(
        28,
        "AL0596",
        "enumextension 50000 X extends Colour { value(50000; Pink) { } }",
        (interface("Price"), enum(5, "Colour", "Red")),
        (interface("Price"), enum(5, "Colour", "Red", interfaces=["Price"])),
        at="|Pink",
        symbol="Pink",
    ),
    Case(
        30,
        "AL0132",
        TABLE % "TableRelation = Customer.Code where(Blocked = const(true))",
        (customer(field(3, "Code", "Code[20]"), field(4, "Blocked", "Boolean")),),
        (customer(field(3, "Code", "Code[20]")),),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        30,
        "AL0132",
        TABLE % 'CalcFormula = sum(Customer.Amount where("No." = field(A)))',
        (customer(field(3, "Amount", "Decimal")),),
        (CUSTOMER,),
        at="|Amount",
        symbol="Amount",
    ),
    Case(
        30,
        "AL0186",
        "tableextension 50000 X extends Customer { keys { key(K; Blocked) { } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        31,
        "AL0345",
        "query 50000 Q { elements { dataitem(C; Customer) { column(B; Blocked) { } } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        31,
        "AL0349",
        run("I := Q.Total;", "I: Integer; Q: Query Totals"),
        (
            {
                "Kind_": "query",
                "Id": 7,
                "Name": "Totals",
                "Elements": [{"Name": "C", "Columns": [{"Name": "Total"}]}],
            },
        ),
        (
            {
                "Kind_": "query",
                "Id": 7,
                "Name": "Totals",
                "Elements": [{"Name": "C", "Columns": [{"Name": "Sum"}]}],
            },
        ),
        at="Q.|Total",
        symbol="Total",
        level=Level.SOURCE,
    ),
    Case(
        31,
        "AL0681",
        "reportextension 50000 X extends R { dataset { add(Header) { column(A; B) { } } } }",
        (
            {
                "Kind_": "report",
                "Id": 7,
                "Name": "R",
                "DataItems": [{"Name": "Header", "RelatedTable": "Customer"}],
            },
        ),
        (
            {
                "Kind_": "report",
                "Id": 7,
                "Name": "R",
                "DataItems": [{"Name": "Head", "RelatedTable": "Customer"}],
            },
        ),
        at="|Header",
        symbol="Header",
    ),
    Case(
        32,
        "AS0086",
        run("T := Customer.Name;", "T: Text[50]; Customer: Record Customer"),
        (CUSTOMER,),
        (table(18, "Customer", field(1, "No.", "Code[20]"), field(2, "Name", "Text[100]")),),
        old=True,
        at="|Customer.Name",
        symbol="Name",
    ),
    Case(
        8,
        "AL0564",
        "pageextension 50000 X extends P { }",
        (page(9, "P"),),
        (page(9, "P", Extensible="0"),),
        at="|P",
        symbol="P",
    ),
    Case(
        9,
        "AL0185",
        'page 50000 X { layout { area(Content) { part(L; "Item List") { } } } }',
        (ITEM_LIST,),
        (),
        at='|"Item List"',
        symbol="Item List",
    ),
    Case(
        9,
        "AL0185",
        "page 50000 X { actions { area(Processing) { action(A) { AccessByPermission = tabledata Customer = R; } } } }",
        (CUSTOMER,),
        (),
        at="|Customer",
        symbol="Customer",
    ),
    Case(
        9,
        "AL0185",
        'permissionset 50000 X { IncludedPermissionSets = "Sales - Read"; }',
        ({"Kind_": "permissionset", "Id": 7, "Name": "Sales - Read"},),
        (),
        at='|"Sales - Read"',
        symbol="Sales - Read",
    ),
    Case(
        9,
        "AL0185",
        'enum 50000 X implements Price { value(0; A) { Implementation = Price = "Net Price"; } }',
        (interface("Price"), codeunit(7, "Net Price", interfaces=["Price"])),
        (interface("Price"),),
        at='|"Net Price"',
        symbol="Net Price",
    ),
    Case(
        10,
        "AL0270",
        "reportextension 50000 X extends R { requestpage { layout { addlast(Options) { } } } }",
        (report("R", request=[control("Options", 1), control("More", 1)]),),
        (report("R", request=[control("Settings", 1), control("More", 1)]),),
        at="|Options",
        symbol="Options",
    ),
    Case(
        13,
        "AL0122",
        'codeunit 50000 Work { procedure T(): Text var Post: Codeunit "Sales-Post"; begin exit(Post.Text()); end; }',
        (codeunit(80, "Sales-Post", method("Text", returns="Text")),),
        (codeunit(80, "Sales-Post", method("Text", returns="SecretText")),),
        at="|Post.Text",
        symbol="Text",
    ),
    Case(
        13,
        "AL0122",
        run("P := Post;", 'P: Interface Price; Post: Codeunit "Sales-Post"'),
        (interface("Price"), codeunit(80, "Sales-Post", interfaces=["Price"])),
        (interface("Price"), codeunit(80, "Sales-Post")),
        at="= |Post",
        symbol="Post",
    ),
    Case(
        19,
        "AL0161",
        "tableextension 50000 X extends Customer { procedure A() begin Rec.Blocked := true; end; }",
        (customer(field(3, "Blocked", "Boolean")),),
        (customer(field(3, "Blocked", "Boolean", Access="Internal")),),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        20,
        "AL0520",
        EXTENDS_CUSTOMER,
        (CUSTOMER,),
        (customer(ObsoleteState="Removed"),),
        at="|Customer",
        symbol="Customer",
    ),
    Case(
        20,
        "AL0433",
        "page 50000 X { SourceTable = Customer; }",
        (CUSTOMER,),
        (customer(ObsoleteState="Removed", ObsoleteReason="Gone.", ObsoleteTag="22.0"),),
        at="|Customer",
        symbol="Customer",
    ),
    Case(
        20,
        "AL0433",
        run("Customer.Blocked := true;", "Customer: Record Customer"),
        (customer(field(3, "Blocked", "Boolean")),),
        (customer(field(3, "Blocked", "Boolean", ObsoleteState="Removed")),),
        at="|Blocked",
        symbol="Blocked",
        level=Level.SOURCE,
    ),
    Case(
        23,
        "AL0155",
        "pageextension 50000 X extends P { layout { addlast(Content) { field(Mine; 1) { } } } }",
        (page(9, "P"),),
        (page(9, "P", controls=[control("Mine", 8)]),),
        at="|Mine",
        symbol="Mine",
    ),
    Case(
        23,
        "AL0155",
        "enumextension 50000 X extends Colour { value(50000; Pink) { } }",
        (enum(5, "Colour", "Red"),),
        (enum(5, "Colour", "Red", "Pink"),),
        at="|Pink",
        symbol="Pink",
    ),
    Case(
        26,
        "AL0803",
        TWO_EVENTS % "My_Event",
        (),
        (),
        fitting_source=TWO_EVENTS % "MyEvent",
        at="|My_Event",
        symbol="My_Event",
    ),
    Case(
        26,
        "AL0757",
        TWO_EVENTS % "My_Event",
        (),
        (),
        fitting_source=TWO_EVENTS.replace("[IntegrationEvent(false, false)] procedure %s", "procedure %s") % "My_Event",
        manifest={"runtime": "15.0"},
        base={"version": "26.0.0.0"},
        at="|My_Event",
        symbol="My_Event",
    ),
    Case(
        27,
        "AL0582",
        "codeunit 50000 X implements Price { procedure Get(N: Integer): Decimal begin end; }",
        (interface("Price", method("Get", "N: Integer", returns="Decimal")),),
        (interface("Price", method("Get", "N: Text", returns="Decimal")),),
        at="|Price",
        symbol="Get",
    ),
    Case(
        27,
        "AL0595",
        "enum 50000 X implements Price { value(0; A) { Implementation = Price = Net; } }",
        (interface("Price"), codeunit(7, "Net", interfaces=["Price"])),
        (interface("Price"), codeunit(7, "Net")),
        at="|Net",
        symbol="Net",
    ),
    Case(
        30,
        "AL0186",
        "page 50000 X { layout { area(Content) { part(L; P) { SubPageLink = Blocked = const(true); } } } }",
        (customer(field(3, "Blocked", "Boolean")), page(9, "P", SourceTable="Customer")),
        (CUSTOMER, page(9, "P", SourceTable="Customer")),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        30,
        "AL0186",
        "pageextension 50000 X extends P { actions { addlast(Processing) { action(A) { RunObject = page Q; "
        'RunPageLink = "No." = field(Blocked); } } } }',
        (
            customer(field(3, "Blocked", "Boolean")),
            page(9, "P", SourceTable="Customer"),
            page(8, "Q", SourceTable="Customer"),
        ),
        (CUSTOMER, page(9, "P", SourceTable="Customer"), page(8, "Q", SourceTable="Customer")),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        30,
        "AL0186",
        'page 50000 X { SourceTable = Customer; SourceTableView = sorting("No.") where(Blocked = const(true)); }',
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        30,
        "AL0186",
        'report 50000 R { dataset { dataitem(C; Customer) { DataItemTableView = sorting(Blocked, "No."); } } }',
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
        at="|Blocked",
        symbol="Blocked",
    ),
    Case(
        31,
        "AL0682",
        "reportextension 50000 X extends R { dataset { modify(Header) { } } }",
        (report("R", "Header"),),
        (report("R", "Head"),),
        at="|Header",
        symbol="Header",
        level=Level.SOURCE,
    ),
    Case(
        33,
        "AS0102",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer", returns="Boolean"))),
        old=True,
        base={"version": "25.2.0.0"},
        old_base={"version": "25.1.0.0"},
        at="|Go",
        symbol="Go",
    ),
]


def name_of(case: Case) -> str:
    return f"row{case.row}-{case.code}-{CASES.index(case)}"


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_change_of_the_base_triggers_its_row_and_nothing_else(case: Case) -> None:
    old = [base_app(*case.fits, **case.old_base)] if case.old else []
    fitting = extension(case.fitting_source or case.source, **case.manifest)
    assert codes(fitting, base_app(*case.fits, **case.base), old=old) == []
    report = check(extension(case.source, **case.manifest), base_app(*case.breaks, **case.base), old=old)
    (finding,) = report.findings
    rule = next(r for r in RULES if r.row == case.row)
    assert report.undecided == ()
    assert (finding.code, finding.severity) == (case.code, rule.codes[case.code])
    assert finding.level is (case.level or rule.level)
    assert (finding.symbol, finding.file) == (case.symbol, "src/Code.al")
    before, _, behind = case.at.partition("|")
    assert case.source.count(before + behind) == 1
    assert (finding.line, finding.column) == (1, case.source.index(before + behind) + len(before) + 1)


@pytest.mark.parametrize("case", [c for c in CASES if c.fits], ids=name_of)
def test_knowing_the_old_base_changes_no_verdict_and_adds_evidence(case: Case) -> None:
    old = [base_app(*case.fits, **case.old_base)]
    (finding,) = check(extension(case.source, **case.manifest), base_app(*case.breaks, **case.base), old=old).findings
    assert finding.code == case.code
    assert finding.before != finding.after
    assert finding.before or finding.after


LIBRARY = ("99999999-0000-0000-0000-000000000001", "Library", "Contoso", "2.0.0.0")


def library(version: str = "2.0.0.0", name: str = "Library", *objects: Json) -> bytes:
    return app(symbol_file(*objects), app_id=LIBRARY[0], name=name, publisher="Contoso", version=version)


@shows((1, "AL1022"), (2, "AL1022"), (5, "AL1076"))
def test_row_1_and_2_and_5_a_dependency_must_be_there_in_its_version_under_its_name() -> None:
    package = extension("", dependencies=[LIBRARY])
    assert codes(package, base_app(), library()) == []
    assert codes(package, base_app()) == ["AL1022"]
    assert codes(package, base_app(), library("1.9.0.0")) == ["AL1022"]
    answer = check(package, base_app(), library(name="Bookshelf"))
    assert ([f.code for f in answer.findings], answer.verdict) == (["AL1076"], Verdict.WARNINGS)


@shows((3, "AL1022"))
@pytest.mark.parametrize("attribute", ["application", "platform"])
def test_row_3_minimum_application_and_platform(attribute: str) -> None:
    assert codes(extension("", **{attribute: "25.1.1.0"}), base_app()) == []
    assert codes(extension("", **{attribute: "26.0.0.0"}), base_app()) == ["AL1022"]


@shows((4, "AL1043"))
def test_row_4_the_runtime_must_not_be_newer_than_the_base() -> None:
    assert codes(extension("", runtime="14.1"), base_app()) == []
    assert codes(extension("", runtime="14.2"), base_app()) == ["AL1043"]
    assert codes(extension("", runtime="15.0"), base_app()) == ["AL1043"]


@shows((29, "AL0196"))
def test_row_29_a_call_is_ambiguous_when_two_apps_add_the_same_procedure() -> None:
    def adds(kind: str) -> Json:
        added = method("Rate", "N: " + kind)
        return {
            "Kind_": "tableextension",
            "Id": 1,
            "Name": "E",
            "TargetObject": "Customer",
            "Methods": [added],
        }

    package = extension(run("Customer.Rate(1);", "Customer: Record Customer"), dependencies=[LIBRARY])
    base = base_app(CUSTOMER, adds("Integer"))
    assert codes(package, base, library("2.0.0.0", "Library", adds("Text"))) == []
    assert codes(package, base, library("2.0.0.0", "Library", adds("Integer"))) == ["AL0196"]


def in_namespace(space: str, o: Json) -> Json:
    return o | {"Namespace": space}


@shows((29, "AL0275"))
def test_row_29_a_name_is_ambiguous_when_two_apps_bring_it_in_namespaces_that_the_file_uses() -> None:
    source = "namespace Own.Work; using Microsoft.Sales; using Partner; " + run("Post.Go();", "Post: Codeunit Post")
    package = extension(source, dependencies=[LIBRARY])
    base = base_app(in_namespace("Microsoft.Sales", codeunit(80, "Post", method("Go"))))
    theirs = in_namespace("Partner", codeunit(90, "Post", method("Go")))
    elsewhere = in_namespace("Partner.Other", codeunit(90, "Post", method("Go")))
    assert codes(package, base, library("2.0.0.0", "Library", elsewhere)) == []
    report = check(package, base, library("2.0.0.0", "Library", theirs))
    (finding,) = report.findings
    assert (finding.code, finding.symbol) == ("AL0275", "Post")
    assert finding.column == source.index("Codeunit Post") + len("Codeunit ") + 1
    assert "Microsoft.Sales.Post or Partner.Post" in finding.suggestion
    qualified = extension(source.replace("Codeunit Post", "Codeunit Partner.Post"), dependencies=[LIBRARY])
    assert codes(qualified, base, library("2.0.0.0", "Library", theirs)) == []


BASE_ID = "437dbf0e-84ff-417a-965d-ed2bb9650972"


def foundation(*objects: Json) -> bytes:
    return app(symbol_file(*objects), app_id=LIBRARY[0], name="Foundation", publisher="Microsoft", version="2.0.0.0")


@shows((22, "AL0433"), (22, "AL0824"))
def test_row_22_a_moved_table_is_looked_for_in_the_app_that_it_moved_to() -> None:
    marker = customer(ObsoleteState="Moved", MovedTo=LIBRARY[0])
    moved = table(18, "Customer", field(1, "No.", "Code[20]"), MovedFrom=BASE_ID)
    source = run("", "C: Record Customer")
    gone = check(extension(source), base_app(marker)).findings
    assert [(f.code, f.symbol) for f in gone] == [("AL0433", "Customer")]
    assert LIBRARY[0] in gone[0].suggestion
    report = check(extension(source), base_app(marker), foundation(moved))
    assert [(f.code, f.symbol) for f in report.findings] == [("AL0824", "Customer")]
    assert "Add a dependency on Foundation by Microsoft" in report.findings[0].suggestion
    assert report.verdict is Verdict.WARNINGS
    reached = extension(source, dependencies=[(LIBRARY[0], "Foundation", "Microsoft", "1.0.0.0")])
    assert codes(reached, base_app(marker), foundation(moved)) == []


def test_row_22_a_move_is_told_once_per_file_and_only_where_the_old_owner_is_known() -> None:
    moved = table(18, "Customer", field(1, "No.", "Code[20]"), MovedFrom=BASE_ID)
    package = extension(run("", "C: Record Customer; D: Record Customer"))
    assert codes(package, base_app(), foundation(moved)) == ["AL0824"]
    # Without the old owner in the set nobody knows whether it passes the new one on.
    alone = check(package, foundation(moved)).findings
    assert alone == ()


def test_row_22_an_app_that_a_dependency_passes_on_is_within_reach() -> None:
    moved = table(18, "Customer", field(1, "No.", "Code[20]"), MovedFrom=BASE_ID)
    needs = (LIBRARY[0], "Foundation", "Microsoft", "1.0.0.0")
    package = extension(run("", "C: Record Customer"))
    assert codes(package, base_app(dependencies=[needs]), foundation(moved)) == ["AL0824"]
    assert codes(package, base_app(dependencies=[needs], propagates=True), foundation(moved)) == []


def test_row_23_the_new_owner_of_a_field_may_fill_the_place_that_it_left() -> None:
    source = "tableextension 50000 X extends Customer { fields { field(3; Blocked; Boolean) { } } }"
    assert codes(extension(source), base_app(customer(field(3, "Blocked", "Boolean")))) == ["AL0155"]
    marker = field(3, "Blocked", "Boolean", ObsoleteState="Moved", MovedTo="x")
    assert codes(extension(source), base_app(customer(marker))) == []


def test_row_27_a_member_with_other_parameters_is_not_implemented() -> None:
    source = "codeunit 50000 X implements Price { procedure Get(N: Integer): Decimal begin end; }"
    wanted = interface("Price", method("Get", "N: Integer", "M: Integer", returns="Decimal"))
    (finding,) = check(extension(source), base_app(wanted)).findings
    assert (finding.code, finding.suggestion) == ("AL0582", "Write: procedure Get(N: Integer; M: Integer): Decimal")


def test_row_29_two_objects_of_one_name_in_one_namespace_are_no_ambiguous_reference() -> None:
    package = extension(run("Post.Go();", "Post: Codeunit Post"), dependencies=[LIBRARY])
    twin = codeunit(80, "Post", method("Go"))
    assert codes(package, base_app(twin), library("2.0.0.0", "Library", twin)) == []


def test_row_29_a_file_without_namespace_tells_names_apart_unless_the_update_brings_the_second() -> None:
    package = extension(run("Post.Go();", "Post: Codeunit Post"), dependencies=[LIBRARY])
    base = base_app(in_namespace("Microsoft.Sales", codeunit(80, "Post", method("Go"))))
    theirs = library("2.0.0.0", "Library", in_namespace("Partner", codeunit(90, "Post", method("Go"))))
    plain = base_app(in_namespace("Microsoft.Sales", codeunit(80, "Post", method("Go"))), version="24.0.0.0")
    assert codes(package, base, theirs) == []
    assert codes(package, base, theirs, old=[plain, theirs]) == []
    assert codes(package, base, theirs, old=[plain, library()]) == ["AL0275"]


def test_row_22_a_field_that_moved_is_found_where_it_lives_now() -> None:
    marker = customer(field(3, "Blocked", "Boolean", ObsoleteState="Moved", MovedTo=LIBRARY[0]))
    extends = {
        "Kind_": "tableextension",
        "Id": 1,
        "Name": "E",
        "TargetObject": "Customer",
        "Fields": [field(3, "Blocked", "Boolean", MovedFrom=BASE_ID)],
    }
    package = extension(run("Customer.Blocked := true;", "Customer: Record Customer"))
    assert codes(package, base_app(marker), foundation(extends)) == []
    assert codes(package, base_app(marker)) == ["AL0433"]


def test_an_object_and_the_marker_that_it_left_behind_do_not_clash() -> None:
    marker = table(50000, "Loyalty", field(1, "Code", "Code[20]"), ObsoleteState="Moved", MovedTo="x")
    source = "table 50000 Loyalty { fields { field(1; Code; Code[20]) { } } }"
    assert codes(extension(source), base_app(marker)) == []
    still_there = table(50000, "Loyalty", field(1, "Code", "Code[20]"))
    assert codes(extension(source), base_app(still_there)) == ["AL0197", "AL0264"]


def test_row_11_an_enum_that_is_named_without_its_kind_is_missed_where_the_old_base_had_it() -> None:
    package = extension(run('I := "Colour Kind"::Red.AsInteger();', "I: Integer"))
    with_enum = base_app(enum(5, "Colour Kind", "Red"), version="24.0.0.0")
    assert codes(package, base_app(enum(5, "Colour Kind", "Red"))) == []
    assert codes(package, base_app()) == []
    (finding,) = check(package, base_app(enum(5, "Colour Sort", "Red")), old=[with_enum]).findings
    assert (finding.code, finding.symbol) == ("AL0118", "Colour Kind")
    assert finding.suggestion == 'It is called "Colour Sort" now.'
    pending = enum(5, "Colour Kind", "Red", ObsoleteState="Pending", ObsoleteTag="24.0")
    assert codes(package, base_app(pending)) == ["AL0432"]


def test_row_33_a_major_update_compiles_anew_so_a_new_return_value_is_no_finding() -> None:
    package = extension(run("Post.Go(Customer);"))
    returning = codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer", returns="Boolean"))
    assert codes(package, base_app(CUSTOMER, returning), old=[base_app(CUSTOMER, POST, version="24.0.0.0")]) == []


def test_every_code_that_the_table_claims_is_triggered_by_a_test_and_no_other() -> None:
    shown = SHOWN | {(c.row, c.code) for c in CASES} | {(34, case[0]) for case in test_schema.CASES}
    assert shown == {(rule.row, code) for rule in RULES for code in rule.codes}


def test_the_table_has_every_row_and_what_is_not_decided_says_why() -> None:
    assert [rule.row for rule in RULES] == list(range(1, 36))
    assert all(rule.codes or rule.undecided.startswith("not decidable here, because") for rule in RULES)


def test_a_code_has_one_severity_whatever_row_it_stands_in() -> None:
    for rule in RULES:
        assert all(SEVERITIES[code] is severity for code, severity in rule.codes.items())
