"""Symbol files as real compilers write them differ in small things; each is read, or refused with its place."""

import json
from typing import Any

import pytest

from shared.formats.al.package.container import PackageError, open_package
from shared.formats.al.symbols.index import index_package
from shared.formats.al.symbols.reader import SymbolError, read_symbols
from shared.formats.al.symbols.symbols import Symbol, TypeRef
from tests.support.al_packages import (
    app,
    codeunit,
    container,
    control,
    field,
    interface,
    method,
    package_entries,
    page,
    symbol_file,
    table,
    zipped,
)


def read(data: Any) -> list[Symbol]:
    return list(read_symbols(data if isinstance(data, bytes) else json.dumps(data).encode()))


def one(name: str, content: dict[str, Any]) -> Symbol:
    (symbol,) = read({name: [content]})
    return symbol


@pytest.mark.parametrize(
    "content",
    [
        {"Id": 18, "Name": "Customer", "Fields": [{"Id": 1, "Name": "No.", "TypeDefinition": {"Name": "Code[20]"}}]},
        {"Id": "18", "Name": "Customer", "Fields": [{"Id": "1", "Name": "No.", "TypeDefinition": "Code[20]"}]},
        {"Id": 18.0, "Name": "Customer", "Fields": [None, {"Id": 1.0, "Name": "No.", "Type": "Code[20]"}]},
        {
            "Id": 18,
            "Name": "Customer",
            "Properties": None,
            "Methods": None,
            "Keys": None,
            "New": {"Anything": [1]},
            "Fields": [
                {
                    "Id": 1,
                    "Name": "No.",
                    "TypeDefinition": {"Name": "Code[20]", "Subtype": None, "Temporary": None, "TypeArguments": None},
                    "Properties": [None],
                }
            ],
        },
    ],
)
def test_nulls_numbers_as_text_and_unknown_keys_are_no_errors(content: dict[str, Any]) -> None:
    symbol = one("Tables", content)
    assert (symbol.kind, symbol.id, symbol.name) == ("table", 18, "Customer")
    assert [(f.id, f.name, f.type) for f in symbol.fields] == [(1, "No.", TypeRef("Code", 20))]


@pytest.mark.parametrize("number", ["null", '"many"', "[]", "1e400", "99999999999999999999999", "-1e300", "true"])
def test_a_number_that_is_none_does_not_cost_the_object(number: str) -> None:
    data = b'{"Codeunits":[{"Id":' + number.encode() + b',"Name":"A","Methods":[{"Name":"Do","Id":' + number.encode()
    package = open_package(container(zipped(package_entries() | {"SymbolReference.json": data + b"}]}]}"})))
    if number == "1e400":  # no number in JSON's own terms
        with pytest.raises(PackageError, match=r"Codeunits\[0\] is malformed"):
            index_package(package)
        return
    (symbol,) = index_package(package).symbols()
    assert (symbol.name, [m.name for m in symbol.methods]) == ("A", ["Do"])


def test_property_values_of_odd_types_are_read_as_text() -> None:
    values = [("Extensible", False), ("Scope", 5), ("Access", None), ("TableNo", 1.5), ("Subtype", ["x"])]
    symbol = one("Codeunits", {"Id": 1, "Properties": [{"Name": n, "Value": v} for n, v in values]})
    assert symbol.properties == {
        "extensible": "0",
        "scope": "5",
        "access": "",
        "tableno": "1.5",
        "subtype": "['x']",
    }
    assert one("Codeunits", {"Id": 1, "Properties": {"Access": "Internal"}}).properties == {"access": "Internal"}
    assert one("Codeunits", {"Id": 1, "Properties": [{"Value": "x"}]}).properties == {}


def test_flags_are_booleans_or_text() -> None:
    made = method("A", "var B: Integer") | {"IsInternal": "false", "IsLocal": "True"}
    made["Parameters"][0]["IsVar"] = "True"
    (found,) = one("Codeunits", {"Id": 1, "Methods": [made]}).methods
    assert (found.access, found.parameters[0].by_reference) == ("local", True)


def test_kinds_of_controls_and_changes_that_nobody_knows_are_kept() -> None:
    found = one("Pages", {"Id": 1, "Controls": [control("A", 99), control("B", 8) | {"Kind": "weird"}]})
    assert [(c.name, c.kind) for c in found.controls] == [("A", "other"), ("B", "other")]
    found = one("PageExtensions", {"Id": 1, "ControlChanges": [{"Anchor": "X", "ChangeKind": 42}]})
    assert [(c.verb, c.anchor) for c in found.changes] == [("move", "X")]


@pytest.mark.parametrize("key", ["TargetObject", "Target", "targetobject", "TARGET"])
def test_a_target_is_found_under_every_spelling(key: str) -> None:
    found = one("ReportExtensions", {"Id": 1, "Name": "X", key: "#437dbf0e84ff417a965ded2bb9650972#Customer - List"})
    assert (found.target, found.target_app) == ("Customer - List", "437dbf0e-84ff-417a-965d-ed2bb9650972")


def test_namespaces_may_be_empty_null_or_deep() -> None:
    unit = {"Codeunits": [{"Id": 1, "Name": "A"}, None]}
    spaces = [{"Name": "", **unit}, None, {"Name": None, **unit}, {**unit}, {"Name": "X", "Namespaces": None, **unit}]
    assert [s.namespace for s in read({"Namespaces": spaces, "Tables": None, "Entitlements": [{"Id": 1}]})] == [
        "",
        "",
        "",
        "X",
    ]
    deep: dict[str, Any] = dict(unit)
    for _ in range(200):
        deep = {"Name": "N", "Namespaces": [deep]}
    assert read(deep)[0].namespace.count("N") == 199
    with pytest.raises(SymbolError, match="not a readable symbol file"):
        read(b'{"Namespaces":[' * 100_000)


def test_a_caption_in_another_encoding_does_not_cost_the_file() -> None:
    data = b'{"Tables":[{"Id":1,"Name":"A","Properties":[{"Name":"Caption","Value":"Bel\xf8b"}]}]}'
    assert [s.name for s in read(data)] == ["A"]


def test_a_try_function_returns_a_boolean() -> None:
    (found,) = one("Codeunits", {"Id": 1, "Methods": [method("A", attributes=[("TryFunction", [])])]}).methods
    assert found.returns == TypeRef("Boolean")


def test_actions_in_a_cue_group_are_actions_of_the_page() -> None:
    cue = control("Cues", 2) | {"Actions": [{"Name": "Open", "Kind": 2}]}
    found = one("Pages", {"Id": 1, "Controls": [control("Content", 0, cue)]})
    assert [(a.name, a.parent) for a in found.actions] == [("Open", "Cues")]


def test_what_an_interface_extends_is_read_under_the_likely_key() -> None:
    (found,) = read(symbol_file(interface("I") | {"ExtendedInterfaces": ["#437dbf0e84ff417a965ded2bb9650972#J"]}))
    assert found.interfaces == ("J",)


def test_page_customizations_of_profiles_are_indexed() -> None:
    profile = json.dumps({"PageCustomizations": [{"Name": "X", "TargetObject": "Item List"}]}).encode()
    entries = package_entries(symbol_file(codeunit(1, "A"))) | {"ProfileSymbolReferences/P.json": profile + bytes(9)}
    index = index_package(open_package(container(zipped(entries))))
    assert [(s.kind, s.name) for s in index.symbols()] == [("codeunit", "A"), ("pagecustomization", "X")]


@pytest.mark.parametrize(
    ("symbols", "reason"),
    [
        ({"Tables": {"Id": 1}}, "not a readable symbol file"),
        ({"Tables": [5]}, r"Tables\[0\] is malformed"),
        ({"Tables": [{"Fields": [{"Name": None}]}, {"Fields": [{}]}]}, r"Tables\[0\] is malformed|Tables\[1\]"),
        ({"Codeunits": [{"Methods": [5]}]}, r"Codeunits\[0\] is malformed"),
        ([], "not a readable symbol file"),
    ],
)
def test_what_is_no_symbol_is_refused_with_its_place(symbols: Any, reason: str) -> None:
    with pytest.raises(PackageError, match=reason):
        index_package(open_package(app(symbols), "x.app"))


def test_tables_pages_and_types_survive_the_lenient_path() -> None:
    odd = {"Id": "5", "New": [None]}
    for made in (
        table(
            5, "T", field(1, "F", "Enum 5 Colour"), methods=[method("M", "R: Record 18 Customer", returns="Text[9]")]
        ),
        page(5, "P", controls=[control("C", 8)]),
    ):
        (plain,), (lenient,) = read(symbol_file(made)), read(symbol_file(made | odd | {"Keys": made.get("Keys")}))
        assert plain == lenient
