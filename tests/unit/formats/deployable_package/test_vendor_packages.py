"""Packages as the vendor's tools make them: read tolerantly, judged strictly, without one false error."""

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest

from shared.formats.deployable_package.read.release import Release, ReleaseModule
from shared.formats.deployable_package.write.merge import MergeError, merge_packages

from .contexts import broken_rules, check
from .vendor_like import (
    CUSTOMERS,
    VENDORS,
    VendorModule,
    archive,
    manifest,
    nupkg,
    payload,
    vendor_files,
    vendor_package,
    zipped,
)

_PACKAGES = "AosService/Packages"
_RELEASE = Release(
    version="10.0.45",
    platform_version="7.0.7606.108",
    application_version="10.0.2345.10",
    modules=tuple(ReleaseModule(name=one.name, references=one.references) for one in VENDORS),
)


@pytest.mark.parametrize("separator", ["\\", "/"])
@pytest.mark.parametrize("kind", ["platform", "customization", "merged"])
def test_a_package_of_the_vendors_tools_has_no_findings(kind: str, separator: str) -> None:
    content = vendor_package(kind, separator=separator)
    with zipfile.ZipFile(BytesIO(content)) as made:
        assert {info.create_system for info in made.infolist()} == {0}
        assert sum(info.external_attr == 0x10 and info.file_size == 0 for info in made.infolist()) > 3
        assert sum("Scripts" in info.filename for info in made.infolist()) > 120
    for release in (None, _RELEASE):
        verdict = check(content, release=release, newer_releases=() if release is None else (release,))
        assert (verdict.kind, broken_rules(verdict)) == (kind, [])
    own = {"platform": VENDORS, "customization": CUSTOMERS, "merged": (*VENDORS, *CUSTOMERS)}[kind]
    assert [(one.name, one.version, one.vendor) for one in verdict.modules] == [
        (one.name, one.version, bool(one.mark)) for one in own
    ]
    assert [one.references for one in verdict.modules] == [
        tuple(reference.lower() for reference in one.references) for one in own
    ]
    assert all(one.content_sha256 for one in verdict.modules)


def _without(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        for path in [path for path in files if name in path]:
            del files[path]

    return change


def _with(path: str, content: bytes) -> Callable[[dict[str, bytes]], None]:
    return lambda files: files.__setitem__(path, content)


def _replacing(path: str, old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old.encode() in files[path]
        files[path] = files[path].replace(old.encode(), new.encode())

    return change


_META = f"{_PACKAGES}/dynamicsax-meta-application-runtime"
_LICENSE = "AOSService/Scripts/License/ContosoSales.txt"
_REMOVAL = b"\xef\xbb\xbf\r\n ContosoOld \r\n\r\ncontosoolder"
_SALES = "dynamicsax-contososales.7.0.7606.108"
_CORE_PART = CUSTOMERS[0]


@pytest.mark.parametrize(
    ("kind", "change", "expected"),
    [
        ("platform", _without("meta-platform-runtime"),
         [("DP320", "AOSService/Packages/dynamicsax-meta-platform-runtime.nupkg")]),
        ("platform", _without("applicationsuite."),
         [("DP301", "AOSService/Packages/dynamicsax-applicationsuite.10.0.2345.10.nupkg"),
          ("DP303", "AOSService/Packages/files/dynamicsax-applicationsuite.10.0.2345.10.zip"),
          ("DP321", f"{_META}.10.0.2345.10.nupkg!dynamicsax-meta-application-runtime.nuspec")]),
        ("merged", _with(f"{_PACKAGES}/files/{_SALES}.zip",
                         archive([("Descriptor/A.xml", b""), ("bin/Dynamics.AX.ContosoSales.dll", b"MZ")])),
         [("DP401", f"{_PACKAGES}/files/{_SALES}.zip!bin"),
          ("DP405", f"{_PACKAGES}/files/{_SALES}.zip!Descriptor/A.xml")]),
        ("customization", _with(f"{_PACKAGES}/files/dynamicsax-contosonew.1.0.0.0.zip", payload(CUSTOMERS[0])),
         [("DP304", f"{_PACKAGES}/files/dynamicsax-contosonew.1.0.0.0.zip"),
          ("DP402", f"{_PACKAGES}/files/dynamicsax-contosonew.1.0.0.0.zip!bin/Dynamics.AX.contosonew.dll")]),
        ("customization", _replacing("DefaultTopologyData.xml", "DevToolsService", "GhostService"),
         [("DP317", "DefaultTopologyData.xml")]),
        ("customization", _without("DevInstallServiceModelData.xml"), [("DP317", "DefaultTopologyData.xml")]),
        ("customization", _with(_LICENSE, "licence of ContosoSales".encode("utf-16")), []),
        ("customization", _with(_LICENSE, "ContosoSales licensed to Müller".encode("cp1252")), []),
        ("customization", _with("AOSService/Scripts/ModuleToRemove.txt", _REMOVAL), []),
    ],
    ids=["a meta package is missing", "a module of a meta package is missing", "a customer's part of a merged package",
         "an unlisted payload", "an unknown service", "a service of development machines", "licence",
         "licence of an old editor", "removal file"],
)  # fmt: skip
def test_what_is_wrong_in_such_a_package_is_told_and_nothing_else(
    kind: str, change: Callable[[dict[str, bytes]], None], expected: list[tuple[str, str]]
) -> None:
    files = vendor_files(kind)
    change(files)
    assert sorted(broken_rules(check(zipped(files)))) == expected


def test_a_customers_parts_for_development_hold_no_source() -> None:
    files = vendor_files("customization")
    stem = f"dynamicsax-contosocore-develop.{_CORE_PART.version}"
    files[f"{_PACKAGES}/files/{stem}.zip"] = archive([("XppMetadata/Core/AxClass/A.xml", b"<AxClass />")])
    path = f"{_PACKAGES}/files/{stem}.zip!XppMetadata/Core/AxClass/A.xml"
    assert broken_rules(check(zipped(files))) == [("DP405", path)]


def test_a_merged_package_is_judged_by_its_customization_too() -> None:
    tests = VendorModule("ContosoTests", "1.0.0.0", ("ContosoCore",))
    adaptor = VendorModule("ContosoFormAdaptor", "1.0.0.0")
    files = vendor_files("merged")
    modules = (*VENDORS, *CUSTOMERS, tests, adaptor)
    files["HotfixInstallationInfo.xml"] = manifest("merged", modules, "Non-Microsoft", "7.0.7606.108")
    for one in (tests, adaptor):
        stem = f"dynamicsax-{one.name.lower()}.{one.version}"
        files[f"{_PACKAGES}/{stem}.nupkg"] = nupkg(one.name.lower(), one, one.references)
        files[f"{_PACKAGES}/files/{stem}.zip"] = payload(one)
    assert broken_rules(check(zipped(files))) == [
        ("DP408", f"{_PACKAGES}/dynamicsax-contosoformadaptor.1.0.0.0.nupkg"),
        ("DP404", f"{_PACKAGES}/dynamicsax-contosotests.1.0.0.0.nupkg"),
    ]


def _with_metas_named(files: dict[str, bytes], suffix: str, left_out: str = "") -> None:
    """Replace the meta packages by ones of other names that name all vendor modules but one."""
    for path in [path for path in files if "-meta-" in path]:
        del files[path]
    for part, version in (("platform", "7.0.7606.108"), ("application", "10.0.2345.10")):
        name = f"meta-{part}-runtime{suffix}"
        meta = VendorModule(name, version, (), "[Platform Package]")
        members = [one.name for one in VENDORS if one.version == version and one.name != left_out]
        files[f"{_PACKAGES}/dynamicsax-{name}.{version}.nupkg"] = nupkg(name, meta, members)


def test_meta_packages_may_have_longer_names() -> None:
    files = vendor_files("platform")
    _with_metas_named(files, "-extended")
    assert broken_rules(check(zipped(files))) == []
    for path in [path for path in files if "dynamicsax-testessentials" in path]:
        del files[path]
    name = "dynamicsax-meta-platform-runtime-extended"
    path = f"{_PACKAGES}/{name}.7.0.7606.108.nupkg!{name}.nuspec"
    assert ("DP321", path) in broken_rules(check(zipped(files)))


def test_a_platform_package_without_application_needs_no_meta_package_of_one() -> None:
    files = {path: content for path, content in vendor_files("platform").items() if "10.0.2345.10" not in path}
    platform = [one for one in VENDORS if one.version.startswith("7.")]
    files["HotfixInstallationInfo.xml"] = manifest("platform", platform, "Microsoft Corporation", "7.0.7606.108")
    assert broken_rules(check(zipped(files))) == []


def test_a_merged_packages_vendor_modules_are_known_by_mark_or_by_meta_package() -> None:
    expected = {one.name for one in VENDORS}
    for left_out, unmarked in (("TestEssentials", ""), ("", "AtlSampleTests")):
        files = vendor_files("merged")
        _with_metas_named(files, "", left_out)
        for module in VENDORS:
            if module.name == unmarked:
                plain = VendorModule(module.name, module.version, module.references)
                path = f"{_PACKAGES}/dynamicsax-{module.name.lower()}.{module.version}.nupkg"
                files[path] = nupkg(module.name.lower(), plain, plain.references)
        verdict = check(zipped(files))
        assert (verdict.findings, {one.name for one in verdict.modules if one.vendor}) == ((), expected)


def test_where_the_vendor_copies_its_own_additional_files_to_is_not_judged() -> None:
    outwards = b'<Files><File Source="a" Destination="AOSWeb" RelativePath=".." /></Files>'
    files = vendor_files("merged")
    for name in ("applicationsuite.10.0.2345.10", "contososales.7.0.7606.108"):
        path = f"{_PACKAGES}/files/dynamicsax-{name}.zip"
        with zipfile.ZipFile(BytesIO(files[path])) as old:
            kept = {info.filename.replace("\\", "/"): old.read(info) for info in old.infolist() if info.file_size}
        files[path] = zipped({**kept, "AdditionalFiles/FileLocations.xml": outwards})
    assert broken_rules(check(zipped(files))) == [
        ("DP413", f"{_PACKAGES}/files/{_SALES}.zip!AdditionalFiles/FileLocations.xml")
    ]


def test_a_reference_to_a_module_of_the_package_itself_makes_no_test_module() -> None:
    atlas = VendorModule("AtlasContoso", "1.0.0.0")
    user = VendorModule("ContosoRoutes", "1.0.0.0", ("AtlasContoso",))
    files = vendor_files("customization")
    modules = (*CUSTOMERS, atlas, user)
    files["HotfixInstallationInfo.xml"] = manifest("customization", modules, "Non-Microsoft", "7.0.7606.108")
    for one in (atlas, user):
        stem = f"dynamicsax-{one.name.lower()}.{one.version}"
        files[f"{_PACKAGES}/{stem}.nupkg"] = nupkg(one.name.lower(), one, one.references)
        files[f"{_PACKAGES}/files/{stem}.zip"] = payload(one)
    assert broken_rules(check(zipped(files))) == []


@pytest.mark.parametrize(
    ("prefix", "beside"),
    [("drop/", {}), ("drop/out/", {}), ("drop/", {"__MACOSX/drop/._x": b"x"}), ("a/", {"log.txt": b"built"})],
    ids=["one folder", "two folders", "a desktop's files", "a file beside it"],
)
def test_a_package_that_was_zipped_with_its_folder_is_told_so_and_checked(
    prefix: str, beside: dict[str, bytes]
) -> None:
    files = {prefix + path: content for path, content in vendor_files("customization").items()}
    verdict = check(zipped({**files, **beside}))
    assert broken_rules(verdict) == [("DP115", f"{prefix}HotfixInstallationInfo.xml")]
    assert prefix in verdict.findings[0].message
    assert [one.name for one in verdict.modules] == ["ContosoCore", "ContosoSales"]


@pytest.mark.parametrize(
    ("files", "rule", "path", "told"),
    [
        ({"drop/package.zip": b"PK"}, "DP114", "drop/package.zip", "holds a zip"),
        ({"package.zip": b"PK", "__MACOSX/._package.zip": b"x"}, "DP114", "package.zip", "holds a zip"),
        ({"a.zip": b"PK", "b.zip": b"PK"}, "DP201", "HotfixInstallationInfo.xml", "holds 2 zips"),
        ({"TemplatePackage.dll": b"MZ", "PackageAssets/contoso_managed.zip": b"PK"},
         "DP201", "HotfixInstallationInfo.xml", "unified"),
        ({"fnomoduledefinition.json": b"{}", "contososales/bin/ContosoSales.md": b"x"},
         "DP201", "HotfixInstallationInfo.xml", "pac package compile"),
        ({"drop/sales_1_0_0_1_managed.zip": b"PK"}, "DP201", "HotfixInstallationInfo.xml", "pac package compile"),
        ({"ContosoSales/bin/ContosoSales.md": b"x"}, "DP201", "HotfixInstallationInfo.xml", "with compiled modules"),
        ({"Contoso.axmodel": b"x"}, "DP201", "HotfixInstallationInfo.xml", "a model file"),
        ({"solution.xml": b"<a/>"}, "DP201", "HotfixInstallationInfo.xml", "Power Platform solution"),
        ({"dynamicsax-a.nuspec": b"<a/>", "tools/x": b""}, "DP201", "HotfixInstallationInfo.xml", "single module"),
        ({"bin/A.md": b"x"}, "DP201", "HotfixInstallationInfo.xml", "payload of a single module"),
        ({"Contoso/Descriptor/Contoso.xml": b"<a/>"}, "DP201", "HotfixInstallationInfo.xml", "source"),
        ({"AOSService/HotfixInstallationInfo.xml": b"<a/>"}, "DP201", "HotfixInstallationInfo.xml", "root"),
        ({"readme.txt": b"hello"}, "DP201", "HotfixInstallationInfo.xml", "root"),
    ],
    ids=["zip in zip", "zip in zip from a desktop", "several", "unified", "erp", "erp in an artifact",
         "compiled", "model", "solution", "nupkg", "payload", "source",
         "misplaced manifest", "something else"],
)  # fmt: skip
def test_an_upload_that_is_no_package_is_told_what_it_is(
    files: dict[str, bytes], rule: str, path: str, told: str
) -> None:
    (finding,) = check(zipped(files)).findings
    assert (finding.rule, finding.path) == (rule, path)
    assert told in finding.message


def test_a_platform_with_its_own_installer_merges_with_a_customization_of_an_earlier_one(tmp_path: Path) -> None:
    platform, earlier, same = tmp_path / "platform.zip", tmp_path / "earlier.zip", tmp_path / "same.zip"
    platform.write_bytes(vendor_package("platform", build="new"))
    earlier.write_bytes(vendor_package("customization", version="7.0.7606.90", build="old"))
    out = tmp_path / "out.zip"
    merge_packages([earlier, platform], out)
    with zipfile.ZipFile(out) as merged:
        names = {info.filename.replace("\\", "/").lower(): info for info in merged.infolist()}
        assert b"new" in merged.read(names["aosservice/scripts/stopaos.ps1"])
        assert b"new" in merged.read(names["axupdateinstaller.exe"])
    verdict = check(out.read_bytes())
    assert (verdict.kind, verdict.findings) == ("merged", ())
    assert verdict.modules == tuple(sorted(check(vendor_package("merged")).modules, key=lambda one: one.name))
    files = vendor_files("customization", build="new")
    for path in ("AOSService/Scripts/MetaReleaseInfo.xml", "DefaultServiceModelData.xml"):
        files[path] = files[path].replace(b"</", b" </")
    same.write_bytes(zipped(files))
    merge_packages([same, platform], out)
    assert check(out.read_bytes()).findings == ()
    same.write_bytes(vendor_package("customization", build="changed by hand"))
    with pytest.raises(MergeError, match="different files"):
        merge_packages([same, platform], out)
