"""Each baseline rule: a step between two versions that triggers it alone, and steps that are allowed."""

from typing import Any

import pytest

from shared.formats.al.compare.versions import (
    BASELINE_RULES,
    SCHEMA_RULES,
    UNDECIDED_RULES,
    Compared,
    ComparisonSettings,
    compare_versions,
)
from shared.formats.al.package.container import open_package
from shared.formats.al.symbols.index import index_package
from tests.support.al_packages import (
    BASE_ID,
    EXTENSION_ID,
    Json,
    action,
    app,
    codeunit,
    control,
    enum,
    event,
    field,
    interface,
    method,
    page,
    properties,
    symbol_file,
    table,
)


def compared(old: list[Json], new: list[Json], *, before: Json | None = None, **more: Any) -> Compared:
    """`before` is the manifest of the old version; `settings`, `others` (lists of objects by app id), the new one's."""
    settings = more.pop("settings", ComparisonSettings())
    around = [
        index_package(open_package(app(symbol_file(*objects), None, app_id=app_id, name="Other")))
        for app_id, objects in more.pop("others", {}).items()
    ]
    indexes = [
        index_package(open_package(app(symbol_file(*objects), None, **manifest)))
        for objects, manifest in ((old, before or {}), (new, more or before or {}))
    ]
    return compare_versions(indexes[0], indexes[1], settings, around)


def steps(old: list[Json], new: list[Json], **more: Any) -> list[str]:
    return [f.code for f in compared(old, new, **more).findings]


NO = field(1, "No.", "Code[20]")


def tab(*fields: Json, keys: list[Json] | None = None, **more: str) -> Json:
    made = table(50000, "T", NO, *fields, methods=(), **more)
    return made | ({"Keys": keys} if keys else {})


def key(name: str, *fields: str, clustered: bool = False) -> Json:
    properties = [{"Name": "Clustered", "Value": "1"}] if clustered else []
    return {"Name": name, "FieldNames": list(fields), "Properties": properties}


def unit(*methods: Json, **more: Any) -> Json:
    return codeunit(50000, "C", *methods, **more)


def extending(kind: str, target: str) -> Json:
    return {"Kind_": kind, "Id": 50000, "Name": "X", "TargetObject": target}


def report(*names: str) -> Json:
    return {"Kind_": "report", "Id": 50000, "Name": "R", "DataItems": [{"Name": n} for n in names]}


def protected(type_: str) -> Json:
    return unit() | {"Variables": [{"Name": "V", "Protected": True, "TypeDefinition": {"Name": type_}}]}


TWO = ["A", "B"]
PLAIN: list[tuple[str, list[Json], list[Json]]] = [
    ("AS0001", [tab()], []),
    ("AS0002", [tab(field(2, "A", "Integer"))], [tab()]),
    ("AS0004", [tab(field(2, "A", "Integer"))], [tab(field(2, "A", "Text"))]),
    ("AS0005", [tab(field(2, "A", "Integer"))], [tab(field(2, "a", "Integer"))]),
    ("AS0006", [tab()], [tab() | {"Name": "U"}]),
    ("AS0007", [unit() | {"Namespace": "A.B"}], [unit() | {"Namespace": "A.C"}]),
    (
        "AS0009",
        [tab(field(2, "A", "Integer"), keys=[key("PK", "No.")])],
        [tab(field(2, "A", "Integer"), keys=[key("PK", "No.", "A")])],
    ),
    ("AS0010", [tab(keys=[key("PK", "No.")])], [tab(keys=[key("Pk", "No.")])]),
    ("AS0018", [unit(method("A"))], [unit()]),
    ("AS0019", [unit(event("A"))], [unit(method("A"))]),
    ("AS0020", [unit(event("A", kind="BusinessEvent"))], [unit(event("A"))]),
    ("AS0021", [unit(event("A", sender=True))], [unit(event("A"))]),
    ("AS0022", [unit(method("A"))], [unit(method("A", IsInternal=True))]),
    ("AS0023", [unit(method("A", returns="Text"))], [unit(method("A", returns="Integer"))]),
    ("AS0024", [unit(method("A"))], [unit(method("A", "B: Integer"))]),
    (
        "AS0025",
        [unit(event("A", "B: Integer", IsLocal=True))],
        [unit(event("A", "C: Integer", IsLocal=True))],
    ),
    ("AS0026", [unit(method("A", "B: Integer"))], [unit(method("A", "B: Text"))]),
    ("AS0029", [page(50000, "P")], []),
    ("AS0030", [page(50000, "P")], [page(50000, "Q")]),
    ("AS0031", [page(50000, "P", actions=[action("A")])], [page(50000, "P")]),
    ("AS0032", [page(50000, "P", controls=[control("A", 8)])], [page(50000, "P")]),
    ("AS0033", [page(50000, "P") | {"Views": [{"Name": "V"}]}], [page(50000, "P")]),
    ("AS0036", [tab(field(2, "A", "Integer"))], [tab(field(2, "A", "Integer", FieldClass="FlowField"))]),
    (
        "AS0043",
        [tab(keys=[key("PK", "No."), key("K", "No.", clustered=True)])],
        [tab(keys=[key("PK", "No.")])],
    ),
    ("AS0049", [unit()], [unit(Access="Internal")]),
    ("AS0050", [tab()], [tab(Extensible="0")]),
    (
        "AS0063",
        [unit(event("A", "var B: Integer", IsLocal=True))],
        [unit(event("A", "B: Integer", IsLocal=True))],
    ),
    ("AS0064", [unit() | {"ImplementedInterfaces": ["I"]}], [unit()]),
    ("AS0065", [interface("I")], []),
    ("AS0066", [interface("I")], [interface("I", method("A"))]),
    ("AS0067", [enum(50000, "E", *TWO)], [enum(50000, "E", *TWO, interfaces=["I"])]),
    ("AS0068", [extending("tableextension", "A")], [extending("tableextension", "B")]),
    (
        "AS0077",
        [unit(event("A", "B: Integer", IsLocal=True))],
        [unit(event("A", "var B: Integer", IsLocal=True))],
    ),
    ("AS0078", [unit(method("A", "B: Integer"))], [unit(method("A", "var B: Integer"))]),
    ("AS0080", [tab(field(2, "A", "Text[50]"))], [tab(field(2, "A", "Text[40]"))]),
    ("AS0082", [enum(50000, "E", "A", "B")], [enum(50000, "E", "A", "C")]),
    ("AS0083", [enum(50000, "E", "A", "B")], [enum(50000, "E", "A")]),
    ("AS0086", [tab(field(2, "A", "Text[50]"))], [tab(field(2, "A", "Text[60]"))]),
    ("AS0088", [unit()], []),
    ("AS0089", [{"Kind_": "controladdin", "Name": "X"}], []),
    ("AS0090", [unit()], [unit() | {"Name": "D"}]),
    ("AS0095", [tab(field(2, "A", "Integer"))], [tab(field(2, "A", "Integer", Access="Internal"))]),
    ("AS0102", [unit(method("A"))], [unit(method("A", returns="Text"))]),
    ("AS0106", [protected("Text")], [unit()]),
    ("AS0108", [protected("Text")], [protected("Integer")]),
    ("AS0109", [tab()], [tab(TableType="Temporary")]),
    ("AS0115", [unit()], [unit(ObsoleteState="Removed")]),
    ("AS0118", [table(50000, "T", NO)], [table(50000, "T", field(1, "No.", "Code[30]"))]),
    (
        "AS0123",
        [tab(keys=[key("PK", "No."), key("K", "No.")])],
        [tab(keys=[key("PK", "No."), key("K", "No.", clustered=True)])],
    ),
    ("AS0124", [extending("pageextension", "A")], [extending("pageextension", "B")]),
    ("AS0136", [tab(field(2, "A", "Integer"))], [tab(field(3, "A", "Integer"))]),
    ("AS0137", [table(50000, "T", NO)], [table(50000, "T", field(2, "No.", "Code[20]"))]),
    ("DRYDOCK", [report("A", "B")], [report("A")]),
]


def arrays(*dimensions: int) -> Json:
    made = method("A", "B: Integer")
    made["Parameters"][0]["TypeDefinition"]["ArrayDimensions"] = list(dimensions)
    return unit(made)


def isolated(value: str) -> Json:
    return unit(method("A", attributes=[("IntegrationEvent", ["False", "False", value])]))


def external(name: str, version: str = "1.0", shown: str = "Shown", *attributes: tuple[str, list[str]]) -> Json:
    values = [name, shown, "Text", "1", version]
    return unit(method("Raise", attributes=[("ExternalBusinessEvent", values), *attributes], IsLocal=True))


def option(members: str, **more: str) -> Json:
    return tab(field(2, "A", f"Option {members}", **more))


def variable(name: str, *, is_protected: bool) -> Json:
    return unit() | {"Variables": [{"Name": name, "Protected": is_protected, "TypeDefinition": {"Name": "Text"}}]}


def promoted(value: str, *more: Json) -> list[Json]:
    return [page(50000, "P", actions=[action("A") | {"Properties": properties(Promoted=value)}, *more])]


def clustered(value: str | None, **more: str) -> list[Json]:
    given = more if value is None else more | {"Clustered": value}
    second = {"Name": "K", "FieldNames": ["No."], "Properties": properties(**given)}
    return [tab(keys=[key("PK", "No."), second])]


OTHER = "aaaaaaaa-2222-3333-4444-555555555555"
FOUNDATION = "f3552374-a1f2-4356-848e-196002525837"
SYSTEM = "63ca2fa4-4f03-4f2b-a480-172fef340d3f"
HIDDEN = {"settings": ComparisonSettings(hidden=True)}
MOVED = [tab(MovedFrom=OTHER)]
A = field(2, "A", "Integer")

PLAIN += [
    ("AS0027", [arrays(3)], [arrays(4)]),
    ("AS0028", [arrays(4)], [arrays(3)]),
    ("AS0101", [isolated("False")], [isolated("True")]),
    ("AS0034", [tab()], [tab(DataPerCompany="0")]),
    ("AS0034", [tab()], [tab(TableType="CRM")]),
    ("AS0034", [tab(Scope="Cloud")], [tab(Scope="OnPrem")]),
    ("AS0035", [page(50000, "P", SourceTable="18")], [page(50000, "P", SourceTable="19")]),
    ("AS0036", [tab(A)], [tab(field(2, "A", "Integer", Enabled="0"))]),
    ("AS0036", [tab(A)], [tab(field(2, "A", "Integer", AutoIncrement="1"))]),
    ("AS0038", clustered("1"), clustered("0")),
    ("AS0038", clustered(None), clustered(None, Unique="1")),
    ("AS0039", [tab(DataPerCompany="0")], [tab()]),
    ("AS0040", [page(50000, "P", SourceTable="18")], [page(50000, "P")]),
    ("AS0041", [tab(field(2, "A", "Integer", AutoIncrement="1"))], [tab(A)]),
    ("AS0042", clustered("1"), clustered(None)),
    ("AS0044", [option("X,Y")], [option("X,Z,Y")]),
    ("AS0044", [option("X,Y", OptionOrdinalValues="1;2")], [option("X,Y", OptionOrdinalValues="1;3")]),
    ("AS0069", [option("X,Y")], [tab(field(2, "A", "Enum 5 E")), enum(5, "E", "X")]),
    ("AS0070", [option("X,Y")], [tab(field(2, "A", "Enum 5 E")), enum(5, "E", "X", "Z")]),
    ("AS0071", [option("X,Y", OptionOrdinalValues="1;2")], [tab(field(2, "A", "Enum 5 E")), enum(5, "E", "X", "Y")]),
    ("AS0107", [variable("V", is_protected=True)], [variable("v", is_protected=False)]),
    ("AS0114", [external("One")], [external("Two")]),
    ("AS0117", [tab()], [tab(ObsoleteState="Moved", MovedTo=OTHER)]),
    ("AS0117", [tab(A)], [tab(field(2, "A", "Integer", ObsoleteState="Moved", MovedTo=OTHER))]),
    ("AS0123", [tab(keys=[key("PK", "No.")])], [tab(keys=[key("PK", "No."), key("K", "No.", clustered=True)])]),
    ("AS0128", [interface("I") | {"ExtendedInterfaces": ["J"]}], [interface("I")]),
    ("AS0129", [interface("I")], [interface("I") | {"ExtendedInterfaces": ["J"]}]),
    ("AS0134", [external("One")], [external("One", "2.0")]),
    ("AS0135", [external("One")], [unit()]),
    # An attribute alone does not make it obsolete: its name has to say so to other systems.
    ("AS0135", [external("One", "1.0", "Shown", ("Obsolete", ["Gone.", "27.0"]))], [unit()]),
    ("AS0135", [external("One") | {"Properties": properties(ObsoleteState="Pending")}], []),
    ("AS0018", [unit(method("A"), method("A", "B: Integer"))], [unit(method("A"))]),
    ("AS0022", [unit(method("A"))], [unit(method("A", attributes=[("Scope", ["OnPrem"])]))]),
    ("AS0022", [unit(method("A", "B: Integer"))], [unit(method("A", "B: Integer", IsLocal=True), method("A"))]),
    ("AS0022", [unit(method("A", IsProtected=True))], [unit(method("A", IsLocal=True))]),
    ("AS0023", [unit(method("A", returns="Text"))], [unit(method("A", attributes=[("TryFunction", [])]))]),
    ("AS0102", [unit(method("A"))], [unit(method("A", attributes=[("TryFunction", [])]))]),
    ("AS0102", [unit(method("A", IsInternal=True))], [unit(method("A", returns="Text"))]),
    ("AS0024", [unit(event("A"))], [unit(event("A", "B: Integer"))]),
    ("AS0018", [unit(event("A", IsLocal=True))], [unit()]),
    ("AS0020", [unit(event("A"))], [unit(event("A", kind="InternalEvent"))]),
    (
        "AS0020",
        [unit(method("A", attributes=[("IntegrationEvent", ["True", "True"])]))],
        [unit(method("A", attributes=[("BusinessEvent", ["True"])]))],
    ),
    ("AS0021", [unit(event("A", sender=True))], [unit(event("A", kind="BusinessEvent"))]),
    ("AS0010", [tab(keys=[key("PK", "No.")])], [tab() | {"Keys": []}]),
    ("AS0010", [tab() | {"Keys": []}], [tab(keys=[key("PK", "No.")])]),
    ("AS0001", [tab()], [tab() | {"Id": 50001}]),
    ("AS0001", [tab(ObsoleteState="Pending", Access="Internal")], []),
    ("AS0002", [tab(field(2, "A", "Integer", ObsoleteState="Removed", Access="Local"))], [tab()]),
    ("AS0005", [tab(field(2, "A", "Integer", ObsoleteState="Pending"))], [tab(field(2, "B", "Integer"))]),
    ("AS0005", [tab(keys=[key("PK", "No.")])], [table(50000, "T", field(1, "Nr.", "Code[20]"), methods=())]),
    ("AS0088", [unit()], [unit() | {"Id": 50001}]),
    ("AS0115", [tab(A)], [tab(field(2, "A", "Integer", ObsoleteState="Removed"))]),
    ("AS0115", [enum(5, "E", "A")], [enum(5, "E") | {"Values": [{"Name": "A", "Properties": properties(
        ObsoleteState="Removed")}]}]),
    ("AS0083", [{"Kind_": "enumextension", "Id": 5, "Name": "X", "Values": [{"Ordinal": 7, "Name": "V"}]}], []),
    ("AS0004", [tab(A)], [tab(field(2, "A", "BigInteger"))]),
]  # fmt: skip
ONPREM = ComparisonSettings(onprem=True)
AROUND: list[tuple[str, list[Json], list[Json], Json]] = [
    ("AS0031", promoted("1"), promoted("0"), {}),
    ("AS0096", [], [], {"before": {"runtime": "7.0"}, "runtime": "7.0", "name": "Other"}),
    ("AS0097", [], [], {"before": {"runtime": "7.0"}, "runtime": "7.0", "publisher": "Other"}),
    ("AS0072", [unit()], [unit(ObsoleteState="Pending", ObsoleteTag="2.1")], {"settings": ComparisonSettings(
        hidden=True, obsolete_tag="2.0")}),
    ("AS0074", [unit(ObsoleteState="Pending", ObsoleteTag="1.0")], [unit(ObsoleteState="Pending", ObsoleteTag="2.0")],
     HIDDEN),
    ("AS0131", [], [tab()], HIDDEN),
    ("AS0132", [tab()], [tab(A)], HIDDEN),
    ("AS0133", [tab(keys=[key("PK", "No.")])], [tab(keys=[key("PK", "No."), key("K", "No.")])], HIDDEN),
    ("AS0139", [tab()], [tab(A)], {"runtime": "16.0"}),
    ("AS0146", [tab(A)], [tab(field(2, "A", "BigInteger"))], {"runtime": "18.0"}),
    ("AS0116", [], MOVED, {"others": {FOUNDATION: []}}),
    ("AS0122", [], MOVED, {"others": {OTHER: []}}),
    ("AS0119", [], MOVED, {"others": {OTHER: [tab(MovedTo=SYSTEM)]}}),
    ("AS0120", [], MOVED, {"others": {OTHER: [], FOUNDATION: [tab(MovedTo=EXTENSION_ID)]}}),
    ("AS0121", [], MOVED, {"others": {OTHER: [tab(MovedTo=EXTENSION_ID) | {"Name": "U"}]}}),
    ("AS0141", [], [tab()], {"before": {"app_id": SYSTEM}, "others": {FOUNDATION: [tab()]}}),
    ("AS0142", [], [tab()], {"others": {OTHER: [tab()]}}),
    ("AS0018", [unit(method("A", IsInternal=True))], [unit()], {"settings": ComparisonSettings(internal=True)}),
    ("AS0088", [unit(Access="Internal")], [], {"settings": ComparisonSettings(internal=True)}),
    ("AS0088", [unit(ObsoleteState="Pending")], [], {"settings": ComparisonSettings(obsolete=True)}),
    ("AS0018", [unit(method("A", attributes=[("Scope", ["OnPrem"])]))], [unit()], {"settings": ONPREM}),
]  # fmt: skip
STEPS = [*((code, old, new, {}) for code, old, new in PLAIN), *AROUND]


@pytest.mark.parametrize(("code", "old", "new", "more"), STEPS, ids=[f"{s[0]}-{i}" for i, s in enumerate(STEPS)])
def test_a_step_triggers_its_rule_and_nothing_else(code: str, old: list[Json], new: list[Json], more: Json) -> None:
    assert steps(old, new, **more) == [code]
    assert steps(old, old, **{k: v for k, v in more.items() if k in ("settings", "before")}) == []


def _next(code: str, old: list[Json], new: list[Json], **more: Any) -> tuple[str, list[Json], list[Json], Json]:
    return code, old, new, more


PK = [tab(A, keys=[key("PK", "No."), key("K", "A")])]
# Steps next to the one that a rule forbids; each is allowed.
NEIGHBOURS: list[tuple[str, list[Json], list[Json], Json]] = [
    _next("AS0001", [], [tab()]),
    _next("AS0002", [tab()], [tab(A)]),
    _next("AS0004", [option("X")], [tab(field(2, "A", "Enum 5 E")), enum(5, "E", "X")]),
    _next("AS0005", [tab(A)], [tab(A | {"Properties": properties(Caption="Other")})]),
    _next("AS0006", [tab()], [tab() | {"Name": "t"}]),
    _next("AS0007", [unit(Access="Internal") | {"Namespace": "A.B"}], [unit(Access="Internal")]),
    _next("AS0009", PK, [tab(A, keys=[key("PK", "No."), key("K", "A", "No.")])]),
    _next("AS0010", [tab() | {"Keys": []}], [tab(keys=[key("No.", "No.")])]),
    _next("AS0018", [unit(method("A", IsLocal=True), method("B", IsInternal=True))], [unit()]),
    _next("AS0018", [unit(method("A", attributes=[("Obsolete", ["Gone.", "24.0"])]))], [unit()]),
    _next("AS0018", [unit(event("A", kind="InternalEvent"))], [unit(method("A"))]),
    _next("AS0019", [unit(method("A"))], [unit(event("A"))]),
    _next("AS0020", [unit(event("A"))], [unit(event("A", kind="BusinessEvent"))]),
    _next("AS0020", [unit(event("A", kind="InternalEvent"))], [unit(event("A"))]),
    _next("AS0021", [unit(event("A"))], [unit(event("A", sender=True))]),
    _next("AS0022", [unit(method("A", IsLocal=True))], [unit(method("A"))]),
    _next("AS0022", [unit(method("A"))], [unit(method("A"), method("A", "B: Integer", IsLocal=True))]),
    _next("AS0023", [unit(method("A", returns="Boolean"))], [unit(method("A", attributes=[("TryFunction", [])]))]),
    _next("AS0024", [unit(event("A", IsLocal=True))], [unit(event("A", "B: Integer", IsLocal=True))]),
    _next("AS0024", [unit(method("A", "B: Integer"))], [unit(method("A"), method("A", "B: Integer"))]),
    _next(
        "AS0025",
        [unit(event("A", "B: Integer", "C: Text", IsLocal=True))],
        [unit(event("A", "c: Text", "B: Integer", IsLocal=True))],
    ),
    _next("AS0026", [unit(method("A", "B: Option X,Y"))], [unit(method("A", "B: Enum 5 E"))]),
    _next("AS0026", [unit(method("A", "B: Record 18 "))], [unit(method("A", "C: Record 18 Customer"))]),
    _next("AS0027", [arrays(3)], [arrays(3)]),
    _next("AS0028", [unit(method("A", "B: Integer", IsLocal=True))], [arrays(3)]),
    _next("AS0029", [page(50000, "P", ObsoleteState="Pending")], []),
    _next("AS0030", [page(50000, "P")], [page(50000, "p")]),
    _next("AS0031", promoted("1"), promoted("0", action("A_Promoted", 4))),
    _next("AS0031", promoted("1"), promoted("0"), before={"runtime": "9.0"}),
    _next("AS0032", [page(50000, "P", controls=[control("A", 0)])], [page(50000, "P")]),
    _next("AS0033", [page(50000, "P")], [page(50000, "P") | {"Views": [{"Name": "V"}]}]),
    _next("AS0034", [tab(DataPerCompany="0")], [tab(DataPerCompany="No")]),
    _next("AS0035", [page(50000, "P")], [page(50000, "P", SourceTable="18")]),
    _next("AS0036", [tab(field(2, "A", "Integer", Enabled="0"))], [tab(A)]),
    _next("AS0036", [tab(field(2, "A", "Integer", FieldClass="FlowField"))], [tab(A)]),
    _next("AS0038", clustered(None, MaintainSqlIndex="1"), clustered(None, MaintainSqlIndex="0")),
    _next("AS0039", [tab(DataPerCompany="1")], [tab()]),
    _next("AS0040", [page(50000, "P", Editable="0")], [page(50000, "P")]),
    _next("AS0041", [tab(field(2, "A", "Integer", AutoIncrement="0"))], [tab(A)]),
    _next("AS0042", clustered("0"), clustered(None)),
    _next("AS0043", clustered(None), [tab(keys=[key("PK", "No.")])]),
    _next("AS0044", [option("X,Y")], [option("X,Y,Z")]),
    _next("AS0049", [unit(Access="Internal")], [unit(Access="Public")]),
    _next("AS0050", [unit()], [unit(Extensible="0")]),
    _next("AS0063", [unit(event("A", IsLocal=True))], [unit(event("A", "var B: Integer", IsLocal=True))]),
    _next("AS0064", [unit()], [unit() | {"ImplementedInterfaces": ["I"]}]),
    _next("AS0065", [interface("I") | {"Properties": properties(Access="Internal")}], []),
    _next("AS0066", [interface("I", method("A"))], [interface("I", method("a"))]),
    _next("AS0067", [enum(5, "E")], [enum(5, "E", interfaces=["I"], DefaultImplementation="I = Codeunit")]),
    _next("AS0068", [extending("tableextension", "A")], [extending("tableextension", f"#{'a' * 32}#A")]),
    _next("AS0069", [option("X")], [tab(field(2, "A", "Enum 5 E")), enum(5, "E", "X", "Y")]),
    _next("AS0070", [option(" ,X")], [tab(field(2, "A", "Enum 5 E")), enum(5, "E", " ", "x")]),
    _next("AS0071", [option("X,Y")], [tab(field(2, "A", "Enum 5 E"))], others={OTHER: [enum(5, "E", "X", "Y")]}),
    _next(
        "AS0072",
        [unit()],
        [unit(ObsoleteState="Pending", ObsoleteTag="2.0")],
        settings=ComparisonSettings(hidden=True, obsolete_tag="2.0"),
    ),
    _next(
        "AS0074", [unit(ObsoleteState="Pending")], [unit(ObsoleteState="Pending", ObsoleteTag="1.0")], **HIDDEN
    ),
    _next("AS0077", [unit(event("A", "B: Integer", IsLocal=True))], [unit(event("A", "B: Integer", IsLocal=True))]),
    _next("AS0078", [unit(method("A", "B: Integer", IsLocal=True))], [unit(method("A", "var B: Integer"))]),
    _next("AS0080", [tab(field(2, "A", "Text[50]"))], [tab(field(2, "A", "Text[50]", Caption="B"))]),
    _next("AS0082", [enum(5, "E", "A")], [enum(5, "E", "a")]),
    _next("AS0083", [enum(5, "E", "A")], [enum(5, "E", "A", "B")]),
    _next("AS0083", [enum(5, "E") | {"Values": [{"Name": "A", "Properties": properties(ObsoleteState="Pending")}]}],
          [enum(5, "E")]),
    _next("AS0086", [tab(A)], [tab(A)]),
    _next("AS0088", [unit(ObsoleteState="Pending")], []),
    _next("AS0088", [unit(Access="Internal")], []),
    _next("AS0089", [{"Kind_": "controladdin", "Name": "X", "Properties": properties(ObsoleteState="Pending")}], []),
    _next("AS0090", [unit(ObsoleteState="Pending")], [unit() | {"Name": "D"}]),
    _next("AS0095", [tab(field(2, "A", "Text", Access="Local"))], [tab(field(2, "A", "Text", Access="Internal"))]),
    _next("AS0096", [], [], before={"runtime": "8.0"}, runtime="8.0", name="Other"),
    _next("AS0097", [], [], before={"runtime": "8.0"}, runtime="8.0", publisher="Other"),
    _next("AS0101", [unit(event("A"))], [unit(event("A"))]),
    _next("AS0102", [unit(method("A", IsLocal=True))], [unit(method("A", returns="Text"))]),
    _next("AS0106", [variable("V", is_protected=False)], [unit()]),
    _next("AS0107", [variable("V", is_protected=False)], [variable("V", is_protected=True)]),
    _next("AS0108", [protected("Text")], [protected("text")]),
    _next("AS0109", [tab(TableType="Temporary")], [tab(TableType="Temporary", Caption="T")]),
    _next("AS0114", [external("One")], [external("one")]),
    _next("AS0115", [unit(ObsoleteState="Pending")], [unit(ObsoleteState="Removed")]),
    _next("AS0116", [], MOVED, others={OTHER: [tab(MovedTo=EXTENSION_ID)]}),
    _next("AS0117", [tab(ObsoleteState="PendingMove", MovedTo=OTHER)], [tab(ObsoleteState="Moved", MovedTo=OTHER)]),
    _next("AS0118", [tab()], [tab(A)]),
    _next("AS0119", [], MOVED, others={OTHER: [tab(MovedTo=EXTENSION_ID.upper())]}),
    _next("AS0120", [], MOVED, others={OTHER: [tab(MovedTo=EXTENSION_ID)], SYSTEM: [tab()]}),
    _next("AS0121", [], MOVED, others={OTHER: [tab() | {"Name": "t"}]}),
    _next("AS0122", [], MOVED, others={OTHER: [tab()]}),
    _next("AS0123", [tab(keys=[key("PK", "No.")])], [tab(keys=[key("PK", "No.", clustered=True)])]),
    _next("AS0124", [extending("pageextension", "A")], [extending("pageextension", "a")]),
    _next("AS0128", [interface("I")], [interface("I")]),
    _next("AS0129", [interface("I") | {"ExtendedInterfaces": ["J"]}], [interface("I") | {"ExtendedInterfaces": ["j"]}]),
    _next("AS0131", [], [tab(TableType="Temporary")], **HIDDEN),
    _next("AS0131", [], [tab()]),
    _next("AS0132", [tab()], [tab(field(2, "A", "Integer", FieldClass="FlowField"))], **HIDDEN),
    _next("AS0133", [tab(keys=[key("PK", "No.")])], [tab(keys=[key("PK", "No."), key("K", "No.")])]),
    _next("AS0134", [external("One", "")], [external("One", "")]),
    _next("AS0135", [external("One", "1.0", "[OBSOLETE]Shown", ("Obsolete", ["Gone.", "27.0"]))], [unit()]),
    _next("AS0135", [external("One") | {"Properties": properties(ObsoleteState="Pending")}],
          [external("One") | {"Id": 50001, "Name": "D"}]),
    _next("AS0136", [tab(field(2, "A", "Integer", ObsoleteState="Pending"))], [tab(field(3, "A", "Integer"))]),
    _next("AS0137", [tab()], [tab(field(3, "A", "Integer"))]),
    _next("AS0139", [tab()], [tab(field(2, "A", "Integer", AllowInCustomizations="AsReadOnly"))], runtime="16.0"),
    _next("AS0139", [tab()], [tab(A, AllowInCustomizations="Never")], runtime="16.0"),
    _next("AS0139", [tab()], [tab(A)], runtime="15.0"),
    _next("AS0141", [], [tab(MovedFrom=FOUNDATION)], before={"app_id": SYSTEM}, others={FOUNDATION: [tab()]}),
    _next("AS0142", [], [tab()], others={OTHER: [tab() | {"Name": "Unlike"}]}),
    _next("AS0146", [tab(field(2, "A", "BigInteger"))], [tab(field(2, "A", "BigInteger"))]),
    _next("DRYDOCK", [report("A")], [report("A", "B")]),
    _next("DRYDOCK", [report("A") | {"DataItems": [{"Name": "Item", "Id": 7}]}],
          [report("A") | {"DataItems": [{"Name": "DataItem7", "Id": 7}]}]),
    _next("all", [], [tab(), unit(method("A")), page(50000, "P")]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "old", "new", "more"), NEIGHBOURS, ids=[f"{s[0]}-{i}" for i, s in enumerate(NEIGHBOURS)]
)
def test_the_step_next_to_it_is_allowed(code: str, old: list[Json], new: list[Json], more: Json) -> None:
    found = compared(old, new, **more)
    assert ([f.code for f in found.findings], found.undecided) == ([], ()), code


def test_what_needs_another_app_is_undecided_without_it() -> None:
    found = compared([], MOVED)
    assert found.findings == ()
    assert "not known without that app (--with)" in found.undecided[0]
    found = compared([option("X")], [tab(field(2, "A", "Enum 5 E"))])
    assert "not known without the app of the enum (--with)" in found.undecided[0]


def test_a_table_extension_may_go_with_the_table_that_the_vendor_removed() -> None:
    old = [extending("tableextension", f"#{BASE_ID.replace('-', '')}#Gone")]
    gone, kept = {BASE_ID: [table(18, "Customer", NO)]}, {BASE_ID: [table(18, "Gone", NO)]}
    assert steps(old, [], runtime="13.0", others=gone) == []
    assert steps(old, [], runtime="13.0", others=kept) == ["AS0001"]
    assert steps(old, [], runtime="12.0", others=gone) == ["AS0001"]
    (told,) = compared(old, [], runtime="13.0").findings
    assert "allowed only if 'Gone' was removed by Microsoft" in told.message


def test_unchanged_objects_are_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    index = index_package(open_package(app(symbol_file(tab(), unit()))))
    monkeypatch.setattr(index, "symbol", None)
    assert compare_versions(index, index).findings == ()


def test_every_listed_rule_has_a_step_that_triggers_it_and_a_neighbour() -> None:
    listed = {rule.code for rule in BASELINE_RULES}
    assert {step[0] for step in STEPS} == listed
    assert {step[0] for step in NEIGHBOURS} - {"all"} == listed
    assert not listed & {rule.code for rule in UNDECIDED_RULES}
    assert {"AS0001", "AS0080", "AS0118"} <= SCHEMA_RULES <= listed
