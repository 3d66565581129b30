"""Several extensions together, and what can be said when something is absent."""

from typing import Any

from shared.formats.al.check.extension_set import in_dependency_order
from shared.formats.al.check.neighbours import Neighbours
from shared.formats.al.finding import Compatibility, worst
from shared.formats.al.package.container import open_package
from shared.formats.al.source.opening import open_extension
from tests.support.al_checks import check, check_set, codes
from tests.support.al_packages import (
    app,
    base_app,
    codeunit,
    container,
    event,
    extension,
    field,
    interface,
    method,
    page,
    table,
    zipped,
)
from tests.support.al_rules import shows

CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"))
IDS = {letter: f"{letter * 8}-0000-0000-0000-000000000000" for letter in "abc"}


def part(letter: str, source: str, *needs: str, **manifest: Any) -> bytes:
    dependencies = [(IDS[n], n.upper(), "Contoso", "1.0.0.0") for n in needs]
    return app(
        {},
        {f"{letter}.al": source},
        app_id=IDS[letter],
        name=letter.upper(),
        dependencies=dependencies,
        **manifest,
    )


def test_dependencies_come_first_and_give_their_objects() -> None:
    a = part("a", "codeunit 50000 Tools { procedure Help(N: Integer) begin end; }")
    b = part("b", "codeunit 50001 Work { var T: Codeunit Tools; procedure Go() begin T.Help(1); end; }", "a")
    reports = check_set([b, a], base_app())
    assert [(r.name, r.verdict) for r in reports] == [("A", Compatibility.COMPATIBLE), ("B", Compatibility.COMPATIBLE)]


@shows((35, "DRYDOCK"))
def test_a_break_cascades_to_dependents_and_names_the_cause() -> None:
    a = part("a", "codeunit 50000 Tools { var C: Record Customer; }")
    b = part("b", "codeunit 50001 Work { }", "a")
    c = part("c", "codeunit 50002 More { }", "b")
    reports = {r.name: r for r in check_set([c, b, a], base_app())}
    assert [f.code for f in reports["A"].findings] == ["AL0185"]
    for name, cause in (("B", "A"), ("C", "B")):
        assert [(f.code, f.symbol) for f in reports[name].findings] == [("DRYDOCK", cause)]
    assert worst([r.verdict for r in reports.values()]) is Compatibility.INCOMPATIBLE
    assert {r.verdict for r in check_set([c, b, a], base_app(CUSTOMER))} == {Compatibility.COMPATIBLE}


def test_extensions_that_do_not_know_each_other_still_clash_by_id_and_by_field() -> None:
    a = part("a", "tableextension 50000 X extends Customer { fields { field(50000; Loyalty; Integer) { } } }")
    same_name = part("b", "tableextension 50001 Y extends Customer { fields { field(50001; Loyalty; Integer) { } } }")
    same_id = part("b", "tableextension 50000 Y extends Customer { fields { field(50009; Bonus; Integer) { } } }")
    other = part("b", "tableextension 50001 Y extends Customer { fields { field(50009; Bonus; Integer) { } } }")
    for second, expected in ((same_name, ["AL0155"]), (same_id, ["AL0264"]), (other, [])):
        reports = check_set([a, second], base_app(CUSTOMER))
        assert [[f.code for f in r.findings] for r in reports] == [expected, expected]


def test_extensions_that_need_each_other_are_judged_once() -> None:
    a, b = part("a", "codeunit 50000 A { }", "b"), part("b", "codeunit 50001 B { }", "a")
    opened = [open_extension(open_package(data)) for data in (a, b)]
    assert {e.manifest.name for e in in_dependency_order(opened)} == {"A", "B"}
    assert [r.verdict for r in check_set([a, b], base_app())] == [Compatibility.COMPATIBLE] * 2


def test_what_a_dependency_that_is_not_there_might_hold_is_not_called_broken() -> None:
    b = part(
        "b",
        'codeunit 50001 W { var T: Codeunit Tools; procedure P(C: Record Customer) begin C."X" := 1; end; }',
        "a",
    )
    references = '2 references cannot be decided without A: codeunit Tools, a member of table 18 "Customer"'
    (installed,) = check_set([b], base_app(CUSTOMER), whole=True)
    assert [(f.code, f.symbol) for f in installed.findings] == [("AL1022", "A")]
    assert installed.undecided == (references,)
    report = check(b, base_app(CUSTOMER))
    assert (report.findings, report.verdict) == ((), Compatibility.UNVERIFIABLE)
    assert report.undecided == (
        "A by Contoso is needed (a dependency, 1.0.0.0 or later), and its symbols were not given",
        references,
    )


def test_a_package_that_cannot_be_read_may_be_the_dependency_that_is_not_found() -> None:
    runtime = container(b".NEA\x00\x00\x00\x01" + bytes(100), declared=100)
    _, report = check_set([part("b", "codeunit 50001 W { }", "a"), runtime], base_app())
    assert (report.verdict, report.findings) == (Compatibility.UNVERIFIABLE, ())
    (reason,) = report.undecided
    assert reason.startswith("A by Contoso is needed (a dependency, 1.0.0.0 or later), and its symbols were not given;")
    assert reason.endswith("; a package of the set that cannot be read may be it")


def test_an_absent_base_leaves_the_verdict_open() -> None:
    package = extension("codeunit 50000 A { var C: Record Customer; }")
    report = check(package, app({"Tables": []}, name="Other", app_id=IDS["c"]))
    assert (report.verdict, report.findings) == (Compatibility.UNVERIFIABLE, ())


def test_files_that_are_no_extension_are_unverifiable_with_a_reason() -> None:
    runtime = container(b".NEA\x00\x00\x00\x01" + bytes(100), declared=100)
    reports = check_set([runtime, container(zipped({})), b"junk"], base_app())
    assert {r.verdict for r in reports} == {Compatibility.UNVERIFIABLE}
    assert [r.undecided[0].partition(": ")[2].split()[0] for r in reports] == ["a", "its", "it"]


def test_an_older_copy_of_the_extension_in_the_target_set_is_no_clash() -> None:
    source = "codeunit 50000 A { procedure B() begin end; }"
    old = app({"Codeunits": [codeunit(50000, "A")]}, {"A.al": source}, app_id=IDS["a"], name="A")
    assert codes(part("a", source), base_app(), old) == []


def test_what_does_not_fit_the_old_base_either_is_not_blamed_on_the_update() -> None:
    source = "codeunit 50000 A { var C: Record Customer; procedure B() begin C.Strange(); end; }"
    report = check(extension(source), base_app(CUSTOMER), old=[base_app(CUSTOMER, version="24.0.0.0")])
    assert report.findings == ()
    (reason,) = report.undecided
    assert reason.startswith("1 place does not fit the old base either, so nothing can be said of it; ")
    assert reason.endswith("it is src/Code.al (1,66): AL0132 Strange")


def test_suggestions_name_what_took_the_place() -> None:
    old = base_app(
        table(18, "Customer", field(1, "No.", "Code[20]"), field(5, "Contact Name", "Text[50]")),
        codeunit(80, "Sales-Post", event("OnBeforePost", "Hide: Boolean")),
        codeunit(423, "Change Log", method("Old")),
        version="24.0.0.0",
    )
    new = base_app(
        table(18, "Customer", field(1, "No.", "Code[20]"), field(5, "Contact", "Text[50]")),
        codeunit(80, "Sales-Posting", event("OnBeforePosting")),
        page(423, "Change Log"),
    )
    source = """codeunit 50000 A { var P: Codeunit "Sales-Post"; L: Codeunit "Change Log"; C: Record Customer;
        procedure B() begin C."Contact Name" := ''; end; }"""
    found = {f.symbol: f.suggestion for f in check(extension(source), new, old=[old]).findings}
    assert found == {
        "Sales-Post": 'It is called "Sales-Posting" now.',
        "Change Log": 'There is a page 423 "Change Log" now.',
        "Contact Name": 'Field 5 is called "Contact" now.',
    }


def test_pending_symbols_are_told_once_per_file_with_the_version_that_may_drop_them() -> None:
    pending = table(18, "Customer", field(1, "No.", "Code[20]"), ObsoleteState="Pending", ObsoleteTag="24.0")
    source = "codeunit 50000 A { var C: Record Customer; D: Record Customer; }"
    report = check(extension(source), base_app(pending))
    (finding,) = report.findings
    assert "It may be gone from version 27.0 on." in finding.message
    assert report.verdict is Compatibility.WARNINGS


def test_the_staged_version_of_a_dependency_counts_and_not_the_installed_one() -> None:
    old = part("a", "codeunit 50000 Tools { procedure Help(N: Integer) begin end; }", version="1.0.0.0")
    new = part("a", "codeunit 50000 Tools { procedure Help(N: Integer; M: Integer) begin end; }", version="2.0.0.0")
    b = part("b", "codeunit 50001 Work { var T: Codeunit Tools; procedure Go() begin T.Help(1); end; }", "a")
    for packages in ([old, new, b], [new, b, old]):
        by_version = {(r.name, r.version): r for r in check_set(packages, base_app())}
        assert [f.code for f in by_version["B", "1.0.0.0"].findings] == ["AL0135"]
        assert by_version["A", "1.0.0.0"].findings == by_version["A", "2.0.0.0"].findings == ()
    # Installed apps may stand in the target set itself.
    installed = app({"Codeunits": [codeunit(50000, "Tools", method("Help", "N: Integer"))]}, app_id=IDS["a"], name="A")
    assert [[f.code for f in r.findings] for r in check_set([new, b], base_app(), installed)] == [[], ["AL0135"]]


def test_source_that_cannot_be_read_leaves_its_objects_unknown_where_no_symbols_name_them() -> None:
    sources = {"Bad.al": "codeunit 50001 Tools { ' }", "Good.al": "codeunit 50002 W { var T: Codeunit Tools; }"}
    report = check(app(None, sources, application="25.0.0.0"), base_app())
    assert (report.findings, report.verdict) == ((), Compatibility.UNVERIFIABLE)
    assert report.undecided[-1] == (
        "1 reference cannot be decided without the source that could not be read: codeunit Tools"
    )


def test_a_target_that_is_the_base_in_use_excuses_nothing() -> None:
    package = extension("codeunit 50000 A { var C: Codeunit Gone; }")
    report = check(package, base_app(CUSTOMER), old=[base_app(CUSTOMER)])
    assert [f.code for f in report.findings] == ["AL0185"]


def test_the_work_for_a_set_grows_with_its_size_and_not_with_its_square() -> None:
    """Every extension meets only those that claim something it claims, and those that it depends on."""
    sources = (
        f"codeunit {60000 + n} W{n} {{ }} tableextension {60000 + n} X{n} extends Customer "
        f"{{ fields {{ field({60000 + n}; F{n}; Integer) {{ }} }} }}"
        for n in range(40)
    )
    packages = [
        app({}, {"A.al": source}, app_id=f"{n:08}-0000-0000-0000-000000000001", name=f"A{n}")
        for n, source in enumerate(sources)
    ]
    lonely = [
        app({}, {"A.al": f"codeunit {70000 + n} L{n} {{ }}"}, app_id=f"{n:08}-0000-0000-0000-000000000002")
        for n in range(40)
    ]
    opened = [open_extension(open_package(data)) for data in (*packages, *lonely)]
    neighbours = Neighbours(opened)
    assert [len(neighbours.of(e)) for e in opened] == [39] * 40 + [0] * 40
    assert {r.verdict for r in check_set([*packages, *lonely], base_app(CUSTOMER))} == {Compatibility.COMPATIBLE}


def test_a_member_of_an_interface_may_be_inherited_where_interfaces_can_extend_others() -> None:
    package = extension("codeunit 50000 A { procedure P(I: Interface Price) begin I.Get(); end; }")
    price, empty = interface("Price", method("Get")), interface("Price")
    before = check(package, base_app(empty, version="25.1.0.0"))
    assert [(f.code, f.symbol) for f in before.findings] == [("AL0132", "Get")]
    unknown = check(package, base_app(empty, version="26.0.0.0"))
    assert (unknown.findings, unknown.verdict) == ((), Compatibility.UNVERIFIABLE)
    known = check(package, base_app(empty, version="26.0.0.0"), old=[base_app(price, version="25.0.0.0")])
    assert [(f.code, f.symbol) for f in known.findings] == [("AL0132", "Get")]
