"""Names and types in code bodies: one reference each, in every context in which code may name what a base lost."""

import pytest

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.finding import BreakFinding, BreakSeverity
from shared.formats.al.package.container import open_package
from tests.support.al_packages import extension
from tests.support.al_rules import shows
from tests.unit.formats.al.check.parcels import parcels

VARIABLES = """
    Parcel: Record Parcel; Other: Record Parcel; Stop: Record Stop; Post: Codeunit Post; I: Integer; D: Decimal;
    T: Text; C: Code[20]; B: Boolean; State: Enum "Parcel State"; V: Variant; Day: Date;
    Parcels: array[3] of Record Parcel; Names: List of [Text]; Numbers: Dictionary of [Code[20], Decimal];
    Rates: List of [Interface IRate]; Posts: Dictionary of [Integer, Codeunit Post];
    Nested: Dictionary of [Integer, List of [Text]]; Card: Page "Parcel Card";
    Tested: TestPage "Parcel Card"; Asked: TestRequestPage "Parcel List";
    Q: Query "Parcel Query"; P: XmlPort "Parcel Port"; Rate: Interface IRate;
"""
OWN = """
    local procedure Own(Code: Code[20]) begin end;
    local procedure Same(Parcel: Record Parcel; Name: Text): Boolean begin end;
    local procedure Same(Parcel: Record Parcel): Integer begin end;
    local procedure Either(Code: Code[20]): Boolean begin end;
    local procedure Either(Flag: Boolean): Boolean begin end;
    [TryFunction] local procedure Attempt() begin end;
"""


def code(body: str) -> str:
    return f"codeunit 50000 Work {{ procedure Go() var {VARIABLES} begin {body} end; {OWN} }}"


def card(body: str) -> str:
    return (
        'pageextension 50000 MyCard extends "Parcel Card" { trigger OnOpenPage() var I: Integer; '
        f"begin {body} end; local procedure Mine(): Integer begin end; }}"
    )


def field_of(body: str) -> str:
    return f"tableextension 50000 MyParcel extends Parcel {{ procedure Go() var I: Integer; begin {body} end; }}"


def listing(body: str) -> str:
    return (
        'reportextension 50000 MyList extends "Parcel List" { dataset { modify(Items) { trigger OnAfterAfterGetRecord()'
        f" var I: Integer; begin {body} end; }} }} }}"
    )


def page(body: str) -> str:
    return f"page 50000 MyPage {{ SourceTable = Parcel; trigger OnOpenPage() var I: Integer; begin {body} end; }}"


def runner(body: str) -> str:
    return f"codeunit 50000 Work {{ TableNo = Parcel; trigger OnRun() var I: Integer; begin {body} end; }}"


def spaced(body: str) -> str:
    return f"namespace Fabrikam; codeunit 50000 Work {{ procedure Go() var I: Integer; begin {body} end; }}"


BREAKS = {
    # without qualification
    "procedure of the extended page": (card("Calm();"), "AL0118", "Calm"),
    "the same without parentheses": (card("Calm;"), "AL0118", "Calm"),
    "field of the record of an extended page": (card("I := Lost;"), "AL0118", "Lost"),
    "quoted field of it": (card("\"Lost Note\" := '';"), "AL0118", "Lost Note"),
    "procedure of the record of an extended page": (card("Vanished();"), "AL0118", "Vanished"),
    "procedure of the extended table": (field_of("Vanished();"), "AL0118", "Vanished"),
    "field of the extended table": (field_of("Lost += 1;"), "AL0118", "Lost"),
    "field of the record of an own page": (page("I := Lost;"), "AL0118", "Lost"),
    "procedure of the record of an own page": (page("Vanished();"), "AL0118", "Vanished"),
    "field of the record of a codeunit": (runner("I := Lost;"), "AL0118", "Lost"),
    "field inside with": (code("with Parcel do Lost := 1;"), "AL0118", "Lost"),
    "procedure inside with": (code("with Parcel do Vanished();"), "AL0118", "Vanished"),
    "outer record of two with": (code("with Parcel do with Stop do Vanished();"), "AL0118", "Vanished"),
    "field of the data item of an own report": (
        "report 50000 R { dataset { dataitem(X; Parcel) { trigger OnAfterGetRecord() begin Lost := 1; end; } } }",
        "AL0118",
        "Lost",
    ),
    "procedure of the extended report": (listing("Prepare();"), "AL0118", "Prepare"),
    "data item of the extended report": (listing('I := Halts."Entry No.";'), "AL0118", "Halts"),
    # protected variables
    "variable of the extended page is set": (card("Counter := 1;"), "AL0118", "Counter"),
    "it is read": (card("I := Counter;"), "AL0118", "Counter"),
    "it is added to": (card("Counter += 1;"), "AL0118", "Counter"),
    "it is an argument": (card("Message(Format(Counter));"), "AL0118", "Counter"),
    "it is a condition's operand": (card("if Counter > 0 then;"), "AL0118", "Counter"),
    "variable of the extended table": (field_of("Slot := 1;"), "AL0118", "Slot"),
    "variable of the extended report": (listing("Sum := 1;"), "AL0118", "Sum"),
    # `this`, `Rec`, `xRec`
    "this and a procedure of the page": (card("this.Calm();"), "AL0132", "Calm"),
    "this and a variable of the page": (card("this.Counter := 1;"), "AL0132", "Counter"),
    "this and a field of the table": (field_of("this.\"Lost Note\" := '';"), "AL0132", "Lost Note"),
    "this and a procedure of the table": (field_of("this.Vanished();"), "AL0132", "Vanished"),
    "Rec": (card("Rec.Lost := 1;"), "AL0132", "Lost"),
    "xRec": (card("I := xRec.Lost;"), "AL0132", "Lost"),
    # pages
    "part": (card("CurrPage.Depots.Page.Reload();"), "AL0132", "Depots"),
    "part that is only asked for": (card("CurrPage.Depots.Visible := false;"), "AL0132", "Depots"),
    "procedure of a part's page": (card("CurrPage.Stops.Page.Refresh();"), "AL0132", "Refresh"),
    "procedure of a part's page on an own page": (
        (
            'page 50000 W { layout { area(content) { part(Lines; "Stop Part") { } } } '
            "trigger OnOpenPage() begin CurrPage.Lines.Page.Reload(); CurrPage.Lines.Page.Refresh(); end; }"
        ),
        "AL0132",
        "Refresh",
    ),
    "method of an add-in": (
        (
            'page 50000 W { layout { area(content) { usercontrol(Map; "Parcel Map") { } } } '
            "trigger OnOpenPage() begin CurrPage.Map.Center(); CurrPage.Map.Zoom(); end; }"
        ),
        "AL0132",
        "Zoom",
    ),
    "control": (card('CurrPage."Lost Control".Visible := false;'), "AL0132", "Lost Control"),
    "procedure by CurrPage": (card("CurrPage.Calm();"), "AL0132", "Calm"),
    "procedure by a variable": (code("Card.Calm();"), "AL0132", "Calm"),
    "control of a test page": (code("Tested.\"Lost Control\".SetValue('');"), "AL0132", "Lost Control"),
    "action of a test page": (code("Tested.Return.Invoke();"), "AL0132", "Return"),
    "part of a test page": (code("Tested.Depots.Entry.Activate();"), "AL0132", "Depots"),
    "control of a part of a test page": (code("Tested.Stops.\"Lost Cell\".SetValue('');"), "AL0132", "Lost Cell"),
    "action of a part of a test page": (code('Tested.Stops."Lost Reroute".Invoke();'), "AL0132", "Lost Reroute"),
    "control of a request page": (code("Asked.LostOption.SetValue('');"), "AL0132", "LostOption"),
    "control of the extended report's request page": (
        listing("RequestOptionsPage.LostOption.Visible := false;"),
        "AL0132",
        "LostOption",
    ),
    # behind `::`
    "table with namespace": (
        spaced('I := Database::Contoso.Freight."Air Rate";'),
        "AL0132",
        "Contoso.Freight.Air Rate",
    ),
    "codeunit with namespace": (
        spaced("Codeunit.Run(Codeunit::Contoso.Freight.Shaker);"),
        "AL0132",
        "Contoso.Freight.Shaker",
    ),
    "report with namespace": (
        spaced("Report.Run(Report::Contoso.Freight.Invoices);"),
        "AL0132",
        "Contoso.Freight.Invoices",
    ),
    "value of an enum with namespace": (spaced("I := Contoso.Freight.Speed::Slow;"), "AL0132", "Slow"),
    "the same behind Enum": (spaced("I := Enum::Contoso.Freight.Speed::Slow;"), "AL0132", "Slow"),
    "value of a bare enum": (code('State := "Parcel State"::Stolen;'), "AL0132", "Stolen"),
    "value by a variable": (code("if State = State::Stolen then;"), "AL0132", "Stolen"),
    "member of an option": (code("if Parcel.Kind = Parcel.Kind::Pallet then;"), "AL0132", "Pallet"),
    # fields named as arguments
    "CopyFilter's first field": (code('Parcel.CopyFilter("Lost Note", Other.Carrier);'), "AL0118", "Lost Note"),
    "CopyFilter's second field": (code('Parcel.CopyFilter(Carrier, Other."Lost Note");'), "AL0132", "Lost Note"),
    "field of a filter": (code("Parcel.SetFilter(Lost, '%1', 1);"), "AL0118", "Lost"),
    "field of ModifyAll": (code("Parcel.ModifyAll(Lost, 1);"), "AL0118", "Lost"),
    "fields to load": (code('Parcel.SetLoadFields("No.", "Lost Note");'), "AL0118", "Lost Note"),
    "more fields to load": (code('Parcel.AddLoadFields(Weight, "Lost Note");'), "AL0118", "Lost Note"),
    "field of Relation": (code("I := Parcel.Relation(Lost);"), "AL0118", "Lost"),
    "field of an element of an array": (code("Parcels[1].TestField(Lost);"), "AL0118", "Lost"),
    "column of a query": (code("Q.SetRange(Heavy, 1);"), "AL0349", "Heavy"),
    # what calls and collections give
    "procedure of a record that a procedure gives": (code('C := Parcel.Track()."Lost Stop";'), "AL0132", "Lost Stop"),
    "value of a dictionary": (code("Posts.Get(1).Gone();"), "AL0132", "Gone"),
    "element of a list": (code("Rates.Get(1).Discount();"), "AL0132", "Discount"),
    "value of a dictionary as argument": (code("Parcel.SetRange(Worth, Numbers.Get(C));"), "AL0133", "Worth"),
    "procedure of an XmlPort": (code("P.Aim();"), "AL0132", "Aim"),
    "member of an interface": (code("D := Rate.Discount();"), "AL0132", "Discount"),
    # types
    "no result in a condition": (code("if Parcel.Judge() then;"), "AL0122", "Judge"),
    "no result without parentheses": (code("if Parcel.Judge then;"), "AL0122", "Judge"),
    "no result in parentheses": (code("if (Parcel.Judge()) then;"), "AL0122", "Judge"),
    "text in parentheses": (code("D := (Parcel.Worth) * 2;"), "AL0175", "Worth"),
    "no result in while": (code("while Parcel.Judge() do;"), "AL0122", "Judge"),
    "no result in until": (code("repeat until Parcel.Judge();"), "AL0122", "Judge"),
    "no result is assigned": (code("B := Parcel.Judge();"), "AL0122", "Judge"),
    "no result is an operand": (code("if B and Parcel.Judge() then;"), "AL0175", "Judge"),
    "no result behind not": (code("if not Parcel.Judge() then;"), "AL0173", "Judge"),
    "no result is an argument": (code("Post.WantsNumber(Post.Give());"), "AL0133", "Give"),
    "no result is any argument": (code("Message('%1', Format(Post.Give() + 1));"), "AL0175", "Give"),
    "no result is returned": (
        "codeunit 50000 W { procedure Go(P: Record Parcel): Boolean begin exit(P.Judge()); end; }",
        "AL0122",
        "Judge",
    ),
    "no result is shown": (
        "page 50000 W { SourceTable = Parcel; layout { area(content) { field(X; Rec.Judge()) { } } } }",
        "AL0122",
        "Judge",
    ),
    "another result": (code("I := Parcel.Count2();"), "AL0122", "Count2"),
    "text into an enum": (code("Parcel.State := 'OPEN';"), "AL0122", "State"),
    "enum into a code": (code("C := Parcel.State;"), "AL0122", "State"),
    "enum and text compared": (code("if Parcel.State = 'OPEN' then;"), "AL0175", "State"),
    "enum among texts": (code("if Parcel.State in ['OPEN', 'SHUT'] then;"), "AL0175", "State"),
    "enum in a case of texts": (code("case Parcel.State of 'OPEN': ; end;"), "AL0175", "State"),
    "enum added to a text": (code("T := 'is ' + Parcel.State;"), "AL0175", "State"),
    "enum as text of a platform function": (code("I := StrLen(Parcel.State);"), "AL0133", "State"),
    "enum as value of a filter's field": (code("Parcel.SetRange(State, 'OPEN');"), "AL0133", "State"),
    "enum to an own procedure": (code("Own(Parcel.State);"), "AL0133", "State"),
    "enum to own overloads": (code("Either(Parcel.State);"), "AL0133", "State"),
    "enum to a procedure of the base": (code("Post.WantsCode(Parcel.State);"), "AL0133", "State"),
    "text multiplied": (code("D := Parcel.Worth * 2;"), "AL0175", "Worth"),
    "text in the second of two operations": (code("D := 1 + Parcel.Weight - Parcel.Worth;"), "AL0175", "Worth"),
    "text taken from a number": (code("D -= Parcel.Worth;"), "AL0175", "Worth"),
    "negative text": (code("D := -Parcel.Worth;"), "AL0173", "Worth"),
    "text compared with a number": (code("if Parcel.Worth > 5 then;"), "AL0175", "Worth"),
    "text into a number": (code("D := Parcel.Worth;"), "AL0122", "Worth"),
    "number into a text": (code("Parcel.Worth := Round(D);"), "AL0122", "Worth"),
    "text rounded": (code("D := Round(Parcel.Worth);"), "AL0133", "Worth"),
    "text as bound of a loop": (code("for I := 1 to Parcel.Worth do;"), "AL0122", "Worth"),
    "text to a procedure of the base": (code("Post.WantsNumber(Parcel.Worth);"), "AL0133", "Worth"),
    "code as condition": (code("if Parcel.Flag then;"), "AL0122", "Flag"),
    "type of a field by Validate": (code("Other.Validate(Weight, Parcel.Worth);"), "AL0133", "Worth"),
    # overloads
    "no overload takes the record": (code("Post.Take(Parcel);"), "AL0133", "Take"),
    "no overload has that many": (code("Post.WantsMore(1);"), "AL0135", "WantsMore"),
}

FITS = {
    "what is there, without qualification": card("Stay(); Depth := Mine(); Note(); I := Depth + 1; Weight := 1;"),
    "what is there in the table": field_of("Note(); Shelf += 1; \"No.\" := ''; this.Note(); this.Weight := 1;"),
    "what is there in the report": listing('I := StrLen(Items."No."); RequestOptionsPage.FromDate.Visible := false;'),
    "functions of the platform": card("Message('%1', Format(I)); Commit(); I := Random(5); if Confirm('') then;"),
    "a function of the platform that a procedure had hidden": card("Sleep(5);"),
    "own procedures named like lost members": (
        'pageextension 50000 X extends "Parcel Card" { trigger OnOpenPage() begin Calm(); end; '
        "local procedure Calm() begin end; }"
    ),
    "local variable named like a lost one": (
        'pageextension 50000 X extends "Parcel Card" { trigger OnOpenPage() var Counter: Text; begin '
        "Counter := 'x'; end; }"
    ),
    "methods of the platform on a page": card(
        "CurrPage.Update(); CurrPage.SaveRecord(); CurrPage.Stops.Page.Reload(); CurrPage.Stops.Page.Update(false);"
        " CurrPage.Stops.Visible := true; CurrPage.Caption := ''; CurrPage.SomeNewPlatformMethod();"
    ),
    "a test page": code(
        "Tested.OpenEdit(); Tested.\"No.\".SetValue('1'); Tested.Send.Invoke(); Tested.Stops.Entry.Activate();"
        "Tested.Stops.First(); Tested.Stops.Reroute.Invoke(); Tested.Filter.SetFilter(\"Lost Note\", '');"
        'Tested.FindFirstField("Lost Note", 1); Tested.Next(); Asked.FromDate.SetValue(Day); Asked.Cancel().Invoke();'
    ),
    "names with namespace": spaced(
        'I := Database::Contoso.Freight."Sea Rate"; I := Database::Contoso.Freight."Dr. Rate";'
        "Codeunit.Run(Codeunit::Contoso.Freight.Mover); Page.Run(Page::Contoso.Freight.Rates);"
        "I := Contoso.Freight.Speed::Fast; I := Enum::Contoso.Freight.Speed::Fast;"
        "I := Enum::Contoso.Freight.Speed.FromInteger(0);"
    ),
    "a namespace that nobody knows": spaced("I := Database::Unheard.Of.It;"),
    "own overloads with other results": code(
        "B := Same(Parcel, 'x'); I := Same(Parcel); if Same(Parcel, T) then; B := Either(Parcel.Carrier);"
    ),
    "overloads of the base with other results": code("I := Post.Find(Parcel); T := Post.Find(Parcel, 'x');"),
    "an overload of unknown arguments": code("Post.Take(V); Post.Take(true); Either(V);"),
    "collections": code(
        "T := Names.Get(1); D := Numbers.Get(C); if Numbers.Get(C, D) then; B := Names.Contains('');"
        "Posts.Get(1).Stays(); T := Nested.Get(1).Get(1); I := Names.Count() + Names.IndexOf('');"
        "foreach T in Names do;"
    ),
    "a try function gives a Boolean": code("if not Attempt() then; B := Attempt();"),
    "a procedure without result as a statement": code("Parcel.Judge(); Parcel.Judge; Post.Give();"),
    "enums convert to numbers and to each other": code(
        "I := Parcel.Phase; Parcel.Phase := State; if Parcel.Phase = State::Open then; Parcel.SetRange(Phase, State);"
        "if Parcel.Phase in [State::Open, State::Closed] then; Parcel.Phase := I; T := Format(Parcel.Phase);"
        'case Parcel.Phase of State::Open: ; end; Parcel.Phase := Enum::"Parcel State".FromInteger(1);'
    ),
    "numbers and texts among their own": code(
        'D := Parcel.Weight * 2 + I; T := Parcel."No." + Parcel.Carrier; if Parcel."No." = T then; C := T;'
        "D := -Parcel.Weight; B := not Parcel.Sent; if Parcel.Sent and (Parcel.Weight > 1) or B then;"
        "D -= Parcel.Weigh(); Parcel.SetRange(Weight, 1, D); Parcel.SetFilter(\"No.\", '%1', I);"
        "Parcel.TestField(Weight, 1);"
    ),
    "dates": code('Day := Parcel."Due On" + 1; I := Parcel."Due On" - Day; if Parcel."Due On" = 0D then;'),
    "conditional values": code("T := Parcel.Sent ? 'yes' : 'no'; D := Parcel.Sent ? Parcel.Weight : 0;"),
    "variants take everything": code("V := Parcel.State; V := Parcel.Worth; V := Parcel;"),
    "what the extension alone declares compiled": code("B := I; T := D; if I then; Own(B);"),
    "with a record that has it": code("with Parcel do begin Weight := 1; Note(); end; with Stop do City := '';"),
    "fields of a record": code(
        'Parcel.CopyFilter("Carrier Filter", Other.Carrier); Parcel.CalcFields(Weight); Parcel.SetLoadFields(Weight);'
        "I := Parcel.FieldNo(Weight); Parcel.SetRange(SystemId); Parcel.ModifyAll(Sent, true);"
    ),
    "columns and unknown methods": code("Q.SetRange(No, ''); C := Q.No; P.Export(); Card.RunModal();"),
}


def judge(source: str, *, old: bool = True) -> list[BreakFinding]:
    target = TargetSet((parcels(2),), (parcels(1),) if old else ())
    (report,) = check_packages([open_package(extension(source))], target)
    assert report.undecided == ()
    return [f for f in report.findings if f.severity is BreakSeverity.BLOCKS]


@shows((13, "AL0173"), (13, "AL0175"))
@pytest.mark.parametrize(("source", "code", "symbol"), BREAKS.values(), ids=BREAKS.keys())
def test_what_the_base_lost_is_found_in_its_context(source: str, code: str, symbol: str) -> None:
    (finding,) = judge(source)
    assert (finding.code, finding.symbol) == (code, symbol)


@pytest.mark.parametrize("source", FITS.values(), ids=FITS.keys())
def test_what_fits_or_cannot_be_known_never_blocks(source: str) -> None:
    assert judge(source) == []
    assert judge(source, old=False) == []


@pytest.mark.parametrize("source", [case[0] for case in BREAKS.values()], ids=BREAKS.keys())
def test_the_base_that_an_extension_was_written_for_gives_no_finding(source: str) -> None:
    (report,) = check_packages(
        [open_package(extension(source, application="24.0.0.0", runtime="13.0"))], TargetSet((parcels(1),))
    )
    assert [f for f in report.findings if f.severity is BreakSeverity.BLOCKS] == []
