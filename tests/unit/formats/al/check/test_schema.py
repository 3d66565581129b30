"""A staged version against the installed one: what would keep its tables from taking over the data (row 34)."""

import pytest

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.check.rules import RULES
from shared.formats.al.finding import BreakSeverity, Compatibility, Report
from shared.formats.al.package.container import open_package
from shared.formats.al.symbols.index import index_package
from tests.support.al_packages import app, base_app, container, field, symbol_file, table

BASE = base_app(table(18, "Customer", field(1, "No.", "Code[20]")))

INSTALLED = "table 50000 Loyalty { fields { field(1; Code; Code[20]) { } field(2; Points; Integer) { } %s } %s }"
KEYS = "keys { key(PK; Code) { Clustered = true; } }"
PLAIN = INSTALLED % ("", KEYS)
EXTENDS = 'tableextension 50001 "Loyal Customer" extends Customer { fields { field(50000; Points; Integer) { } } }'


def stage(installed: str, staged: str, **manifest: str) -> Report:
    before = app({}, {"Loyalty.al": installed}, **{"application": "25.0.0.0"} | manifest)
    after = app({}, {"Loyalty.al": staged}, **{"application": "25.0.0.0", "version": "1.1.0.0"} | manifest)
    target = TargetSet([index_package(open_package(BASE))])
    (report,) = check_packages([open_package(after)], target, replaced=[open_package(before)])
    return report


# (code, symbol, text at which it is found in the staged source, installed source, staged source)
CASES = [
    ("AS0001", "Loyal Customer", "", PLAIN + EXTENDS, PLAIN),
    ("AS0002", "Points", "Loyalty", PLAIN, PLAIN.replace("field(2; Points; Integer) { }", "")),
    ("AS0004", "Points", "Points", PLAIN, PLAIN.replace("Integer", "Boolean")),
    ("AS0005", "Points", "Loyalty", PLAIN, PLAIN.replace("Points", "Score")),
    ("AS0006", "Loyalty", "", PLAIN, PLAIN.replace("Loyalty", "Loyalties")),
    ("AS0009", "PK", "PK", PLAIN, PLAIN.replace("key(PK; Code)", "key(PK; Code, Points)")),
    ("AS0010", "PK", "Loyalty", PLAIN, PLAIN.replace("key(PK;", "key(Key1;")),
    ("AS0036", "Points", "Points", PLAIN, PLAIN.replace("Integer) { }", "Integer) { Enabled = false; }")),
    (
        "AS0080",
        "Note",
        "Note",
        INSTALLED % ("field(3; Note; Text[50]) { }", KEYS),
        INSTALLED % ("field(3; Note; Text[30]) { }", KEYS),
    ),
    ("AS0109", "Loyalty", "Loyalty", PLAIN, PLAIN.replace("fields {", "TableType = Temporary; fields {")),
    ("AS0118", "Code", "Code", PLAIN, PLAIN.replace("Code; Code[20]", "Code; Code[30]")),
    ("AS0136", "Points", "Points", PLAIN, PLAIN.replace("field(2;", "field(7;")),
    ("AS0137", "Code", "Code", PLAIN, PLAIN.replace("field(1;", "field(8;")),
]


@pytest.mark.parametrize(("code", "symbol", "at", "installed", "staged"), CASES, ids=[c[0] for c in CASES])
def test_a_break_with_the_installed_schema_is_reported_where_the_staged_source_declares_it(
    code: str, symbol: str, at: str, installed: str, staged: str
) -> None:
    report = stage(installed, staged)
    (finding,) = report.findings
    severity = next(r for r in RULES if r.row == 34).codes[code]
    assert (finding.code, finding.symbol, finding.severity) == (code, symbol, severity)
    assert finding.before
    assert finding.before != finding.after
    assert finding.column == (staged.index(at) + 1 if at else 0)
    assert report.verdict is (
        Compatibility.INCOMPATIBLE if severity is BreakSeverity.BLOCKS else Compatibility.WARNINGS
    )
    assert report.undecided == ()


@pytest.mark.parametrize(
    "staged",
    [
        PLAIN,
        INSTALLED % ("field(3; Note; Text[50]) { }", KEYS),
        PLAIN + "table 50002 Other { fields { field(1; A; Integer) { } } }",
        PLAIN.replace("Points; Integer) { }", "Points; Integer) { Caption = 'Points earned'; }"),
        PLAIN + "codeunit 50003 Gone { procedure A() begin end; }",
    ],
)
def test_what_adds_to_the_schema_or_does_not_touch_it_is_no_finding(staged: str) -> None:
    assert stage(PLAIN, staged).verdict is Compatibility.COMPATIBLE


def test_a_longer_field_is_fine_for_the_stored_data() -> None:
    short, long = (INSTALLED % (f"field(3; Note; Text[{n}]) {{ }}", KEYS) for n in (30, 50))
    assert stage(short, long).findings == ()


def test_code_that_only_the_installed_version_offers_is_no_matter_of_the_schema() -> None:
    assert stage(PLAIN + "codeunit 50003 Old { procedure A() begin end; }", PLAIN).findings == ()


def test_symbols_of_both_versions_are_compared_where_both_have_them() -> None:
    def version(number: str, length: int) -> bytes:
        symbols = symbol_file(
            table(50000, "Loyalty", field(1, "Code", "Code[20]"), field(2, "Note", f"Text[{length}]"))
        )
        return app(symbols, version=number, application="25.0.0.0")

    before, after = open_package(version("1.0.0.0", 50)), open_package(version("1.1.0.0", 20))
    (report,) = check_packages([after], TargetSet([index_package(open_package(BASE))]), replaced=[before])
    assert [(f.code, f.symbol) for f in report.findings] == [("AS0080", "Note")]


def test_the_installed_version_is_told_by_its_app_id_and_a_stranger_is_not_compared() -> None:
    target = TargetSet([index_package(open_package(BASE))])
    same = app({}, {"L.al": PLAIN}, application="25.0.0.0")
    shorter = app({}, {"L.al": PLAIN.replace("Code[20]", "Code[10]")}, application="25.0.0.0", version="1.1.0.0")
    stranger = app({}, {"L.al": PLAIN}, app_id="22222222-0000-0000-0000-000000000000", application="25.0.0.0")
    for replaced, expected in (([same], ["AS0118"]), ([stranger], []), ([], [])):
        (report,) = check_packages([open_package(shorter)], target, replaced=[open_package(r) for r in replaced])
        assert [f.code for f in report.findings] == expected


def test_a_package_that_is_installed_already_is_judged_as_such() -> None:
    broken = app({}, {"L.al": "codeunit 50009 W { var C: Codeunit Gone; }"}, application="25.0.0.0")
    old = index_package(open_package(base_app(version="24.0.0.0")))
    target = TargetSet([index_package(open_package(BASE))], [old])
    (report,) = check_packages([open_package(broken)], target, replaced=[open_package(broken)])
    assert (report.findings, report.verdict) == ((), Compatibility.UNVERIFIABLE)


def test_an_installed_version_that_cannot_be_read_says_nothing_of_the_staged_one() -> None:
    runtime = container(b".NEA\x00\x00\x00\x01" + bytes(100), declared=100)
    staged = app({}, {"L.al": PLAIN}, application="25.0.0.0")
    target = TargetSet([index_package(open_package(BASE))])
    (report,) = check_packages([open_package(staged)], target, replaced=[open_package(runtime)])
    assert report.findings == ()


def test_a_staged_version_is_new_to_the_old_base_too_so_its_breaks_are_not_excused_by_it() -> None:
    broken = PLAIN + "codeunit 50009 W { var C: Codeunit Gone; }"
    before = app({}, {"L.al": PLAIN}, application="25.0.0.0")
    after = app({}, {"L.al": broken}, application="25.0.0.0", version="1.1.0.0")
    old = index_package(open_package(base_app(version="24.0.0.0")))
    target = TargetSet([index_package(open_package(BASE))], [old])
    (staged,) = check_packages([open_package(after)], target, replaced=[open_package(before)])
    (installed,) = check_packages([open_package(after)], target)
    assert [f.code for f in staged.findings] == ["AL0185"]
    assert (installed.findings, installed.verdict) == ((), Compatibility.UNVERIFIABLE)
