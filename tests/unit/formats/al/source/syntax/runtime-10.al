// Runtimes 10 to 18: namespaces, references to actions, conditions in expressions, interfaces that extend others.
namespace Contoso.Parcels."Next Day";

using Contoso.Sales;
using Microsoft.Foundation."No Series";

// = page Parcel Prompt: controls PromptOptions, Size, Prompt, Wish, Content, Cues, Open; actions SystemActions, Generate, Attach, Processing, Pick, Flow, Post, Promoted, Category_Process, Pick_Promoted, PromptGuide, Guide, First, New
page 50102 "Parcel Prompt"
{
    PageType = PromptDialog;
    IsPreview = true;
    Extensible = false;
    SourceTable = Contoso.Sales."Parcel";
    layout
    {
        area(PromptOptions) { field(Size; this.Size) { } }
        area(Prompt) { field(Wish; Wish) { InstructionalText = 'What shall be sent?'; MultiLine = true; } }
        area(Content)
        {
            cuegroup(Cues)
            {
                CuegroupLayout = Wide;
                field(Open; Rec.Open) { DrillDownPageId = "Parcel List"; }
                actions { action(New) { RunObject = page "Parcel Card"; RunPageMode = Create; } }
            }
        }
    }
    actions
    {
        area(SystemActions)
        {
            systemaction(Generate) { trigger OnAction() begin end; }
            systemaction(Attach) { }
        }
        area(Processing)
        {
            fileuploadaction(Pick)
            {
                AllowMultipleFiles = true;
                AllowedFileExtensions = '.pdf', '.xml';
                trigger OnAction(Files: List of [FileUpload])
                begin
                end;
            }
            customaction(Flow) { CustomActionType = Flow; FlowId = '1'; FlowEnvironmentId = 'Default-1'; }
            action(Post) { }
        }
        area(Promoted) { group(Category_Process) { ShowAs = SplitButton; actionref(Pick_Promoted; Pick) { } } }
        area(PromptGuide) { group(Guide) { action(First) { } } }
    }
    analysisviews { analysisview(ByKind) { Caption = 'By kind'; DefinitionFile = 'ByKind.json'; } }
    var
        Size: Enum Contoso.Sales.Size;
        Wish: Text;
}

// = page Parcel Board: controls Content, Board
page 50103 "Parcel Board"
{
    PageType = UserControlHost;
    layout { area(Content) { usercontrol(Board; Contoso.Board.BoardAddIn) { } } }
}

// = interface Fast Carrier: methods Hurry
interface "Fast Carrier" extends Carrier, Contoso.Sales."Other Carrier"
{
    procedure Hurry(Which: Enum Contoso.Sales.Size) Result: Interface Contoso.Sales.Carrier
}

// = codeunit Chooser: methods Choose, Long, Self
codeunit 50102 Chooser
{
    procedure Choose(Carriers: List of [Interface Carrier]): Text
    var
        Each: Interface Carrier;
        Found: Record Contoso.Sales."Parcel" temporary;
    begin
        foreach Each in Carriers do begin
            if Each is "Fast Carrier" then
                (Each as "Fast Carrier").Hurry(Enum::Contoso.Sales.Size::Big);
            if not (Each is Slow) then
                continue;
            if Found.IsEmpty() then continue else break;
        end;
        Found.Get(Database::Contoso.Sales."Parcel");
        exit(Carriers.Count() > 1 ? 'several' : Carriers.Count() = 1 ? Format(1) : 'none');
    end;

    procedure Long(): Text
    begin
        exit(@'first "line"
second ''line''; begin
// no comment');
    end;

    procedure Self(): Codeunit Chooser
    begin
        this.Long();
        exit(this);
    end;
}
