"""Contexts in which code and declarations seldom name another app's members: what is gone there, and what stays."""

import pytest

from tests.unit.formats.al.check.test_binding import card, code, judge, listing


def added(inside: str) -> str:
    return f'reportextension 50000 MyList extends "Parcel List" {{ dataset {{ {inside} }} }}'


def asked(inside: str) -> str:
    page = f"requestpage {{ SourceTable = Parcel; layout {{ area(Content) {{ {inside} }} }} }}"
    return f"report 50000 MyReport {{ dataset {{ dataitem(Halt; Stop) {{ }} }} {page} }}"


def subscriber(arguments: str) -> str:
    return (
        f"codeunit 50000 Work {{ [EventSubscriber({arguments}, false, false)] "
        "local procedure Heard(var Rec: Record Parcel) begin end; }"
    )


def port(element: str) -> str:
    return f"xmlport 50000 MyPort {{ schema {{ textelement(Root) {{ tableelement(One; Parcel) {{ {element} }} }} }} }}"


# what -> (source of GONE, its code, what is gone, what stays and may stand in its place)
CASES = {
    "column that is added to a data item": (added("add(Items) { column(X; NAME) { } }"), "AL0118", "Lost", "Weight"),
    "quoted in an expression of such a column": (
        added('add(Items) { column(X; Format("NAME")) { } }'),
        "AL0118",
        "Lost Note",
        "Due On",
    ),
    "trigger of a data item that is changed": (listing("I := NAME;"), "AL0118", "Lost", "FieldNo(Sent)"),
    "record of a request page": (asked("field(X; Rec.NAME) { }"), "AL0132", "Lost", "Weight"),
    "without qualification there": (asked("field(X; NAME) { }"), "AL0118", "Lost", "Weight"),
    "conditional value": (code("I := B ? Parcel.NAME : 1;"), "AL0132", "Lost", "FieldNo(Sent)"),
    "conditional value as a choice": (
        code("case I of B ? Parcel.NAME : 2: B := true; end;"),
        "AL0132",
        "Lost",
        "FieldNo(Sent)",
    ),
    "choice of two conditional values": (
        code("case I of B ? 1 : Parcel.NAME, B ? 3 : 4: ; else B := true; end;"),
        "AL0132",
        "Lost",
        "FieldNo(Sent)",
    ),
    "body of a loop over a list": (code("foreach T in Names do Parcel.NAME();"), "AL0132", "Vanished", "Note"),
    "bounds of a loop": (code("for I := 1 to Parcel.NAME do Parcel.Note();"), "AL0132", "Lost", "FieldNo(Sent)"),
    "element of an array": (code("Parcels[Parcels[1].NAME].Note();"), "AL0132", "Lost", "FieldNo(Sent)"),
    "result of a procedure": (code('T := Parcel.Track()."NAME";'), "AL0132", "Lost Stop", "City"),
    "value of a dictionary of codeunits": (code("Posts.Get(1).NAME();"), "AL0132", "Gone", "Stays"),
    "element of a list of interfaces": (code("D := Rates.Get(1).NAME();"), "AL0132", "Discount", "Rate"),
    "set of options": (
        code("if Parcel.Kind in [Parcel.Kind::Box, Parcel.Kind::NAME] then;"),
        "AL0132",
        "Pallet",
        "Letter",
    ),
    "value of an enum that is an argument": (
        code('Parcel.SetRange(Phase, "Parcel State"::NAME);'),
        "AL0132",
        "Stolen",
        "Closed",
    ),
    "enum behind its kind": (code('Parcel.Phase := Enum::"Parcel State"::NAME;'), "AL0132", "Stolen", "Open"),
    "field whose change is subscribed to": (
        subscriber("ObjectType::Table, Database::Parcel, 'OnAfterValidateEvent', 'NAME'"),
        "AL0282",
        "Lost",
        "Weight",
    ),
    "action that is subscribed to": (
        subscriber("ObjectType::Page, Page::\"Parcel Card\", 'OnAfterActionEvent', 'NAME'"),
        "AL0282",
        "Return",
        "Send",
    ),
    "control of a page customization": (
        'pagecustomization Mine customizes "Parcel Card" { layout { modify("NAME") { Visible = false; } } }',
        "AL0270",
        "Lost Control",
        "No.",
    ),
    "field of a key": (
        'tableextension 50000 X extends Parcel { keys { key(K; "NAME") { } } }',
        "AL0186",
        "Lost",
        "Weight",
    ),
    "attribute of an element": (port("fieldattribute(A; One.NAME) { }"), "AL0132", "Lost", "Weight"),
    "method of a part without parentheses": (card("CurrPage.Stops.Page.NAME;"), "AL0132", "Refresh", "Reload"),
    "fields that are loaded": (code("Parcel.SetLoadFields(Weight, NAME);"), "AL0118", "Lost", "Sent"),
    "result that is waited for": (code("repeat I += 1; until Parcel.NAME();"), "AL0122", "Judge", "IsEmpty"),
}


@pytest.mark.parametrize(("source", "code", "gone", "stays"), CASES.values(), ids=CASES.keys())
def test_what_is_gone_blocks_and_what_stays_does_not(source: str, code: str, gone: str, stays: str) -> None:
    assert [(f.code, f.symbol) for f in judge(source.replace("NAME", gone))] == [(code, gone)]
    for old in (True, False):
        assert judge(source.replace("NAME", stays), old=old) == []
