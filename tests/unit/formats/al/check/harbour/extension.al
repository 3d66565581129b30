tableextension 50000 "Ship Ext" extends Ship
{
    DataCaptionFields = "Ship No.", Draught;
    fields
    {
        modify("Ship Name")
        {
            trigger OnAfterValidate()
            begin
                Rec."Log Book" := CopyStr("Ship Name", 1, 10);
                Ballast += Draught;
                this.Ballast := Tonnage();
                if not Inspect() then
                    Rec.TestField(Flagged);
            end;
        }
        field(50000; "My Berth"; Code[20])
        {
            TableRelation = if (Hull = const(Steel)) Berth."Berth Code" where("Berth Sort" = const(Dry))
            else
            Berth where(Depth = field(Draught), "Shore Power" = const(true));
        }
        field(50001; "My Mass"; Decimal)
        {
            FieldClass = FlowField;
            CalcFormula = sum("Cargo Line".Mass where("Ship Ref." = field("Ship No."),
                Goods = filter(Bulk | Crate),
                Hazard = const(true)));
        }
        field(50002; "My Rig"; Enum "Ship Rig") { InitValue = Ketch; }
    }
    keys
    {
        key(MyKey; "Last Call") { }
    }
    fieldgroups { addlast(DropDown; "Crew Size") { } }
    procedure MyHome(): Text
    begin
        exit(HomeOf()."Quay Name");
    end;
}
table 50003 "My Log"
{
    DrillDownPageId = "Ship List";
    fields
    {
        field(1; "My No."; Code[20]) { TableRelation = Ship; }
        field(2; "My Sort"; Enum "Berth Sort") { }
    }
    keys { key(MyPK; "My No.") { } }
}
enumextension 50004 "My Tolls" extends "Toll Way"
{
    value(50004; MyWay) { Implementation = IToll = "My Toll"; }
}
codeunit 50005 "My Toll" implements IToll
{
    procedure Toll(Load: Decimal): Decimal
    begin
    end;

    procedure Rebate(): Decimal
    begin
    end;
}
codeunit 50006 "My Pilot" implements IPilot
{
    procedure Guide(Vessel: Record Ship): Boolean
    begin
        exit(Vessel.Beam < 3);
    end;
}
codeunit 50007 "My Code"
{
    TableNo = "Cargo Line";
    Permissions = tabledata "Port Setup" = rm,
        codeunit "Night Watch" = X;

    trigger OnRun()
    begin
        if Rec."Stowed At" = '' then
            Rec.Stow();
    end;

    procedure MyRecords(var MyShip: Record Ship; MyBerth: Record Berth; MyList: List of [Enum "Berth Sort"])
    var
        MyLines: Record "Cargo Line" temporary;
        MySetup: Record "Port Setup";
        MyMgt: Codeunit "Harbour Mgt.";
        MyTide: Codeunit "Tide Reader";
        MyQuery: Query "Cargo By Ship";
        MyMap: Dictionary of [Text, Codeunit "Flat Toll"];
        MyPort: XmlPort "Ship Port";
        MyPilots: Interface IPilot;
        MyWords: Text;
        MyAmount: Decimal;
    begin
        MyShip.SetRange("Home Berth", MyBerth."Berth Code");
        MyShip.SetFilter("Day Filter", '..%1', MyShip."Built On");
        MyShip.CalcFields("Cargo Mass");
        MyShip.SetLoadFields(Beam, "Crew Size");
        MyShip.Validate("Port Of Call", 'A');
        MyShip.SetCurrentKey("Last Call");
        if MyShip.Hull in [MyShip.Hull::Wooden, MyShip.Hull::Carbon] then
            MyShip.Moor(MyMgt.FindBerth(MyBerth.Depth));
        case MyShip.Rig of
            "Ship Rig"::Schooner, MyShip.Rig::"Full Rigged":
                MyMgt.Arrive(MyShip);
            Enum::"Ship Rig"::Brig:
                MyShip.Rerig("Ship Rig"::Sloop);
        end;
        MyAmount := MyMgt.Fee(MyLines.Mass, MyLines.Hazard) + MyTide.Level() * MySetup."Fee Rate";
        MyWords := MySetup."Tide Source" + Format(MyTide.NextTide());
        case MyAmount of
            MyShip.Flagged ? MyShip.Beam : 2:
                MyMgt.Announce(MyWords);
        end;
        MyAmount := MyMgt.IsOpen() ? MyShip.Tonnage() : MyBerth."Crane Count";
        foreach MyWords in MyMgt.FleetOf() do
            if MyMgt.PilotFor(MyShip).Guide(MyShip) then
                continue;
        MyPilots := MyMgt.PilotFor(MyShip);
        MyQuery.SetRange(LastCallQ, 0D);
        while MyQuery.Read() do
            MyAmount += MyQuery.MassQ;
        MyAmount := MyMap.Get('A').Rebate();
        MyPort.Aim();
        MyBerth.PowerUp();
        if MyBerth.IsFree() then
            MyBerth."Shore Power" := MyList.Contains("Berth Sort"::Floating);
        Page.Run(Page::"Ship List");
        Report.Run(Report::"Toll Bill");
        Codeunit.Run(Codeunit::"Night Watch", MyShip);
        MyAmount := Database::"Fee Entry";
        MyShip.SetAscending(Draught, true);
        MyLines.SetRange(Goods, MyLines.Goods::Liquid);
        MyLines.ModifyAll("Stowed At", MySetup."Default Berth");
        MyLines.SetRange("Line Ref.", 1);
    end;

    procedure MyWith(MyShip: Record Ship)
    begin
        with MyShip do begin
            "Crew Size" := 1;
            Moor('A');
        end;
    end;

    [EventSubscriber(ObjectType::Codeunit, Codeunit::"Harbour Mgt.", 'OnBeforeArrive', '', false, false)]
    local procedure MyArrive(var Vessel: Record Ship; var IsHandled: Boolean)
    begin
        IsHandled := Vessel."Crew Size" > 0;
    end;

    [EventSubscriber(ObjectType::Codeunit, Codeunit::"Harbour Mgt.", 'OnFeeFound', '', false, false)]
    local procedure MyFee(Amount: Decimal)
    begin
    end;

    [EventSubscriber(ObjectType::Table, Database::Ship, 'OnAfterMoor', '', false, false)]
    local procedure MyMoor(BerthCode: Code[20])
    begin
    end;

    [EventSubscriber(ObjectType::Table, Database::Berth, 'OnAfterValidateEvent', 'Quay Name', false, false)]
    local procedure MyQuay(var Rec: Record Berth)
    begin
    end;

    [EventSubscriber(ObjectType::Page, Page::"Ship Card", 'OnBeforeActionEvent', 'CallPilot', false, false)]
    local procedure MyCall(var Rec: Record Ship)
    begin
    end;
}
pageextension 50008 "My Card" extends "Ship Card"
{
    layout
    {
        modify(DraughtBox) { Visible = Rec.Flagged; }
        addlast(Particulars)
        {
            field("My Name"; Rec."Ship Name") { Editable = WatchHours > 1; StyleExpr = Rec."Log Book"; }
            field("My Depth"; "Port Of Call") { ApplicationArea = All; }
        }
        addafter(Voyage)
        {
            part(MyBerths; "Berth Facts")
            {
                SubPageLink = "Berth Code" = field("Home Berth");
                SubPageView = sorting(Depth) where("Crane Count" = const(1));
            }
        }
        addbefore(BeamBox) { field("My Crew"; Rec."Crew Size") { } }
        moveafter(ShipNoBox; LastCallBox) { }
    }
    actions
    {
        modify(Depart) { Visible = WatchHours = 0; }
        addlast(Sailing)
        {
            action(MyRun)
            {
                RunObject = page "Berth List";
                RunPageLink = "Berth Code" = field("Home Berth");
                trigger OnAction()
                begin
                    CurrPage.CargoPart.Page.Recount();
                    CurrPage.BerthFacts.Page.Update(false);
                    CurrPage.TideBox.DrawTide(Rec.Draught);
                    ShowTide();
                    SetWatch(WatchHours);
                    Rec.Moor('B');
                end;
            }
        }
        addafter(Signal) { action(MyOther) { RunObject = report "Toll Bill"; } }
        addfirst(Promoted) { actionref(MyRef; CallPilot) { } }
    }
    views { addfirst { view(MyView) { Filters = where("Last Call" = const()); } } modify(FlaggedShips) { Visible = false; } }
}
pageextension 50009 "My Cues" extends "Harbour Cues"
{
    layout { addafter(RateCue) { field("My Rate"; Rec."Fee Rate") { } } addlast(ShipCues) { field("My Tide"; Rec."Tide Source") { } } }
}
pageextension 50010 "My Center" extends "Harbour Center"
{
    actions { addlast(FleetMenu) { action(MyShips) { RunObject = page "Ship List"; RunPageView = where(Flagged = const(true)); } } }
}
pagecustomization "My Custom" customizes "Ship Card"
{
    layout { modify(LastCallBox) { Visible = false; } }
    actions { modify(Signal) { Visible = false; } }
}
profile "My Profile" { RoleCenter = "Harbour Center"; Customizations = "My Custom"; }
page 50011 "My Page"
{
    SourceTable = Berth;
    SourceTableView = sorting("Berth Code") where("Berth Sort" = const(Floating));
    layout
    {
        area(content)
        {
            field("My Code Box"; Rec."Berth Code") { Enabled = Rec.Depth > 1; }
            part(MyShipPart; "Cargo Subform") { SubPageLink = "Stowed At" = field("Berth Code"); }
        }
    }
    trigger OnAfterGetRecord()
    begin
        if IsFree() then
            "Crane Count" := 1;
    end;
}
report 50012 "My Report"
{
    dataset
    {
        dataitem(MyShipItem; Ship)
        {
            DataItemTableView = sorting("Ship No.") where(Flagged = const(true));
            RequestFilterFields = "Ship No.", "Last Call";
            CalcFields = "Cargo Mass";
            column(MyNo; "Ship No.") { }
            column(MyBeam; Beam * 2) { }
            dataitem(MyCargo; "Cargo Line")
            {
                DataItemLink = "Ship Ref." = field("Ship No.");
                column(MyGoods; Goods) { }
                trigger OnAfterGetRecord()
                begin
                    if Hazard then
                        Stow();
                end;
            }
        }
    }
    requestpage { SourceTable = "Port Setup"; layout { area(content) { field(MyDefault; Rec."Default Berth") { } } } }
}
reportextension 50013 "My Log Ext" extends "Port Log"
{
    dataset
    {
        add(ShipItem)
        {
            column(MyDraught; Draught) { }
            column(MyBuilt; "Built On") { }
            column(MyTons; ShipItem.Tonnage()) { }
        }
        addlast(CargoItem)
        {
            dataitem(MyFees; "Fee Entry") { column(MyFeeAmount; "Fee Amount") { } }
        }
        modify(CargoItem)
        {
            trigger OnAfterAfterGetRecord()
            begin
                InitLog(StartDay);
                CargoItem.Hazard := false;
            end;
        }
    }
    requestpage { layout { addafter(StartDayBox) { field(MyStart; StartDay) { } } addlast(LogOptions) { field(MyEnd; StartDay) { } } } }
}
query 50014 "My Query"
{
    elements
    {
        dataitem(MyBerthQ; Berth)
        {
            DataItemTableFilter = "Berth Sort" = const(Dry);
            column(MyQuayQ; "Quay Name") { }
            filter(MyDepthQ; Depth) { }
            dataitem(MyShipQ; Ship)
            {
                DataItemLink = "Home Berth" = MyBerthQ."Berth Code";
                column(MyCrewQ; "Crew Size") { }
            }
        }
    }
}
xmlport 50015 "My Port"
{
    schema
    {
        textelement(MyRoot)
        {
            tableelement(MyElement; Ship)
            {
                SourceTableView = sorting("Ship No.");
                fieldelement(MyNoElement; MyElement."Ship No.") { }
                fieldattribute(MyBeamAttribute; MyElement.Beam) { }
            }
        }
    }
}
permissionset 50016 "My Set"
{
    IncludedPermissionSets = "Harbour Basic";
    Permissions = tabledata Berth = R,
        page "Berth List" = X;
}
permissionsetextension 50017 "My Set Ext" extends "Harbour Read" { Permissions = tabledata "Fee Entry" = r; }
codeunit 50018 "My Tests"
{
    Subtype = Test;

    [Test]
    procedure MyTest()
    var
        MyCardTest: TestPage "Ship Card";
        MyLogTest: TestRequestPage "Port Log";
    begin
        MyCardTest.ShipNoBox.SetValue('A');
        MyCardTest.CargoPart.GoodsCell.AssertEquals(1);
        MyCardTest.Depart.Invoke();
        MyLogTest.StartDayBox.SetValue(Today());
    end;
}
