"""Removed and moved tables and fields: which code may name them, and where they are looked for."""

import pytest

from shared.formats.al.finding import BreakSeverity, Compatibility
from tests.support.al_checks import check
from tests.support.al_packages import app, base_app, extension, field, symbol_file, table
from tests.support.al_rules import shows
from tests.unit.formats.al.check.break_cases import customer, run

OLD = table(50, "Old Setup", field(1, "Key", "Code[10]"), ObsoleteState="Removed")
CUSTOMER = customer(field(3, "Blocked", "Boolean", ObsoleteState="Removed", ObsoleteReason="Use Status."))
SUBSCRIBES = "[EventSubscriber(ObjectType::Table, Database::Customer, 'OnAfterInsertEvent', '', false, false)]"
PLACES = {
    "a variable": "procedure P() var S: Record %(table)s; begin S.%(field)s := S.%(field)s; end;",
    "a parameter of a local procedure": "local procedure P(S: Record %(table)s) begin S.SetRange(%(field)s); end;",
    "a global variable": "var S: Record %(table)s; procedure P() begin if S.%(field)s = S.%(field)s then; end;",
    "a subscriber": f"{SUBSCRIBES} local procedure P(var Rec: Record Customer) "
    "var S: Record %(table)s; begin S.Validate(%(field)s); end;",
}
FIELD = {"table": "Customer", "field": "Blocked"}
TABLE = {"table": '"Old Setup"', "field": "Key"}


def in_codeunit(subtype: str, body: str) -> bytes:
    return extension(f"codeunit 50000 Work {{ {f'Subtype = {subtype}; ' if subtype else ''}{body} }}")


@shows((20, "DRYDOCKINSTALL"))
@pytest.mark.parametrize("place", PLACES)
def test_code_that_takes_data_over_may_name_what_is_removed_wherever_it_stands(place: str) -> None:
    for named, code, per_file in ((FIELD, "AL0433", ["DRYDOCKINSTALL"]), (TABLE, "AL0433", [])):
        body = PLACES[place] % named
        for subtype, expected in (("Upgrade", []), ("upgrade", []), ("Install", per_file)):
            report = check(in_codeunit(subtype, body), base_app(CUSTOMER, OLD))
            assert [f.code for f in report.findings] == expected, (subtype, named)
            assert report.verdict is not Compatibility.INCOMPATIBLE
        for subtype in ("", "Test"):
            found = check(in_codeunit(subtype, body), base_app(CUSTOMER, OLD)).findings
            assert {f.code for f in found} == {code}, (subtype, named)


def test_the_subtype_is_that_of_the_codeunit_and_not_of_another_in_the_file() -> None:
    takes = "codeunit 50000 A { Subtype = Upgrade; procedure P(C: Record Customer) begin C.Blocked := true; end; }"
    works = "codeunit 50001 B { procedure P(C: Record Customer) begin C.Blocked := true; end; }"
    for source in (f"{takes} {works}", f"{works} {takes}"):
        (finding,) = check(extension(source), base_app(CUSTOMER)).findings
        assert (finding.code, finding.column > source.index("codeunit 50001")) == ("AL0433", True)


def test_symbols_alone_tell_the_subtype_too() -> None:
    def compiled(subtype: str) -> bytes:
        wanted = {"Name": "C", "TypeDefinition": {"Name": "Record", "Subtype": {"Name": "Old Setup", "Id": 50}}}
        taking = {"Id": 50000, "Name": "A", "Methods": [{"Name": "P", "Parameters": [wanted]}]}
        properties = [{"Name": "Subtype", "Value": subtype}] if subtype else []
        return app({"Codeunits": [taking | {"Properties": properties}]}, None, application="25.0.0.0")

    assert [f.code for f in check(compiled(""), base_app(OLD)).findings] == ["AL0433"]
    assert check(compiled("Upgrade"), base_app(OLD)).findings == ()


def test_only_tables_and_fields_are_kept_for_code_that_takes_data_over() -> None:
    gone = {
        "Kind_": "codeunit",
        "Id": 80,
        "Name": "Post",
        "Properties": [{"Name": "ObsoleteState", "Value": "Removed"}],
    }
    report = check(in_codeunit("Upgrade", "var P: Codeunit Post;"), base_app(gone))
    assert [f.code for f in report.findings] == ["AL0433"]


@shows((22, "AL0801"))
def test_what_will_move_is_foretold_as_such() -> None:
    moving = customer(ObsoleteState="PendingMove", ObsoleteReason="Goes to Foundation")
    (finding,) = check(extension(run("", "C: Record Customer; D: Record Customer")), base_app(moving)).findings
    assert (finding.code, finding.severity) == ("AL0801", BreakSeverity.FORECAST)
    assert finding.message == "Table 'Customer' is marked to be moved. Reason: Goes to Foundation."


HOME = "99999999-0000-0000-0000-000000000001"


def home(*extended: dict[str, str]) -> bytes:
    extends = {"Kind_": "tableextension", "Id": 7, "Name": "E", "TargetObject": "Customer"}
    fields = [field(3, "Blocked", "Boolean", **properties) for properties in extended]
    objects = [extends | {"Fields": fields}] if fields else []
    return app(symbol_file(*objects), app_id=HOME, name="Home", publisher="Microsoft", version="2.0.0.0")


def test_a_field_that_a_table_extension_gave_away_is_found_where_it_lives() -> None:
    """The marker of a field may stand in a table extension of its old app, as well as in the table."""
    lent = {"Kind_": "tableextension", "Id": 8, "Name": "Lent", "TargetObject": "Customer"}
    lent |= {"Fields": [field(3, "Blocked", "Boolean", ObsoleteState="Moved", MovedTo=HOME)]}
    needs = [(HOME, "Home", "Microsoft", "1.0.0.0")]
    package = extension(run("Customer.Blocked := true;", "Customer: Record Customer"), dependencies=needs)
    living = home({"MovedFrom": "437dbf0e-84ff-417a-965d-ed2bb9650972"})
    for bases in ((base_app(customer(), lent), living), (living, base_app(customer(), lent))):
        assert check(package, *bases).verdict is Compatibility.COMPATIBLE
    (finding,) = check(package, base_app(customer(), lent), home()).findings
    assert (finding.code, finding.symbol) == ("AL0797", "Blocked")
    assert finding.suggestion == "It moved to Home 2.0.0.0, which does not have it in this version."
