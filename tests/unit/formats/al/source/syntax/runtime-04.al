// Runtimes 4 to 9: access, interfaces, directives, permissions, extensions of reports.
#if not OLD
#pragma warning disable AL0432
#region Interfaces
// = interface Carrier: methods Carry, Kind, Names
interface Carrier
{
    Access = Public;
    /// <summary>
    /// Don't take this for a text: it's a comment.
    /// </summary>
    procedure Carry(var Parcel: Record Parcel): Boolean;
    procedure Kind(): Option
    procedure Names(): List of [Text]
}
#endregion
// = enum Carriage: values Road, Rail
enum 50101 Carriage implements Carrier, "Other Carrier"
{
    DefaultImplementation = Carrier = "Road Carrier", "Other Carrier" = "Road Carrier";
    UnknownValueImplementation = Carrier = "Road Carrier";
    AssignmentCompatibility = true;
    value(0; Road) { }
    value(1; Rail) { Implementation = Carrier = "Rail Carrier"; }
}
// = codeunit Rail Carrier: methods Carry, Inner, Guarded; variables Shared
codeunit 50101 "Rail Carrier" implements Carrier, "Other Carrier"
{
    Access = Internal;
    InherentPermissions = X;
    InherentEntitlements = X;
    var
        Own: Interface Carrier;

    internal procedure Carry(var Parcel: Record Parcel): Boolean
    begin
#if EXTRA
        this is no AL '
#elif not OLD and (EXTRA or not OLD)
        exit(Other(
#else
        neither "is this
#endif
        1));
    end;

    protected var
        Shared: Dictionary of [Integer, Interface Carrier];

    protected procedure Inner(Mode: Enum Carriage): Interface Carrier
    begin
        exit(Mode);
        Mode := Enum::Carriage::Rail; Mode := Enum::Carriage.FromInteger(Carriage::Rail.AsInteger());
    end;

    [InherentPermissions(PermissionObjectType::TableData, Database::Parcel, 'r', InherentPermissionsScope::Both)]
    [NonDebuggable]
    [ErrorBehavior(ErrorBehavior::Collect)]
    procedure Guarded(Secret: SecretText)
    begin
    end;
}
#pragma warning restore AL0432
#else
codeunit 1 "Not There" { is no AL '
#endif
// = permissionset Send All
permissionset 50100 "Send All"
{
    Assignable = true;
    IncludedPermissionSets = "D365 Basic", Readers;
    ExcludedPermissionSets = Writers;
    Permissions =
        tabledata Parcel = RIMD,
        table * = X,
        codeunit "Parcel Mgt" = X,
        system "Tools, Zoom" = X;
}
// = permissionsetextension Send More
permissionsetextension 50100 "Send More" extends "Send All" { Permissions = tabledata "Parcel Line" = r; }
// = entitlement Senders
entitlement Senders
{
    Type = PerUserServicePlan;
    Id = '00000000-0000-0000-0000-000000000000';
    ObjectEntitlements = "Send All", "Send More";
}
// = profileextension Sender Ext
profileextension "Sender Ext" extends Sender { Caption = 'Sender'; Customizations = Slim; }
// = reportextension Parcel List Ext: columns Colour, N, Text, Also; controls Later; changes P, P, L, L, From
reportextension 50100 "Parcel List Ext" extends "Parcel List"
{
    dataset
    {
        add(P) { column(Colour; Colour) { } }
        addlast(P) { dataitem(N; "Parcel Note") { DataItemLink = "Parcel No." = field("No."); column(Text; Text) { } } }
        addafter(L) { dataitem(Also; Integer) { } }
        modify(L)
        {
            RequestFilterFields = Kind;
            trigger OnAfterPreDataItem()
            begin
            end;
        }
    }
    requestpage { layout { addafter(From) { field(Later; Later) { } } } }
    rendering
    {
        layout(Sheet) { Type = Excel; LayoutFile = './a.xlsx'; Caption = 'Sheet'; Summary = 'One sheet'; }
        layout("Word Letter") { Type = Word; LayoutFile = './a.docx'; ObsoleteState = Pending; }
    }
    var
        Later: Date;
}
