table 50 Ship
{
    DataCaptionFields = "Ship No.", "Ship Name";
    LookupPageId = "Ship List";
    fields
    {
        field(1; "Ship No."; Code[20]) { }
        field(2; "Ship Name"; Text[100]) { }
        field(3; Draught; Decimal) { }
        field(4; "Home Berth"; Code[20]) { TableRelation = Berth."Berth Code"; }
        field(5; Flagged; Boolean) { }
        field(6; Hull; Option) { OptionMembers = Steel,Wooden,Carbon; }
        field(7; Rig; Enum "Ship Rig") { }
        field(8; "Cargo Mass"; Decimal) { FieldClass = FlowField; CalcFormula = sum("Cargo Line".Mass where("Ship Ref." = field("Ship No."))); }
        field(9; "Day Filter"; Date) { FieldClass = FlowFilter; }
        field(10; "Last Call"; Date) { }
        field(11; "Crew Size"; Integer) { }
        field(12; "Built On"; Date) { }
        field(13; Beam; Decimal) { }
        field(14; "Log Book"; Text[250]) { }
        field(15; "Port Of Call"; Code[10]) { }
    }
    keys
    {
        key(PK; "Ship No.") { Clustered = true; }
    }
    procedure Moor(BerthCode: Code[20]) begin end;
    procedure Inspect(): Boolean begin end;
    procedure Tonnage(): Decimal begin end;
    procedure HomeOf(): Record Berth begin end;
    procedure Rerig(Wanted: Enum "Ship Rig") begin end;
    [IntegrationEvent(false, false)]
    procedure OnAfterMoor(BerthCode: Code[20]) begin end;
    protected var
        Ballast: Decimal;
}
table 51 Berth
{
    LookupPageId = "Berth List";
    fields
    {
        field(1; "Berth Code"; Code[20]) { }
        field(2; Depth; Decimal) { }
        field(3; "Berth Sort"; Enum "Berth Sort") { }
        field(4; "Quay Name"; Text[50]) { }
        field(5; "Crane Count"; Integer) { }
    }
    keys { key(PK; "Berth Code") { } }
    procedure IsFree(): Boolean begin end;
}
table 52 "Cargo Line"
{
    fields
    {
        field(1; "Ship Ref."; Code[20]) { }
        field(2; "Line Ref."; Integer) { }
        field(3; Mass; Decimal) { }
        field(4; Goods; Option) { OptionMembers = Bulk,Crate,Liquid; }
        field(5; "Stowed At"; Code[20]) { }
        field(6; Hazard; Boolean) { }
    }
    keys { key(PK; "Ship Ref.", "Line Ref.") { } }
    procedure Stow() begin end;
}
table 53 "Port Setup"
{
    fields
    {
        field(1; "Setup Key"; Code[10]) { }
        field(2; "Default Berth"; Code[20]) { }
        field(3; "Fee Rate"; Decimal) { }
        field(4; "Tide Source"; Text[100]) { }
    }
    keys { key(PK; "Setup Key") { } }
}
table 54 "Fee Entry"
{
    fields
    {
        field(1; "Fee No."; Integer) { }
        field(2; "Fee Amount"; Decimal) { }
        field(3; Settled; Boolean) { }
    }
    keys { key(PK; "Fee No.") { } }
}
enum 60 "Ship Rig" { Extensible = true; value(0; Sloop) { } value(1; Ketch) { } value(2; Schooner) { } value(3; "Full Rigged") { } }
enum 61 "Berth Sort" { Extensible = true; value(0; Dry) { } value(1; Floating) { } }
enum 62 "Toll Way" implements IToll { Extensible = true; value(0; Flat) { Implementation = IToll = "Flat Toll"; } }
interface IToll
{
    procedure Toll(Load: Decimal): Decimal;
    procedure Rebate(): Decimal;
}
interface IPilot { procedure Guide(Vessel: Record Ship): Boolean; }
codeunit 70 "Flat Toll" implements IToll
{
    procedure Toll(Load: Decimal): Decimal begin end;
    procedure Rebate(): Decimal begin end;
}
codeunit 71 "Harbour Mgt."
{
    procedure Arrive(var Vessel: Record Ship) begin end;
    procedure FindBerth(Depth: Decimal): Code[20] begin end;
    procedure IsOpen(): Boolean begin end;
    procedure Fee(Load: Decimal): Decimal begin end;
    procedure Fee(Load: Decimal; Hazard: Boolean): Decimal begin end;
    procedure Announce(Words: Text) begin end;
    procedure PilotFor(Vessel: Record Ship): Interface IPilot begin end;
    procedure FleetOf(): List of [Text] begin end;
    [IntegrationEvent(false, false)]
    local procedure OnBeforeArrive(var Vessel: Record Ship; var IsHandled: Boolean) begin end;
    [BusinessEvent(false)]
    local procedure OnFeeFound(Amount: Decimal) begin end;
}
codeunit 72 "Tide Reader"
{
    procedure Level(): Decimal begin end;
    procedure NextTide(): DateTime begin end;
}
codeunit 73 "Night Watch" { TableNo = Ship; trigger OnRun() begin end; }
page 80 "Ship Card"
{
    PageType = Card;
    SourceTable = Ship;
    layout
    {
        area(content)
        {
            group(Particulars)
            {
                field(ShipNoBox; Rec."Ship No.") { }
                field(DraughtBox; Rec.Draught) { }
            }
            group(Voyage) { field(LastCallBox; Rec."Last Call") { } }
            part(CargoPart; "Cargo Subform") { SubPageLink = "Ship Ref." = field("Ship No."); }
            usercontrol(TideBox; "Tide Chart") { }
        }
        area(factboxes) { part(BerthFacts; "Berth Facts") { } }
    }
    actions
    {
        area(processing)
        {
            group(Sailing)
            {
                action(Depart) { }
                action(CallPilot) { }
            }
        }
    }
    views { view(FlaggedShips) { Filters = where(Flagged = const(true)); } }
    procedure ShowTide() begin end;
    procedure SetWatch(Hours: Integer) begin end;
    protected var
        WatchHours: Integer;
}
page 81 "Ship List" { PageType = List; SourceTable = Ship; CardPageId = "Ship Card"; layout { area(content) { repeater(ShipRows) { field(ShipNameCell; Rec."Ship Name") { } } } } }
page 82 "Cargo Subform"
{
    PageType = ListPart;
    SourceTable = "Cargo Line";
    layout { area(content) { repeater(CargoRows) { field(MassCell; Rec.Mass) { } field(GoodsCell; Rec.Goods) { } } } }
    actions { area(processing) { action(StowAll) { } } }
    procedure Recount() begin end;
}
page 83 "Berth List" { PageType = List; SourceTable = Berth; layout { area(content) { repeater(BerthRows) { field(BerthCell; Rec."Berth Code") { } } } } }
page 84 "Berth Facts" { PageType = CardPart; SourceTable = Berth; layout { area(content) { field(DepthFact; Rec.Depth) { } } } }
page 85 "Harbour Cues"
{
    PageType = CardPart;
    SourceTable = "Port Setup";
    layout { area(content) { cuegroup(ShipCues) { field(RateCue; Rec."Fee Rate") { } actions { action(NewShip) { } } } } }
}
page 86 "Harbour Center" { PageType = RoleCenter; layout { area(rolecenter) { part(CuesPart; "Harbour Cues") { } } } actions { area(sections) { group(FleetMenu) { } } } }
report 90 "Port Log"
{
    dataset
    {
        dataitem(ShipItem; Ship)
        {
            column(ShipNoCol; "Ship No.") { }
            dataitem(CargoItem; "Cargo Line") { DataItemLink = "Ship Ref." = field("Ship No."); column(MassCol; Mass) { } }
        }
    }
    requestpage { layout { area(content) { group(LogOptions) { field(StartDayBox; StartDay) { } } } } }
    procedure InitLog(Day: Date) begin end;
    protected var
        StartDay: Date;
}
report 91 "Toll Bill" { dataset { dataitem(FeeItem; "Fee Entry") { column(FeeNoCol; "Fee No.") { } } } }
query 95 "Cargo By Ship"
{
    elements
    {
        dataitem(ShipQ; Ship)
        {
            column(ShipNoQ; "Ship No.") { }
            filter(LastCallQ; "Last Call") { }
            dataitem(CargoQ; "Cargo Line") { DataItemLink = "Ship Ref." = ShipQ."Ship No."; column(MassQ; Mass) { Method = Sum; } }
        }
    }
}
xmlport 96 "Ship Port" { schema { textelement(Ships) { } } procedure Aim() begin end; }
controladdin "Tide Chart" { procedure DrawTide(Level: Decimal); event ChartReady(); }
permissionset 97 "Harbour Basic" { Permissions = tabledata Ship = RIMD; }
permissionset 98 "Harbour Read" { Permissions = tabledata Berth = R; }
tableextension 99 "Berth Plus" extends Berth { fields { field(100; "Shore Power"; Boolean) { } } procedure PowerUp() begin end; }
enumextension 59 "Rig Plus" extends "Ship Rig" { value(10; Brig) { } }
pageextension 58 "Card Plus" extends "Ship Card" { layout { addlast(Particulars) { field(BeamBox; Rec.Beam) { } } } actions { addlast(Sailing) { action(Signal) { } } } }
