"""The compact index: both dialects, namespaces, and its stored form."""

import json
import subprocess
import sys
import zlib
from pathlib import Path

import msgspec
import pytest

from shared.formats.al.package.container import Package, PackageError, open_package
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.index import (
    FORMAT,
    App,
    AppIndex,
    IndexFormatError,
    build_index,
    index_package,
)
from shared.formats.al.symbols.reader import read_symbols
from shared.formats.al.symbols.symbols import TypeRef
from tests.support.al_packages import (
    app,
    codeunit,
    container,
    enum,
    event,
    field,
    multiplied,
    package_entries,
    page,
    symbol_file,
    table,
    zipped,
)

ROOT = Path(__file__).parents[5]
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


def test_an_index_that_is_in_use_outlives_a_new_one_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "base.index"
    old, new = (build_index(APP, read_symbols(json.dumps(symbol_file(codeunit(1, n))).encode())) for n in "AB")
    old.save(path)
    loaded = AppIndex.load(path)
    new.save(path)
    assert [s.name for s in loaded.symbols()] == ["A"]
    assert [s.name for s in AppIndex.load(path).symbols()] == ["B"]
    assert [p.name for p in tmp_path.iterdir()] == ["base.index"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no index of this format"),
        (b"DRYINDEX", "no index of this format"),
        (b"NAVX" + bytes(100), "no index of this format"),
        (b"DRYINDEX" + (FORMAT + 1).to_bytes(4, "little") + bytes(20), f"has format {FORMAT + 1}, not {FORMAT}"),
        (b"DRYINDEX" + FORMAT.to_bytes(4, "little") + zlib.crc32(b"x").to_bytes(4, "little") + b"x", "not readable"),
    ],
)
def test_a_file_that_is_no_index_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "x.index").write_bytes(content)
    with pytest.raises(IndexFormatError, match=reason):
        AppIndex.load(tmp_path / "x.index")


MEASURE = """
import sys
from pathlib import Path
from shared.formats.al.package.container import read_package
from shared.formats.al.symbols.index import index_package
from tests.support.al_packages import peak_memory
before = peak_memory()
index = index_package(read_package(Path(sys.argv[1])), "W1")
print(len(index), peak_memory() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is told by Linux alone")
def test_an_import_needs_at_most_one_and_a_half_times_the_memory_of_the_symbol_file(tmp_path: Path) -> None:
    captions = {"CaptionML": "ENU=Some caption;DAN=En anden tekst;DEU=Noch ein Text", "ToolTipML": "ENU=What it is for"}
    fields = [field(n, f"Field {n}", "Text[50]", **captions) for n in range(1, 60)]
    one = json.dumps(symbol_file(*(table(n, f"Table {n}", *fields) for n in range(1, 101))))
    symbols = multiplied(one.encode(), 40)
    path = tmp_path / "large.app"
    path.write_bytes(container(zipped(package_entries() | {"SymbolReference.json": symbols}, level=1)))
    told = subprocess.run(  # our own interpreter
        [sys.executable, "-c", MEASURE, str(path)], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout
    count, growth = told.split()
    assert int(count) == 4000
    assert len(symbols) > 40 << 20
    assert float(growth) * 2**20 < 1.5 * len(symbols), f"{growth} MiB for {len(symbols) >> 20} MiB"


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
