"""One base in two versions, for probes: what ends in `// until 1` the second has no more, `// from 2` only it has."""

from functools import cache

from shared.formats.al.package.container import open_package
from shared.formats.al.source.opening import open_extension
from shared.formats.al.symbols.index import AppIndex
from tests.support.al_packages import BASE_ID, app

PARCELS = """
table 18 Parcel
{
    fields
    {
        field(1; "No."; Code[20]) { }
        field(2; Weight; Decimal) { }
        field(3; "Lost Note"; Text[50]) { } // until 1
        field(4; Lost; Integer) { } // until 1
        field(5; Kind; Option) { OptionMembers = Letter,Box,Pallet; } // until 1
        field(5; Kind; Option) { OptionMembers = Letter,Box; } // from 2
        field(6; State; Code[10]) { } // until 1
        field(6; State; Enum "Parcel State") { } // from 2
        field(7; Worth; Decimal) { } // until 1
        field(7; Worth; Text[30]) { } // from 2
        field(8; Carrier; Code[20]) { }
        field(9; Sent; Boolean) { }
        field(10; "Carrier Filter"; Code[20]) { FieldClass = FlowFilter; }
        field(11; Phase; Enum "Parcel State") { }
        field(12; Flag; Boolean) { } // until 1
        field(12; Flag; Code[10]) { } // from 2
        field(13; "Due On"; Date) { }
    }
    keys { key(PK; "No.") { Clustered = true; } }
    procedure Vanished() begin end; // until 1
    procedure Judge(): Boolean begin end; // until 1
    procedure Judge() begin end; // from 2
    procedure Count2(): Integer begin end; // until 1
    procedure Count2(): Text begin end; // from 2
    procedure Track(): Record Stop begin end;
    procedure Weigh(): Decimal begin end;
    procedure Note() begin end;
    protected var
        Slot: Integer; // until 1
        Shelf: Integer;
}
table 21 Stop
{
    fields
    {
        field(1; "Entry No."; Integer) { }
        field(2; Parcel; Code[20]) { }
        field(3; "Lost Stop"; Code[10]) { } // until 1
        field(4; City; Text[30]) { }
    }
    keys { key(PK; "Entry No.") { } }
}
enum 40 "Parcel State" { Extensible = true; value(0; Open) { } value(1; Closed) { }
    value(2; Stolen) { } // until 1
}
interface IRate
{
    procedure Rate(): Decimal;
    procedure Discount(): Decimal; // until 1
}
codeunit 79 "Flat Rate" implements IRate
{
    procedure Rate(): Decimal begin end;
    procedure Discount(): Decimal begin end; // until 1
}
codeunit 80 Post
{
    procedure Take(Parcel: Record Parcel) begin end; // until 1
    procedure Take(Stop: Record Stop) begin end; // from 2
    procedure Take(Ready: Boolean) begin end;
    procedure Find(Parcel: Record Parcel): Integer begin end;
    procedure Find(Parcel: Record Parcel; Name: Text): Text begin end;
    procedure Give(): Integer begin end; // until 1
    procedure Give() begin end; // from 2
    procedure WantsCode(C: Code[20]) begin end;
    procedure WantsNumber(D: Decimal) begin end;
    procedure WantsMore(A: Integer) begin end; // until 1
    procedure WantsMore(A: Integer; B: Integer) begin end; // from 2
    procedure Gone() begin end; // until 1
    procedure Stays() begin end;
}
page 20 "Stop Part"
{
    PageType = ListPart;
    SourceTable = Stop;
    layout { area(content) { repeater(Lines) {
        field(Entry; Rec."Entry No.") { }
        field("Lost Cell"; Rec.City) { } // until 1
    } } }
    actions { area(processing) {
        action(Reroute) { }
        action("Lost Reroute") { } // until 1
    } }
    procedure Refresh() begin end; // until 1
    procedure Reload() begin end;
}
page 21 "Parcel Card"
{
    SourceTable = Parcel;
    layout { area(content)
    {
        group(General)
        {
            field("No."; Rec."No.") { }
            field("Lost Control"; Rec.Weight) { } // until 1
        }
        part(Stops; "Stop Part") { }
        part(Depots; "Stop Part") { } // until 1
    } }
    actions { area(processing) {
        action(Send) { }
        action(Return) { } // until 1
    } }
    procedure Calm() begin end; // until 1
    procedure Sleep(Hours: Integer) begin end; // until 1
    procedure Stay() begin end;
    protected var
        Counter: Integer; // until 1
        Depth: Integer;
}
report 91 "Parcel List"
{
    dataset {
        dataitem(Items; Parcel) { column(No; "No.") { } }
        dataitem(Halts; Stop) { column(Entry; "Entry No.") { } } // until 1
    }
    requestpage { layout { area(content) {
        field(FromDate; FromDate) { }
        field(LostOption; FromDate) { } // until 1
    } } }
    procedure Prepare() begin end; // until 1
    protected var
        FromDate: Date;
        Sum: Decimal; // until 1
}
controladdin "Parcel Map"
{
    procedure Zoom(); // until 1
    procedure Center();
}
query 90 "Parcel Query"
{
    elements { dataitem(Items; Parcel) {
        column(No; "No.") { }
        column(Heavy; Weight) { } // until 1
    } }
}
xmlport 92 "Parcel Port"
{
    schema { textelement(Root) { } }
    procedure Aim() begin end; // until 1
}
"""

FREIGHT = """
namespace Contoso.Freight;
table 31 "Sea Rate" { fields { field(1; Id; Integer) { } } keys { key(PK; Id) { } } }
table 32 "Air Rate" { fields { field(1; Id; Integer) { } } keys { key(PK; Id) { } } } // until 1
table 33 "Dr. Rate" { fields { field(1; Id; Integer) { } } keys { key(PK; Id) { } } }
codeunit 34 Mover { }
codeunit 35 Shaker { } // until 1
page 36 Rates { SourceTable = "Sea Rate"; layout { area(content) { } } }
report 37 Invoices { } // until 1
enum 38 Speed { value(0; Fast) { }
    value(1; Slow) { } // until 1
}
"""


def _of_version(source: str, number: int) -> str:
    other = "// until 1" if number == 2 else "// from 2"
    return "\n".join(line for line in source.splitlines() if not line.endswith(other))


@cache
def parcels(number: int) -> AppIndex:
    """The base application of version 24 (1) or 25 (2)."""
    sources = {"Parcels.al": _of_version(PARCELS, number), "Freight.al": _of_version(FREIGHT, number)}
    package = app(
        None,
        sources,
        app_id=BASE_ID,
        name="Base Application",
        publisher="Microsoft",
        version=f"{23 + number}.0.0.0",
        target="OnPrem",
    )
    opened = open_extension(open_package(package))
    assert opened.undecided == []
    return opened.index
