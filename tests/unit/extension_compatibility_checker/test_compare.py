"""Each baseline rule: a step between two versions that triggers it alone, and steps that are allowed."""

from typing import Any

import pytest

from services.extension_compatibility_checker.al.compare import BASELINE_RULES, compare
from services.extension_compatibility_checker.al.container import open_package
from services.extension_compatibility_checker.al.index import index_package
from tests.support.al_packages import (
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
    symbol_file,
    table,
)


def steps(old: list[Json], new: list[Json], before: dict[str, Any] | None = None, **after: Any) -> list[str]:
    indexes = [
        index_package(open_package(app(symbol_file(*objects), None, **manifest)))
        for objects, manifest in ((old, before or {}), (new, after or before or {}))
    ]
    return [f.code for f in compare(*indexes)]


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
STEPS: list[tuple[str, list[Json], list[Json]]] = [
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
    ("AS0146", [tab(field(2, "A", "Integer"))], [tab(field(2, "A", "BigInteger"))]),
    ("DRYDOCK", [report("A", "B")], [report("A")]),
]


def _array(*dimensions: int) -> Json:
    made = method("A", "B: Integer")
    made["Parameters"][0]["TypeDefinition"]["ArrayDimensions"] = list(dimensions)
    return unit(made)


def _isolated(value: str) -> Json:
    return unit(method("A", attributes=[("IntegrationEvent", ["False", "False", value])]))


STEPS += [
    ("AS0027", [_array(4)], [_array(3)]),
    ("AS0101", [_isolated("False")], [_isolated("True")]),
]


@pytest.mark.parametrize(("code", "old", "new"), STEPS, ids=[f"{s[0]}-{i}" for i, s in enumerate(STEPS)])
def test_a_step_triggers_its_rule_and_nothing_else(code: str, old: list[Json], new: list[Json]) -> None:
    assert steps(old, new) == [code]
    assert steps(old, old) == []


@pytest.mark.parametrize(("code", "change"), [("AS0096", {"name": "Other"}), ("AS0097", {"publisher": "Other"})])
def test_renaming_the_app_breaks_only_old_runtimes(code: str, change: dict[str, str]) -> None:
    assert steps([], [], {"runtime": "7.0"}, runtime="7.0", **change) == [code]
    assert steps([], [], {"runtime": "8.0"}, runtime="8.0", **change) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([], [tab(), unit(method("A")), page(50000, "P")]),
        ([unit(method("A", IsLocal=True))], [unit()]),
        ([unit(method("A", IsInternal=True))], [unit()]),
        ([unit(method("A"), Access="Internal")], []),
        ([unit(method("A", attributes=[("Obsolete", ["Gone.", "24.0"])]))], [unit()]),
        ([unit(ObsoleteState="Pending")], []),
        (
            [unit(event("A", "B: Integer", IsLocal=True))],
            [unit(event("A", "C: Text", "B: Integer", IsLocal=True))],
        ),
        ([unit(method("A", "B: Option X,Y"))], [unit(method("A", "B: Enum 5 E"))]),
        ([unit(method("A", "B: Integer"))], [unit(method("A"), method("A", "B: Integer"))]),
        ([tab(field(2, "A", "Option X,Y"))], [tab(field(2, "A", "Enum 5 E"))]),
        ([tab(keys=[key("PK", "No."), key("K", "No.")])], [tab(keys=[key("PK", "No.")])]),
        ([unit(event("A"))], [unit(event("A", sender=True, kind="IntegrationEvent"))]),
    ],
)
def test_allowed_steps_trigger_nothing(old: list[Json], new: list[Json]) -> None:
    assert steps(old, new) == []


def test_a_return_value_that_comes_with_public_access_is_not_missed() -> None:
    assert steps([unit(method("A", IsInternal=True))], [unit(method("A", returns="Text"))]) == ["AS0102"]


def test_every_listed_rule_is_tested() -> None:
    tested = {code for code, _, _ in STEPS} | {"AS0096", "AS0097"}
    assert {rule.code for rule in BASELINE_RULES} == tested
