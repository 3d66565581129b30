"""What customers run and what only tests it: who belongs where, and which of the two decides a verdict."""

import pytest

from shared.formats.al.check.parts import parts_of
from shared.formats.al.finding import CodePart, Compatibility, PartReport, Report
from shared.formats.al.package.container import open_package
from shared.formats.al.source.opening import open_extension
from tests.support.al_checks import check, check_set
from tests.support.al_packages import app, base_app, extension, field, table

TESTS = 'codeunit 50001 "My Tests" { Subtype = Test; var H: Codeunit Helper; T: Codeunit Tools; }'
SUBSCRIBER = (
    "[EventSubscriber(ObjectType::Table, Database::Customer, 'OnAfterInsertEvent', '', false, false)] "
    "local procedure S() begin end;"
)


@pytest.mark.parametrize(
    ("source", "tests"),
    [
        ("codeunit 50002 Helper { }", {"my tests", "helper"}),
        ("codeunit 50002 Helper { var D: Codeunit Deep; } codeunit 50003 Deep { }", {"my tests", "helper", "deep"}),
        ("codeunit 50002 Helper { } codeunit 50003 Work { var H: Codeunit Helper; }", {"my tests"}),
        (
            "codeunit 50002 Helper { } page 50003 P { trigger OnOpenPage() begin Codeunit.Run(50002); end; }",
            {"my tests"},
        ),
        ("codeunit 50002 Helper { } enum 50003 E { value(1; A) { Implementation = I = Helper; } }", {"my tests"}),
        ("codeunit 50002 Helper { trigger OnRun() begin end; }", {"my tests"}),
        (f"codeunit 50002 Helper {{ {SUBSCRIBER} }}", {"my tests"}),
        (f"codeunit 50002 Helper {{ EventSubscriberInstance = Manual; {SUBSCRIBER} }}", {"my tests", "helper"}),
        ("codeunit 50002 Helper { Subtype = Upgrade; }", {"my tests"}),
        ("table 50002 Helper { }", {"my tests"}),
        ("codeunit 50002 Helper { } codeunit 50003 R { Subtype = TestRunner; }", {"my tests", "helper", "r"}),
        ("codeunit 50002 Lonely { procedure P() begin P(); end; }", {"my tests"}),
    ],
)
def test_tests_are_what_the_server_never_starts_for_a_customer(source: str, tests: set[str]) -> None:
    opened = open_extension(open_package(extension(f"{TESTS} {source}")))
    assert parts_of(opened).tests == tests


def test_without_test_codeunits_everything_is_what_customers_run() -> None:
    opened = open_extension(open_package(extension("codeunit 50002 A { var B: Codeunit B; } codeunit 50003 B { }")))
    assert parts_of(opened).tests == frozenset()


WORK = "codeunit 50000 Work { var C: Record Customer; procedure P() begin C.%s := 1; end; }"
TESTED = "codeunit 50001 Tests { Subtype = Test; var T: Codeunit Tools; C: Record Customer; %s }"
CUSTOMER = table(
    18,
    "Customer",
    field(1, "No.", "Integer"),
    field(2, "Bonus", "Integer"),
    field(3, "Late", "Integer", ObsoleteState="Pending"),
)


def judged(work: str, tested: str = "", **manifest: object) -> Report:
    source = f"{WORK % work} {TESTED % tested}"
    return check(extension(source, **({"test": "13.0.0.0"} | manifest)), base_app(CUSTOMER))


def verdicts(report: Report) -> tuple[Compatibility, CodePart, dict[CodePart, Compatibility]]:
    return report.verdict, report.decided_by, {p.part: p.verdict for p in report.parts}


RUNS, UNDECIDED_TESTS = CodePart.RUNS, Compatibility.UNVERIFIABLE
BREAKS = "procedure P() begin C.Gone := 1; end;"


@pytest.mark.parametrize(
    ("work", "tested", "expected", "decided_by", "parts"),
    [
        ("Bonus", "", Compatibility.COMPATIBLE, RUNS, (Compatibility.COMPATIBLE, UNDECIDED_TESTS)),
        ("Late", "", Compatibility.WARNINGS, RUNS, (Compatibility.WARNINGS, UNDECIDED_TESTS)),
        ("Gone", "", Compatibility.INCOMPATIBLE, RUNS, (Compatibility.INCOMPATIBLE, UNDECIDED_TESTS)),
        # An app with a test that does not compile is not compiled: it breaks, whoever runs it.
        (
            "Bonus",
            BREAKS,
            Compatibility.INCOMPATIBLE,
            CodePart.TESTS,
            (Compatibility.COMPATIBLE, Compatibility.INCOMPATIBLE),
        ),
    ],
)
def test_what_customers_run_decides_unless_a_test_is_certainly_broken(
    work: str,
    tested: str,
    expected: Compatibility,
    decided_by: CodePart,
    parts: tuple[Compatibility, Compatibility],
) -> None:
    report = judged(work, tested)
    assert verdicts(report) == (expected, decided_by, dict(zip(CodePart, parts, strict=True)))
    assert report.undecided
    assert all(reason.startswith("in code that only tests it: ") for reason in report.undecided)


def test_what_is_undecided_in_what_customers_run_leaves_the_verdict_open() -> None:
    source = "codeunit 50000 Work { var T: Codeunit Tools; } codeunit 50001 Tests { Subtype = Test; }"
    report = check(extension(source, test="13.0.0.0"), base_app(CUSTOMER))
    assert verdicts(report)[:2] == (Compatibility.UNVERIFIABLE, RUNS)
    assert "1 reference cannot be decided without Test: codeunit Tools" in report.undecided


def test_an_app_without_tests_has_no_parts() -> None:
    assert check(extension("codeunit 50000 Work { }"), base_app()).parts == ()


def test_what_does_not_fit_the_old_base_in_tests_leaves_the_verdict_to_what_customers_run() -> None:
    source = f"{WORK % 'Bonus'} {(TESTED % BREAKS).replace('T: Codeunit Tools; ', '')}"
    report = check(extension(source), base_app(CUSTOMER), old=[base_app(CUSTOMER, version="24.0.0.0")])
    assert verdicts(report)[:2] == (Compatibility.COMPATIBLE, RUNS)
    (reason,) = report.parts[1].undecided
    assert reason.startswith("1 place does not fit the old base either")


def test_a_break_that_comes_from_the_rest_of_the_set_is_one_of_the_whole_app() -> None:
    ids = "aaaaaaaa-0000-0000-0000-000000000000", "bbbbbbbb-0000-0000-0000-000000000000"
    broken = app({}, {"A.al": "codeunit 60000 A { var C: Codeunit Gone; }"}, app_id=ids[0], name="A")
    needs = [(ids[0], "A", "Contoso", "1.0.0.0")]
    with_tests = app({}, {"B.al": TESTS}, app_id=ids[1], name="B", test="13.0.0.0", dependencies=needs)
    report = check_set([broken, with_tests], base_app())[1]
    assert verdicts(report)[:2] == (Compatibility.INCOMPATIBLE, RUNS)
    assert report.parts[1] == PartReport(CodePart.TESTS, UNDECIDED_TESTS, report.parts[1].undecided)
