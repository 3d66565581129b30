"""Ways to damage a sound package so that it breaks exactly one rule.

The rules are tested with them, and pipelines can be: `drydock package sample --fault`.
"""

import io
import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from shared.formats.deployable_package.archive.writer import PlannedEntry, write_archive
from shared.formats.deployable_package.damage.steps import (
    Entries,
    Step,
    add_entry,
    announce_a_million,
    find_entry,
    in_turn,
    overwrite,
    prepend_program,
    put_in_folder,
    remove_entry,
    rename,
    replace_text,
    wrap,
)
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.layout import LICENSES, RELEASED, REMOVAL_FILE, SCRIPTS, TOPOLOGY
from shared.formats.deployable_package.read.manifest import MANIFEST_NAME
from shared.formats.deployable_package.write.build import (
    BuildOptions,
    ModuleSource,
    placeholder_files,
    plan_nuget,
    plan_package,
    plan_payload,
)

Context = Literal["alone", "release", "target", "target with ContosoOld"]


@dataclass(frozen=True)
class Sample:
    """The sound package that faults are put into: two modules, of which the second refers to the first."""

    modules: tuple[ModuleSource, ...]
    options: BuildOptions


@dataclass(frozen=True)
class Fault:
    """How to break one rule.

    `path` is where a check must report it. The fault is put into the modules, the planned entries or the
    finished bytes. `context` says what the package must be checked against, `kind` what kind it must be.
    """

    rule: str
    path: str
    modules: Callable[[tuple[ModuleSource, ...]], tuple[ModuleSource, ...]] | None = None
    entries: Step | None = None
    finish: Callable[[bytes], bytes] | None = None
    context: Context = "alone"
    kind: DeployableKind = DeployableKind.CUSTOMIZATION
    options: Callable[[BuildOptions], BuildOptions] | None = None


_CORE = ModuleSource("ContosoCore", "1.2.3.0", ("ApplicationPlatform",), placeholder_files("ContosoCore"))
_SALES = ModuleSource(
    "ContosoSales", "1.2.3.0", ("ApplicationPlatform", "ContosoCore"), placeholder_files("ContosoSales")
)
_VENDORS = tuple(
    ModuleSource(name, version, references, placeholder_files(name), is_vendors=True)
    for name, version, references in (
        ("ApplicationPlatform", "7.0.0.0", ()),
        ("ApplicationSuite", "10.0.5.0", ("ApplicationPlatform",)),
    )
)


def sample(kind: DeployableKind = DeployableKind.CUSTOMIZATION) -> Sample:
    """Return the sound package of a kind that faults are put into."""
    modules = _VENDORS if kind is DeployableKind.PLATFORM else (_CORE, _SALES)
    return Sample(modules, BuildOptions(kind, "7.0.7606.108", "10.0.2345.10"))


def build_sample(fault: Fault | None = None, kind: DeployableKind = DeployableKind.CUSTOMIZATION) -> bytes:
    """Return a sound package, or with a fault the same package broken."""
    chosen = sample(fault.kind if fault is not None else kind)
    modules, options = chosen.modules, chosen.options
    if fault is not None and fault.modules is not None:
        modules = fault.modules(modules)
    if fault is not None and fault.options is not None:
        options = fault.options(options)
    entries = plan_package(modules, options)
    if fault is not None and fault.entries is not None:
        fault.entries(entries)
    return finish_package(entries, fault)


def finish_package(entries: Sequence[PlannedEntry], fault: Fault | None) -> bytes:
    """Return planned entries as the bytes of a package, with a fault that is put into those."""
    file = io.BytesIO()
    write_archive(entries, file)
    content = file.getvalue()
    return fault.finish(content) if fault is not None and fault.finish is not None else content


def _nupkg(module: ModuleSource) -> str:
    return plan_nuget(module).path


def _payload(module: ModuleSource) -> str:
    return plan_payload(module).path


_NUPKG, _PAYLOAD = _nupkg(_SALES), _payload(_SALES)
_NUSPEC = f"{_NUPKG}!dynamicsax-contososales.nuspec"
_CONFIG = f"{_NUPKG}!tools/InstallConfig.json"
_META = "AOSService/Packages/dynamicsax-meta-application-runtime"
_META_NUSPEC = f"{_META}.10.0.2345.10.nupkg!dynamicsax-meta-application-runtime.nuspec"
_REMOVAL = f"{SCRIPTS}/{REMOVAL_FILE}"
_NOTE = f"{SCRIPTS}/note.txt"
_ASSEMBLY = "bin/Dynamics.AX.ContosoSales.dll"
_LONG = f"{_PAYLOAD}!Resources/{'Long' * 51}.png"


def _needs(reference: str) -> Step:
    return replace_text(_NUSPEC, "<dependencies>", f'<dependencies><dependency id="dynamicsax-{reference}" />')


def _without_modules(entries: Entries) -> None:
    entries[:] = [entry for entry in entries if "/Packages/" not in entry.path]
    manifest = find_entry(entries, MANIFEST_NAME)
    for module in (_CORE, _SALES):
        name = f"<string>{module.key}.{module.version}</string>"
        replace_text(MANIFEST_NAME, name, "", 2)([manifest])


def _another(module: ModuleSource) -> Callable[[tuple[ModuleSource, ...]], tuple[ModuleSource, ...]]:
    return lambda modules: (*modules, module)


def _version(version: str) -> Callable[[tuple[ModuleSource, ...]], tuple[ModuleSource, ...]]:
    return lambda modules: (*modules[:-1], replace(modules[-1], version=version))


def _module(name: str, version: str = "1.2.3.0") -> ModuleSource:
    return ModuleSource(name, version, (), placeholder_files(name))


def _assembly_of_version(*parts: int) -> bytes:
    high, low = parts[0] << 16 | parts[1], parts[2] << 16 | parts[3]
    return b"MZ" + bytes(62) + struct.pack("<4s4xLL", b"\xbd\x04\xef\xfe", high, low) + bytes(40)


def _noise(size: int) -> bytes:
    return random.Random(1).randbytes(size)  # noqa: S311 - filler that does not compress, no secret


_STRAY = _module("Stray")
_OLDER = replace(_SALES, version="1.2.2.0")
_CIRCLE = _nupkg(_CORE) + "!dynamicsax-contosocore.nuspec"
_SYMBOLIC_LINK = 0o120777 << 16
_TOO_MUCH = Limits().unpacked_entry + 1

FAULTS = (
    Fault("DP101", "", finish=lambda _: b"<html>Sign in</html>"),
    Fault("DP102", "", finish=lambda content: content[:-100]),
    Fault("DP103", "../evil.txt", entries=add_entry("../evil.txt")),
    Fault("DP104", _NOTE, entries=in_turn(add_entry(_NOTE), add_entry(_NOTE))),
    Fault("DP105", f"{SCRIPTS}/NOTE.txt", entries=in_turn(add_entry(_NOTE), add_entry(f"{SCRIPTS}/NOTE.txt"))),
    Fault("DP106", _NOTE, entries=add_entry(_NOTE, flags=1)),
    Fault("DP107", _NOTE, entries=add_entry(_NOTE, method=12)),
    Fault("DP108", _NOTE, entries=add_entry(_NOTE, made_by=3, attributes=_SYMBOLIC_LINK)),
    Fault("DP109", "", finish=announce_a_million),
    Fault("DP110", _NOTE, entries=add_entry(_NOTE, b"note" * 9, size=_TOO_MUCH)),
    Fault("DP111", _NOTE, entries=add_entry(_NOTE, bytes(4 << 20))),
    Fault("DP112", _NOTE, entries=add_entry(_NOTE, offset=0)),
    Fault("DP113", _NOTE, entries=add_entry(_NOTE, crc=1)),
    Fault("DP114", "package.zip", finish=wrap),
    Fault("DP115", f"folder/{MANIFEST_NAME}", entries=put_in_folder),
    Fault(
        "DP116",
        f"{_PAYLOAD}!AdditionalFiles/more.zip",
        entries=add_entry(f"{_PAYLOAD}!AdditionalFiles/more.zip", wrap(b"")),
    ),
    Fault("DP117", _NOTE, entries=add_entry(_NOTE, name=_NOTE.upper())),
    Fault("DP118", MANIFEST_NAME, finish=prepend_program),
    Fault("DP201", MANIFEST_NAME, entries=remove_entry(MANIFEST_NAME)),
    Fault("DP202", MANIFEST_NAME, entries=overwrite(MANIFEST_NAME, b"<HotfixInstallationInfo>")),
    Fault("DP203", MANIFEST_NAME, entries=replace_text(MANIFEST_NAME, "?>", '?><!DOCTYPE x [<!ENTITY a "b">]>')),
    Fault("DP204", MANIFEST_NAME, entries=replace_text(MANIFEST_NAME, "<Type>ApplicationPackage</Type>", "")),
    Fault("DP205", MANIFEST_NAME, entries=replace_text(MANIFEST_NAME, ">ApplicationPackage<", ">Parcel<")),
    Fault(
        "DP206",
        MANIFEST_NAME,
        entries=replace_text(MANIFEST_NAME, ">ApplicationPackage<", ">RetailServerPackage<"),
    ),
    Fault(
        "DP207",
        MANIFEST_NAME,
        entries=replace_text(MANIFEST_NAME, "<PlatformVersion>7.0.7606.108</PlatformVersion>", ""),
    ),
    Fault(
        "DP208",
        MANIFEST_NAME,
        entries=replace_text(MANIFEST_NAME, ">Non-Microsoft<", ">Microsoft Corporation<"),
    ),
    Fault(
        "DP209",
        MANIFEST_NAME,
        entries=replace_text(MANIFEST_NAME, "<MetadataModuleList>", "<MetadataModuleList><string>x</string>"),
    ),
    Fault(
        "DP210",
        MANIFEST_NAME,
        entries=replace_text(
            MANIFEST_NAME, "<MetadataModuleList>", "<MetadataModuleList><string>contosocore.1.2.3.0</string>"
        ),
    ),
    Fault("DP211", MANIFEST_NAME, entries=in_turn(_without_modules, add_entry(_REMOVAL, b"ContosoSales\r\n"))),
    Fault(
        "DP212",
        MANIFEST_NAME,
        entries=replace_text(
            MANIFEST_NAME,
            "<InstallationInfoFilePath />",
            r"<InstallationInfoFilePath>C:\Users\jo\Temp\x</InstallationInfoFilePath>",
        ),
    ),
    Fault(
        "DP213",
        MANIFEST_NAME,
        entries=replace_text(MANIFEST_NAME, ">true</IsCompatibleWithS", ">false</IsCompatibleWithS"),
    ),
    Fault("DP214", RELEASED, entries=overwrite(RELEASED, _noise(5 << 20), stored=True)),
    Fault("DP215", MANIFEST_NAME, entries=_without_modules),
    Fault("DP301", _NUPKG, entries=remove_entry(_NUPKG)),
    Fault("DP302", _nupkg(_STRAY), entries=lambda entries: entries.append(plan_nuget(_STRAY))),
    Fault("DP303", _PAYLOAD, entries=remove_entry(_PAYLOAD)),
    Fault("DP304", _payload(_STRAY), entries=lambda entries: entries.append(plan_payload(_STRAY))),
    Fault("DP305", _payload(_OLDER), entries=rename(_PAYLOAD, _payload(_OLDER))),
    Fault(
        "DP306",
        MANIFEST_NAME,
        entries=replace_text(
            MANIFEST_NAME,
            "</AllComponentList>",
            "<ArrayOfString><string>AX Module</string><string>ghost.1.0.0.0</string></ArrayOfString>"
            "</AllComponentList>",
        ),
    ),
    Fault(
        "DP307",
        MANIFEST_NAME,
        entries=replace_text(MANIFEST_NAME, "AllComponentList>", "NoComponentList>", 2),
    ),
    Fault("DP308", _NUPKG, entries=remove_entry(_NUSPEC)),
    Fault("DP309", _NUSPEC, entries=replace_text(_NUSPEC, "<id>dynamicsax-contososales", "<id>dynamicsax-other")),
    Fault("DP310", _NUSPEC, entries=replace_text(_NUSPEC, "<version>1.2.3.0", "<version>1.2.4.0")),
    Fault("DP311", _NUSPEC, entries=replace_text(_NUSPEC, "<version>1.2.3.0", "<version>1.2.3")),
    Fault("DP312", _NUSPEC, entries=replace_text(_NUSPEC, "<summary>ContosoSales", "<summary>Sales")),
    Fault("DP313", _CONFIG, entries=overwrite(_CONFIG, b'{"PackageName": "ContosoSales", "ZipName": "sales.zip"}')),
    Fault("DP314", TOPOLOGY, entries=remove_entry(TOPOLOGY)),
    Fault("DP315", TOPOLOGY, entries=overwrite(TOPOLOGY, b"<TopologyData")),
    Fault(
        "DP316",
        "DefaultServiceModelData.xml",
        entries=replace_text(
            "DefaultServiceModelData.xml",
            "76f46b4f-1849-4927-9da2-6c349430f349",
            "00000000-0000-0000-0000-00000000dead",
        ),
    ),
    Fault("DP317", TOPOLOGY, entries=replace_text(TOPOLOGY, ">DevToolsService<", ">GhostService<")),
    Fault(
        "DP318",
        "DefaultServiceModelData.xml",
        entries=replace_text(
            "DefaultServiceModelData.xml",
            "<DependentServiceModelList />",
            "<DependentServiceModelList><string>DevToolsService</string></DependentServiceModelList>",
        ),
    ),
    Fault("DP319", _payload(_OLDER), entries=lambda entries: entries.append(plan_payload(_OLDER))),
    Fault(
        "DP320",
        f"{_META}.nupkg",
        entries=remove_entry(f"{_META}.10.0.2345.10.nupkg"),
        kind=DeployableKind.PLATFORM,
    ),
    Fault(
        "DP321",
        _META_NUSPEC,
        entries=replace_text(_META_NUSPEC, "<dependencies>", '<dependencies><dependency id="dynamicsax-ledger" />'),
        kind=DeployableKind.PLATFORM,
    ),
    Fault("DP322", _CONFIG, entries=remove_entry(_CONFIG)),
    Fault("DP401", f"{_PAYLOAD}!bin", entries=remove_entry(f"{_PAYLOAD}!bin/ContosoSales.md")),
    Fault(
        "DP402",
        f"{_PAYLOAD}!bin/Dynamics.AX.contososales.dll",
        entries=remove_entry(f"{_PAYLOAD}!{_ASSEMBLY}"),
    ),
    Fault(
        "DP403",
        f"{_PAYLOAD}!bin/dynamics.ax.contososales.1.netmodule",
        entries=in_turn(
            add_entry(f"{_PAYLOAD}!bin/Dynamics.AX.ContosoSales.0.netmodule"),
            add_entry(f"{_PAYLOAD}!bin/Dynamics.AX.ContosoSales.2.netmodule"),
        ),
    ),
    Fault("DP404", _NUPKG, entries=_needs("testessentials")),
    Fault(
        "DP405",
        f"{_PAYLOAD}!Descriptor/ContosoSales.xml",
        entries=add_entry(f"{_PAYLOAD}!Descriptor/ContosoSales.xml"),
    ),
    Fault(
        "DP406",
        f"{_PAYLOAD}!{_ASSEMBLY}",
        entries=overwrite(f"{_PAYLOAD}!{_ASSEMBLY}", b"version https://git-lfs.github.com/spec/v1\n"),
    ),
    Fault(
        "DP407",
        f"{_PAYLOAD}!{_ASSEMBLY}",
        entries=overwrite(f"{_PAYLOAD}!{_ASSEMBLY}", _assembly_of_version(1, 2, 4, 0)),
    ),
    Fault("DP408", _nupkg(_module("ContosoFormAdaptor")), modules=_another(_module("ContosoFormAdaptor"))),
    Fault(
        "DP409",
        _NUSPEC,
        entries=replace_text(_NUSPEC, "sales.</description>", "sales. [Application Package]</description>"),
    ),
    Fault(
        "DP410",
        f"{LICENSES}/contososales.xml",
        entries=add_entry(f"{LICENSES}/contososales.xml", b"<License>ContosoSales"),
    ),
    Fault(
        "DP411",
        f"{LICENSES}/fabrikam.txt",
        entries=add_entry(f"{LICENSES}/fabrikam.txt", b"licence of Fabrikam"),
    ),
    Fault("DP412", _nupkg(_module("Contoso Blank")), modules=_another(_module("Contoso Blank"))),
    Fault(
        "DP413",
        f"{_PAYLOAD}!AdditionalFiles/FileLocations.xml",
        entries=add_entry(
            f"{_PAYLOAD}!AdditionalFiles/FileLocations.xml",
            rb'<Files><File Source="a.svg" Destination="AOSWeb" RelativePath="..\..\Windows" /></Files>',
        ),
    ),
    Fault("DP414", _LONG, entries=add_entry(_LONG)),
    Fault("DP501", _NUSPEC, entries=_needs("nowhere"), context="release"),
    Fault("DP502", _NUSPEC, entries=_needs("hole"), context="release"),
    Fault(
        "DP503",
        _CIRCLE,
        entries=replace_text(_CIRCLE, "<dependencies>", '<dependencies><dependency id="dynamicsax-contososales" />'),
    ),
    Fault("DP504", _NUSPEC, entries=_needs("novelty"), context="release"),
    Fault("DP505", _NUSPEC, entries=_needs("veteran"), context="release"),
    Fault("DP601", _REMOVAL, entries=add_entry(_REMOVAL, b"ApplicationSuite\r\n")),
    Fault("DP602", _REMOVAL, entries=add_entry(_REMOVAL, b"\xef\xbb\xbfContosoCore")),
    Fault("DP603", _NUSPEC, entries=in_turn(add_entry(_REMOVAL, b"ContosoOld\n"), _needs("contosoold"))),
    Fault("DP604", _REMOVAL, entries=add_entry(_REMOVAL, b"\n Contoso*\r\n\r\n")),
    Fault("DP605", _REMOVAL, entries=add_entry(_REMOVAL, "ContosoOld".encode("utf-16-le"))),
    Fault("DP606", f"{_REMOVAL}.txt", entries=add_entry(f"{_REMOVAL}.txt", b"ContosoOld\n")),
    Fault("DP607", _REMOVAL, entries=add_entry(_REMOVAL, b"ContosoGhost\n"), context="target"),
    Fault("DP608", _REMOVAL, entries=add_entry(_REMOVAL, b"contosoold"), context="target with ContosoOld"),
    Fault(
        "DP701",
        MANIFEST_NAME,
        options=lambda options: replace(options, platform_version="7.0.7700.1"),
        context="target",
    ),
    Fault(
        "DP702",
        MANIFEST_NAME,
        options=lambda options: replace(options, application_version="10.0.2000.1"),
        context="target",
        kind=DeployableKind.PLATFORM,
    ),
    Fault(
        "DP703",
        MANIFEST_NAME,
        options=lambda options: replace(options, platform_version="7.0.7000.1"),
        context="target",
        kind=DeployableKind.PLATFORM,
    ),
    Fault("DP704", MANIFEST_NAME, modules=lambda modules: modules[:1], context="target"),
    Fault("DP705", MANIFEST_NAME, modules=_version("1.2.2.9"), context="target"),
    Fault("DP706", MANIFEST_NAME, modules=_another(_module("ContosoNew")), context="target"),
    Fault("DP707", MANIFEST_NAME, modules=_version("1.10.0.0"), context="target"),
    Fault("DP709", MANIFEST_NAME, modules=_another(_module("ApplicationSuite")), context="release"),
)
