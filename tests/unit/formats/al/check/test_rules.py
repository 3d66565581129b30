"""Each row of the rule table: one change of the base that triggers it, and a neighbour that does not."""

import pytest

from shared.formats.al.check.rules import RULES, SEVERITIES
from shared.formats.al.finding import Compatibility
from tests.support.al_checks import check, check_set, codes
from tests.support.al_packages import (
    BASE_ID,
    Json,
    app,
    base_app,
    codeunit,
    enum,
    extension,
    field,
    interface,
    method,
    symbol_file,
    table,
)
from tests.support.al_rules import SHOWN, shows
from tests.unit.formats.al.check import (  # noqa: F401, they mark their rows
    test_binding,
    test_lifecycle,
    test_properties,
    test_schema,
    test_sets,
)
from tests.unit.formats.al.check.break_cases import CUSTOMER, POST, Case, customer, run
from tests.unit.formats.al.check.break_cases_code import CODE
from tests.unit.formats.al.check.break_cases_objects import OBJECTS
from tests.unit.formats.al.check.break_cases_references import REFERENCES

CASES = [*REFERENCES, *CODE, *OBJECTS]


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
    (whole,) = check_set([package], base_app(), whole=True)
    assert [(f.code, f.symbol) for f in whole.findings] == [("AL1022", "Library")]
    assert codes(package, base_app(), library("1.9.0.0")) == ["AL1022"]
    answer = check(package, base_app(), library(name="Bookshelf"))
    assert ([f.code for f in answer.findings], answer.verdict) == (["AL1076"], Compatibility.WARNINGS)


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


def test_row_29_one_app_may_bring_a_name_in_two_namespaces_that_the_file_uses() -> None:
    source = "namespace Own.Work; using A.One; using A.Two; " + run("Post.Go();", "Post: Codeunit Post")
    one, two, own = (
        in_namespace(space, codeunit(number, "Post", method("Go")))
        for number, space in ((80, "A.One"), (81, "A.Two"), (82, "Own"))
    )
    assert codes(extension(source), base_app(one)) == []
    assert codes(extension(source), base_app(one, two)) == ["AL0275"]
    assert codes(extension(source.replace("Codeunit Post", "Codeunit A.Two.Post")), base_app(one, two)) == []
    assert codes(extension(source), base_app(one, two, own)) == []
    assert codes(extension(source), base_app(one, codeunit(83, "Post", method("Go")))) == []


def foundation(*objects: Json) -> bytes:
    return app(symbol_file(*objects), app_id=LIBRARY[0], name="Foundation", publisher="Microsoft", version="2.0.0.0")


@shows((22, "AL0824"))
def test_row_22_a_moved_table_is_looked_for_in_the_app_that_it_moved_to() -> None:
    marker = customer(ObsoleteState="Moved", MovedTo=LIBRARY[0])
    moved = table(18, "Customer", field(1, "No.", "Code[20]"), MovedFrom=BASE_ID)
    source = run("", "C: Record Customer")
    unknown = check(extension(source), base_app(marker))
    assert (unknown.findings, unknown.verdict) == ((), Compatibility.UNVERIFIABLE)
    assert unknown.undecided[0] == (
        f"App {LIBRARY[0]} is needed (Table 'Customer' moved there), and its symbols were not given"
    )
    empty = check(extension(source), base_app(marker), foundation()).findings
    assert [(f.code, f.symbol) for f in empty] == [("AL0797", "Customer")]
    report = check(extension(source), base_app(marker), foundation(moved))
    assert [(f.code, f.symbol) for f in report.findings] == [("AL0824", "Customer")]
    assert "Add a dependency on Foundation by Microsoft" in report.findings[0].suggestion
    assert report.verdict is Compatibility.WARNINGS
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
    source = run("Customer.Blocked := true;", "Customer: Record Customer")
    reached = extension(source, dependencies=[(LIBRARY[0], "Foundation", "Microsoft", "1.0.0.0")])
    for apps in ((base_app(marker), foundation(extends)), (foundation(extends), base_app(marker))):
        assert codes(reached, *apps) == []
        (unreached,) = check(extension(source), *apps).findings
        assert (unreached.code, unreached.symbol) == ("AL0797", "Blocked")
        assert "add a dependency on Foundation by Microsoft" in unreached.suggestion
    unknown = check(extension(source), base_app(marker))
    assert (unknown.findings, unknown.verdict) == ((), Compatibility.UNVERIFIABLE)
    assert "Field 'Blocked' moved there" in unknown.undecided[0]


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
