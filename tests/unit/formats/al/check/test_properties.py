"""Each row of the table of properties: one reference to what the next base lacks, and the same to what stays."""

from functools import cache

import pytest

from shared.formats.al.check.extension import TargetSet
from shared.formats.al.check.extension_set import check_packages
from shared.formats.al.check.properties import ARGUMENTS, PROPERTIES, ValueKind
from shared.formats.al.check.property_walk import expressions_of
from shared.formats.al.finding import Report
from shared.formats.al.package.container import open_package
from shared.formats.al.source.parser import parse_source
from shared.formats.al.source.syntax import ObjectDecl, walk
from shared.formats.al.symbols.index import index_package
from tests.support.al_checks import check
from tests.support.al_packages import Json, action, base_app, control, enum, extension, field, page, table
from tests.support.al_rules import shows


def base(*, is_old: bool) -> bytes:
    """A base whose older version has all that is called `Gone`."""

    def if_old(*objects: Json) -> tuple[Json, ...]:
        return objects if is_old else ()

    gone_action = if_old(action("Gone Action"))
    customer = table(
        18,
        "Customer",
        field(1, "No.", "Code[20]"),
        field(2, "Kept", "Code[20]"),
        field(3, "State", "Enum 5 State"),
        field(4, "Sort", "Option Sea,Land" + (",Gone" if is_old else "")),
        *if_old(field(9, "Gone Field", "Code[20]")),
    )
    entry = table(21, "Entry", field(1, "Kept", "Code[20]"), *if_old(field(9, "Gone Field", "Code[20]")))
    lines_part = control("Lines", 6) | {"RelatedPagePartId": {"Name": "Lines"}}
    gone_part = if_old(control("Gone Part", 6) | {"RelatedPagePartId": {"Name": "Lines"}})
    turned = action("Was Action", 2 if is_old else 1)
    card = page(
        21,
        "Card",
        controls=[
            control("Content", 0, control("General", 1), control("Was Group", 1 if is_old else 8)),
            lines_part,
            *gone_part,
        ],
        actions=[action("Processing", 0, action("Kept Action"), turned, *gone_action)],
        SourceTable="Customer",
    )
    lines = page(22, "Lines", SourceTable="Entry")
    bare = page(23, "Bare", SourceTable="Entry") if is_old else page(23, "Bare")
    inner = {"Name": "E", "RelatedTable": "Entry", "OwningDataItemName": "C"}
    gone_item = if_old({"Name": "Gone Item", "RelatedTable": "Customer"})
    dataset = [{"Name": "C", "RelatedTable": "Customer", "DataItems": [inner]}, *gone_item]
    listing = {"Kind_": "report", "Id": 7, "Name": "Listing", "DataItems": dataset}
    gone = if_old(
        table(91, "Gone", field(1, "Kept", "Code[20]")),
        page(91, "Gone", SourceTable="Entry"),
        {"Kind_": "permissionset", "Id": 91, "Name": "Gone"},
    )
    kept = (
        table(92, "Stays", field(1, "Kept", "Code[20]")),
        page(92, "Stays", SourceTable="Entry"),
        {"Kind_": "permissionset", "Id": 92, "Name": "Stays"},
    )
    states = enum(5, "State", "Open", *(["Gone"] if is_old else []))
    apart = {"Kind_": "table", "Id": 93, "Name": "Far", "Namespace": "A.B"}
    apart |= {"Fields": entry["Fields"], "Keys": entry["Keys"]}
    objects = (customer, entry, card, lines, bare, listing, states, apart, *gone, *kept)
    return base_app(*objects, version="24.0.0.0" if is_old else "25.1.1.0")


@cache
def target(*, is_old: bool = False) -> TargetSet:
    old = index_package(open_package(base(is_old=True)))
    return TargetSet([old]) if is_old else TargetSet([index_package(open_package(base(is_old=False)))], [old])


def judged(source: str, *, is_old: bool = False) -> Report:
    package = open_package(extension(source, application="24.0.0.0", runtime="13.0"), "x.app")
    (report,) = check_packages([package], target(is_old=is_old))
    assert report.undecided == ()
    return report


def in_page(inside: str, head: str = "SourceTable = Customer;") -> str:
    return f"page 50000 P {{ {head} layout {{ area(Content) {{ {inside} }} }} }}"


def in_view(properties: str) -> str:
    return f"page 50000 P {{ SourceTable = Customer; views {{ view(V) {{ {properties} }} }} }}"


def control_with(name: str) -> str:
    return in_page(f"field(X; Rec.Kept) {{ {name} = Rec.FIELD <> ''; }}")


def in_action(properties: str, head: str = "SourceTable = Customer;") -> str:
    return f"page 50000 P {{ {head} actions {{ area(Processing) {{ action(A) {{ {properties} }} }} }} }}"


def in_report(properties: str = "", inside: str = "") -> str:
    item = f"dataitem(C; Customer) {{ {properties} column(X; Kept) {{ }} {inside} }}"
    return f"report 50000 R {{ dataset {{ {item} }} }}"


def in_query(properties: str = "", inside: str = "") -> str:
    item = f"dataitem(C; Customer) {{ {properties} column(X; Kept) {{ }} {inside} }}"
    return f"query 50000 Q {{ elements {{ {item} }} }}"


def in_xmlport(properties: str = "", inside: str = "") -> str:
    item = f"tableelement(C; Customer) {{ {properties} fieldelement(X; C.Kept) {{ }} {inside} }}"
    return f"xmlport 50000 X {{ schema {{ textelement(Root) {{ {item} }} }} }}"


def provided(provider: str, named: str) -> str:
    part = f"part(M; Card) {{ Provider = {provider}; SubPageLink = Kept = field({named}); }}"
    return f"pageextension 50000 P extends Card {{ layout {{ addlast(Content) {{ {part} }} }} }}"


def linked_element(properties: str) -> str:
    return in_xmlport(inside=f"tableelement(E; Entry) {{ LinkTable = C; {properties} }}")


def in_report_extension(change: str) -> str:
    return f"reportextension 50000 R extends Listing {{ dataset {{ {change} }} }}"


def formula(value: str) -> str:
    return new_field(f"FieldClass = FlowField; CalcFormula = {value};")


def in_extension(inside: str) -> str:
    return f"tableextension 50000 T extends Customer {{ {inside} }}"


def new_field(properties: str, type_: str = "Code[20]") -> str:
    return in_extension(f"fields {{ field(50000; X; {type_}) {{ {properties} }} }}")


EXPRESSIONS = [name for name, row in PROPERTIES.items() if row.kind is ValueKind.EXPRESSION]
LINKED = "dataitem(S; Stays) { DataItemLink = Kept = field(FIELD); }"
OF_TABLE = [
    ("requestfilterfields", "AL0186", in_report("RequestFilterFields = Kept, FIELD;")),
    ("requestfilterfields", "AL0186", in_xmlport("RequestFilterFields = FIELD;")),
    ("calcfields", "AL0186", in_report("CalcFields = FIELD, Kept;")),
    ("dataitemtableview", "AL0186", in_report("DataItemTableView = sorting(FIELD) where(Kept = const(1));")),
    ("dataitemtableview", "AL0186", in_report("DataItemTableView = sorting(Kept) where(FIELD = filter('(|,'));")),
    ("dataitemlink", "AL0186", in_report(inside="dataitem(E; Entry) { DataItemLink = FIELD = field(Kept); }")),
    ("dataitemlink", "AL0186", in_report(inside="dataitem(E; Entry) { DataItemLink = Kept = field(FIELD); }")),
    (
        "dataitemlink",
        "AL0186",
        in_report(inside=f"dataitem(E; Entry) {{ {LINKED.replace('{', '{ DataItemLinkReference = C;')} }}"),
    ),
    ("dataitemlink", "AL0186", in_query(inside="dataitem(E; Entry) { DataItemLink = FIELD = C.Kept; }")),
    ("dataitemlink", "AL0186", in_query(inside="dataitem(E; Entry) { DataItemLink = Kept = C.FIELD; }")),
    ("dataitemtablefilter", "AL0186", in_query("DataItemTableFilter = Kept = const(1), FIELD = filter('x');")),
    ("linkfields", "AL0186", linked_element("LinkFields = FIELD = field(Kept);")),
    ("linkfields", "AL0186", linked_element("LinkFields = Kept = field(FIELD);")),
    ("sourcetableview", "AL0186", in_xmlport("SourceTableView = where(FIELD = const(1));")),
    ("sourcetableview", "AL0186", in_page("", "SourceTable = Customer; SourceTableView = sorting(FIELD);")),
    ("filters", "AL0186", in_view("Filters = where(FIELD = const(1));")),
    ("datacaptionfields", "AL0186", in_page("", "SourceTable = Customer; DataCaptionFields = Kept, FIELD;")),
    ("odatakeyfields", "AL0186", in_page("", "SourceTable = Customer; ODataKeyFields = FIELD;")),
    ("subpagelink", "AL0186", in_page("part(L; Lines) { SubPageLink = FIELD = field(Kept); }")),
    ("subpagelink", "AL0186", in_page("part(L; Lines) { SubPageLink = Kept = field(FIELD); }")),
    ("subpagelink", "AL0186", in_page("part(L; Lines) { SubPageLink = Kept = field(filter(FIELD)); }")),
    (
        "subpagelink",
        "AL0186",
        in_page("part(L; Lines) { } part(M; Card) { Provider = L; SubPageLink = Kept = field(FIELD); }", ""),
    ),
    ("subpagelink", "AL0186", provided("Lines", "FIELD")),
    ("subpageview", "AL0186", in_page("part(L; Lines) { SubPageView = where(FIELD = const(1)); }")),
    ("runpagelink", "AL0186", in_action("RunObject = page Lines; RunPageLink = FIELD = field(Kept);")),
    ("runpagelink", "AL0186", in_action("RunObject = page Lines; RunPageLink = Kept = field(FIELD);")),
    ("runpageview", "AL0186", in_action("RunObject = page Lines; RunPageView = sorting(FIELD);")),
    ("tablerelation", "AL0132", new_field("TableRelation = Entry.FIELD;")),
    ("tablerelation", "AL0132", new_field("TableRelation = A.B.Far.FIELD;")),
    ("tablerelation", "AL0132", new_field("TableRelation = Entry where(FIELD = const(1));")),
    ("tablerelation", "AL0186", new_field("TableRelation = Entry where(Kept = field(FIELD));")),
    ("tablerelation", "AL0186", new_field("TableRelation = if (FIELD = const('')) Entry else Stays;")),
    ("tablerelation", "AL0132", in_page("field(X; Rec.Kept) { TableRelation = Entry.FIELD; }")),
    ("calcformula", "AL0132", formula("lookup(Entry.FIELD)")),
    ("calcformula", "AL0132", formula("exist(Entry where(FIELD = const(1)))")),
    ("calcformula", "AL0186", formula("- sum(Entry.Kept where(Kept = field(FIELD)))")),
    ("sumindexfields", "AL0186", in_extension("keys { key(K; Kept) { SumIndexFields = FIELD; } }")),
    ("includedfields", "AL0186", in_extension("keys { key(K; Kept) { IncludedFields = FIELD; } }")),
    ("columnstoreindex", "AL0186", in_extension("ColumnStoreIndex = FIELD;")),
    ("key", "AL0186", in_extension("keys { key(K; Kept, FIELD) { } }")),
    ("modify", "AL0295", in_extension("fields { modify(FIELD) { Caption = 'x'; } }")),
    ("addlast", "AL0186", in_extension("fieldgroups { addlast(DropDown; FIELD) { } }")),
    ("addfirst", "AL0186", in_extension("fieldgroups { addfirst(DropDown; FIELD) { } }")),
    ("fieldgroup", "AL0186", in_extension("fieldgroups { fieldgroup(Brick; Kept, FIELD) { } }")),
    ("column", "AL0345", in_query(inside="column(Y; FIELD) { }")),
    ("filter", "AL0345", in_query(inside="filter(Y; FIELD) { }")),
    ("field", "AL0132", in_page("field(X; Rec.FIELD) { }")),
    ("column", "AL0118", in_report(inside="column(Y; FIELD) { }")),
    ("fieldelement", "AL0132", in_xmlport(inside="fieldelement(Y; C.FIELD) { }")),
    ("fieldattribute", "AL0132", in_xmlport(inside="fieldattribute(Y; C.FIELD) { }")),
    ("requestfilterfields", "AL0186", in_report_extension("modify(E) { RequestFilterFields = FIELD; }")),
    ("dataitemlink", "AL0186", in_report_extension(f"addlast(C) {{ {LINKED} }}")),
    ("dataitemlink", "AL0186", in_report_extension(f"addafter(E) {{ {LINKED} }}")),
    *((name, "AL0132", control_with(name)) for name in EXPRESSIONS),
]  # fmt: skip
OBJECTS = [
    ("sourcetable", "page 50000 P { SourceTable = NAME; }"),
    ("tableno", "codeunit 50000 C { TableNo = NAME; }"),
    ("lookuppageid", "table 50000 T { LookupPageId = NAME; fields { field(1; A; Integer) { } } }"),
    ("drilldownpageid", in_page("field(X; Rec.Kept) { DrillDownPageId = NAME; }")),
    ("cardpageid", in_page("", "CardPageId = NAME;")),
    ("navigationpageid", in_page("field(X; Rec.Kept) { NavigationPageId = NAME; }")),
    ("rolecenter", "profile Boss { RoleCenter = NAME; }"),
    ("runobject", in_action("RunObject = page NAME;")),
    ("permissions", "codeunit 50000 C { Permissions = tabledata Customer = r, tabledata NAME = rm; }"),
    ("accessbypermission", in_action("AccessByPermission = tabledata NAME = R;")),
    ("includedpermissionsets", "permissionset 50000 P { IncludedPermissionSets = Super, NAME; }"),
    ("excludedpermissionsets", "permissionset 50000 P { ExcludedPermissionSets = NAME; }"),
    ("part", in_page("part(L; NAME) { }")),
    ("dataitem", in_report(inside="dataitem(N; NAME) { }")),
    ("tableelement", in_xmlport(inside="tableelement(N; NAME) { }")),
    ("tablerelation", new_field("TableRelation = NAME;")),
]
VALUES = [
    ("initvalue", "AL0522", "table 50000 T { fields { field(1; A; Enum State) { InitValue = VALUE; } } }", "Open"),
    ("filters", "AL0522", in_view("Filters = where(State = const(VALUE));"), "Open"),
    ("filters", "AL0522", in_view("Filters = where(State = filter(Open|<>VALUE));"), "Open"),
    ("filters", "AL0522", in_view("Filters = where(State = const(State::VALUE));"), "Open"),
    ("filters", "AL0293", in_view("Filters = where(Sort = const(VALUE));"), "Sea"),
    ("filters", "AL0293", in_view("Filters = where(Sort = filter(Sea..VALUE));"), "Land"),
    ("filters", "AL0185", in_view("Filters = where(Kept = const(Database::VALUE));"), "Stays"),
]


def found(source: str, *, is_old: bool = False) -> list[tuple[str, str]]:
    return [(f.code, f.symbol) for f in judged(source, is_old=is_old).findings]


@pytest.mark.parametrize(("row", "code", "source"), OF_TABLE)
def test_a_field_that_a_property_names_must_be_there(row: str, code: str, source: str) -> None:
    gone = source.replace("FIELD", '"Gone Field"')
    assert found(gone, is_old=True) == []
    assert found(gone) == [(code, "Gone Field")]
    assert found(source.replace("FIELD", "Kept")) == []


@pytest.mark.parametrize(("row", "source"), OBJECTS)
def test_an_object_that_a_property_names_must_be_there(row: str, source: str) -> None:
    assert found(source.replace("NAME", "Gone"), is_old=True) == []
    assert found(source.replace("NAME", "Gone")) == [("AL0185", "Gone")]
    assert found(source.replace("NAME", "Stays")) == []


@shows((30, "AL0522"), (30, "AL0293"))
@pytest.mark.parametrize(("row", "code", "source", "kept"), VALUES)
def test_a_constant_must_be_a_value_of_its_field(row: str, code: str, source: str, kept: str) -> None:
    assert found(source.replace("VALUE", "Gone"), is_old=True) == []
    assert found(source.replace("VALUE", "Gone")) == [(code, "Gone")]
    assert found(source.replace("VALUE", kept)) == []
    assert found(source.replace("VALUE", "'Gone'").replace("::'Gone'", "::0")) == []


ELEMENTS = [
    ("provider", provided("NAME", "Kept"), "Gone Part", "Lines"),
    (
        "dataitemlinkreference",
        in_report_extension(f"addlast(C) {{ {LINKED.replace('{', '{ DataItemLinkReference = NAME;')} }}"),
        "Gone Item",
        "C",
    ),
]


@pytest.mark.parametrize(("row", "source", "gone", "kept"), ELEMENTS)
def test_a_control_or_data_item_that_a_property_names_must_be_there(
    row: str, source: str, gone: str, kept: str
) -> None:
    source = source.replace("FIELD", "Kept")
    assert found(source.replace("NAME", f'"{gone}"'), is_old=True) == []
    assert found(source.replace("NAME", f'"{gone}"')) == [("AL0186", gone)]
    assert found(source.replace("NAME", kept)) == []


@shows((10, "AL0723"))
def test_what_an_action_reference_stands_for_must_be_an_action() -> None:
    source = "pageextension 50000 P extends Card { actions { addlast(Promoted) { actionref(R; NAME) { } } } }"
    assert found(source.replace("NAME", '"Gone Action"'), is_old=True) == []
    assert found(source.replace("NAME", '"Gone Action"')) == [("AL0271", "Gone Action")]
    assert found(source.replace("NAME", '"Was Action"'), is_old=True) == []
    assert found(source.replace("NAME", '"Was Action"')) == [("AL0723", "Was Action")]
    assert found(source.replace("NAME", '"Kept Action"')) == []


@pytest.mark.parametrize("attribute", ["InherentPermissions", "RequiredPermissions"])
def test_what_an_attribute_names_must_be_there(attribute: str) -> None:
    given = "PermissionObjectType::TableData, Database::NAME, 'r'"
    source = f"codeunit 50000 C {{ [{attribute}({given})] procedure P() begin end; }}"
    assert found(source.replace("NAME", "Gone"), is_old=True) == []
    assert found(source.replace("NAME", "Gone")) == [("AL0132", "Gone")]
    assert found(source.replace("NAME", "Stays")) == []


def test_the_layout_of_a_view_changes_controls_that_must_be_there() -> None:
    view = "view(V) { SharedLayout = false; layout { moveafter(General; NAME) modify(NAME) { Visible = false; } } }"
    source = f"pageextension 50000 P extends Card {{ views {{ addlast {{ {view} }} }} }}"
    assert found(source.replace("NAME", '"Gone Field"'), is_old=True) == [("AL0270", "Gone Field")] * 2
    assert found(source.replace("NAME", '"Was Group"')) == []


def test_changes_to_actions_of_a_cue_group_are_no_break() -> None:
    """The compiler warns of them (AL0609 to AL0611), whatever is in the group."""
    source = "pageextension 50000 P extends Card { actions { addlast(Cues) { action(A) { } } modify(Cue) { } } }"
    cues = control("Cues", 2) | {"Actions": [action("Cue")]}
    report = check(extension(source), base_app(page(21, "Card", controls=[cues])))
    assert [f.code for f in report.findings] == []
    assert [f.code for f in check(extension(source), base_app(page(21, "Card"))).findings] == ["AL0271"] * 2


def test_actions_of_a_request_page_are_anchors_where_symbols_tell_of_any() -> None:
    change = "requestpage { actions { addafter(ANCHOR) { action(Mine) { } } addafter(Mine) { } } }"
    source = f"reportextension 50000 R extends Asking {{ {change} }}"
    asking = {"Kind_": "report", "Id": 8, "Name": "Asking", "RequestPage": {"Controls": [control("Options", 1)]}}
    told = asking | {"RequestPage": {"Actions": [action("Kept Action")]}}

    def codes(anchor: str, o: Json) -> list[str]:
        return [f.code for f in check(extension(source.replace("ANCHOR", anchor)), base_app(o)).findings]

    assert codes('"Kept Action"', told) == []
    assert codes('"Gone Action"', told) == ["AL0271"]
    assert codes('"Gone Action"', asking) == []


@shows((30, "AL0320"))
@pytest.mark.parametrize(
    "source",
    [
        in_page("part(L; NAME) { SubPageLink = Kept = field(Kept); }"),
        in_page("part(L; NAME) { SubPageView = where(Kept = const(1)); }"),
        in_action("RunObject = page NAME; RunPageLink = Kept = field(Kept);"),
    ],
)
def test_a_page_that_is_linked_to_must_show_a_table(source: str) -> None:
    assert found(source.replace("NAME", "Bare"), is_old=True) == []
    assert found(source.replace("NAME", "Bare")) == [("AL0320", "Bare")]
    assert found(source.replace("NAME", "Lines")) == []


@shows((10, "AL0272"))
@pytest.mark.parametrize("verb", ["addfirst", "addlast", "movefirst", "movelast"])
def test_what_something_is_put_into_must_be_a_group(verb: str) -> None:
    source = (
        f"pageextension 50000 P extends Card {{ layout {{ {verb}(ANCHOR"
        + ("; General) }" if verb.startswith("move") else ") { } }")
        + " }"
    )
    assert found(source.replace("ANCHOR", '"Was Group"'), is_old=True) == []
    assert found(source.replace("ANCHOR", '"Was Group"')) == [("AL0272", "Was Group")]
    assert found(source.replace("ANCHOR", "General")) == []
    moved = f'pageextension 50000 P extends Card {{ layout {{ {verb}(General; "Was Group") }} }}'
    assert verb.startswith("add") or found(moved) == []
    beside = source.replace(verb, "addafter").replace("; General)", ") { }")
    assert found(beside.replace("ANCHOR", '"Was Group"')) == []


def test_every_row_of_the_table_has_its_test() -> None:
    tried = {row[0] for row in (*OF_TABLE, *OBJECTS, *VALUES, *ELEMENTS)} | {"actionref"}
    assert tried >= set(PROPERTIES)
    assert tried >= {keyword for rows in ARGUMENTS.values() for keyword in rows}


def declared(source: str) -> ObjectDecl:
    return parse_source("a.al", source).objects[0]


def test_expressions_are_those_of_the_kind_of_object() -> None:
    query = declared(in_query(inside="column(Y; Kept) { }"))
    assert [
        list(expressions_of(query.kind, n)) for n, _ in walk(query.root) if list(expressions_of(query.kind, n))
    ] == []
    own = declared(in_page("field(X; Rec.Kept) { Visible = A; Caption = 'x'; }"))
    texts = own.file.tokens.texts
    spans = [span for n, _ in walk(own.root) for span in expressions_of(own.kind, n)]
    assert ["".join(texts[a:b]) for a, b in spans] == ["Rec.Kept", "A"]
