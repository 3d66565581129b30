"""What a file is, and that a bad one is refused in words."""

import io
import json
import os
import warnings
import zipfile
from pathlib import Path

import pytest

from shared.formats.al.package.container import (
    AppFileKind,
    PackageError,
    display_path,
    open_package,
    read_package,
    source_entry,
)
from shared.formats.al.package.manifest import IdRange, parse_manifest
from shared.formats.al.package.moved import MovedObject
from shared.formats.al.package.version import Version
from shared.formats.al.symbols.index import index_package
from tests.support.al_packages import (
    BASE_ID,
    BOM,
    EXTENSION_ID,
    app,
    codeunit,
    container,
    manifest_xml,
    package_entries,
    symbol_file,
    zipped,
)

CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", Path(__file__).parents[6] / "shared" / "corpus")) / "bc"


def test_a_plain_package_shows_its_manifest() -> None:
    package = open_package(app({}, name="A", version="1.2.3.4", dependencies=[("x" * 36, "B", "P", "2.0.0.0")]))
    assert package.kind is AppFileKind.PLAIN
    assert package.manifest is not None
    assert (package.manifest.name, package.manifest.version) == ("A", Version(1, 2, 3, 4))
    assert package.manifest.dependencies[0].min_version == Version(2)
    assert str(package.package_id) == "0a0b0c0d-0e0f-1011-1213-141516171819"


def test_a_signature_block_makes_a_signed_package_and_is_not_read_as_zip() -> None:
    # The block holds a second end-of-directory record: a reader that hunts for the last one would be misled.
    package = open_package(container(zipped(package_entries({})), signature=b"PK\x05\x06" + bytes(18)))
    assert package.kind is AppFileKind.SIGNED
    assert package.manifest is not None


def test_a_ready_to_run_package_is_unwrapped() -> None:
    inner = app({}, {"A.al": "codeunit 50000 A { }"}, name="Inner")
    outer = zipped(
        {
            "readytorunappmanifest.json": BOM + json.dumps({"EmbeddedAppFileName": "inner.app"}).encode(),
            "inner.app": inner,
            "publishedartifacts/x.dll": b"MZ",
        }
    )
    package = open_package(container(outer))
    assert package.kind is AppFileKind.READY_TO_RUN
    assert package.manifest is not None
    assert package.manifest.name == "Inner"
    assert [path for path, _ in package.sources()] == ["src/A.al"]


def test_a_runtime_package_is_recognised_though_its_length_leaves_out_the_marker() -> None:
    image = b".NEA\x00\x00\x00\x01" + bytes(range(256))
    package = open_package(container(image, declared=len(image) - 8))
    assert package.kind is AppFileKind.RUNTIME
    assert package.manifest is None
    assert "runtime package" in (package.problem or "")
    assert open_package(container(image, declared=len(image) - 8)[:-4]).kind is AppFileKind.DAMAGED


def test_an_empty_zip_is_an_empty_package() -> None:
    data = container(zipped({}))
    assert len(data) == 62
    assert open_package(data).kind is AppFileKind.EMPTY


def test_a_short_header_points_to_the_zip() -> None:
    package = open_package(b"NAVX" + (8).to_bytes(4, "little") + zipped(package_entries({})))
    assert package.kind is AppFileKind.PLAIN
    assert package.package_id is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "does not begin with NAVX"),
        (b"PK\x03\x04" + bytes(60), "does not begin with NAVX"),
        (app({})[:-100], "promises"),
        (container(b"no zip at all" * 9), "not a readable ZIP"),
        (container(zipped({"other.txt": b""})), "has no NavxManifest.xml"),
        (container(zipped({"NavxManifest.xml": b"<Package"})), "not well-formed"),
        (container(zipped({"NavxManifest.xml": b"<Package/>"})), "no App element"),
        (container(zipped({"NavxManifest.xml": manifest_xml(app_id="x")})), "not a GUID"),
        (container(zipped({"NavxManifest.xml": manifest_xml(version="one")})), "is not a version"),
        (
            container(zipped({"NavxManifest.xml": b'<!DOCTYPE a [<!ENTITY b "c">]><Package>&b;</Package>'})),
            "not well-formed",
        ),
        (container(zipped({"readytorunappmanifest.json": b"{}", "a.dll": b""})), "without the app inside"),
    ],
)
def test_a_damaged_package_says_what_is_wrong(data: bytes, reason: str) -> None:
    package = open_package(data)
    assert package.kind is AppFileKind.DAMAGED
    assert reason in (package.problem or "")


def test_nul_padding_behind_the_symbols_is_dropped() -> None:
    entries = package_entries(symbol_file(codeunit(1, "A")))
    entries["SymbolReference.json"] += bytes(1000)
    assert len(index_package(open_package(container(zipped(entries))))) == 1


def test_an_entry_that_claims_to_unpack_beyond_the_limit_is_refused_unread() -> None:
    entries = package_entries({})
    data = bytearray(container(zipped(entries | {"SymbolReference.json": b" " * 100})))
    directory = data.index(b"PK\x01\x02")
    while not data[directory + 46 :].startswith(b"SymbolReference"):
        directory = data.index(b"PK\x01\x02", directory + 1)
    data[directory + 24 : directory + 28] = (0x7FFFFFFF).to_bytes(4, "little")
    with pytest.raises(PackageError, match=r"SymbolReference.json unpacks to 2147483647 bytes"):
        open_package(bytes(data)).symbols()


def test_source_names_are_encoded_twice() -> None:
    assert display_path("src/Tables/Table%252050000%2520-%2520Product.al") == "src/Tables/Table 50000 - Product.al"
    assert source_entry("Tables/Table%2050000%20-%20Product.al") == "src/Tables/Table%252050000%2520-%2520Product.al"


EXPECTED = {
    "AlRuntimePackage_18.3.24557.0_runtime.app": AppFileKind.RUNTIME,
    "Microsoft_Business Foundation_25.1.25873.25900.app": AppFileKind.SIGNED,
    "Microsoft_SE Core_27.0.38460.40691_ready-to-run.app": AppFileKind.READY_TO_RUN,
    "3f174506_Netcompany_SECDatacom_1.1.1.66.app": AppFileKind.EMPTY,
    "ecf5b8cf_Microsoft_Application_24.0.16410.18040.app": AppFileKind.SIGNED,
} | dict.fromkeys(
    (
        "Hougaard_OnBoarding_1.0.0.2.app",
        "Hougaard_OnBoarding_1.0.0.3.app",
        "Microsoft_Application_13.1.25940.0_W1.app",
        "Microsoft_Application_14.0.29537.0_DK.app",
        "Microsoft_System Application_15.0.36145.0.app",
        "PT_EmptyExtension_no1_1.0.0.0.app",
        "1fa9de12_API Publisher_API Project_1.0.0.0.app",
        "39edf18a_GURU_Al Project 24.1_1.0.0.0.app",
        "3dfd9c25_Shaligram Infotech_DynamoFitnessDevelopments_1.0.0.0.app",
        "50b57f0d_GURU_Al Project 24.2_1.0.0.0.app",
        "58d6cea5_Microsoft_System Application_17.0.16993.0.app",
        "6aa82264_Netcompany_SECDatacom_1.0.8.0.app",
        "7514afe8_Default publisher_ALProject1_2.1.0.0.app",
        "83ec1175_Default publisher_Al_1.0.0.0.app",
        "8f0517db_Netcompany_SECDatacom_1.0.4.5.app",
        "a3731ab9_PT_EmptyExtension_no2_1.0.0.0.app",
        "a4357bb8_Netcompany_SECDatacom_1.0.7.2.app",
        "a71814d3_Microsoft_System_14.0.29530.0.app",
        "ccb903ec_User Publisher_DelectionToolTask_1.0.0.0.app",
        "cfad4e2c_Default Publisher1_ALProject1_1.0.0.0.app",
        "e696e79c_Shaligram Infotech_DynamoFitnessDevelopments_1.0.0.0.app",
        "ebf2f681_hougaard.com_OnBoarding_1.0.0.0.app",
        "fca75062_Microsoft_System_14.0.32600.0.app",
    ),
    AppFileKind.PLAIN,
)


def test_every_real_package_is_read_into_its_class() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real packages is not on this machine")
    packages = [read_package(p) for p in sorted(CORPUS.rglob("*.app"))]
    found = {Path(p.path).name: p.kind for p in packages}
    assert EXPECTED.keys() <= found.keys()
    # A file that nobody has listed yet has to be read, whatever it is.
    assert found == {name: EXPECTED.get(name, kind) for name, kind in found.items()}
    assert AppFileKind.DAMAGED not in found.values()
    for package in packages:
        if package.manifest is not None:
            assert package.symbols() is not None
            assert len(index_package(package)) >= 0
            assert len(list(package.sources())) == len(package.source_files)


def test_what_an_app_says_of_moved_objects_is_read() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real packages is not on this machine")
    package = read_package(CORPUS / "Microsoft_Business Foundation_25.1.25873.25900.app")
    assert MovedObject("table", 308, "No. Series", from_app=BASE_ID) in package.moved_objects
    assert index_package(package).app.moved == package.moved_objects


def test_the_package_id_of_a_runtime_package_is_still_known() -> None:
    package = open_package(container(b".NEA\x00\x00\x00\x01" + bytes(50), declared=50))
    assert str(package.package_id) == "0a0b0c0d-0e0f-1011-1213-141516171819"


def _twice(*names: str) -> bytes:
    """A ZIP with entries whose names differ in case only, or not at all."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for name in names:
            archive.writestr(name, manifest_xml() if name.lower() == "navxmanifest.xml" else b"{}")
    return container(out.getvalue())


def _patched(data: bytes, entry: bytes, offset: int, value: int) -> bytes:
    """The package with four bytes of an entry of the ZIP's directory changed."""
    changed = bytearray(data)
    at = changed.index(b"PK\x01\x02")
    while not changed[at + 46 :].startswith(entry):
        at = changed.index(b"PK\x01\x02", at + 1)
    changed[at + offset : at + offset + 4] = value.to_bytes(4, "little")
    return bytes(changed)


def _nested(depth: int) -> bytes:
    data = app({})
    for _ in range(depth):
        named = json.dumps({"EmbeddedAppFileName": "x.app"}).encode()
        data = container(zipped({"readytorunappmanifest.json": named, "x.app": data}))
    return data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (_twice("NavxManifest.xml", "NavxManifest.xml"), "NavxManifest.xml twice"),
        (_twice("NavxManifest.xml", "NAVXMANIFEST.XML"), "NAVXMANIFEST.XML twice"),
        (_twice("NavxManifest.xml", "SymbolReference.json", "symbolreference.json"), "symbolreference.json twice"),
        (_twice("NavxManifest.xml", "../../etc/x.al"), "leads out of the package"),
        (_twice("NavxManifest.xml", "src\\..\\..\\x.al"), "leads out of the package"),
        (_nested(2), "has no NavxManifest.xml"),
        (container(zipped({"NavxManifest.xml": b"<a>" * 100_000})), "not well-formed"),
        (container(zipped({"NavxManifest.xml": b" " * (5 << 20)})), "the limit is 4194304"),
        (container(zipped({"readytorunappmanifest.json": b"[" * 100_000, "a.app": b""})), "not readable JSON"),
        (container(b"PK\x03\x04" + bytes(100)), "not a readable ZIP"),
        (bytes(app({})[:8]) + (3).to_bytes(4, "little") + app({})[12:], "has version 3"),
        (app({})[:28] + (1 << 62).to_bytes(8, "little") + app({})[36:], "promises 4611686018427387904 bytes"),
        (app({})[:28] + (-1).to_bytes(8, "little", signed=True) + app({})[36:], "promises -1 bytes"),
        (app({})[:28] + (200).to_bytes(8, "little") + app({})[36:], "not a readable ZIP"),
        (app({})[:36] + b"XXXX" + app({})[40:], "does not end with NAVX"),
        (b"NAVX" + (1 << 30).to_bytes(4, "little"), "claims 1073741824 bytes"),
        (container(zipped({"NavxManifest.xml": manifest_xml().replace(b'"50000"', b'"many"')})), "made of numbers"),
    ],
)
def test_a_hostile_package_is_refused(data: bytes, reason: str) -> None:
    package = open_package(data)
    assert package.kind is AppFileKind.DAMAGED
    assert reason in (package.problem or "")


LARGE = symbol_file(*(codeunit(n, f"C{n}") for n in range(30_000)))


def test_large_symbols_are_unpacked_whole_and_their_checksum_is_checked() -> None:
    data = app(LARGE)
    assert len(index_package(open_package(data))) == 30_000
    with pytest.raises(PackageError, match="size or checksum differs"):
        open_package(_patched(data, b"SymbolReference", 16, 1)).symbols()
    with pytest.raises(PackageError, match="cannot be unpacked"):
        open_package(_patched(data, b"SymbolReference", 24, 9 << 20)).symbols()


def test_symbols_that_are_nothing_but_objects_are_a_bomb() -> None:
    bomb = b'{"Tables":[' + b"{}," * 13_000_000 + b"{}]}"
    package = open_package(container(zipped(package_entries() | {"SymbolReference.json": bomb})))
    with pytest.raises(PackageError, match=r"13000002 JSON objects; the limit is 12000000"):
        index_package(package)


def test_source_that_is_nothing_but_blanks_is_a_bomb() -> None:
    sources = {f"src/{n}.al": b" " * (15 << 20) for n in range(2)}
    package = open_package(container(zipped(package_entries({}) | sources)))
    with pytest.raises(PackageError, match="source unpacks to more than"):
        list(package.sources())


def test_a_manifest_is_read_whatever_else_is_in_it() -> None:
    xml = b"""<?xml version="1.0" encoding="utf-8"?>
    <!-- written by hand -->
    <p:package xmlns:p="http://schemas.microsoft.com/navx/2015/manifest" xmlns:x="urn:x">
      <p:App id="{11111111-2222-3333-4444-555555555555}" NAME="A" Version=" 1.2 " Target="cLOUD" x:extra="1"
        PropagateDependencies="True" ShowMyCode="" Runtime="" Application="27.0.0.0"/>
      <p:IdRange MinObjectId="1" MaxObjectId="2147483647"/>
      <p:ExtraneousElements><p:App Id="other"/></p:ExtraneousElements>
      <p:Dependencies><p:Dependency AppId="{AAAAAAAA-2222-3333-4444-555555555555}" Version="2.0"/></p:Dependencies>
      <p:AlternateIds><p:AlternateId>BBBBBBBB-2222-3333-4444-555555555555</p:AlternateId></p:AlternateIds>
      <p:InternalsVisibleTo><p:Module Id="CCCCCCCC-2222-3333-4444-555555555555"/></p:InternalsVisibleTo>
    </p:package>"""
    manifest = parse_manifest(xml)
    assert (manifest.id, manifest.name, manifest.version) == (EXTENSION_ID, "A", Version(1, 2))
    assert (manifest.is_cloud, manifest.runtime, manifest.platform) == (True, None, None)
    assert (manifest.propagates_dependencies, manifest.show_my_code) == (True, False)
    assert manifest.id_ranges == (IdRange(1, 2147483647),)
    (dependency,) = manifest.dependencies
    assert (dependency.id, dependency.min_version) == ("aaaaaaaa-2222-3333-4444-555555555555", Version(2))
    assert manifest.alternate_ids == ("bbbbbbbb-2222-3333-4444-555555555555",)
    assert manifest.internals_visible_to == ("cccccccc-2222-3333-4444-555555555555",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_manifest_is_read_in_every_encoding_that_says_what_it_is(encoding: str) -> None:
    written = manifest_xml(name="Beløb").decode().encode(encoding)
    assert parse_manifest(written).name == "Beløb"
    if encoding != "utf-16":
        assert parse_manifest(written + bytes(64)).name == "Beløb"


def test_names_of_entries_are_found_in_another_case_and_behind_a_slash() -> None:
    entries = {name.upper() if "src" not in name else name: content for name, content in package_entries({}).items()}
    package = open_package(container(zipped({"/" + name: content for name, content in entries.items()})))
    assert (package.kind, package.symbols() is not None) == (AppFileKind.PLAIN, True)


def test_a_name_in_utf_8_without_its_mark_is_read_as_such() -> None:
    data = zipped(package_entries({}) | {"src/Beløb.al": b"x"})
    assert data.count(b"\x00\x08\x08\x00") == 2  # the marks of that entry
    package = open_package(container(data.replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00")))
    assert [path for path, _ in package.sources()] == ["src/Beløb.al"]


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        (BOM + "Beløb".encode(), "Beløb"),
        ("Beløb".encode(), "Beløb"),
        ("Beløb".encode("utf-16"), "Beløb"),
        ("Beløb".encode("cp1252"), "Beløb"),
    ],
)
def test_source_is_read_in_the_encodings_of_its_editors(encoded: bytes, text: str) -> None:
    package = open_package(container(zipped(package_entries({}) | {"src/A.al": encoded})))
    assert list(package.sources()) == [("src/A.al", text)]


@pytest.mark.parametrize("entry", ["src/A%2520%255BB%255D.al", "src/A%2520[B].al", "src/A%20[B].al"])
def test_the_source_of_an_object_is_found_by_its_reference(entry: str) -> None:
    package = open_package(container(zipped(package_entries({}) | {entry: b"codeunit 1 A { }"})))
    reference = "A%20%5BB%5D.al" if "%255B" in entry else "A%20[B].al"
    assert package.source_of(reference) == "codeunit 1 A { }"
    assert package.source_of("Other.al") is None
    assert display_path(entry) == "src/A [B].al"
