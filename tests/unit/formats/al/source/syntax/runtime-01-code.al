// Runtimes 1 to 3: statements, expressions, types and attributes.

// = codeunit Parcel Mgt: methods Types, Statements, Expressions, Named, Options, Option Members, Two Options, OnSent, Take, Try, Old, Deliver, Ask
codeunit 50100 "Parcel Mgt"
{
    TableNo = Parcel;
    Subtype = Normal;
    Permissions = tabledata Parcel = rimd, TableData "Parcel Line" = r;
    SingleInstance = true;

    trigger OnRun()
    begin
        Types(Rec);
    end;

    local procedure Types(var Parcel: Record Parcel temporary; Sizes: array[2, 3] of Decimal; Kind: Option Letter,"Heavy Box",,Box)
    var
        A, B, "C D": Integer;
        Names: List of [Text[50]];
        Sums: Dictionary of [Code[20], List of [Decimal]];
        Card: Page "Parcel Card";
        Old: Record 18;
        Weights: Query "Parcel Weights";
        Port: XmlPort Parcels;
        Printed: Report "Parcel List";
        Filtered: Record Parcel temporary;
        [SecurityFiltering(SecurityFilter::Filtered)]
        Safe: Record Parcel;
        [WithEvents]
        Timer: DotNet "System.Timers.Timer";
        Away: DotNet "'mscorlib'.System.Object" RunOnClient;
        Txt: Label 'A %1; not closed', Comment = '%1 = "a" name', MaxLength = 50, Locked = true;
        Multi: TextConst ENU = 'A', DAN = 'B';
        Kinds: Option " ",Begin,End;
        Client: HttpClient;
        Any: Variant;
    begin
    end;

    procedure Statements(): Boolean
    var
        I: Integer;
    begin
        ;
        ;
        if A then B else C;
        if A then begin end else if B then C() else begin D(); end;
        if A then else B;
        if A then;
        case I of
            1: ;
            2 .. 3, 5: begin end;
            'a' .. 'b': exit;
            Kind::Letter, Kind::"Heavy Box": Go();
            else
                Stop();
                Go
        end;
        case true of
            A > B: if C then D else E;
            else
        end;
        for I := 1 to 10 do Go();
        for I := Count downto 1 do begin end;
        foreach Item in Items do Go(Item);
        while Parcel.Next() <> 0 do Go();
        while A do;
        repeat Go(); until Parcel.Next() = 0;
        repeat until true;
        with Parcel do begin "No." := ''; Modify(true); end;
        asserterror Go();
        asserterror begin end;
        A += 1; A -= 1; A *= 2; A /= 2;
        Names[1] := 'a'; Sizes[1, 2] := Sizes[2] [1];
        break;
        exit(false)
    end;

    local procedure Expressions(): Decimal
    begin
        A := not B and (C or D) xor (E = F);
        A := -B + +C - (-1) * 2 / 3 div 4 mod 5;
        A := B in [1, 2 .. 3, .. 4, 5 ..];
        A := 0D + 20200131D; A := 0T; A := 010203.5T; A := 0DT; A := 5L; A := 1.25;
        A := 'it''s' + ''; A := "My ""Own"" Name"; A := "Quoted Proc"("X");
        A := Parcel.Kind::Box; A := Kind::"Heavy Box"; A := Database::Parcel; Codeunit.Run(Codeunit::"Parcel Mgt");
        A := Parcel.FieldNo("No."); A := Rec."No."[1]; if not Get then A := (B.C(1).D).E();
        if (Rec.Kind in [Kind::Box]) and (not Found) then exit;
        exit(Round(A, 0.01, '>'));
    end;

    procedure Named() Answer: Boolean
    var
        X: Integer;
    begin
    end;

    procedure Options(): Option
    begin
    end;

    procedure "Option Members"() Answer: Option " ",Land,,Sea
    var
        X: Integer;
    begin
    end;

    procedure "Two Options"(): Option Internal,External;
    begin
    end;

    [IntegrationEvent(true, false)]
    local procedure OnSent(var Parcel: Record Parcel)
    begin
    end;

    [EventSubscriber(ObjectType::Codeunit, Codeunit::"Parcel Mgt", 'OnSent', '',
        false, false)]
    local procedure Take(var Parcel: Record Parcel)
    begin
    end;

    [TryFunction]
    procedure Try()
    begin
    end;

    [Obsolete('Use Try', '14.0')]
    [Scope('OnPrem')]
    procedure Old()
    begin
    end;

    [Test]
    [HandlerFunctions('Ask,Deliver')]
    [TransactionModel(TransactionModel::AutoRollback), Normal]
    procedure Deliver()
    var
        Card: TestPage "Parcel Card";
        Request: TestRequestPage "Parcel List";
    begin
        Card.OpenEdit(); Card."No.".SetValue(1); Request.OK().Invoke();
    end;

    [ConfirmHandler]
    procedure Ask(Question: Text[1024]; var Reply: Boolean)
    begin
    end;

    var
        A: Integer;
}
