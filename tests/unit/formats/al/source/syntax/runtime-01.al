// Runtimes 1 to 3: what the language began with.

// = table Parcel: fields No., Kind, Weight, Total; keys PK, ByWeight; methods Weigh
table 50100 Parcel
{
    Caption = 'Parcel', Comment = 'a thing that is sent', Locked = true;
    CaptionML = ENU = 'Parcel', DAN = 'Pakke';
    DataPerCompany = true;
    LookupPageId = "Parcel List";

    fields
    {
        field(1; "No."; Code[20])
        {
            TableRelation = if (Kind = const(Letter)) "Post Code".Code where(Code = field("No."), City = filter('A*|B*'))
            else
            if (Kind = const(Box)) Depot;
            trigger OnValidate()
            begin
            end;

            trigger OnLookup()
            begin
            end;
        }
        field(2; Kind; Option) { OptionMembers = Letter,Box,,"Heavy Box"; OptionCaption = 'Letter,Box,,Heavy Box'; InitValue = Box; }
        field(3; Weight; Decimal) { DecimalPlaces = 0 : 5; MinValue = 0; }
        field(4; Total; Decimal)
        {
            FieldClass = FlowField;
            CalcFormula = - sum("Parcel Line".Weight where("Parcel No." = field("No."), Kind = field(filter("Kind Filter"))));
        }
    }
    keys
    {
        key(PK; "No.", Kind) { Clustered = true; }
        key(ByWeight; Weight) { SumIndexFields = Weight; }
    }
    fieldgroups
    {
        fieldgroup(DropDown; "No.", Kind) { }
        fieldgroup(Brick; "No.") { Caption = 'Brick'; }
    }

    trigger OnInsert()
    begin
        TestField("No.");
    end;

    procedure Weigh()
    begin
    end;
}

// = tableextension Parcel Ext: fields Colour; keys ByColour
tableextension 50100 "Parcel Ext" extends Parcel
{
    fields
    {
        field(50100; Colour; Text[30]) { }
        modify(Weight)
        {
            trigger OnBeforeValidate()
            begin
            end;
        }
    }
    keys { key(ByColour; Colour) { } }
    fieldgroups { addlast(DropDown; Colour) { } }
}

// = page Parcel Card: controls Content, General, No., Fixed, Column, Sum, Grid, Note, Lines, FactBoxes, Log, Notes, Chart, Map; actions Processing, Send, Sep, Group, Print, Report; methods Refresh; views Heavy
page 50100 "Parcel Card"
{
    PageType = Card;
    SourceTable = Parcel;
    SourceTableView = sorting("No.") order(descending) where(Kind = const(Box), Weight = filter(> 0 & <= 10));
    DataCaptionFields = "No.", Kind;

    layout
    {
        area(Content)
        {
            group(General)
            {
                Visible = IsVisible and not (Weight > 10);
                field("No."; "No.")
                {
                    StyleExpr = Style;
                    AssistEdit = true;
                    trigger OnAssistEdit()
                    begin
                    end;
                }
                fixed(Fixed) { group(Column) { field(Sum; Weight * 2 + Round(Total, 0.01)) { ShowCaption = false; } } }
                grid(Grid) { GridLayout = Rows; }
                label(Note) { CaptionClass = Caption(1, 'a;b'); }
            }
            part(Lines; "Parcel Lines") { SubPageLink = "Parcel No." = field("No."), Kind = const(Box); UpdatePropagation = Both; }
        }
        area(FactBoxes)
        {
            systempart(Log; Links) { }
            systempart(Notes; Notes) { }
            chartpart(Chart; "CHART-1") { }
            usercontrol(Map; "Map Add-in")
            {
                trigger Ready()
                begin
                end;

                trigger "Point::Chosen"(Place: Text)
                begin
                end;
            }
        }
    }
    actions
    {
        area(Processing)
        {
            action(Send)
            {
                Promoted = true;
                PromotedCategory = Process;
                RunObject = page "Parcel List";
                RunPageLink = "No." = field("No.");
                ShortcutKey = 'Ctrl+F7';
                trigger OnAction()
                begin
                end;
            }
            separator(Sep) { }
            separator { }
            group(Group) { action(Print) { RunObject = report 50100; } action(Report) { RunObject = codeunit "Parcel Mgt"; } }
        }
    }
    views
    {
        view(Heavy)
        {
            Filters = where(Weight = filter(> 100));
            OrderBy = ascending(Weight);
            SharedLayout = false;
            layout { movefirst(General; "No.") modify(Note) { Visible = false; } }
        }
    }

    trigger OnOpenPage()
    begin
    end;

    procedure Refresh()
    begin
    end;

    var
        [InDataSet]
        IsVisible: Boolean;
        Style: Text;
}

// = pageextension Parcel Card Ext: controls Colour, Late; actions Mine, Fourth; views Blue; changes General, Note, No., No., Lines, General, Note, Map, Processing, Send, Send, Group, Heavy
pageextension 50100 "Parcel Card Ext" extends "Parcel Card"
{
    layout
    {
        addfirst(General) { field(Colour; Colour) { } }
        addlast(Note) { }
        addafter("No.") { field(Late; false) { } }
        addbefore("No.") { }
        movefirst(Lines; Note, Chart)
        movelast(General; Note)
        moveafter(Note; "No.")
        modify(Map) { Visible = false; }
    }
    actions
    {
        addlast(Processing) { action(Mine) { } }
        addbefore(Send) { action(Fourth) { } }
        moveafter(Send; Print)
        modify(Group) { Enabled = false; }
    }
    views { addafter(Heavy) { view(Blue) { Filters = where(Colour = const('blue')); } } }
}

// = pagecustomization Slim: changes Note
pagecustomization Slim customizes "Parcel Card"
{
    ClearActions = true;
    layout { moveafter(Note; Map) }
}

// = profile Sender
profile Sender
{
    Description = 'Sends parcels';
    RoleCenter = "Sender Role Center";
    Customizations = Slim, "Other Customization";
}

// = report Parcel List: columns P, No_, L, Weight; controls Content, Options, From; actions Processing, LayoutName
report 50100 "Parcel List"
{
    UsageCategory = ReportsAndAnalysis;
    DefaultLayout = RDLC;
    RDLCLayout = './Parcels.rdl';
    dataset
    {
        dataitem(P; Parcel)
        {
            RequestFilterFields = "No.", Kind;
            column(No_; "No.") { IncludeCaption = true; }
            dataitem(L; "Parcel Line")
            {
                DataItemLink = "Parcel No." = field("No.");
                DataItemLinkReference = P;
                column(Weight; Format(Weight, 0, '<Integer>')) { }
                trigger OnPreDataItem()
                begin
                    SetRange(Kind, 1, 2);
                end;
            }
        }
    }
    requestpage
    {
        SaveValues = true;
        layout { area(Content) { group(Options) { field(From; FromDate) { } } } }
        actions { area(Processing) { action(LayoutName) { } } }
        trigger OnOpenPage()
        begin
        end;
    }
    labels { Heading = 'Parcels', Comment = 'at the top'; label(Footer; 'Page') }
    var
        FromDate: Date;
}

// = xmlport Parcels
xmlport 50100 Parcels
{
    Direction = Both;
    Format = Xml;
    schema
    {
        textelement(Root)
        {
            tableelement(P; Parcel)
            {
                XmlName = 'parcel';
                SourceTableView = sorting("No.");
                fieldattribute(No; P."No.") { }
                fieldelement(Weight; P.Weight) { MinOccurs = Zero; trigger OnAfterAssignField() begin end; }
                textattribute(Note) { }
                tableelement(L; "Parcel Line") { LinkTable = P; LinkFields = "Parcel No." = field("No."); }
            }
        }
    }
    requestpage { layout { } actions { } }
    trigger OnInitXmlPort()
    begin
    end;
}

// = query Parcel Weights: columns P, No_, How_many, Kind_Filter, L, Weight
query 50100 "Parcel Weights"
{
    QueryType = Normal;
    OrderBy = descending(Weight);
    elements
    {
        dataitem(P; Parcel)
        {
            DataItemTableFilter = Kind = const(Box), Weight = filter(> 0);
            column(No_; "No.") { }
            column(How_many) { Method = Count; }
            filter(Kind_Filter; Kind) { ColumnFilter = Kind_Filter = filter(<> Letter); }
            dataitem(L; "Parcel Line")
            {
                DataItemLink = "Parcel No." = P."No.";
                SqlJoinType = LeftOuterJoin;
                column(Weight; Weight) { Method = Sum; }
            }
        }
    }
}

// = controladdin Map Add-in: methods Ready, Chosen, Show
controladdin "Map Add-in"
{
    RequestedHeight = 300;
    Scripts = 'scripts/a.js', 'https://example.org/b.js';
    Images = 'a.png';
    event Ready()
    event Chosen(Place: Text; Number: Integer);
    procedure Show(Data: JsonObject)
}

// = dotnet
dotnet
{
    assembly(mscorlib)
    {
        Version = '4.0.0.0';
        type(System.DateTime; DotNetDate) { }
        type("System.Collections.Generic.List`1"; "A List") { IsControlAddIn = true; }
    }
}

// = enum Colour: values  , Red, Dark Blue
enum 50100 Colour
{
    Extensible = true;
    value(0; " ") { Caption = ' ', Locked = true; }
    value(1; Red) { }
    value(2; "Dark Blue") { ObsoleteState = Pending; ObsoleteReason = 'Too dark'; }
}

// = enumextension More Colours: values Pink
enumextension 50100 "More Colours" extends Colour { value(50100; Pink) { } }
