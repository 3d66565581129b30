"""What a file is, and that a bad one is refused in words."""

import json
import os
from pathlib import Path

import pytest

from services.extension_compatibility_checker.al.container import (
    Kind,
    PackageError,
    display_path,
    open_package,
    read_package,
    source_entry,
)
from services.extension_compatibility_checker.al.index import index_package
from services.extension_compatibility_checker.al.version import Version
from tests.support.al_packages import (
    BOM,
    app,
    codeunit,
    container,
    manifest_xml,
    package_entries,
    symbol_file,
    zipped,
)

CORPUS = Path(os.environ.get("DRYDOCK_CORPUS", Path(__file__).parents[4] / "shared" / "corpus")) / "bc"


def test_a_plain_package_shows_its_manifest() -> None:
    package = open_package(app({}, name="A", version="1.2.3.4", dependencies=[("x" * 36, "B", "P", "2.0.0.0")]))
    assert package.kind is Kind.PLAIN
    assert package.manifest is not None
    assert (package.manifest.name, package.manifest.version) == ("A", Version(1, 2, 3, 4))
    assert package.manifest.dependencies[0].min_version == Version(2)
    assert str(package.package_id) == "0a0b0c0d-0e0f-1011-1213-141516171819"


def test_a_signature_block_makes_a_signed_package_and_is_not_read_as_zip() -> None:
    # The block holds a second end-of-directory record: a reader that hunts for the last one would be misled.
    package = open_package(container(zipped(package_entries({})), signature=b"PK\x05\x06" + bytes(18)))
    assert package.kind is Kind.SIGNED
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
    assert package.kind is Kind.READY_TO_RUN
    assert package.manifest is not None
    assert package.manifest.name == "Inner"
    assert [path for path, _ in package.sources()] == ["src/A.al"]


def test_a_runtime_package_is_recognised_though_its_length_leaves_out_the_marker() -> None:
    image = b".NEA\x00\x00\x00\x01" + bytes(range(256))
    package = open_package(container(image, declared=len(image) - 8))
    assert package.kind is Kind.RUNTIME
    assert package.manifest is None
    assert "runtime package" in (package.problem or "")
    assert open_package(container(image, declared=len(image) - 8)[:-4]).kind is Kind.DAMAGED


def test_an_empty_zip_is_an_empty_package() -> None:
    data = container(zipped({}))
    assert len(data) == 62
    assert open_package(data).kind is Kind.EMPTY


def test_a_short_header_points_to_the_zip() -> None:
    package = open_package(b"NAVX" + (8).to_bytes(4, "little") + zipped(package_entries({})))
    assert package.kind is Kind.PLAIN
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
    assert package.kind is Kind.DAMAGED
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
    "AlRuntimePackage_18.3.24557.0_runtime.app": Kind.RUNTIME,
    "Microsoft_Business Foundation_25.1.25873.25900.app": Kind.SIGNED,
    "Microsoft_SE Core_27.0.38460.40691_ready-to-run.app": Kind.READY_TO_RUN,
    "3f174506_Netcompany_SECDatacom_1.1.1.66.app": Kind.EMPTY,
    "ecf5b8cf_Microsoft_Application_24.0.16410.18040.app": Kind.SIGNED,
}


def test_every_real_package_is_read_into_its_class() -> None:
    if not CORPUS.is_dir():
        pytest.skip("the corpus of real packages is not on this machine")
    packages = [read_package(p) for p in sorted(CORPUS.rglob("*.app"))]
    found = {Path(p.path).name: p.kind for p in packages}
    assert found == {name: EXPECTED.get(name, Kind.PLAIN) for name in found}
    for package in packages:
        if package.manifest is not None:
            assert package.symbols() is not None
