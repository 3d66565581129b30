/// <summary>
/// Statements of every kind.
/// </summary>
codeunit 50100 "Loyalty Statements"
{
    TableNo = Customer;
    Permissions = tabledata Customer = rimd,
                  tabledata "Sales Header" = rm;
    Access = Public;
    SingleInstance = false;

    trigger OnRun()
    begin
        Rec.TestField("No.");
        Rec.SetRange("No.", 'A', 'Z');
        if not Rec.FindSet() then
            exit;
        repeat
            Process(Rec);
        until Rec.Next() = 0;
    end;

    var
        TempCustomer, OtherTempCustomer : Record Customer temporary;
        [InDataSet]
        Visible: Boolean;
        DoneMsg: Label 'Done with %1 of ''%2''.', Comment = '%1 = number; %2 = name, as in "Adatum"', Locked = false, MaxLength = 250;
        OldTxt: TextConst ENU = 'Old', DAN = 'Gammel';
        EmptyTok: Label '', Locked = true;
        Totals: array[10, 2] of Decimal;
        Kind: Option " ",Open,"Partly; paid",Closed;
        Cache: Dictionary of [Code[20], List of [Text]];
        Nested: Dictionary of [Integer, Dictionary of [Text, Decimal]];
        "Quoted ""Name"" [%]": Integer;
        Continue: Boolean;

    procedure Process(var Customer: Record Customer)
    var
        SalesHeader: Record "Sales Header";
        i, j : Integer;
        Amount: Decimal;
        Start: Date;
        Stamp: DateTime;
        Span: Duration;
        Big: BigInteger;
        Character: Char;
        Id: Guid;
        Ref: RecordRef;
        FRef: FieldRef;
        Answer: Boolean;
    begin
        Start := 20240131D;
        Stamp := CreateDateTime(Start, 103000T);
        Stamp := 0DT;
        Span := Stamp - CurrentDateTime();
        Big := 12345678901L;
        Character := 'x';
        Amount := -1.5 + (2 * 3) / 4;
        Amount += Customer."Credit Limit (LCY)";
        Totals[1, 2] := Amount;
        Totals[i + 1, j] -= 1;
        "Quoted ""Name"" [%]" := 4;
        case true of
            Customer.Blocked = Customer.Blocked::All, Customer.Name = '':
                exit;
            Customer.Name in ['A' .. 'B', 'C']:
                begin
                    i := 1;
                end;
            (i > 1) and not Visible:
                ;
            else
                i := 2;
                j := 3;
        end;
        case Kind of
            Kind::" ":
                i := 0;
            Kind::Open, Kind::"Partly; paid":
                i := 1;
            else begin
                i := 2;
            end;
        end;
        case i of
            1 .. 5:
                j := 1;
            -1:
                j := 2;
        end;
        for i := 1 to 10 do
            for j := 10 downto 1 do begin
                if i = j then
                    continue;
                if i > j then
                    break;
            end;
        while i < 10 do
            i += 1;
        with SalesHeader do begin
            SetRange("Document Type", "Document Type"::Order);
            if FindFirst() then
                Validate("Sell-to Customer No.", Customer."No.");
        end;
        if Customer.Get('10000') then begin end else;
        if Answer then
            if Visible then
                i := 1
            else
                i := 2
        else
            i := 3;
        asserterror Error('');
        Continue := true;
        if Continue then
            Continue := false;
        Ref.GetTable(Customer);
        FRef := Ref.Field(Customer.FieldNo("No."));
        FRef.SetRange(Format(i));
        Customer.SetFilter(Name, '%1|%2', '*', '@x*');
        Customer.CalcFields(Balance);
        Customer.SetLoadFields("No.", Name);
        Customer.SetCurrentKey(Name);
        Customer.ModifyAll(Name, 'x', false);
        Id := Customer.SystemId;
        Customer.Reset();
        Message(DoneMsg, i, Customer.Name);
        Codeunit.Run(Codeunit::"Sales-Post", SalesHeader);
        Page.RunModal(Page::"Customer Card", Customer);
        Report.Run(Report::"Customer List");
        if (Page.RunModal(0, Customer) = Action::LookupOK) then;
        Session.LogMessage('0000', '', Verbosity::Normal, DataClassification::SystemMetadata, TelemetryScope::All, 'a', 'b');
        Evaluate(i, '1');
        i := StrPos(CopyStr('abc', 1, 2), 'b') mod 2 div 1;
        Answer := (i <> 1) xor (j >= 2);
        Clear(Customer);
        CurrPage_Update();
    end;

    local procedure CurrPage_Update()
    begin
    end;

    [TryFunction]
    internal procedure TryIt(Value: Text)
    begin
        if Value = '' then
            Error('No value');
    end;

    procedure UseTry() Result: Boolean
    begin
        Result := TryIt('x');
        if not TryIt('') then
            exit(false);
        exit(Result);
    end;

    procedure Collections(): List of [Text]
    var
        Names: List of [Text];
        Name: Text;
        Key: Code[20];
        Inner: List of [Text];
    begin
        Names.Add('a');
        Names.AddRange('b', 'c');
        foreach Name in Names do
            if Name <> '' then
                Inner.Add(Name);
        foreach Key in Cache.Keys() do begin
            Cache.Get(Key, Inner);
            if Cache.ContainsKey(Key) then
                Cache.Set(Key, Inner);
        end;
        exit(Names);
    end;

    procedure Json(): Text
    var
        Object: JsonObject;
        Array: JsonArray;
        Token: JsonToken;
        Value: JsonValue;
        Out: Text;
    begin
        Object.Add('name', 'x');
        Array.Add(Object);
        foreach Token in Array do
            if Token.AsObject().Get('name', Token) then
                Out := Token.AsValue().AsText();
        Object.WriteTo(Out);
        exit(Out);
    end;

    procedure Http()
    var
        Client: HttpClient;
        Response: HttpResponseMessage;
        Content: HttpContent;
        Headers: HttpHeaders;
        InS: InStream;
        Xml: XmlDocument;
        Node: XmlNode;
        Secret: SecretText;
    begin
        Client.DefaultRequestHeaders().Add('Accept', 'application/json');
        if not Client.Get('https://example.com/' + Format(1), Response) then
            exit;
        Response.Content().ReadAs(InS);
        Content.GetHeaders(Headers);
        XmlDocument.ReadFrom(InS, Xml);
        if Xml.SelectSingleNode('//a[@b="c"]', Node) then
            Message(Node.AsXmlElement().InnerText());
        Secret := SecretStrSubstNo('%1', 'x');
    end;

    [IntegrationEvent(false, false)]
    local procedure OnAfterProcess(var Customer: Record Customer; var IsHandled: Boolean)
    begin
    end;

    [Obsolete('Use Process instead: it does the same; "really".', '24.0')]
    procedure OldProcess()
    begin
    end;

    [EventSubscriber(ObjectType::Table, Database::Customer, 'OnAfterInsertEvent', '', false, false)]
    local procedure HandleInsert(var Rec: Record Customer; RunTrigger: Boolean)
    begin
        if Rec.IsTemporary() then
            exit;
    end;

    [EventSubscriber(ObjectType::Table, Database::Customer, OnBeforeValidateEvent, "Credit Limit (LCY)", true, true)]
    local procedure HandleValidate(var xRec: Record Customer; CurrFieldNo: Integer; var Rec: Record Customer)
    begin
    end;

    [EventSubscriber(
        ObjectType::Codeunit,
        Codeunit::"Sales-Post",
        'OnBeforePostSalesDoc',
        '',
        false,
        false)]
    local procedure "Handle Post"(PreviewMode: Boolean; var SalesHeader: Record "Sales Header"; sender: Codeunit "Sales-Post")
    begin
    end;

    [EventSubscriber(ObjectType::Page, Page::"Customer Card", 'OnAfterActionEvent', 'Statement', false, false)]
    local procedure HandleAction(var Rec: Record Customer)
    begin
    end;

    [EventSubscriber(ObjectType::Report, Report::"Customer List", 'OnAfterPrint', '', false, false)]
    local procedure HandleReport(Total: Decimal)
    begin
    end;
}
