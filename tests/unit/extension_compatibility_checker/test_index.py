"""The compact index: both dialects, namespaces, and its stored form."""

import json
from pathlib import Path

import msgspec
import pytest

from services.extension_compatibility_checker.al.container import Package, PackageError, open_package
from services.extension_compatibility_checker.al.index import (
    App,
    AppIndex,
    IndexFormatError,
    build_index,
    index_package,
)
from services.extension_compatibility_checker.al.symbol_reader import read_symbols
from services.extension_compatibility_checker.al.symbols import TypeRef
from services.extension_compatibility_checker.al.version import Version
from tests.support.al_packages import app, codeunit, enum, event, field, page, symbol_file, table

APP = App("id", "Base", "Microsoft", Version(25))


def test_the_old_and_the_modern_dialect_mean_the_same() -> None:
    old = {
        "Codeunits": [
            {
                "Id": 1,
                "Name": "A",
                "Methods": [
                    {
                        "Name": "Do",
                        "ReturnType": "None",
                        "Parameters": [
                            {"Name": "R", "IsVar": True, "Type": "Record", "Subtype": {"Id": 36, "Name": ""}},
                            {"Name": "O", "Type": "Option", "OptionMembers": "Nearest,Up"},
                            {"Name": "C", "Type": "Code[20]", "ArrayDimensions": "4,2"},
                        ],
                    }
                ],
            }
        ]
    }
    modern = {
        "Codeunits": [
            {
                "Id": 1,
                "Name": "A",
                "Methods": [
                    {
                        "Name": "Do",
                        "ReturnTypeDefinition": {"Name": "None"},
                        "Parameters": [
                            {
                                "Name": "R",
                                "IsVar": True,
                                "TypeDefinition": {"Name": "Record", "Subtype": {"Id": 36, "Name": ""}},
                            },
                            {
                                "Name": "O",
                                "TypeDefinition": {"Name": "Option", "OptionMembers": ["Nearest", "Up"]},
                            },
                            {"Name": "C", "TypeDefinition": {"Name": "Code[20]", "ArrayDimensions": [4, 2]}},
                        ],
                    }
                ],
            }
        ]
    }
    (a,), (b,) = (list(read_symbols(json.dumps(d).encode())) for d in (old, modern))
    assert a == b
    assert a.methods[0].returns is None
    assert a.methods[0].parameters[2].type == TypeRef("Code", 20, dimensions=(4, 2))


def test_namespaces_are_walked_and_targets_lose_their_app_prefix() -> None:
    data = symbol_file(codeunit(1, "A") | {"Namespace": "Microsoft.Foundation"})
    data["TableExtensions"] = [{"Id": 2, "Name": "B", "TargetObject": "#437dbf0e84ff417a965ded2bb9650972#Customer"}]
    found = {s.name: s for s in read_symbols(json.dumps(data).encode())}
    assert found["A"].namespace == "Microsoft.Foundation"
    assert (found["B"].target, found["B"].target_app) == ("Customer", "437dbf0e-84ff-417a-965d-ed2bb9650972")


def test_an_index_finds_objects_by_name_in_any_case_and_by_id() -> None:
    index = build_index(
        APP,
        read_symbols(json.dumps(symbol_file(table(18, "Customer", field(1, "No.", "Code[20]")))).encode()),
    )
    assert index.named("table", "CUSTOMER")[0].fields[0].type == TypeRef("Code", 20)
    assert index.numbered("table", 18) is not None
    assert index.named("page", "Customer") == []


def test_a_stored_index_loads_to_the_same_objects(tmp_path: Path) -> None:
    objects = (
        table(18, "Customer", field(1, "No.", "Code[20]", ObsoleteState="Pending", ObsoleteTag="24.0")),
        codeunit(80, "Sales-Post", event("OnBeforePost", "var R: Record 18 Customer", sender=True)),
        page(31, "Item List", SourceTable="Item"),
        enum(5, "Colour", "Red", "Green"),
    )
    index = build_index(APP, read_symbols(json.dumps(symbol_file(*objects)).encode()))
    index.save(tmp_path / "base.index")
    loaded = AppIndex.load(tmp_path / "base.index")
    assert loaded.app == APP
    assert list(loaded.symbols()) == list(index.symbols())


def test_an_import_takes_over_what_is_equal_in_another_version() -> None:
    def base(*objects: dict[str, object]) -> Package:
        return open_package(app(symbol_file(*objects)))

    same, other = codeunit(1, "Same"), codeunit(2, "Other")
    old = index_package(base(same, other))
    moved = codeunit(1, "Same") | {"Namespace": "A.B"}
    new = index_package(base(same, codeunit(2, "Changed"), moved), "W1", AppIndex.from_bytes(old.to_bytes()))
    assert list(new.symbols()) == list(index_package(base(same, codeunit(2, "Changed"), moved)).symbols())
    marked = AppIndex(APP, [msgspec.structs.replace(e, name="Taken") for e in old.entries])
    assert [e.name for e in index_package(base(same, moved), "", marked).entries] == ["Taken", "Same"]


@pytest.mark.parametrize("position", [0, 40, -1])
def test_a_damaged_stored_index_is_refused(position: int) -> None:
    data = bytearray(build_index(APP, ()).to_bytes())
    data[position] ^= 1
    with pytest.raises(IndexFormatError, match="import the base again"):
        AppIndex.from_bytes(bytes(data))


@pytest.mark.parametrize(
    ("symbols", "reason"),
    [
        ({"Tables": 5}, "not a readable symbol file"),
        ({"Tables": [{"Fields": [{}]}]}, r"Tables\[0\] is malformed"),
        ({"Codeunits": [{"Id": 1}, {"Methods": 7}]}, r"Codeunits\[1\] is malformed"),
    ],
)
def test_malformed_symbols_name_the_place(symbols: dict[str, object], reason: str) -> None:
    with pytest.raises(PackageError, match=reason):
        index_package(open_package(app(symbols), "x.app"))


def test_a_package_without_symbols_is_no_base() -> None:
    with pytest.raises(PackageError, match=r"no SymbolReference.json"):
        index_package(open_package(app(), "x.app"))
