"""Modules become valid packages, whatever their descriptors look like, and always the same bytes."""

import io
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.judge.check import check_package
from shared.formats.deployable_package.read.descriptors import DescriptorError
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.write.build import (
    BuildError,
    BuildOptions,
    default_kind,
    find_modules,
    plan_package,
    write_package,
)

_OPTIONS = BuildOptions(DeployableKind.CUSTOMIZATION, "7.0.7606.108", "10.0.2345.10")


def descriptor(
    model: str,
    module: str,
    references: Sequence[str] = (),
    version: tuple[object, ...] = (1, 2, 3, 4),
    layer: int = 8,
    publisher: str = "Contoso",
) -> bytes:
    strings = "".join(f"<d2p1:string>{name}</d2p1:string>" for name in references)
    arrays = 'xmlns:d2p1="http://schemas.microsoft.com/2003/10/Serialization/Arrays"'
    listed = (
        f"<ModuleReferences {arrays}>{strings}</ModuleReferences>"
        if references
        else (f'<ModuleReferences {arrays} i:nil="true" />')
    )
    parts = zip(("Build", "Major", "Minor", "Revision"), (version[2], version[0], version[1], version[3]), strict=True)
    numbers = "".join(f"<Version{name}>{value}</Version{name}>" for name, value in parts if value is not None)
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>\n'
        '<AxModelInfo xmlns:i="http://www.w3.org/2001/XMLSchema-instance">'
        f"<Layer>{layer}</Layer><ModelModule>{module}</ModelModule>{listed}<Name>{model}</Name>"
        f"<Publisher>{publisher}</Publisher>{numbers}</AxModelInfo>"
    ).encode()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def _assembly(*version: int) -> bytes:
    numbers = (version[0] << 16 | version[1], version[2] << 16 | version[3])
    return b"MZ" + bytes(80) + struct.pack("<4s4xLL", b"\xbd\x04\xef\xfe", *numbers) + bytes(40)


def _payload_names(package: Path, module: str) -> list[str]:
    with zipfile.ZipFile(package) as outer:
        name = next(one for one in outer.namelist() if f"/files/dynamicsax-{module}." in one)
        return zipfile.ZipFile(io.BytesIO(outer.read(name))).namelist()


def test_a_module_with_several_models_has_their_highest_version_and_all_their_references(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "src/Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales", ["ApplicationSuite", "Core"], (1, 9, 0, 0)),
            "src/Sales/Descriptor/Extra.xml": descriptor("Extra", "SALES", ["Ledger", "core"], (1, 10, 0, 0)),
        },
    )
    (module,) = find_modules(tmp_path)
    assert (module.version, module.references) == ("1.10.0.0", ("Ledger", "core", "ApplicationSuite"))


def test_missing_version_parts_and_empty_lists_are_read_as_real_descriptors_have_them(tmp_path: Path) -> None:
    write(tmp_path, {"A/Descriptor/A.xml": descriptor("A", "A", (), (10, 15, None, 55242))})
    write(tmp_path, {"B/descriptor/B.XML": descriptor("B", "B", (), (0, 0, 0, 0))})
    assert [(one.name, one.version, one.references) for one in find_modules(tmp_path)] == [
        ("A", "10.15.0.55242", ()),
        ("B", "1.0.0.0", ()),
    ]


def test_source_descriptors_model_folders_and_deleted_files_stay_out_of_the_payload(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Sales/Descriptor/Sales Model.xml": descriptor("Sales Model", "Sales"),
            "Sales/XppMetadata/Sales/AxClass/A.xml": b"<x/>",
            "Sales/Sales Model/AxClass/A.xml": b"<x/>",
            "Sales/bin/Dynamics.AX.Sales.dll": _assembly(1, 2, 3, 4),
            "Sales/bin/Sales.md": b"metadata",
            "Sales/bin/old.dll.delete": b"",
            "Sales/Resources/logo.png": b"png",
        },
    )
    package = tmp_path / "sales.zip"
    write_package(plan_package(find_modules(tmp_path), _OPTIONS), package)
    assert _payload_names(package, "sales") == [
        "Resources/logo.png",
        "bin/Dynamics.AX.Sales.dll",
        "bin/Sales.md",
    ]
    assert check_package(package).findings == ()


def test_a_compiled_module_has_its_assemblys_version_unless_one_is_given(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales"),
            "Sales/bin/dynamics.ax.SALES.dll": _assembly(7, 0, 5778, 41503),
            "Sales/bin/Sales.md": b"metadata",
        },
    )
    assert [(one.version, one.placeholder) for one in find_modules(tmp_path)] == [("7.0.5778.41503", False)]
    assert [one.version for one in find_modules(tmp_path, "9.9.9.9")] == ["9.9.9.9"]


def test_modules_without_binaries_get_placeholders_that_are_told_apart(tmp_path: Path) -> None:
    write(tmp_path, {"Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales")})
    (module,) = find_modules(tmp_path)
    assert module.placeholder
    package = tmp_path / "out.zip"
    write_package(plan_package([module], _OPTIONS), package)
    assert check_package(package).findings == ()


def test_the_same_input_gives_the_same_bytes_whatever_the_order_and_the_times_of_files(
    tmp_path: Path,
) -> None:
    built = []
    for name, order in (("one", ("A", "B")), ("two", ("B", "A"))):
        for module in order:
            write(tmp_path / name, {f"{module}/Descriptor/{module}.xml": descriptor(module, module)})
        path = tmp_path / f"{name}.zip"
        write_package(plan_package(find_modules(tmp_path / name), _OPTIONS), path)
        built.append(path.read_bytes())
    assert built[0] == built[1]


@pytest.mark.parametrize(("kind", "bom"), [(kind, bom) for kind in DeployableKind for bom in (True, False)])
def test_every_kind_is_valid_with_licences_removal_file_and_backslashes(
    kind: DeployableKind, bom: bool, tmp_path: Path
) -> None:
    write(tmp_path, {"Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales", ["ApplicationPlatform"])})
    for name, version in (("ApplicationPlatform", (7, 0, 0, 0)), ("ApplicationSuite", (10, 0, 1, 0))):
        content = descriptor(name, name, (), version, layer=0, publisher="Microsoft Corporation")
        write(tmp_path, {f"vendor/{name}/Descriptor/{name}.xml": content})
    modules = find_modules(tmp_path)
    chosen = {
        DeployableKind.PLATFORM: [one for one in modules if one.is_vendors],
        DeployableKind.CUSTOMIZATION: [one for one in modules if not one.is_vendors],
        DeployableKind.MERGED: modules,
    }[kind]
    assert default_kind(chosen) is kind
    options = BuildOptions(
        kind,
        "7.0.7606.108",
        "10.0.2345.10",
        bom,
        (("sales.txt", b"licence of Sales and ApplicationSuite"),),
        ("SalesOld", "SalesOlder"),
    )
    package = tmp_path / "out.zip"
    write_package(plan_package(chosen, options), package, "\\")
    verdict = check_package(package)
    assert (verdict.findings, verdict.kind) == ((), kind)
    assert verdict.removed_modules == ("salesold", "salesolder")
    assert verdict.application_version == "10.0.2345.10"
    with zipfile.ZipFile(package) as archive:
        # zipfile shows names as they are where the system's separator is a slash.
        assert b"AOSService\\Scripts\\ModuleToRemove.txt" in package.read_bytes()
        assert len(archive.infolist()) == len(set(archive.namelist()))


def test_system_layer_modules_that_are_overlayered_are_marked_as_not_sealed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "S/Descriptor/S.xml": descriptor("S", "Sales", layer=0),
            "S/Descriptor/T.xml": descriptor("T", "Sales", layer=14),
        },
    )
    package = tmp_path / "out.zip"
    write_package(plan_package(find_modules(tmp_path), _OPTIONS), package)
    assert [finding.rule for finding in check_package(package).findings] == ["DP213"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<AxModelInfo>", "not well-formed"),
        (b"<Other/>", "not AxModelInfo"),
        (b"<AxModelInfo><Name>A</Name></AxModelInfo>", "ModelModule is empty"),
        (b"<!DOCTYPE a><AxModelInfo/>", "DOCTYPE"),
        (descriptor("A", "My Module"), "rename it"),
        (descriptor("A", "A", (), ("x", 0, 0, 0)), "must be numbers"),
    ],
)
def test_a_bad_descriptor_is_named_with_the_reason(content: bytes, told: str, tmp_path: Path) -> None:
    write(tmp_path, {"A/Descriptor/Bad.xml": content})
    with pytest.raises(DescriptorError, match=r"A/Descriptor/Bad\.xml") as error:
        find_modules(tmp_path)
    assert told in str(error.value)


def test_what_cannot_be_built_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="no model descriptor"):
        find_modules(tmp_path)
    with pytest.raises(BuildError, match="four numbers"):
        plan_package([], BuildOptions(DeployableKind.CUSTOMIZATION, "7.0"))
    with pytest.raises(BuildError, match="application version"):
        plan_package([], BuildOptions(DeployableKind.PLATFORM, "7.0.1.1"))
    write(tmp_path, {"A/Descriptor/A.xml": descriptor("A", "A")})
    (tmp_path / "A" / "link.txt").symlink_to(tmp_path)
    with pytest.raises(BuildError, match="link"):
        find_modules(tmp_path)


def test_a_package_is_written_completely_or_not_at_all(tmp_path: Path) -> None:
    write(tmp_path, {"A/Descriptor/A.xml": descriptor("A", "A"), "A/Resources/x": b"x"})
    entries = plan_package(find_modules(tmp_path), _OPTIONS)
    (tmp_path / "A" / "Resources" / "x").unlink()
    package = tmp_path / "out.zip"
    package.write_bytes(b"before")
    with pytest.raises(InfrastructureError, match="cannot be written"):
        write_package(entries, package)
    assert package.read_bytes() == b"before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["A", "out.zip"]


def test_a_payload_has_what_the_vendors_script_takes_of_a_modules_folder(tmp_path: Path) -> None:
    inside = ("bin/Sales.md", "Reports/A.rdl", "Web.config", "FileLocations.xml", "Sales.xref", "Resources/notes.md")
    outside = ("notes.md", "Sales/AxClass/A.xml", "XppMetadata/A.xml", "bin/old.dll.delete", "packages.lock.json")
    write(tmp_path / "src" / "Sales", dict.fromkeys((*inside, *outside), b"x"))
    write(tmp_path / "src", {"Sales/Descriptor/Sales.xml": descriptor("Sales", "Sales")})
    package = tmp_path / "out.zip"
    write_package(plan_package(find_modules(tmp_path / "src"), _OPTIONS), package)
    assert sorted(_payload_names(package, "sales")) == sorted(inside)
