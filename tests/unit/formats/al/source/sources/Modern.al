namespace Contoso.Loyalty;

using Microsoft.Sales.Customer;
using System.Utilities;

#pragma warning disable AA0215
#region Interfaces
interface ILoyalty
{
    procedure Points(Customer: Record Customer): Integer;
    procedure Explain() Text: Text
}

interface ILoyaltyPlus extends ILoyalty
{
    procedure Bonus(): Decimal;
}
#endregion Interfaces

enum 50110 "Loyalty Kind" implements ILoyalty
{
    Extensible = true;
    Caption = 'Loyalty Kind';
    DefaultImplementation = ILoyalty = "Gold Loyalty";
    UnknownValueImplementation = ILoyalty = "Gold Loyalty";

    value(0; " ") { Caption = ' ', Locked = true; }
    value(1; "Gold, with ""stars""")
    {
        Caption = 'Gold, Locked';
        Implementation = ILoyalty = "Gold Loyalty";
    }
    value(2; Silver)
    {
        ObsoleteState = Pending;
        ObsoleteReason = 'Nobody has it; use Gold.';
        ObsoleteTag = '25.0';
    }
}

codeunit 50110 "Gold Loyalty" implements ILoyalty
{
    Access = Internal;
    InherentPermissions = X;
    InherentEntitlements = X;

    var
        Utilities: Codeunit System.Utilities."Type Helper";
        Count: Integer;

    procedure Points(Customer: Record Customer): Integer
    var
        Text: Text;
    begin
        this.Count += 1;
        Text := this.Count > 3 ? 'many' : 'few';
        Text := Customer.Name = '' ? (Text = 'few' ? 'a' : 'b') : Customer.Name;
        exit(Count > 3 ? 1 : 0);
    end;

    procedure Explain() Text: Text
    begin
        Text := @'A literal
over two lines with ''quotes'' and "names";
begin end; { }';
        exit(Text);
    end;

    procedure Cast(Any: Interface ILoyalty): Decimal
    var
        Plus: Interface ILoyaltyPlus;
    begin
        if Any is ILoyaltyPlus then begin
            Plus := Any as ILoyaltyPlus;
            exit(Plus.Bonus());
        end;
    end;

#if not CLEAN25
    [Obsolete('Gone soon', '25.0')]
    procedure Old()
    begin
    end;
#else
    procedure Old(Other: Codeunit "Does Not Exist In Any Base")
#endif

#if CLEAN25 and (not CLEAN26 or OTHER)
    this is no AL at all ' "
#elif CLEAN99
    nor is this
#endif
    [NonDebuggable]
    [CommitBehavior(CommitBehavior::Ignore)]
    procedure Sensitive(Secret: SecretText)
    begin
        Clear(Secret);
    end;

    [ErrorBehavior(ErrorBehavior::Collect)]
    procedure Errors()
    var
        Info: ErrorInfo;
    begin
        Info.Message := 'x';
        Info.AddAction('Fix', Codeunit::"Gold Loyalty", 'Old');
        foreach Info in GetCollectedErrors() do
            ;
        Error(Info);
    end;

    [InherentPermissions(PermissionObjectType::TableData, Database::Customer, 'r')]
    procedure Numbers(): Integer
    var
        Kinds: List of [Interface ILoyalty];
        Kind: Interface ILoyalty;
    begin
        foreach Kind in Kinds do
            Count += Kind.Points(GlobalCustomer());
        Enum::"Loyalty Kind".FromInteger(1);
        exit("Loyalty Kind"::Silver.AsInteger() + Enum::"Loyalty Kind".Ordinals().Count());
    end;

    local procedure GlobalCustomer() Customer: Record Customer
    begin
        Customer.FindFirst();
    end;
}
#pragma warning restore AA0215
