"""What the vendor's packaging script and its documentation say, held against packages as that script makes them."""

import json
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest

from shared.formats.deployable_package.archive.writer import write_archive
from shared.formats.deployable_package.damage.faults import build_sample, sample
from shared.formats.deployable_package.read.documents import parse_xml, text
from shared.formats.deployable_package.read.vendor_modules import known_vendor_modules
from shared.formats.deployable_package.write.build import placeholder_files, plan_package

from .contexts import TARGET, broken_rules, check
from .vendor_like import CUSTOMERS, archive, install_config, nupkg, vendor_files, zipped

_PACKAGES = "AosService/Packages"
_SALES = "dynamicsax-contososales.7.0.7606.108"


@pytest.mark.parametrize(
    ("config", "is_right"),
    [
        (install_config("contososales", CUSTOMERS[1], "utf-16"), True),
        (install_config("contososales", CUSTOMERS[1], "utf-16-be"), False),
        (f'{{"zipname": "{_SALES}.zip", "packagename": "contososales"}}'.encode(), True),
        (f'{{"PackageName": "dynamicsax-contososales", "ZipName": "{_SALES.upper()}.ZIP"}}'.encode(), True),
        (f'{{"PackageName": "ContosoCore", "ZipName": "{_SALES}.zip"}}'.encode(), False),
        (b'{"PackageName": "ContosoSales", "ZipName": "ContosoSales.zip"}', False),
        (b'{"PackageName": "ContosoSales"}', False),
        (b"[]", False),
        (b"\xff\xfe{", False),
    ],
    ids=["windows powershell", "no mark", "keys in any case", "the id", "another module", "another zip", "one key",
         "a list", "cut off"],
)  # fmt: skip
def test_install_configs_are_read_in_every_form_that_powershell_writes(config: bytes, is_right: bool) -> None:
    files = vendor_files("customization")
    path = f"{_PACKAGES}/{_SALES}.nupkg"
    with zipfile.ZipFile(BytesIO(files[path])) as old:
        kept = {name: old.read(name) for name in old.namelist()}
    files[path] = archive({**kept, "tools/InstallConfig.json": config}.items(), "/", folders=False)
    expected = [] if is_right else [("DP313", f"{path}!tools/InstallConfig.json")]
    assert broken_rules(check(zipped(files))) == expected


def test_modules_are_packed_here_as_the_vendors_script_packs_them() -> None:
    with zipfile.ZipFile(BytesIO(build_sample())) as package:
        ours = package.read("AOSService/Packages/dynamicsax-contososales.1.2.3.0.nupkg")
    theirs = nupkg("contososales", replace(CUSTOMERS[1], version="1.2.3.0"), ["framework-staticmetadata"])
    read = []
    for content in (ours, theirs):
        with zipfile.ZipFile(BytesIO(content)) as one:
            nuspec = parse_xml(one.read("dynamicsax-contososales.nuspec"))
            facts = [text(nuspec[0], name) for name in ("id", "version", "title", "description", "summary", "authors")]
            config = one.read("tools/InstallConfig.json")
            read.append((facts, config[:2], json.loads(config.decode("utf-16"))))
    assert read[0] == read[1]


@pytest.mark.parametrize(
    ("parts", "missing"),
    [
        (("0", "1", "Queries.0", "Forms.1"), None),
        (("1", "2", "Queries.1"), None),
        (("0", "Queries.1"), "queries.1"),
        (("0", "1", "3", "Queries.0"), "2"),
        (("Forms.0",), "forms.0"),
    ],
    ids=["by kind", "from one", "left over", "a gap", "of a kind alone"],
)
def test_netmodules_are_complete_by_kind(parts: tuple[str, ...], missing: str | None) -> None:
    files = vendor_files("customization")
    path = f"{_PACKAGES}/files/{_SALES}.zip"
    stem = "bin/Dynamics.AX.ContosoSales"
    content = {f"{stem}.{part}.netmodule": b"MZ" for part in parts}
    files[path] = archive([(f"{stem}.dll", b"MZ"), ("bin/ContosoSales.md", b"x"), *content.items()])
    expected = [] if missing is None else [("DP403", f"{path}!{stem.lower()}.{missing}.netmodule")]
    assert broken_rules(check(zipped(files))) == expected


@pytest.mark.parametrize(
    ("path", "warned"),
    [
        ("AosService/Scripts/ModuleToRemove.txt", False),
        ("AosService/Scripts/moduletoremove.TXT", False),
        ("AosService/Scripts/ModulesToRemove.txt", True),
        ("AosService/Scripts/ModuleToRemove.txt.txt", True),
        ("AosService/Scripts/ModuleToRemove", True),
        ("AosService/Scripts/ModuleToRemove (1).txt", True),
        ("AosService/Scripts/Module_To_Remove.csv", True),
        ("AosService/Scripts/ModuleToRemvoe.txt", True),
        ("AosService/Scripts/ModulesToUninstall.txt", True),
        ("AosService/Scripts/RemovedModules.txt", True),
        ("AosService/Packages/moduletoremove.TXT", True),
        ("ModuleToRemove.txt", True),
        ("AosService/Scripts/RemoveModule.ps1", False),
        ("AosService/Scripts/ModuleList.txt", False),
        ("AosService/Scripts/License/Modul.txt", False),
    ],
)
def test_a_file_that_was_meant_to_remove_modules_and_does_not_is_warned_of(path: str, warned: bool) -> None:
    files = vendor_files("customization")
    files[path] = b"ContosoOld\r\n"
    found = [one for one in check(zipped(files)).findings if one.rule == "DP606"]
    assert [one.path for one in found] == ([path] if warned else [])
    assert all("AOSService/Scripts/ModuleToRemove.txt" in one.message for one in found)


def test_the_vendors_names_are_known_without_a_release() -> None:
    names = known_vendor_modules()
    assert {"retail", "fiscalbooks", "electronicreporting", "ledger", "applicationsuite"} < names
    assert len(names) > 100
    files = vendor_files("customization")
    files["AosService/Scripts/ModuleToRemove.txt"] = b"Retail\r\nRetailContoso\r\n"
    assert broken_rules(check(zipped(files))) == [("DP601", "AosService/Scripts/ModuleToRemove.txt")]


def test_a_customers_module_must_not_have_the_name_of_one_of_the_vendors() -> None:
    platform = replace(TARGET, platform_modules=frozenset({"vendornovelty"}))
    for name, target, owner in (
        ("Retail", None, "the vendor, in release 10.0.21"),
        ("VendorNovelty", platform, "the running platform"),
        ("VendorNovelty", None, ""),
        ("RetailContoso", None, ""),
    ):
        chosen = sample()
        renamed = replace(chosen.modules[0], name=name, files=placeholder_files(name))
        out = BytesIO()
        write_archive(plan_package([renamed], chosen.options), out)
        told = [one.message for one in check(out.getvalue(), target=target).findings if one.rule == "DP709"]
        assert told == ([f"{name.lower()} is a module of {owner}"] if owner else [])
