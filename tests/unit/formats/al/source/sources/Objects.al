table 50120 "Loyalty Entry"
{
    Caption = 'Loyalty Entry';
    DataClassification = CustomerContent;
    DrillDownPageId = "Loyalty Entries";
    LookupPageId = "Loyalty Entries";
    DataCaptionFields = "Entry No.", Description;
    Permissions = tabledata Customer = r;

    fields
    {
        field(1; "Entry No."; Integer) { AutoIncrement = true; }
        field(2; "Customer No."; Code[20])
        {
            TableRelation = if (Kind = const(Order)) Customer."No." where(Blocked = const(" "), "Credit Limit (LCY)" = filter(> 0))
            else
            if (Kind = const(Invoice)) "Sales Header"."No." where("Document Type" = const(Invoice))
            else Customer;
            ValidateTableRelation = false;
            trigger OnValidate()
            var
                Customer: Record Customer;
            begin
                if Customer.Get("Customer No.") then
                    Description := CopyStr(Customer.Name, 1, MaxStrLen(Description));
            end;

            trigger OnLookup()
            begin
            end;
        }
        field(3; Description; Text[100]) { Caption = 'Description', Comment = 'What it is; for people'; }
        field(4; Kind; Option) { OptionMembers = " ",Order,Invoice,"Credit Memo"; OptionCaption = ' ,Order,Invoice,Credit Memo'; }
        field(5; Total; Decimal)
        {
            FieldClass = FlowField;
            CalcFormula = - sum("Loyalty Entry".Amount where("Customer No." = field("Customer No."), "Entry No." = field(filter("Entry Filter"))));
            Editable = false;
        }
        field(6; Amount; Decimal) { MinValue = -1; BlankZero = true; DecimalPlaces = 2 : 5; }
        field(7; "Entry Filter"; Integer) { FieldClass = FlowFilter; }
        field(8; Name; Text[100]) { FieldClass = FlowField; CalcFormula = lookup(Customer.Name where("No." = field("Customer No."))); }
        field(9; Has; Boolean) { FieldClass = FlowField; CalcFormula = exist("Sales Header" where("Sell-to Customer No." = field("Customer No."))); }
        field(10; Picture; Media) { }
        field(11; Blob; Blob) { SubType = Bitmap; }
        field(12; "Loyalty Kind"; Enum "Loyalty Kind") { }
        field(13; Formula; DateFormula) { }
    }
    keys
    {
        key(PK; "Entry No.") { Clustered = true; }
        key(ByCustomer; "Customer No.", Kind) { SumIndexFields = Amount; IncludedFields = Description; }
    }
    fieldgroups
    {
        fieldgroup(DropDown; "Entry No.", Description) { }
        fieldgroup(Brick; Description) { }
    }

    var
        Done: Boolean;

    trigger OnInsert()
    begin
        if Rec."Customer No." <> xRec."Customer No." then
            Done := true;
        LockTable();
        TestField("Customer No.");
    end;

    trigger OnRename()
    begin
        Error('%1', TableCaption());
    end;
}

tableextension 50121 "Loyal Customer" extends Customer
{
    fields
    {
        modify(Name)
        {
            trigger OnAfterValidate()
            begin
                "Loyalty Points" := StrLen(Name);
                Validate("Loyalty Points", Rec."Loyalty Points" + 1);
            end;
        }
        field(50100; "Loyalty Points"; Integer)
        {
            Caption = 'Loyalty Points';
        }
    }
    keys { key(Points; "Loyalty Points", Name) { } }
    fieldgroups { addlast(DropDown; "Loyalty Points", Name) { } }
}

page 50120 "Loyalty Entries"
{
    PageType = List;
    ApplicationArea = All;
    UsageCategory = Lists;
    SourceTable = "Loyalty Entry";
    SourceTableView = sorting("Entry No.") order(descending) where(Kind = filter(<> " "));
    CardPageId = "Customer Card";
    Editable = false;
    PromotedActionCategories = 'New,Process,Report,Entry';
    AboutTitle = 'About "loyalty"; entries';

    layout
    {
        area(Content)
        {
            repeater(Group)
            {
                field("Entry No."; Rec."Entry No.") { ApplicationArea = All; ToolTip = 'It''s the number.'; }
                field(Desc; Rec.Description) { StyleExpr = Style; }
                field(Computed; Points(Rec."Customer No.") * 2) { Caption = 'Computed'; }
                field(Total; Total)
                {
                    trigger OnDrillDown()
                    begin
                        Page.Run(Page::"Loyalty Entries", Rec);
                        CurrPage.Update(false);
                        CurrPage.Picture.Page.Refresh(1);
                    end;
                }
                field(Fixed; 'A text; with "signs"') { }
            }
            part(Lines; "Customer List Part") { SubPageLink = "No." = field("Customer No."); SubPageView = sorting("No.") where(Blocked = const(" ")); UpdatePropagation = Both; }
            part(Picture; "Customer Card") { Provider = Lines; SubPageLink = "No." = field("No."); }
            usercontrol(Chart; "Loyalty Chart")
            {
                trigger Ready(Ok: Boolean)
                begin
                    CurrPage.Chart.Load('x');
                end;
            }
            grid(G) { fixed(F) { group(A) { label(L) { Caption = 'x'; } } } }
        }
        area(FactBoxes) { systempart(Notes; Notes) { } systempart(Links; Links) { } }
    }
    actions
    {
        area(Processing)
        {
            action("Post Now")
            {
                Image = Post;
                Promoted = true;
                PromotedCategory = Category4;
                ShortcutKey = 'Ctrl+F9';
                RunObject = page "Customer Card";
                RunPageLink = "No." = field("Customer No.");
                RunPageMode = View;
                AccessByPermission = tabledata Customer = R;
                trigger OnAction()
                begin
                end;
            }
            separator(Sep) { }
            group(More) { action(Run) { RunObject = codeunit "Sales-Post"; } }
            fileuploadaction(Up) { AllowMultipleFiles = true; trigger OnAction(Files: List of [FileUpload]) begin end; }
        }
        area(Promoted)
        {
            group(Category_Process) { actionref("Post Now_Promoted"; "Post Now") { } }
            splitbutton { }
        }
        area(SystemActions) { systemaction(Generate) { trigger OnAction() begin end; } }
    }
    views
    {
        view(Open) { Caption = 'Open'; Filters = where(Kind = const(Order)); OrderBy = ascending("Entry No."); SharedLayout = false; layout { modify(Desc) { Visible = false; } } }
    }

    trigger OnOpenPage()
    begin
        Style := 'Strong';
        if not Rec.FindSet() then;
        SetRange("Entry No.");
    end;

    trigger OnAfterGetCurrRecord()
    begin
        CurrPage.Caption := Format(Rec);
        CurrPage.SetSelectionFilter(Rec);
        CurrPage.Lines.Page.SetRecord(Customer);
    end;

    local procedure Points(No: Code[20]): Integer
    begin
        exit(StrLen(No));
    end;

    protected var
        Customer: Record Customer;

    var
        Style: Text;
}

pageextension 50122 "Loyal Customer Card" extends "Customer Card"
{
    layout
    {
        addfirst(Content) { group(Loyalty) { field("Loyalty Points"; Rec."Loyalty Points") { ApplicationArea = All; } } }
        addafter("No.") { field(LoyaltyTotal; GetTotal()) { } }
        modify("No.") { Visible = IsVisible; trigger OnAfterValidate() begin CurrPage.Update(); end; }
        moveafter("No."; Name)
        movelast(General; Name, "No.")
        addlast(FactBoxes) { part(Entries; "Loyalty Entries") { SubPageLink = "Customer No." = field("No."); } }
    }
    actions
    {
        addlast(Processing) { action(ShowLoyalty) { trigger OnAction() var E: Record "Loyalty Entry"; begin E.SetRange("Customer No.", "No."); Page.Run(0, E); end; } }
        addafter(Statement) { action(Next) { } }
        modify(Statement) { Enabled = false; }
        addfirst(Category_Process) { actionref(Statement_Mine; Statement) { } }
        addlast(Promoted) { actionref(Show_Promoted; ShowLoyalty) { } }
        moveafter(Statement_Promoted; Statement)
    }
    views { addfirst { view(Loyal) { Filters = where("Loyalty Points" = filter(> 0)); } } }

    trigger OnAfterGetRecord()
    begin
        IsVisible := Rec."No." <> '';
        Recalculate(Name);
    end;

    var
        IsVisible: Boolean;

    local procedure GetTotal(): Decimal
    begin
        exit("Credit Limit (LCY)");
    end;
}

pagecustomization LoyalList customizes "Customer List Part"
{
    layout { modify("No.") { Visible = false; } moveafter("No."; Name) }
    actions { modify(Statement) { Visible = false; } }
}

profile LoyaltyManager
{
    ProfileDescription = 'Looks after loyalty; and more.';
    Caption = 'Loyalty Manager';
    RoleCenter = "Loyalty Role Center";
    Customizations = LoyalList;
    Enabled = true;
    Promoted = false;
}

profileextension MoreLoyalty extends LoyaltyManager { Caption = 'x'; }

page 50121 "Loyalty Role Center"
{
    PageType = RoleCenter;
    layout { area(RoleCenter) { part(Headline; "Customer List Part") { } } }
    actions
    {
        area(Sections) { group(Sales) { action(Customers) { RunObject = page "Loyalty Entries"; RunPageView = where(Kind = const(Order)); } } }
        area(Embedding) { action(L) { RunObject = Page "Customer List Part"; } }
        area(Creation) { action(C) { RunObject = page "Customer Card"; RunPageMode = Create; } }
        area(Reporting) { action(R) { RunObject = report "Customer List"; } }
    }
}

report 50120 "Loyalty List"
{
    UsageCategory = ReportsAndAnalysis;
    DefaultRenderingLayout = Word;
    dataset
    {
        dataitem(Cust; Customer)
        {
            RequestFilterFields = "No.", Name;
            DataItemTableView = sorting("No.") where(Blocked = const(" "));
            PrintOnlyIfDetail = true;
            column(No; "No.") { IncludeCaption = true; }
            column(Name_; Cust.Name) { }
            column(Company; CompanyProperty.DisplayName()) { }
            column(Sum; Total + 1) { AutoFormatType = 1; }
            column(Cap; FieldCaption(Name)) { }
            dataitem(Header; "Sales Header")
            {
                DataItemLink = "Sell-to Customer No." = field("No.");
                DataItemLinkReference = Cust;
                DataItemTableView = sorting("Document Type", "No.");
                column(Doc; Header."No.") { }
                trigger OnAfterGetRecord()
                begin
                    Total += 1;
                    if Cust.Name = '' then
                        CurrReport.Skip();
                end;
            }
            dataitem(Number; Integer) { DataItemTableView = sorting(Number) where(Number = const(1)); column(N; Number) { } }
            trigger OnPreDataItem()
            begin
                SetRange(Name, 'x');
                CopyFilters(Cust);
            end;
        }
    }
    requestpage
    {
        SaveValues = true;
        layout { area(Content) { group(Options) { field(ShowAll; ShowAll) { ApplicationArea = All; } } } }
        actions { area(Processing) { action(X) { } } }
        trigger OnOpenPage()
        begin
            ShowAll := true;
        end;
    }
    rendering
    {
        layout(Word) { Type = Word; LayoutFile = './src/Loyalty.docx'; Caption = 'Word'; Summary = 'x'; }
        layout(Excel) { Type = Excel; LayoutFile = './src/Loyalty.xlsx'; }
    }
    labels { PageLbl = 'Page', Comment = 'x'; TotalLbl = 'Total'; }

    trigger OnInitReport()
    begin
    end;

    var
        ShowAll: Boolean;
        Total: Decimal;
}

reportextension 50121 "More Customers" extends "Customer List"
{
    dataset
    {
        add(CustomerItem) { column(Points; "Loyalty Points") { } }
        modify(CustomerItem) { trigger OnAfterAfterGetRecord() begin end; }
        addlast(CustomerItem) { dataitem(Entry; "Loyalty Entry") { DataItemLink = "Customer No." = field("No."); column(EntryNo; "Entry No.") { } } }
    }
    requestpage { layout { addlast(Options) { field(Mine; Mine) { } } } }
    rendering { layout(New) { Type = RDLC; LayoutFile = 'a.rdlc'; } }
    labels { L = 'x'; }
    var
        Mine: Boolean;
}

query 50120 "Loyalty Sums"
{
    QueryType = API;
    APIPublisher = 'contoso';
    APIGroup = 'loyalty';
    APIVersion = 'v1.0', 'v2.0';
    EntityName = 'sum';
    EntitySetName = 'sums';
    OrderBy = ascending(No);
    elements
    {
        dataitem(Customer; Customer)
        {
            DataItemTableFilter = Blocked = const(" ");
            column(No; "No.") { }
            column(Count_) { Method = Count; }
            filter(NameFilter; Name) { ColumnFilter = NameFilter = filter('A*'); }
            dataitem(Sales; "Sales Header")
            {
                DataItemLink = "Sell-to Customer No." = Customer."No.";
                SqlJoinType = LeftOuterJoin;
                column(Amount; Amount) { Method = Sum; ReverseSign = true; }
                column(Month; "Posting Date") { Method = Month; }
            }
        }
    }
    trigger OnBeforeOpen()
    begin
        CurrQuery.SetFilter(NameFilter, 'x');
    end;
}

xmlport 50120 "Loyalty Export"
{
    Format = Xml;
    Direction = Export;
    Namespaces = x = 'urn:x', y = 'urn:y';
    schema
    {
        textelement(root)
        {
            NamespacePrefix = 'x';
            tableelement(cust; Customer)
            {
                XmlName = 'Customer';
                SourceTableView = sorting("No.") where(Blocked = const(" "));
                fieldelement(no; cust."No.") { FieldValidate = yes; }
                fieldattribute(name; cust.Name) { }
                textattribute(kind) { trigger OnBeforePassVariable() begin kind := 'k'; end; }
                tableelement(hdr; "Sales Header") { LinkTable = cust; LinkFields = "Sell-to Customer No." = field("No."); MinOccurs = Zero; fieldelement(n; hdr."No.") { } }
                trigger OnAfterGetRecord()
                begin
                    if cust.Name = '' then
                        currXMLport.Skip();
                end;
            }
        }
    }
    requestpage { layout { area(Content) { } } }
}

controladdin "Loyalty Chart"
{
    Scripts = 'https://example.com/a.js', 'src/b.js';
    StyleSheets = 'src/c.css';
    StartupScript = 'src/s.js';
    RequestedHeight = 100;
    HorizontalStretch = true;
    event Ready(Ok: Boolean);
    procedure Load(Data: Text);
    procedure Show(Data: JsonObject; More: JsonArray)
}

permissionset 50120 "Loyalty - All"
{
    Assignable = true;
    Access = Public;
    Caption = 'Loyalty; all of "it"';
    IncludedPermissionSets = "Sales - Read";
    Permissions = tabledata "Loyalty Entry" = RIMD,
        table * = X,
        table "Loyalty Entry" = X,
        page "Loyalty Entries" = X,
        codeunit * = X,
        system "Allow Action Export To Excel" = X,
        tabledata Customer = Rim;
}

permissionsetextension 50121 "More Sales" extends "Sales - Read"
{
    Permissions = tabledata "Loyalty Entry" = R;
    ExcludedPermissionSets = "Loyalty - All";
}

entitlement "Loyalty Entitlement"
{
    Type = PerUserServicePlan;
    Id = '1a2b3c4d-0000-0000-0000-000000000000';
    ObjectEntitlements = "Loyalty - All";
}

dotnet
{
    assembly("mscorlib")
    {
        Culture = 'neutral';
        PublicKeyToken = 'b77a5c561934e089';
        type("System.String"; DotNetString) { }
        type("System.Collections.Generic.List`1"; "DotNet List") { IsControlAddIn = false; }
    }
}

enumextension 50120 "More Colours" extends Colour
{
    value(50120; Pink) { Caption = 'Pink'; }
    value(50121; "Dark; Pink") { }
}
