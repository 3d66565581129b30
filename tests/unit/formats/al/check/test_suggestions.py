"""What a finding suggests to write instead, and what it foretells: one test for each kind."""

from typing import Any

import pytest

from shared.formats.al.check.suggestions import predicted_removal
from shared.formats.al.finding import BreakFinding, BreakSeverity, Compatibility
from shared.formats.al.symbols.symbols import Obsolete
from tests.support.al_checks import check
from tests.support.al_packages import (
    Json,
    action,
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
    table,
)

CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"), field(5, "Contact Name", "Text[50]"))
OLD_LIST = page(
    31, "Item List", controls=[control("Content", 0, control("Item", 3, control("Qty", 8, number=7), number=1))]
)


def only(source: str, after: tuple[Json, ...], before: tuple[Json, ...] = ()) -> BreakFinding:
    old = [base_app(*before, version="24.0.0.0")] if before else []
    (finding,) = check(extension(source), base_app(*after), old=old).findings
    return finding


def run(body: str, variables: str) -> str:
    return f"codeunit 50000 Work {{ trigger OnRun() var {variables}; begin {body} end; }}"


def subscribes(parameters: str, name: str = "OnBeforePost", publisher: str = 'Codeunit::"Sales-Post"') -> str:
    kind = publisher.partition("::")[0].replace("Database", "Table")
    attribute = f"[EventSubscriber(ObjectType::{kind}, {publisher}, '{name}', '', false, false)]"
    return f"codeunit 50000 Work {{ {attribute} local procedure Handle({parameters}) begin end; }}"


def pending(reason: str = "Use New.", tag: str = "24.0") -> dict[str, Any]:
    return {"ObsoleteState": "Pending", "ObsoleteReason": reason, "ObsoleteTag": tag}


def test_an_object_that_was_renamed_is_found_by_its_id() -> None:
    finding = only(run("", 'P: Codeunit "Sales-Post"'), (codeunit(80, "Sales-Posting"),), (codeunit(80, "Sales-Post"),))
    assert finding.suggestion == 'It is called "Sales-Posting" now.'
    assert (finding.before, finding.after) == ('codeunit 80 "Sales-Post"', "")


def test_a_field_that_was_renamed_is_found_by_its_id() -> None:
    renamed = table(18, "Customer", field(1, "No.", "Code[20]"), field(5, "Contact", "Text[50]"))
    finding = only(run("C.\"Contact Name\" := '';", "C: Record Customer"), (renamed,), (CUSTOMER,))
    assert finding.suggestion == 'Field 5 is called "Contact" now.'
    assert finding.before == 'field(5; "Contact Name"; Text[50])'


def test_an_enum_value_that_was_renamed_is_found_by_its_ordinal() -> None:
    source = run("if C = Enum::Colour::Green then;", "C: Enum Colour")
    finding = only(source, (enum(5, "Colour", "Red", "Lime"),), (enum(5, "Colour", "Red", "Green"),))
    assert finding.suggestion == 'Value 1 is called "Lime" now.'


ANCHORED = 'pageextension 50000 X extends "Item List" { layout { %s } }'


def test_a_control_is_found_by_its_id() -> None:
    new = page(31, "Item List", controls=[control("C1", 3, number=1), control("C2", 3, number=2)])
    finding = only(ANCHORED % "addlast(Item) { }", (new,), (OLD_LIST,))
    assert finding.suggestion == "Use C1: it is the repeater that Item was."
    assert (finding.before, finding.after) == ("repeater(Item)", "")


def test_a_control_is_found_by_its_kind_if_it_is_the_only_one() -> None:
    new = page(31, "Item List", controls=[control("C1", 3, number=9), control("Group", 1, number=2)])
    assert only(ANCHORED % "addlast(Item) { }", (new,), (OLD_LIST,)).suggestion.startswith("Use C1:")


def test_a_control_is_found_by_its_name_without_the_old_base() -> None:
    new = page(31, "Item List", controls=[control("Unit Quantity", 8), control("Quantities", 8), control("Name", 8)])
    finding = only(ANCHORED % "addafter(Quantity) { }", (new,))
    assert finding.suggestion == 'Did you mean "Quantities"?'


def test_the_repeater_is_suggested_for_what_is_added_to_a_page_without_the_old_base() -> None:
    new = page(31, "Item List", controls=[control("Control1", 3), control("Name", 8)])
    assert only(ANCHORED % "addlast(Item) { }", (new,)).suggestion == "Use Control1, the page's repeater."


def test_an_object_that_moved_to_another_namespace_needs_a_using() -> None:
    source = "namespace Own; using Microsoft.Sales; " + run("", "C: Record Customer")
    before, after = (CUSTOMER | {"Namespace": n} for n in ("Microsoft.Sales", "Microsoft.CRM"))
    finding = only(source, (after,), (before,))
    assert (finding.code, finding.suggestion) == ("AL0185", "Add: using Microsoft.CRM;")
    assert (finding.before, finding.after) == (
        "table 18 Microsoft.Sales.Customer",
        "table 18 Microsoft.CRM.Customer",
    )


def test_an_object_that_is_named_with_its_old_namespace_gets_the_new_one() -> None:
    source = run("", "C: Record Microsoft.Sales.Customer")
    assert (
        only(source, (CUSTOMER | {"Namespace": "Microsoft.CRM"},)).suggestion == "It is in namespace Microsoft.CRM now."
    )


def test_an_object_of_another_kind_is_named() -> None:
    finding = only(run("", 'L: Codeunit "Change Log"'), (page(423, "Change Log"),))
    assert finding.suggestion == 'There is a page 423 "Change Log" now.'


def test_the_reason_that_the_old_base_gave_is_repeated() -> None:
    old = codeunit(80, "Sales-Post", **pending("Use codeunit Posting."))
    assert only(run("", 'P: Codeunit "Sales-Post"'), (), (old,)).suggestion == "Use codeunit Posting."


def test_the_nearest_name_is_the_last_resort() -> None:
    assert only(run("", 'P: Codeunit "Sales-Pots"'), (codeunit(80, "Sales-Post"),)).suggestion == (
        'Did you mean "Sales-Post"?'
    )


def test_an_event_that_was_renamed_is_found_by_its_parameters() -> None:
    before = codeunit(80, "Sales-Post", event("OnBeforePost", "Hide: Boolean", "var N: Integer"), event("OnOther"))
    renamed = event("OnStartPosting", "Hide: Boolean", "var N: Integer")
    after = codeunit(80, "Sales-Post", renamed, event("OnOther"))
    for old in ((before,), ()):
        finding = only(subscribes("Hide: Boolean; var N: Integer"), (after,), old)
        assert finding.suggestion == (
            "Subscribe to OnStartPosting: it has the same parameters. "
            "The event is: OnStartPosting(Hide: Boolean; var N: Integer)"
        )


def test_an_event_that_moved_to_another_publisher_is_found_by_its_name() -> None:
    moved = codeunit(81, "Sales-Post (Yes/No)", event("OnBeforePost", "Hide: Boolean"))
    expected = 'codeunit 81 "Sales-Post (Yes/No)" publishes it. The event is: OnBeforePost(Hide: Boolean)'
    gone = only(subscribes(""), (codeunit(80, "Sales-Post"), moved))
    assert (gone.code, gone.suggestion) == ("AL0280", expected)
    publisher_gone = only(subscribes(""), (moved,))
    assert (publisher_gone.code, publisher_gone.suggestion) == ("AL0132", expected)


CHANGED = codeunit(80, "Sales-Post", event("OnBeforePost", "var Customer: Record 18 ", "N: Code[20]", sender=True))


@pytest.mark.parametrize(
    ("code", "given", "written"),
    [
        ("AL0282", "var Customer: Record Customer; Gone: Boolean", "var Customer: Record Customer"),
        ("AL0284", "N: Boolean", "N: Code[20]"),
        ("AL0593", "N: Code[10]", "N: Code[20]"),
        ("AL0288", "var N: Code[20]", "N: Code[20]"),
        ("AL0282", 'sender: Codeunit "Sales-Post"; Gone: Boolean', 'sender: Codeunit "Sales-Post"'),
    ],
)
def test_for_a_changed_event_the_subscribers_header_is_written_out(code: str, given: str, written: str) -> None:
    finding = only(subscribes(given), (CUSTOMER, CHANGED))
    assert finding.code == code
    assert finding.suggestion == (
        f"Write: local procedure Handle({written}). "
        "The event is: OnBeforePost(var Customer: Record Customer; N: Code[20])"
    )
    assert finding.after == (
        "[IntegrationEvent(true, false)] procedure OnBeforePost(var Customer: Record Customer; N: Code[20])"
    )


def test_a_changed_procedure_is_shown_before_and_after() -> None:
    before = codeunit(80, "Sales-Post", method("Go", "N: Integer"))
    after = codeunit(80, "Sales-Post", method("Go", "N: Integer", "Hide: Boolean"))
    finding = only(run("P.Go(1);", 'P: Codeunit "Sales-Post"'), (after,), (before,))
    assert (finding.before, finding.after) == ("procedure Go(N: Integer)", "procedure Go(N: Integer; Hide: Boolean)")
    assert finding.suggestion == "The procedure is: Go(N: Integer; Hide: Boolean)"


def test_the_member_of_an_interface_is_written_out() -> None:
    source = "codeunit 50000 X implements Price { }"
    finding = only(source, (interface("Price", method("Get", "N: Integer", returns="Decimal")),))
    assert finding.suggestion == "Add: procedure Get(N: Integer): Decimal"


def test_without_the_old_base_nothing_is_claimed_of_what_was_before() -> None:
    finding = only(
        run("P.Go();", 'P: Codeunit "Sales-Post"'), (codeunit(80, "Sales-Post", method("Go", "N: Integer")),)
    )
    assert (finding.before, finding.after) == ("", "procedure Go(N: Integer)")


# -- what is to come -------------------------------------------------------------------------------

PENDING_TABLE = table(18, "Customer", field(1, "No.", "Code[20]"), **pending())
PENDING_FIELD = table(18, "Customer", field(1, "No.", "Code[20]"), field(2, "Old", "Boolean", **pending()))
PENDING_EVENT = codeunit(
    80,
    "Sales-Post",
    method("OnBeforePost", attributes=[("IntegrationEvent", ["False"]), ("Obsolete", ["Use New.", "24.0"])]),
)
PENDING_CALL = codeunit(80, "Sales-Post", method("Go", attributes=[("Obsolete", ["Use New.", "24.0"])]))
PENDING_VALUE = enum(5, "Colour", "Red") | {
    "Values": [{"Ordinal": 0, "Name": "Red", "Properties": [{"Name": n, "Value": v} for n, v in pending().items()]}]
}
PENDING_PAGE = page(9, "P", **pending())
PENDING_CONTROL = page(9, "P", controls=[control("Old", 1) | {"Properties": PENDING_VALUE["Values"][0]["Properties"]}])

FORECASTS: dict[str, tuple[Json, str, str]] = {
    "variable": (PENDING_TABLE, run("", "C: Record Customer"), "Table 'Customer'"),
    "parameter": (PENDING_TABLE, "codeunit 50000 A { procedure P(C: Record Customer) begin end; }", "Table 'Customer'"),
    "call": (PENDING_CALL, run("P.Go();", 'P: Codeunit "Sales-Post"'), "Procedure 'Go'"),
    "field in code": (PENDING_FIELD, run("C.Old := true;", "C: Record Customer"), "Field 'Old'"),
    "field as argument": (PENDING_FIELD, run("C.SetRange(Old);", "C: Record Customer"), "Field 'Old'"),
    "field on a page": (
        PENDING_FIELD,
        "page 50000 A { SourceTable = Customer; layout { area(Content) { field(B; Rec.Old) { } } } }",
        "Field 'Old'",
    ),
    "enum value": (PENDING_VALUE, run("if C = C::Red then;", "C: Enum Colour"), "Value 'Red'"),
    "table relation": (
        PENDING_TABLE,
        "table 50000 T { fields { field(1; A; Code[20]) { TableRelation = Customer; } } }",
        "Table 'Customer'",
    ),
    "field in a table relation": (
        PENDING_FIELD,
        "table 50000 T { fields { field(1; A; Boolean) { TableRelation = Customer.Old; } } }",
        "Field 'Old'",
    ),
    "table extension": (PENDING_TABLE, "tableextension 50000 X extends Customer { }", "Table 'Customer'"),
    "page extension": (PENDING_PAGE, "pageextension 50000 X extends P { }", "Page 'P'"),
    "anchor": (
        PENDING_CONTROL,
        "pageextension 50000 X extends P { layout { addafter(Old) { } } }",
        "Control 'Old'",
    ),
    "page part": (PENDING_PAGE, "page 50000 X { layout { area(Content) { part(A; P) { } } } }", "Page 'P'"),
    "page that code runs": (PENDING_PAGE, run("Page.Run(Page::P);", "I: Integer"), "Page 'P'"),
    "page that an action runs": (
        PENDING_PAGE,
        "page 50000 X { actions { area(Processing) { action(A) { RunObject = page P; } } } }",
        "Page 'P'",
    ),
    "source table": (PENDING_TABLE, "page 50000 X { SourceTable = Customer; }", "Table 'Customer'"),
    "data item": (PENDING_TABLE, "report 50000 X { dataset { dataitem(A; Customer) { } } }", "Table 'Customer'"),
    "event": (PENDING_EVENT, subscribes(""), "Event 'OnBeforePost'"),
    "event publisher": (
        codeunit(80, "Sales-Post", event("OnBeforePost"), **pending()),
        subscribes(""),
        "Codeunit 'Sales-Post'",
    ),
    "interface": (
        interface("Price") | {"Properties": PENDING_VALUE["Values"][0]["Properties"]},
        "codeunit 50000 X implements Price { }",
        "Interface 'Price'",
    ),
}


@pytest.mark.parametrize("kind", FORECASTS)
def test_a_pending_symbol_is_forecast_with_reason_tag_and_the_version_that_may_drop_it(kind: str) -> None:
    base, source, title = FORECASTS[kind]
    report = check(extension(source), base_app(base))
    (finding,) = report.findings
    assert (finding.code, finding.severity) == ("AL0432", BreakSeverity.FORECAST)
    assert finding.message == (
        f"{title} is marked for removal. Reason: Use New. Tag: 24.0. It may be gone from version 27.0 on."
    )
    assert finding.suggestion == "Use New."
    assert finding.line == 1
    assert "Use New." in finding.after
    assert report.verdict is Compatibility.WARNINGS


@pytest.mark.parametrize(("tag", "major"), [("24.0", 27), ("15.2", 18), ("", None), ("next", None), ("CLEAN22", None)])
def test_the_removal_is_predicted_three_majors_after_the_tag(tag: str, major: int | None) -> None:
    assert predicted_removal(Obsolete("pending", "", tag)) == major


def test_a_tag_that_is_no_version_predicts_nothing() -> None:
    report = check(
        extension(run("", "C: Record Customer")),
        base_app(table(18, "Customer", field(1, "No.", "Code[20]"), **pending(tag="soon"))),
    )
    assert report.findings[0].message == "Table 'Customer' is marked for removal. Reason: Use New. Tag: soon."


def test_actions_that_are_gone_name_the_nearest() -> None:
    source = "pageextension 50000 X extends P { actions { addafter(Post) { } } }"
    assert only(source, (page(9, "P", actions=[action("PostAll"), action("Print")]),)).suggestion == (
        'Did you mean "PostAll"?'
    )
