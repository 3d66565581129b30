"""Apps that an extension needs and that nobody gave: whatever they may hold is not known, whoever asks for them."""

import pytest

from shared.formats.al.finding import CodePart, Compatibility, Report
from tests.support.al_checks import check, check_set
from tests.support.al_packages import app, base_app, control, extension, field, page, symbol_file, table
from tests.unit.formats.al.check.break_cases import CUSTOMER

BASE = ("437dbf0e-84ff-417a-965d-ed2bb9650972", "Base Application", "Microsoft", "25.0.0.0")
LIBRARY = ("99999999-0000-0000-0000-000000000001", "Library", "Contoso", "2.0.0.0")
VENDORS = ("99999999-0000-0000-0000-000000000002", "Shop", "Microsoft", "2.0.0.0")
NAMES_TOOLS = "codeunit 50000 Work { var T: Codeunit Tools; }"
TESTS_TOOLS = "codeunit 50000 Work { Subtype = Test; var T: Codeunit Tools; }"


def other(identity: tuple[str, str, str, str], *objects: dict[str, object], version: str = "") -> bytes:
    app_id, name, publisher, least = identity
    return app(symbol_file(*objects), app_id=app_id, name=name, publisher=publisher, version=version or least)


STRANGER = other(("99999999-0000-0000-0000-000000000003", "Stranger", "Fabrikam", "1.0.0.0"))


@pytest.mark.parametrize(
    ("manifest", "bases", "needed"),
    [
        ({"application": "25.0.0.0"}, (STRANGER,), "Application by Microsoft is needed (attribute Application of"),
        ({"application": None, "dependencies": [BASE]}, (STRANGER,), "Base Application by Microsoft is needed (a dep"),
        ({"dependencies": [LIBRARY]}, (base_app(),), "Library by Contoso is needed (a dependency, 2.0.0.0 or later)"),
        ({"dependencies": [VENDORS]}, (base_app(),), "Shop by Microsoft is needed (a dependency, 2.0.0.0 or later)"),
        ({"test": "13.0.0.0"}, (base_app(),), "Test by Microsoft is needed (attribute Test of the manifest, 13.0.0.0"),
        ({}, (base_app(dependencies=[VENDORS]),), "Shop by Microsoft is needed (a dependency of Base Application 25."),
    ],
)
def test_the_same_lack_of_input_gets_the_same_answer(
    manifest: dict[str, object], bases: tuple[bytes, ...], needed: str
) -> None:
    report = check(extension(TESTS_TOOLS if "test" in manifest else NAMES_TOOLS, **manifest), *bases)
    assert report.findings == ()
    said = [reason.removeprefix("in code that only tests it: ") for reason in report.undecided]
    assert said[0].startswith(needed)
    assert said[0].endswith("and its symbols were not given")
    assert said[1] == f"1 reference cannot be decided without {needed.partition(' by ')[0]}: codeunit Tools"


def test_a_needed_app_that_is_not_given_is_told_even_if_everything_else_is_found() -> None:
    report = check(extension("codeunit 50000 Work { }", dependencies=[LIBRARY]), base_app())
    assert (report.verdict, len(report.undecided)) == (Compatibility.UNVERIFIABLE, 1)
    # What only other apps ask for matters where something is not found.
    calm = check(extension("codeunit 50000 Work { }"), base_app(dependencies=[VENDORS]))
    assert (calm.verdict, calm.undecided) == (Compatibility.COMPATIBLE, ())


def test_without_a_dependency_that_is_absent_what_is_not_found_is_gone() -> None:
    for source in (NAMES_TOOLS, TESTS_TOOLS):
        report = check(extension(source), base_app())
        assert [(f.code, f.symbol) for f in report.findings] == [("AL0185", "Tools")]
        assert report.undecided == ()


def codes(report: Report) -> list[tuple[str, str]]:
    return [(f.code, f.symbol) for f in report.findings]


def test_in_an_environment_other_publishers_apps_are_there_or_are_not_and_the_vendors_may_be() -> None:
    def installed(*needs: tuple[str, str, str, str]) -> Report:
        (report,) = check_set([extension("", dependencies=needs)], base_app(), whole=True)
        return report

    assert codes(installed(LIBRARY)) == [("AL1022", "Library")]
    vendors = installed(VENDORS)
    assert (codes(vendors), vendors.verdict) == ([], Compatibility.UNVERIFIABLE)
    assert vendors.undecided[0].startswith("Shop by Microsoft is needed")


@pytest.mark.parametrize("whole", [False, True])
def test_too_low_a_version_and_another_id_are_the_compilers_errors(whole: bool) -> None:
    package = extension("", dependencies=[LIBRARY])
    (older,) = check_set([package], base_app(), other(LIBRARY, version="1.9.0.0"), whole=whole)
    assert codes(older) == [("AL1022", "Library")]
    twin = other(("99999999-0000-0000-0000-0000000000ff", *LIBRARY[1:]))
    (elsewhere,) = check_set([package], base_app(), twin, whole=whole)
    assert codes(elsewhere) == [("AL1022", "Library")]
    assert "99999999-0000-0000-0000-0000000000ff" in elsewhere.findings[0].suggestion
    beside = check_set([package, twin], base_app(), whole=whole)[0]
    assert beside.findings == elsewhere.findings


def test_the_base_application_up_to_14_is_too_old_for_what_it_was_divided_into() -> None:
    single = base_app(app_id="aaaaaaaa-0000-0000-0000-000000000001", name="Application", version="14.0.0.0")
    report = check(extension("", application=None, runtime="3.0", dependencies=[BASE]), single)
    assert codes(report) == [("AL1022", "Base Application")]


def test_the_test_libraries_have_another_id_in_every_build() -> None:
    package = extension("codeunit 50000 Work { Subtype = Test; var T: Codeunit Tools; }", test="13.0.0.0")
    tools = {"Kind_": "codeunit", "Id": 130000, "Name": "Tools"}
    for build in "ab":
        libraries = other((f"{build * 8}-0000-0000-0000-000000000000", "Test", "Microsoft", "13.1.0.0"), tools)
        assert check(package, base_app(), libraries).undecided == ()
        lower = other((f"{build * 8}-0000-0000-0000-000000000000", "Test", "Microsoft", "12.1.0.0"), tools)
        (finding,) = check(package, base_app(), lower).findings
        assert (finding.code, finding.symbol, finding.part) == ("AL1022", "Test", CodePart.TESTS)


def test_of_the_servers_own_app_the_names_of_well_known_objects_are_known_without_it_and_no_others() -> None:
    system = other(("8874ed3a-0643-4247-9ced-7a7002f7135d", "System", "Microsoft", "25.0.0.0"))
    by_name, by_number = (extension(f"codeunit 50000 W {{ var U: Record {r}; }}") for r in ("User", "2000000121"))
    assert check(by_name, base_app()).verdict is Compatibility.COMPATIBLE
    # That another app is not given makes these no less known.
    needy = check(extension("codeunit 50000 W { var U: Record User; }", dependencies=[LIBRARY]), base_app())
    assert len(needy.undecided) == 1
    unknown = check(by_number, base_app())
    assert (unknown.findings, unknown.verdict) == ((), Compatibility.UNVERIFIABLE)
    assert unknown.undecided[0].startswith(
        "System by Microsoft is needed (every app needs it; it has the id of table 200"
    )
    assert codes(check(by_number, base_app(), system)) == [("AL0185", "2000000121")]


def test_test_libraries_extend_no_page_or_table_so_what_these_lost_is_lost() -> None:
    source = "pageextension 50000 X extends P { layout { addafter(Item) { } } } "
    source += "codeunit 50001 Y { procedure A(C: Record Customer) begin C.Gone := 1; end; var T: Codeunit Tools; }"
    shown = page(9, "P", controls=[control("Other", 8)])
    report = check(extension(source, test="13.0.0.0"), base_app(shown, CUSTOMER))
    assert codes(report) == [("AL0270", "Item"), ("AL0132", "Gone")]
    without = check(extension(source, dependencies=[LIBRARY]), base_app(shown, CUSTOMER))
    assert codes(without) == []


@pytest.mark.parametrize("brought_by", ["the base", "an extension in it"])
def test_what_the_app_that_had_it_has_no_more_is_gone_though_another_is_not_given(brought_by: str) -> None:
    source = "codeunit 50000 X { procedure A(C: Record Customer) begin C.Rank := 1; C.Shop := 1; end; }"
    rank = field(7, "Rank", "Integer")
    inside = brought_by == "the base"
    plus = {"Kind_": "tableextension", "Id": 70, "Name": "Plus", "TargetObject": "Customer", "Fields": [rank]}
    before = base_app(*((CUSTOMER | {"Fields": [*CUSTOMER["Fields"], rank]},) if inside else (CUSTOMER, plus)))
    package, now = extension(source, dependencies=[LIBRARY]), base_app(CUSTOMER, version="25.2.0.0")
    report = check(package, now, old=[before])
    assert codes(report) == [("AL0132", "Rank")]
    assert "1 reference cannot be decided without Library: a member of table 18" in report.undecided[-1]
    assert codes(check(package, now)) == []


FOUNDATION = ("f3552374-a1f2-4356-848e-196002525837", "Business Foundation", "Microsoft", "25.0.0.0")


@pytest.mark.parametrize("is_given", [False, True], ids=["not given", "given"])
def test_what_left_an_app_may_have_gone_to_one_that_it_stands_on(is_given: bool) -> None:
    """The application's number series went down to Business Foundation, which it depends on since."""
    series = table(308, "No. Series", field(1, "Code", "Code[20]"))
    extension_ = extension('codeunit 50000 Work { var S: Record "No. Series"; }')
    before, today = base_app(series), base_app(dependencies=[FOUNDATION])
    given = (other(FOUNDATION),) if is_given else ()
    report = check(extension_, today, *given, old=[before])
    assert [(f.code, f.symbol) for f in report.findings] == ([("AL0185", "No. Series")] if is_given else [])
    assert bool(report.undecided) is not is_given
