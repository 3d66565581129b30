"""Each row of the rule table: one change of the base that triggers it, and a neighbour that does not."""

from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

import pytest

from services.extension_compatibility_checker.al.finding import Verdict
from services.extension_compatibility_checker.al.rules import RULES
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


POST = codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer"))
ITEM_LIST = page(31, "Item List", controls=[control("Content", 0, control("Item", 3, number=1))], SourceTable="Item")
RENAMED_LIST = page(31, "Item List", controls=[control("Content", 0, control("Control1", 3, number=1))])

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
    ),
    Case(7, "AL0247", EXTENDS_CUSTOMER, (CUSTOMER,), ()),
    Case(8, "AL0564", "tableextension 50000 X extends Customer { }", (CUSTOMER,), (customer(Extensible="0"),)),
    Case(
        8,
        "AL0504",
        'enumextension 50000 X extends Colour { value(50000; "Pink") { } }',
        (enum(5, "Colour", "Red"),),
        (enum(5, "Colour", "Red", Extensible="0"),),
    ),
    Case(9, "AL0185", run("", "C: Record Customer"), (CUSTOMER,), ()),
    Case(9, "AL0185", "page 50000 X { SourceTable = Customer; }", (CUSTOMER,), ()),
    Case(9, "AL0132", run('Page.Run(Page::"Item List");', "I: Integer"), (ITEM_LIST,), ()),
    Case(
        9,
        "AL0185",
        'page 50000 X { actions { area(Processing) { action(A) { RunObject = page "Item List"; } } } }',
        (ITEM_LIST,),
        (),
    ),
    Case(
        9,
        "AL0185",
        "permissionset 50000 X { Permissions = tabledata Customer = RIMD, table * = X; }",
        (CUSTOMER,),
        (),
    ),
    Case(
        10,
        "AL0270",
        'pageextension 50000 X extends "Item List" { layout { addlast(Item) { } } }',
        (ITEM_LIST,),
        (RENAMED_LIST,),
    ),
    Case(
        10,
        "AL0270",
        'pageextension 50000 X extends "Item List" { layout { modify(Item) { Visible = false; } } }',
        (ITEM_LIST,),
        (RENAMED_LIST,),
    ),
    Case(
        10,
        "AL0270",
        'pageextension 50000 X extends "Item List" { layout { movefirst(Content; Item) } }',
        (ITEM_LIST,),
        (RENAMED_LIST,),
    ),
    Case(
        10,
        "AL0271",
        "pageextension 50000 X extends P { actions { addafter(Post) { action(Mine) { } } } }",
        (page(9, "P", actions=[action("Post")]),),
        (page(9, "P", actions=[action("PostAll")]),),
    ),
    Case(
        10,
        "AL0533",
        "pageextension 50000 X extends P { views { addafter(Mine) { view(Other) { } } } }",
        (page(9, "P") | {"Views": [{"Name": "Mine"}]},),
        (page(9, "P"),),
    ),
    Case(
        11,
        "AL0132",
        run("Customer.Blocked := true;", "Customer: Record Customer"),
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
    ),
    Case(
        11,
        "AL0132",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post")),
    ),
    Case(
        11,
        "AL0132",
        run("if C = Enum::Colour::Green then;", "C: Enum Colour"),
        (enum(5, "Colour", "Red", "Green"),),
        (enum(5, "Colour", "Red"),),
    ),
    Case(
        11,
        "AL0118",
        run('Customer.SetRange("Post Code", X);', "Customer: Record Customer; X: Code[20]"),
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
    ),
    Case(
        11,
        "AL0118",
        "tableextension 50000 X extends Customer { procedure A() begin \"Post Code\" := '1'; end; }",
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
    ),
    Case(
        11,
        "AL0295",
        "tableextension 50000 X extends Customer { fields { modify(\"Post Code\") { Caption = 'c'; } } }",
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
    ),
    Case(
        11,
        "AL0132",
        "page 50000 P { SourceTable = Customer; layout { area(Content) { field(B; Rec.Blocked) { } } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
    ),
    Case(
        11,
        "AL0118",
        'report 50000 R { dataset { dataitem(C; Customer) { column(B; "Post Code") { } } } }',
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
    ),
    Case(
        12,
        "AL0126",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go"))),
    ),
    Case(
        12,
        "AL0135",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer", "Hide: Boolean"))),
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
    ),
    Case(
        13,
        "AL0122",
        run("T := Post.Text();", 'T: Text; Post: Codeunit "Sales-Post"'),
        (codeunit(80, "Sales-Post", method("Text", returns="Text")),),
        (codeunit(80, "Sales-Post", method("Text", returns="SecretText")),),
    ),
    Case(
        14,
        "AL0130",
        run("Post.Go(1);", 'Post: Codeunit "Sales-Post"'),
        (codeunit(80, "Sales-Post", method("Go", "N: Integer")),),
        (codeunit(80, "Sales-Post", method("Go", "var N: Integer")),),
    ),
    Case(
        15,
        "AL0280",
        subscriber("OnBeforePost"),
        (codeunit(80, "Sales-Post", event("OnBeforePost")),),
        (codeunit(80, "Sales-Post", event("OnAfterPost")),),
    ),
    Case(
        15,
        "AL0281",
        subscriber("OnBeforePost"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", IsLocal=True)),),
        (codeunit(80, "Sales-Post", method("OnBeforePost")),),
    ),
    Case(
        15,
        "AL0462",
        subscriber("OnBeforePost"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", kind="BusinessEvent")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", kind="InternalEvent")),),
    ),
    Case(
        16,
        "AL0282",
        subscriber("OnBeforePost", "PreviewMode: Boolean"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "Hide: Boolean", "PreviewMode: Boolean")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "Hide: Boolean")),),
    ),
    Case(
        16,
        "AL0282",
        subscriber("OnAfterValidateEvent", "var Rec: Record Customer", "Post Code", "Database::Customer"),
        (customer(field(91, "Post Code", "Code[20]")),),
        (CUSTOMER,),
    ),
    Case(
        17,
        "AL0284",
        subscriber("OnBeforePost", "N: Integer"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "N: Integer")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "N: Boolean")),),
    ),
    Case(
        17,
        "AL0284",
        subscriber("OnOpenPageEvent", "var Rec: Record Customer", publisher="Page::P"),
        (CUSTOMER, page(9, "P", SourceTable="Customer")),
        (CUSTOMER, table(5, "Other", field(1, "A", "Code[20]")), page(9, "P", SourceTable="Other")),
    ),
    Case(
        17,
        "AL0288",
        subscriber("OnBeforePost", "var N: Integer"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "var N: Integer")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "N: Integer")),),
    ),
    Case(
        17,
        "AL0588",
        subscriber("OnBeforePost", "C: Option A,B"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "C: Option A,B")),),
        (enum(5, "Colour", "A"), codeunit(80, "Sales-Post", event("OnBeforePost", "C: Enum 5 Colour"))),
    ),
    Case(
        17,
        "AL0593",
        subscriber("OnBeforePost", "C: Code[10]"),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "C: Code[10]")),),
        (codeunit(80, "Sales-Post", event("OnBeforePost", "C: Code[20]")),),
    ),
    Case(
        18,
        "AL0282",
        subscriber("OnBeforePost", 'sender: Codeunit "Sales-Post"'),
        (codeunit(80, "Sales-Post", event("OnBeforePost", sender=True)),),
        (codeunit(80, "Sales-Post", event("OnBeforePost")),),
    ),
    Case(
        19,
        "AL0161",
        run("Post.Go(Customer);"),
        (CUSTOMER, POST),
        (CUSTOMER, codeunit(80, "Sales-Post", method("Go", "var R: Record 18 Customer", IsInternal=True))),
    ),
    Case(19, "AL0161", run("", "C: Record Customer"), (CUSTOMER,), (customer(Access="Internal"),)),
    Case(20, "AL0433", run("", "C: Record Customer"), (CUSTOMER,), (customer(ObsoleteState="Removed"),)),
    Case(
        20,
        "AL0450",
        "tableextension 50000 X extends Customer { keys { key(K; Blocked) { } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (customer(field(3, "Blocked", "Boolean", ObsoleteState="Removed", ObsoleteReason="Gone.")),),
    ),
    Case(
        21,
        "AL0432",
        run("", "C: Record Customer"),
        (CUSTOMER,),
        (customer(ObsoleteState="Pending", ObsoleteTag="24.0"),),
    ),
    Case(22, "AL0433", run("", "C: Record Customer"), (CUSTOMER,), (customer(ObsoleteState="Moved"),)),
    Case(
        23,
        "AL0155",
        'tableextension 50000 X extends Customer { fields { field(50000; "Loyalty"; Code[10]) { } } }',
        (CUSTOMER,),
        (customer(field(5794, "Loyalty", "Code[10]")),),
    ),
    Case(
        23,
        "AL0155",
        "pageextension 50000 X extends P { actions { addlast(Processing) { action(Mine) { } } } }",
        (page(9, "P"),),
        (page(9, "P", actions=[action("Mine")]),),
    ),
    Case(
        24,
        "AL0206",
        'tableextension 50000 X extends Customer { fields { field(50000; "Loyalty"; Code[10]) { } } }',
        (CUSTOMER,),
        (customer(field(50000, "Other", "Code[10]")),),
    ),
    Case(
        24,
        "AL0231",
        "enumextension 50000 X extends Colour { value(1; Pink) { } }",
        (enum(5, "Colour", "Red"),),
        (enum(5, "Colour", "Red", "Green"),),
    ),
    Case(25, "AL0264", run("", "I: Integer"), (codeunit(50001, "Other"),), (codeunit(50000, "Other"),)),
    Case(25, "AL0197", run("", "I: Integer"), (codeunit(50001, "Other"),), (codeunit(50001, "Work"),)),
    Case(
        27,
        "AL0582",
        "codeunit 50000 X implements Price { procedure Get(): Decimal begin end; }",
        (interface("Price", method("Get", returns="Decimal")),),
        (interface("Price", method("Get", returns="Decimal"), method("Explain", "Long: Boolean")),),
    ),
    Case(
        28,
        "AL0596",
        "enumextension 50000 X extends Colour { value(50000; Pink) { } }",
        (interface("Price"), enum(5, "Colour", "Red")),
        (interface("Price"), enum(5, "Colour", "Red", interfaces=["Price"])),
    ),
    Case(
        30,
        "AL0132",
        TABLE % "TableRelation = Customer.Code where(Blocked = const(true))",
        (customer(field(3, "Code", "Code[20]"), field(4, "Blocked", "Boolean")),),
        (customer(field(3, "Code", "Code[20]")),),
    ),
    Case(
        30,
        "AL0132",
        TABLE % 'CalcFormula = sum(Customer.Amount where("No." = field(A)))',
        (customer(field(3, "Amount", "Decimal")),),
        (CUSTOMER,),
    ),
    Case(
        30,
        "AL0186",
        "tableextension 50000 X extends Customer { keys { key(K; Blocked) { } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
    ),
    Case(
        31,
        "AL0345",
        "query 50000 Q { elements { dataitem(C; Customer) { column(B; Blocked) { } } } }",
        (customer(field(3, "Blocked", "Boolean")),),
        (CUSTOMER,),
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
    ),
    Case(
        32,
        "AS0086",
        run("T := Customer.Name;", "T: Text[50]; Customer: Record Customer"),
        (CUSTOMER,),
        (table(18, "Customer", field(1, "No.", "Code[20]"), field(2, "Name", "Text[100]")),),
        old=True,
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"row{c.row}-{c.code}-{CASES.index(c)}")
def test_a_change_of_the_base_triggers_its_row_and_nothing_else(case: Case) -> None:
    package = extension(case.source, **case.manifest)
    old = [base_app(*case.fits, version="24.0.0.0")] if case.old else []
    assert codes(package, base_app(*case.fits), old=old) == []
    assert codes(package, base_app(*case.breaks), old=old) == [case.code]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"row{c.row}-{c.code}-{CASES.index(c)}")
def test_knowing_the_old_base_changes_no_verdict(case: Case) -> None:
    old = [base_app(*case.fits, version="24.0.0.0")]
    assert codes(extension(case.source), base_app(*case.breaks), old=old) == [case.code]


LIBRARY = ("99999999-0000-0000-0000-000000000001", "Library", "Contoso", "2.0.0.0")


def library(version: str = "2.0.0.0", name: str = "Library", *objects: Json) -> bytes:
    return app(symbol_file(*objects), app_id=LIBRARY[0], name=name, publisher="Contoso", version=version)


def test_row_1_and_2_and_5_a_dependency_must_be_there_in_its_version_under_its_name() -> None:
    package = extension("", dependencies=[LIBRARY])
    assert codes(package, base_app(), library()) == []
    assert codes(package, base_app()) == ["AL1022"]
    assert codes(package, base_app(), library("1.9.0.0")) == ["AL1022"]
    answer = check(package, base_app(), library(name="Bookshelf"))
    assert ([f.code for f in answer.findings], answer.verdict) == (["AL1076"], Verdict.WARNINGS)


@pytest.mark.parametrize("attribute", ["application", "platform"])
def test_row_3_minimum_application_and_platform(attribute: str) -> None:
    assert codes(extension("", **{attribute: "25.1.1.0"}), base_app()) == []
    assert codes(extension("", **{attribute: "26.0.0.0"}), base_app()) == ["AL1022"]


def test_row_4_the_runtime_must_not_be_newer_than_the_base() -> None:
    assert codes(extension("", runtime="14.1"), base_app()) == []
    assert codes(extension("", runtime="14.2"), base_app()) == ["AL1043"]
    assert codes(extension("", runtime="15.0"), base_app()) == ["AL1043"]


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


def test_every_row_is_tested_or_says_why_it_is_not_decided() -> None:
    tested = {case.row for case in CASES} | {1, 2, 3, 4, 5, 29, 35}  # 35: the tests of sets
    for rule in RULES:
        assert (rule.row in tested) == rule.implemented
        assert rule.implemented or rule.undecided.startswith("not decidable here, because")
    assert [rule.row for rule in RULES] == list(range(1, 36))


def test_every_code_of_a_row_is_tested() -> None:
    tested = {(c.row, c.code) for c in CASES}
    listed = {(r.row, code) for r in RULES for code in r.codes if r.row not in (1, 2, 3, 4, 5, 29, 35)}
    assert listed == tested
