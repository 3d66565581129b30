"""What is made of AL source: comments, directives, declarations, statements, and text that is no AL."""

import pytest

from shared.formats.al.finding import Compatibility
from shared.formats.al.source.declared import declare
from shared.formats.al.source.lexer import SourceError, T, Tokens
from shared.formats.al.source.parser import parse_source
from shared.formats.al.source.syntax import Assignment, Call, MemberAccess, Name, ScopeAccess, WithStatement
from shared.formats.al.symbols.symbols import TypeRef
from tests.support.al_checks import check, codes, findings
from tests.support.al_packages import (
    action,
    app,
    base_app,
    codeunit,
    extension,
    field,
    page,
    symbol_file,
    table,
)

CUSTOMER = table(18, "Customer", field(1, "No.", "Code[20]"))
GONE = "C: Codeunit Gone;"


def names(text: str, *symbols: str) -> list[str]:
    tokens = Tokens(text, symbols)
    return [t for t, k in zip(tokens.texts, tokens.kinds, strict=True) if k is not T.END]


def test_comments_vanish_but_not_inside_texts_and_names() -> None:
    assert names("""a // b "c" 'd'\n/* e\n "f */ g 'h // i' "j /* k" """) == ["a", "g", "h // i", "j /* k"]


def test_doubled_quotes_stand_for_one() -> None:
    assert names('\'it\'\'s\' "a ""b"""') == ["it's", 'a "b"']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#if A\n1\n#else\n2\n#endif\n3", {"": ["2", "3"], "A": ["1", "3"], "B": ["2", "3"]}),
        ("#if not A\n1\n#elif B\n2\n#endif", {"": ["1"], "A": [], "A B": ["2"], "B": ["1"]}),
        ("#if A and (B or C)\n1\n#endif", {"A": [], "A B": ["1"], "A C": ["1"], "B C": []}),
        ("#if A\n#if B\n1\n#else\n2\n#endif\n#endif\n3", {"": ["3"], "A": ["2", "3"], "A B": ["1", "3"]}),
        ("#define A\n#if A\n1\n#endif\n#undef A\n#if A\n2\n#endif", {"": ["1"]}),
        ("#pragma warning disable AL0432\n#region x 'y\n1\n#endregion", {"": ["1"]}),
        ("#if A\nit's 'no text\n#endif\n1", {"": ["1"]}),
    ],
)
def test_directives_decide_which_text_counts(text: str, expected: dict[str, list[str]]) -> None:
    for symbols, found in expected.items():
        assert names(text, *symbols.split()) == found


@pytest.mark.parametrize("text", ["/* open", "'open", '"open', "#if A\n1", "#endif", "#else", "#if\n#endif"])
def test_text_that_is_no_al_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        Tokens(text)


def test_places_count_lines_and_columns_from_one() -> None:
    tokens = Tokens("a\n  b\r\n c")
    assert [tokens.place(o) for o in tokens.offsets[:3]] == [(1, 1), (2, 3), (3, 2)]


SAMPLE = """
namespace Contoso.Sales;
using Microsoft.Sales;

codeunit 50000 "My Work" implements Price, "Other Price"
{
    TableNo = Customer;
    var
        A, B: array[2, 3] of Record Customer temporary;
        T: Label 'a;b', Comment = 'c';
    [IntegrationEvent(true, false)]
    procedure OnDone(var Amount: Decimal; Lines: List of [Text[50]]) Ok: Boolean
    begin
    end;
    protected var
        P: Dictionary of [Code[20], Integer];
    local procedure Body()
    var
        O: Option X,"Y Z";
    begin
        if A[1, 2].Find('-') then repeat
            Total += A[1, 1]."Amount (LCY)" * 2;
        until A[1, 1].Next() = 0 else exit;
        case true of
            O = O::"Y Z", O in [O::X, 5..9]: begin end;
            else Error(T, 1);
        end;
        for I := 1 to 10 do
            foreach X in List do
                while not Done do begin break; end;
        with B[1, 1] do "No." := '';
        asserterror Fail();
        Continue := false;
        exit(-1 < 2.5);
    end;
}
"""


def test_a_codeunit_is_read_with_its_declarations() -> None:
    source = parse_source("a.al", SAMPLE)
    assert source.problems == []
    (o,) = source.objects
    assert (o.kind, o.id, o.name, o.namespace, o.usings) == (
        "codeunit",
        50000,
        "My Work",
        "Contoso.Sales",
        ["Microsoft.Sales"],
    )
    assert [n for n, _ in o.interfaces] == ["Price", "Other Price"]
    kinds = {v.name: v.type for v in o.root.variables}
    assert kinds["A"] == kinds["B"] == TypeRef("Record", subject="Customer", temporary=True, dimensions=(2, 3))
    assert kinds["P"].arguments == (TypeRef("Code", 20), TypeRef("Integer"))
    symbol = declare(o)
    assert symbol.properties == {"tableno": "Customer"}
    assert [v.name for v in symbol.variables] == ["P"]
    done, body = symbol.methods
    assert (done.event, done.event_arguments, done.returns) == (
        "integration",
        ("true", "false"),
        TypeRef("Boolean"),
    )
    assert [(p.name, p.by_reference) for p in done.parameters] == [("Amount", True), ("Lines", False)]
    assert body.access == "local"


def test_statements_keep_calls_members_assignments_and_with() -> None:
    (o,) = parse_source("a.al", "codeunit 1 A { trigger OnRun() begin X.Y := Z::W; with Q do R(1); end; }").objects
    assign, block = o.root.procedures[0].body
    assert isinstance(assign, Assignment)
    assert isinstance(assign.target, MemberAccess)
    assert isinstance(assign.value, ScopeAccess)
    assert isinstance(block, WithStatement)
    assert isinstance(block.subject, Name)
    assert isinstance(block.body[0], Call)


def test_a_body_that_is_not_understood_costs_only_itself() -> None:
    text = "codeunit 1 A { procedure B() begin x := ; end; procedure C() begin D(); end; }"
    source = parse_source("a.al", text)
    assert [p.name for p in source.objects[0].root.procedures] == ["B", "C"]
    assert [(m, source.tokens.place(at)) for m, at in source.problems] == [
        ("an expression cannot begin with ';'", (1, 41))
    ]


@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_deep_nesting_is_refused_and_does_not_overflow(depth: int) -> None:
    for text in ("(" * depth, "begin " * depth, "if a then " * depth, "a[" * depth):
        source = parse_source("a.al", f"codeunit 1 A {{ procedure B() begin {text} end; }}")
        assert source.problems
    assert parse_source("a.al", "codeunit 1 A { " + "a { " * depth).problems
    assert parse_source("a.al", "codeunit 1 A { var B: " + "List of [" * depth).problems


def test_commented_and_disabled_code_is_not_checked() -> None:
    text = f"codeunit 50000 A {{ /* var {GONE} */ // {GONE}\n#if OLD\nvar {GONE}\n#endif\n }}"
    assert codes(extension(text), base_app()) == []
    assert codes(extension(text, preprocessor=["OLD"]), base_app()) == ["AL0185"]


def test_a_finding_names_file_line_and_column_of_the_name() -> None:
    package = app({}, {"My Folder/A.al": "codeunit 50000 A\n{\n    var\n        C: Codeunit Gone;\n}"})
    (finding,) = findings(package, base_app())
    assert (finding.file, finding.line, finding.column) == ("src/My Folder/A.al", 4, 21)


def test_source_that_cannot_be_read_leaves_the_verdict_open() -> None:
    package = app({}, {"A.al": "codeunit 50000 A { procedure B() begin x := ; end; }"})
    report = check(package, base_app())
    assert report.verdict is Compatibility.UNVERIFIABLE
    assert report.undecided == ("src/A.al (1,45) could not be read: an expression cannot begin with ';'",)


def test_names_are_found_in_any_case_and_through_namespaces() -> None:
    text = "codeunit 50000 A { var C: record CUSTOMER; D: Record Microsoft.Sales.Customer; E: Record 18; }"
    base = base_app(CUSTOMER | {"Namespace": "Microsoft.Sales"})
    assert codes(extension(text), base) == []


def test_members_of_rec_with_and_locals_are_told_apart() -> None:
    text = """tableextension 50000 X extends Customer {
        fields { field(50000; Mine; Integer) {
            trigger OnValidate() begin Mine := 1; Rec.Mine := xRec.Mine; end; } }
        procedure P("No.": Integer) var C: Record Customer; begin "No." := 1; with C do "No." := ''; end; }"""
    assert codes(extension(text), base_app(CUSTOMER)) == []


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        ('Customer."No." where("No." = const(A))', []),
        ('Gone."No."', ["AL0185"]),
        ("if (Kind = const(A)) Gone else Customer", ["AL0185"]),
        ("Customer.Gone", ["AL0132"]),
        # As apps that were converted from C/AL write it: names that need quotes have none.
        ("Country/Region", []),
        ("IF (Type=CONST(G/L Account)) Gone Table", []),
        ("Customer.No.", []),
    ],
)
def test_relations_in_symbols_are_judged_only_where_they_are_written_as_al(relation: str, expected: list[str]) -> None:
    own = table(50000, "T", field(1, "A", "Code[20]", TableRelation=relation))
    report = check(app(symbol_file(own)), base_app(CUSTOMER))
    assert [f.code for f in report.findings] == expected


def test_anchors_that_the_compiler_synthesizes_for_promoted_actions_are_presumed() -> None:
    base = base_app(page(9, "P", actions=[action("Post")]))
    text = "pageextension 50000 X extends P {{ actions {{ addlast({}) {{ action(Mine) {{ }} }} }} }}"
    assert codes(extension(text.format("Category_Process")), base) == []
    assert codes(extension(text.format("Post_Promoted")), base) == []
    assert codes(extension(text.format("Print_Promoted")), base) == ["AL0271"]


def test_platform_tables_are_presumed_to_be_there() -> None:
    text = "codeunit 50000 A { var U: Record User; I: Record Integer; A: Record AllObjWithCaption; }"
    assert codes(extension(text), base_app(codeunit(1, "B"))) == []
