"""Breaks that happened in public: on real packages, if they are on this machine, and on synthesized ones."""

import functools
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.finding import BreakFinding, BreakSeverity, Compatibility, PlaceLevel, Report
from shared.formats.al.package.container import open_package, read_package
from shared.formats.al.symbols.index import AppIndex, index_package
from tests.support.al_packages import (
    app,
    base_app,
    codeunit,
    event,
    extension,
    field,
    method,
    page,
    symbol_file,
    table,
)

CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", Path(__file__).parents[6] / "shared" / "corpus")) / "bc"

V13, V14 = "Microsoft_Application_13.1.25940.0_W1.app", "Microsoft_Application_14.0.29537.0_DK.app"
SYSTEM_14 = "a71814d3_Microsoft_System_14.0.29530.0.app"
SYSTEM_APPLICATION_15 = "Microsoft_System Application_15.0.36145.0.app"
FOUNDATION_25 = "Microsoft_Business Foundation_25.1.25873.25900.app"


@functools.cache
def real(name: str) -> AppIndex:
    return index_package(read_package(file(name)))


def file(name: str) -> Path:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real packages is not on this machine")
    return next(CORPUS.rglob(name))


def judge(data: bytes, *bases: AppIndex, old: tuple[AppIndex, ...] = ()) -> Report:
    (report,) = check_packages([open_package(data)], TargetSet(bases, old))
    return report


def judge_real(name: str, *bases: AppIndex) -> Report:
    (report,) = check_packages([read_package(file(name))], TargetSet(bases))
    return report


ITEM_LIST = """pageextension 50000 "My Items" extends "Item List"
{
    layout
    {
        addlast(Item)
        {
            field("My Field"; "No.") { ApplicationArea = All; }
        }
    }
}
"""
V13_APP: dict[str, Any] = {"application": "13.0.0.0", "platform": "13.0.0.0", "runtime": "2.0"}


def test_item_list_lost_its_repeater_item_between_13_and_14() -> None:
    package = extension(ITEM_LIST, **V13_APP)
    assert judge(package, real(V13)) == judge(package, real(V13))
    assert judge(package, real(V13)).verdict is Compatibility.COMPATIBLE
    report = judge(package, real(V14))
    assert report.verdict is Compatibility.INCOMPATIBLE
    (finding,) = report.findings
    assert finding == BreakFinding(
        "AL0270",
        BreakSeverity.BLOCKS,
        PlaceLevel.SYMBOLS,
        "Item",
        "The control 'Item' is not found in the target 'Item List'.",
        "src/Code.al",
        5,
        17,
        finding.suggestion,
    )
    assert "Control1" in finding.suggestion


def test_the_old_base_tells_which_control_took_the_place() -> None:
    (finding,) = judge(extension(ITEM_LIST, **V13_APP), real(V14), old=(real(V13),)).findings
    assert finding.suggestion == "Use Control1: it is the repeater that Item was."


def test_the_anchor_is_found_missing_in_symbols_without_source_too() -> None:
    changes = [{"Anchor": "Item", "ChangeKind": 2, "Controls": []}]
    symbols = symbol_file()
    symbols["PageExtensions"] = [
        {"Id": 50000, "Name": "My Items", "TargetObject": "Item List", "ControlChanges": changes}
    ]
    package = app(symbols, None, **V13_APP)
    assert [f.code for f in judge(package, real(V14)).findings] == ["AL0270"]
    report = judge(package, real(V13))
    assert report.findings == ()
    assert report.verdict is Compatibility.UNVERIFIABLE  # what its code does cannot be seen


def test_assisted_setup_moved_from_a_table_to_a_codeunit_between_14_and_15() -> None:
    assert judge_real("ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app", real(V13)).findings == ()
    assert judge_real("ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app", real(V14), real(SYSTEM_14)).findings == ()
    source = """codeunit 50000 A {
        [EventSubscriber(ObjectType::Table, Database::"Aggregated Assisted Setup",
            'OnRegisterAssistedSetup', '', true, true)]
        local procedure B() begin end; }"""
    modern = source.replace("::Table", "::Codeunit").replace("Database::", "Codeunit::")
    modern = modern.replace("Aggregated Assisted Setup", "Assisted Setup").replace("AssistedSetup'", "'")
    base_15 = index_package(open_package(base_app(version="15.0.36145.0")))
    old_runtime = {"application": "14.0.0.0", "runtime": "3.0"}
    found = judge(extension(source, **old_runtime), base_15, real(SYSTEM_APPLICATION_15)).findings
    assert [(f.code, f.symbol, f.line) for f in found] == [
        ("AL0161", "Aggregated Assisted Setup", 2)
    ]  # internal in 15.0
    assert judge(extension(source, **old_runtime), real(V14)).findings == ()
    assert judge(extension(modern, **old_runtime), base_15, real(SYSTEM_APPLICATION_15)).findings == ()


@pytest.mark.parametrize("version", ["1.0.0.2", "1.0.0.3"])
def test_a_removed_codeunit_that_only_a_comment_names_is_no_finding(version: str) -> None:
    report = judge_real(f"Hougaard_OnBoarding_{version}.app", real(SYSTEM_APPLICATION_15))
    # The set has no Base Application: that is the one thing to say, and that the rest cannot be known.
    assert (report.findings, report.verdict) == ((), Compatibility.UNVERIFIABLE)
    assert any("cannot be decided without Base Application" in reason for reason in report.undecided)


def test_a_field_of_the_same_name_appears_in_the_base() -> None:
    source = """tableextension 50000 X extends "Sales Cr.Memo Header" {
        fields { field(50000; "Shipping Agent Service Code"; Code[10]) { } } }"""
    header = table(114, "Sales Cr.Memo Header", field(1, "No.", "Code[20]"))
    service = field(5794, "Shipping Agent Service Code", "Code[10]")
    later = table(114, "Sales Cr.Memo Header", field(1, "No.", "Code[20]"), service)
    package = extension(source, application="16.0.0.0", runtime="5.0")
    before, after = (
        index_package(open_package(base_app(t, version=v))) for t, v in ((header, "16.0.0.0"), (later, "17.0.0.0"))
    )
    assert judge(package, before).findings == ()
    (finding,) = judge(package, after).findings
    assert (finding.code, finding.severity, finding.line) == ("AL0155", BreakSeverity.BLOCKS, 2)


def test_no_series_management_is_forecast_to_go_three_majors_after_its_tag() -> None:
    source = "codeunit 50000 A { var N: Codeunit NoSeriesManagement; }"
    dependency = ("f3552374-a1f2-4356-848e-196002525837", "Business Foundation", "Microsoft", "25.0.0.0")
    report = judge(extension(source, application=None, dependencies=[dependency]), real(FOUNDATION_25))
    (finding,) = [f for f in report.findings if f.code != "AL1022"]
    assert (finding.code, finding.severity) == ("AL0432", BreakSeverity.FORECAST)
    assert "from version 27.0 on" in finding.message
    assert "No. Series" in finding.suggestion
    assert report.verdict in (Compatibility.WARNINGS, Compatibility.UNVERIFIABLE)


def test_a_large_real_extension_gets_only_the_findings_that_are_proven() -> None:
    report = judge_real("6aa82264_Netcompany_SECDatacom_1.0.8.0.app", real(V14), real(SYSTEM_14))
    assert report.findings == ()
    assert [reason.partition(" by ")[0] for reason in report.undecided[:2]] == [
        "OIOUBL",
        "Payment and Reconciliation Formats (DK)",
    ]


# -- breaks that were told in public, synthesized: both bases, the code that broke, what is said of it ---------

CHANGE_LOG = codeunit(423, "Change Log Management", event("OnAfterIsLogActive", "TableNumber: Integer"))
CHANGE_LOG_25 = codeunit(
    423,
    "Change Log Management",
    event("OnAfterIsLogActive", "TableNumber: Integer"),
    event("OnBeforeGetDatabaseTableTriggerSetup", "TableID: Integer", "var Handled: Boolean"),
)
POST_PREVIEW = codeunit(80, "Sales-Post", event("OnBeforePostSalesDoc", "PreviewMode: Boolean", "Commit: Boolean"))
POST_PLAIN = codeunit(80, "Sales-Post", event("OnBeforePostSalesDoc", "Commit: Boolean"))
NO_SERIES_LIST = page(571, "No. Series List", SourceTable="No. Series")
NO_SERIES = page(456, "No. Series", SourceTable="No. Series")
SERIES = table(308, "No. Series", field(1, "Code", "Code[20]"))
FEATURE_KEY = table(2000000212, "Feature Key", field(1, "ID", "Text[50]"))
FEATURE_STATUS = table(2610, "Feature Data Update Status", field(1, "Feature Key", "Text[50]"))
LEDGER = codeunit(
    12, "Gen. Jnl.-Post Line", event("OnAfterCustLedgEntryInsert", "var Entry: Integer", "Amount: Decimal")
)
LEDGER_23 = codeunit(
    12,
    "Gen. Jnl.-Post Line",
    event("OnAfterCustLedgEntryInsertInclPreviewMode", "var Entry: Integer", "Amount: Decimal"),
)
OAUTH = codeunit(501, "OAuth2", method("AcquireToken", "var Token: Text"))
OAUTH_27 = codeunit(501, "OAuth2", method("AcquireToken", "var Token: SecretText"))


def subscriber(publisher: str, name: str, parameters: str) -> str:
    kind = publisher.partition("::")[0].replace("Database", "Table")
    return (
        f"codeunit 50000 A {{ [EventSubscriber(ObjectType::{kind}, {publisher}, '{name}', '', false, false)] "
        f"local procedure Handle({parameters}) begin end; }}"
    )


PUBLIC_BREAKS = {
    "25.3: an event of Change Log Management is gone": (
        (CHANGE_LOG_25,),
        (CHANGE_LOG,),
        subscriber('Codeunit::"Change Log Management"', "OnBeforeGetDatabaseTableTriggerSetup", "var Handled: Boolean"),
        [("AL0280", "OnBeforeGetDatabaseTableTriggerSetup")],
    ),
    "a subscriber's parameter PreviewMode is gone": (
        (POST_PREVIEW,),
        (POST_PLAIN,),
        subscriber('Codeunit::"Sales-Post"', "OnBeforePostSalesDoc", "Commit: Boolean; PreviewMode: Boolean"),
        [("AL0282", "PreviewMode")],
    ),
    "24.0: page 571 is gone, which code runs": (
        (SERIES, NO_SERIES_LIST, NO_SERIES),
        (SERIES, NO_SERIES),
        'codeunit 50000 A { trigger OnRun() begin Page.Run(Page::"No. Series List"); end; }',
        [("AL0132", "No. Series List")],
    ),
    "24.0: page 571 is gone, which another page extends": (
        (SERIES, NO_SERIES_LIST, NO_SERIES),
        (SERIES, NO_SERIES),
        'pageextension 50000 A extends "No. Series List" { }',
        [("AL0247", "No. Series List")],
    ),
    "21.0: Feature Management shows another table": (
        (FEATURE_KEY, FEATURE_STATUS, page(2610, "Feature Management", SourceTable="Feature Key")),
        (FEATURE_KEY, FEATURE_STATUS, page(2610, "Feature Management", SourceTable="Feature Data Update Status")),
        subscriber(
            'Page::"Feature Management"',
            "OnModifyRecordEvent",
            'var Rec: Record "Feature Key"; var xRec: Record "Feature Key"; var AllowModify: Boolean',
        ),
        [("AL0284", "Rec"), ("AL0284", "xRec")],
    ),
    "22.0: a parameter is called differently in CH": (
        (codeunit(90, "Purch.-Post", event("OnBeforePost", "PurchHeader: Integer")),),
        (codeunit(90, "Purch.-Post", event("OnBeforePost", "PurchaseHeader: Integer")),),
        subscriber('Codeunit::"Purch.-Post"', "OnBeforePost", "PurchHeader: Integer"),
        [("AL0282", "PurchHeader")],
    ),
    "23.0: an event was replaced by one of the same parameters": (
        (LEDGER,),
        (LEDGER_23,),
        subscriber('Codeunit::"Gen. Jnl.-Post Line"', "OnAfterCustLedgEntryInsert", "var Entry: Integer"),
        [("AL0280", "OnAfterCustLedgEntryInsert")],
    ),
    "27.0: Text became SecretText": (
        (OAUTH,),
        (OAUTH_27,),
        "codeunit 50000 A { var O: Codeunit OAuth2; procedure P() var X: Text; begin O.AcquireToken(X); end; }",
        [("AL0133", "AcquireToken")],
    ),
    "17.0: a field of the extension's name": (
        (table(114, "Sales Cr.Memo Header", field(1, "No.", "Code[20]")),),
        (table(114, "Sales Cr.Memo Header", field(1, "No.", "Code[20]"), field(5794, "Shipping Code", "Code[10]")),),
        'tableextension 50000 X extends "Sales Cr.Memo Header" { fields { field(50; "Shipping Code"; Code[10]) { } } }',
        [("AL0155", "Shipping Code")],
    ),
}


@pytest.mark.parametrize("name", PUBLIC_BREAKS)
def test_a_break_that_was_told_in_public_is_found_and_nothing_else(name: str) -> None:
    before, after, source, expected = PUBLIC_BREAKS[name]
    old, new = (
        index_package(open_package(base_app(*o, version=v))) for o, v in ((before, "24.0.0.0"), (after, "25.1.0.0"))
    )
    package = extension(source, application="20.0.0.0", runtime="10.0")
    assert judge(package, old).findings == ()
    for known in ((), (old,)):
        report = judge(package, new, old=known)
        assert [(f.code, f.symbol) for f in report.findings] == expected
        assert report.verdict is Compatibility.INCOMPATIBLE


def test_the_event_that_took_the_place_is_suggested_with_its_signature() -> None:
    before, after, source, _ = PUBLIC_BREAKS["23.0: an event was replaced by one of the same parameters"]
    old, new = (
        index_package(open_package(base_app(*o, version=v))) for o, v in ((before, "22.0.0.0"), (after, "23.0.0.0"))
    )
    (finding,) = judge(extension(source, application="20.0.0.0", runtime="10.0"), new, old=(old,)).findings
    assert "Subscribe to OnAfterCustLedgEntryInsertInclPreviewMode" in finding.suggestion
    assert finding.before == (
        "[IntegrationEvent(false, false)] procedure OnAfterCustLedgEntryInsert(var Entry: Integer; Amount: Decimal)"
    )
    assert finding.after == ""


def test_the_same_version_differs_between_localizations() -> None:
    source = subscriber('Report::"Sales - Invoice"', "OnGetDocumentReferenceText", "")
    with_event: dict[str, Any] = {"Kind_": "report", "Id": 206, "Name": "Sales - Invoice"}
    dk = base_app(with_event | {"Methods": [event("OnGetDocumentReferenceText")]}, version="14.0.1.0")
    w1 = base_app(with_event, version="14.0.1.0")
    package = extension(source, application="14.0.0.0", runtime="3.0")
    indexes = [index_package(open_package(b), country) for b, country in ((dk, "DK"), (w1, "W1"))]
    assert judge(package, indexes[0]).verdict is Compatibility.COMPATIBLE
    assert [(f.code, f.symbol) for f in judge(package, indexes[1]).findings] == [
        ("AL0280", "OnGetDocumentReferenceText")
    ]


def test_a_report_event_of_the_danish_base_is_missing_from_the_worldwide_one() -> None:
    package = extension(subscriber('Report::"Sales - Invoice"', "OnGetDocumentReferenceText", ""), **V13_APP)
    assert judge(package, real(V14)).findings == ()
    assert [(f.code, f.symbol) for f in judge(package, real(V13)).findings] == [
        ("AL0280", "OnGetDocumentReferenceText")
    ]


# What each real package meets on bases that it was built for or that came later. Nothing else may be reported:
# each of these was looked up in the package's source and in the base's symbols.
REAL_CONTROLS = [
    ("ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app", (V13,), {}),
    ("ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app", (V14, SYSTEM_14), {}),
    (
        "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app",
        (SYSTEM_APPLICATION_15,),
        {("AL0161", "Aggregated Assisted Setup"): 3},
    ),
    ("PT_EmptyExtension_no1_1.0.0.0.app", (SYSTEM_APPLICATION_15,), {}),
    ("a3731ab9_PT_EmptyExtension_no2_1.0.0.0.app", (FOUNDATION_25,), {}),
    ("Hougaard_OnBoarding_1.0.0.3.app", (SYSTEM_APPLICATION_15,), {}),
    ("83ec1175_Default publisher_Al_1.0.0.0.app", ("ecf5b8cf_Microsoft_Application_24.0.16410.18040.app",), {}),
]


@pytest.mark.parametrize(("package", "bases", "expected"), REAL_CONTROLS, ids=lambda v: str(v)[:40])
def test_a_real_package_meets_only_what_really_changed(
    package: str, bases: tuple[str, ...], expected: dict[tuple[str, str], int]
) -> None:
    report = judge_real(package, *(real(b) for b in bases))
    assert Counter((f.code, f.symbol) for f in report.findings if f.severity is BreakSeverity.BLOCKS) == expected


ONBOARDING = "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app"
SEC_4, SEC_7, SEC_8 = (
    f"{name}.app"
    for name in (
        "8f0517db_Netcompany_SECDatacom_1.0.4.5",
        "a4357bb8_Netcompany_SECDatacom_1.0.7.2",
        "6aa82264_Netcompany_SECDatacom_1.0.8.0",
    )
)


@pytest.mark.parametrize(
    ("installed", "staged", "gone"),
    [
        (ONBOARDING, "Hougaard_OnBoarding_1.0.0.2.app", 6),  # all six tables have new ids and names
        ("Hougaard_OnBoarding_1.0.0.2.app", "Hougaard_OnBoarding_1.0.0.3.app", 0),
        (SEC_4, SEC_7, 0),
        (SEC_7, SEC_8, 0),
    ],
)
def test_real_versions_take_over_their_data_unless_their_tables_are_others(
    installed: str, staged: str, gone: int
) -> None:
    before, after = read_package(file(installed)), read_package(file(staged))
    (report,) = check_packages([after], TargetSet([real(V14), real(SYSTEM_14)]), replaced=[before])
    assert [f.code for f in report.findings if f.code.startswith("AS")] == ["AS0001"] * gone
