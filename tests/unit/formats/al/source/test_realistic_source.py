"""Larger AL sources with everything that the language offers: no false finding, and no part that is lost."""

from pathlib import Path

import pytest

from shared.formats.al.finding import Compatibility, Report
from shared.formats.al.source.parser import parse_source
from shared.formats.al.source.syntax import Node, ObjectDecl, Procedure
from tests.support.al_checks import check
from tests.support.al_packages import (
    Json,
    action,
    app,
    base_app,
    codeunit,
    control,
    enum,
    event,
    field,
    method,
    page,
    table,
)

SOURCES = sorted((Path(__file__).parent / "sources").glob("*.al"))

CUSTOMER = table(
    18,
    "Customer",
    field(1, "No.", "Code[20]"),
    field(2, "Name", "Text[100]"),
    field(20, "Credit Limit (LCY)", "Decimal"),
    field(39, "Blocked", "Option  ,Ship,Invoice,All"),
    field(58, "Balance", "Decimal", FieldClass="FlowField"),
)
SALES_HEADER = table(
    36,
    "Sales Header",
    field(1, "Document Type", "Option Quote,Order,Invoice"),
    field(2, "Sell-to Customer No.", "Code[20]"),
    field(3, "No.", "Code[20]"),
    field(20, "Posting Date", "Date"),
    field(60, "Amount", "Decimal"),
)
CARD = page(
    21,
    "Customer Card",
    controls=[control("General", 1, control("No.", 8), control("Name", 8))],
    actions=[action("Statement")],
    methods=[method("Recalculate", "N: Text"), method("Refresh", "N: Integer")],
    SourceTable="Customer",
)
PART = page(
    22,
    "Customer List Part",
    controls=[control("No.", 8), control("Name", 8)],
    actions=[action("Statement")],
    SourceTable="Customer",
)
POST = codeunit(
    80,
    "Sales-Post",
    event("OnBeforePostSalesDoc", "var SalesHeader: Record 36 Sales Header", "PreviewMode: Boolean", sender=True),
)
REPORT: Json = {
    "Kind_": "report",
    "Id": 101,
    "Name": "Customer List",
    "DataItems": [{"Name": "CustomerItem", "RelatedTable": "Customer"}],
    "RequestPage": {"Controls": [control("Options", 1)]},
    "Methods": [event("OnAfterPrint", "Total: Decimal")],
}
SALES_READ: Json = {"Kind_": "permissionset", "Id": 70, "Name": "Sales - Read"}
TYPE_HELPER = codeunit(10, "Type Helper") | {"Namespace": "System.Utilities"}


def base(**manifest: str) -> bytes:
    customer = CUSTOMER | {"Namespace": "Microsoft.Sales.Customer"}
    objects = (customer, SALES_HEADER, CARD, PART, POST, REPORT, SALES_READ, TYPE_HELPER, enum(5, "Colour", "Red"))
    return base_app(*objects, **manifest)


def judge(sources: dict[str, str], *bases: bytes) -> Report:
    return check(app({}, sources, application="25.0.0.0", target="Cloud"), *(bases or (base(),)))


def test_everything_that_the_language_offers_gives_no_finding_and_nothing_is_left_open() -> None:
    report = judge({path.name: path.read_text() for path in SOURCES})
    assert report.findings == ()
    assert report.undecided == ()
    assert report.verdict is Compatibility.COMPATIBLE


def procedures(node: Node) -> list[Procedure]:
    return [*node.procedures, *(p for child in node.children for p in procedures(child))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.name)
def test_no_object_and_no_body_is_lost(path: Path) -> None:
    text = path.read_text()
    source = parse_source(path.name, text)
    assert source.problems == []
    found = {(o.kind, o.name) for o in source.objects}
    declared = [line.split() for line in text.splitlines() if line and line[0].isalpha() and not line.endswith(";")]
    kinds = [words[0] for words in declared if words[0] != "over" and words[0] != "begin"]
    assert sorted(kinds) == sorted(kind for kind, _ in found)
    assert not [p.name for o in source.objects for p in procedures(o.root) if p.problem]


def test_each_break_in_a_realistic_source_is_found_where_it_is() -> None:
    """The same sources against a base that lost one thing at a time: only that is reported."""
    sources = {path.name: path.read_text() for path in SOURCES}
    lost = {f["Name"] for f in CUSTOMER["Fields"]} - {"No.", "Name"}
    for name in sorted(lost):
        fields = [f for f in CUSTOMER["Fields"] if f["Name"] != name]
        customer = CUSTOMER | {"Fields": fields, "Namespace": "Microsoft.Sales.Customer"}
        smaller = base_app(
            customer, SALES_HEADER, CARD, PART, POST, REPORT, SALES_READ, TYPE_HELPER, enum(5, "Colour", "Red")
        )
        report = judge(sources, smaller)
        assert {f.symbol for f in report.findings} == {name}, name


def test_a_file_that_is_no_al_loses_no_other_file() -> None:
    good = "codeunit 50000 A { var C: Codeunit Gone; }"
    for bad in ("codeunit 50001 B { procedure P() begin 'open", "}{ nothing", "\x00\x01\x02", "#if X", "/* open"):
        report = judge({"Bad.al": bad, "Good.al": good})
        assert [(f.code, f.symbol, f.file) for f in report.findings] == [("AL0185", "Gone", "src/Good.al")]
        assert any("Bad.al" in reason for reason in report.undecided)


def test_an_object_behind_one_that_cannot_be_read_is_checked_all_the_same() -> None:
    source = """codeunit 50000 A { procedure P() begin x := ; end; procedure Q() var C: Codeunit Gone; begin end; }
    codeunit 50001 B { this is nonsense }
    codeunit 50002 C { var C: Codeunit "Gone Too"; }"""
    report = judge({"Code.al": source})
    assert [(f.symbol, f.line) for f in report.findings] == [("Gone", 1), ("Gone Too", 3)]
    assert len(report.undecided) == 2


def objects_of(text: str) -> list[ObjectDecl]:
    return parse_source("x.al", text).objects


def test_namespaces_and_usings_belong_to_their_file() -> None:
    source = parse_source("x.al", "namespace A.B; using C.D; using E; codeunit 1 X { }")
    assert (source.namespace, source.usings) == ("A.B", ["C.D", "E"])
    assert [o.namespace for o in source.objects] == ["A.B"]
