"""For each rule a package that comes close to breaking it and does not."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from shared.formats.deployable_package.archive.directory import END_RECORD
from shared.formats.deployable_package.damage.faults import Context, Fault
from shared.formats.deployable_package.damage.steps import (
    Entries,
    Step,
    add_entry,
    find_entry,
    in_turn,
    overwrite,
    rename,
    replace_text,
    wrap,
)
from shared.formats.deployable_package.judge.target import TargetModule
from shared.formats.deployable_package.limits import Limits
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.release import Release, ReleaseModule
from shared.formats.deployable_package.write.build import (
    BuildOptions,
    ModuleSource,
    placeholder_files,
    plan_nuget,
    plan_payload,
)

from .contexts import NEWER, TARGET

_MANIFEST, _TOPOLOGY, _SERVICES = "HotfixInstallationInfo.xml", "DefaultTopologyData.xml", "DefaultServiceModelData.xml"
_PACKAGES, _SCRIPTS = "AOSService/Packages", "AOSService/Scripts"
_REMOVAL, _LICENSES, _NOTE = f"{_SCRIPTS}/ModuleToRemove.txt", f"{_SCRIPTS}/License", f"{_SCRIPTS}/note.txt"
_STEM = "dynamicsax-contososales.1.2.3.0"
_NUPKG, _PAYLOAD = f"{_PACKAGES}/{_STEM}.nupkg", f"{_PACKAGES}/files/{_STEM}.zip"
_NUSPEC, _CONFIG = f"{_NUPKG}!dynamicsax-contososales.nuspec", f"{_NUPKG}!tools/InstallConfig.json"
_ASSEMBLY = f"{_PAYLOAD}!bin/Dynamics.AX.ContosoSales.dll"
_META = f"{_PACKAGES}/dynamicsax-meta-application-runtime.10.0.2345.10.nupkg"
_META_NUSPEC = f"{_META}!dynamicsax-meta-application-runtime.nuspec"
# A module of the running image that was stripped before it is removed.
_STRIPPED = replace(
    TARGET, modules=(*TARGET.modules, TargetModule("ContosoOld", "1.0.0.0", references=("ApplicationPlatform",)))
)

# A newer release whose own modules refer to one that its list lacks: the list is incomplete.
_WITH_HOLE = Release(
    version=NEWER.version, modules=(*NEWER.modules, ReleaseModule(name="User", references=("Veteran",)))
)

Modules = tuple[ModuleSource, ...]


@dataclass(frozen=True)
class Neighbour:
    """A change to the sound package, and what it is checked with beyond its context (`more`)."""

    rule: str
    entries: Step | None = None
    modules: Callable[[Modules], Modules] | None = None
    finish: Callable[[bytes], bytes] | None = None
    options: Callable[[BuildOptions], BuildOptions] | None = None
    context: Context = "alone"
    kind: DeployableKind = DeployableKind.CUSTOMIZATION
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def change(self) -> Fault:
        return Fault(
            self.rule, "", self.modules, self.entries, self.finish, self.context, kind=self.kind, options=self.options
        )


def _comment(text: bytes) -> Callable[[bytes], bytes]:
    return lambda content: content[:-2] + struct.pack("<H", len(text)) + text


def _in_64_bits(content: bytes) -> bytes:
    *_, count, size, start, _ = END_RECORD.unpack(content[-END_RECORD.size :])
    end = len(content) - END_RECORD.size
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return content[:end] + record + locator + END_RECORD.pack(b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, size, start, 0)


class _Unseekable(io.RawIOBase):
    def __init__(self) -> None:
        self.written = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]  # bytes is what zipfile passes
        self.written += data
        return len(data)


def as_stream(content: bytes) -> bytes:
    """Write an archive again as a stream: sizes follow the data, between one entry and the next."""
    out = _Unseekable()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, old.read(info))
    return bytes(out.written)


def _manifest(old: str, new: str, count: int = 1) -> Step:
    return replace_text(_MANIFEST, old, new, count)


def _needs(reference: str) -> Step:
    return replace_text(_NUSPEC, "<dependencies>", f'<dependencies><dependency id="dynamicsax-{reference}" />')


def _removes(content: bytes) -> Step:
    return add_entry(_REMOVAL, content)


def _module(name: str, version: str = "1.2.3.0", references: tuple[str, ...] = ()) -> ModuleSource:
    return ModuleSource(name, version, references, placeholder_files(name))


def _another(name: str, *references: str) -> Callable[[Modules], Modules]:
    return lambda modules: (*modules, _module(name, references=references))


def _version(version: str) -> Callable[[Modules], Modules]:
    return lambda modules: (*modules[:-1], replace(modules[-1], version=version))


def _shouted(modules: Modules) -> Modules:
    return (*modules[:-1], replace(modules[-1], name=modules[-1].name.upper()))


def _with_another_file(modules: Modules) -> Modules:
    return (*modules[:-1], replace(modules[-1], files=(*modules[-1].files, ("Resources/new.txt", b"new"))))


def _in_capitals(path: str) -> Step:
    def apply(entries: Entries) -> None:
        folder, _, name = path.rpartition("/")
        rename(path, f"{folder}/{name.upper()}")(entries)

    return apply


def _utf16(path: str) -> Step:
    def apply(entries: Entries) -> None:
        content = find_entry(entries, path).content
        assert isinstance(content, bytes)
        overwrite(path, content.decode().replace("utf-8", "utf-16").encode("utf-16"))(entries)

    return apply


def _assembly(*parts: int) -> bytes:
    numbers = (parts[0] << 16 | parts[1], parts[2] << 16 | parts[3])
    return b"MZ" + bytes(62) + struct.pack("<4s4xLL", b"\xbd\x04\xef\xfe", *numbers) + bytes(40)


def _plan(name: str, plan: Callable[[ModuleSource], Any]) -> Step:
    return lambda entries: entries.append(plan(_module(name)))


_PLATFORM = DeployableKind.PLATFORM
_BIG = bytes(range(256)) * 200

NEIGHBOURS = (
    Neighbour("DP101", finish=_comment(b"an archive may have a comment")),
    Neighbour("DP102", finish=_comment(b"PK\x05\x06 may stand in a comment")),
    Neighbour("DP103", add_entry(f"{_SCRIPTS}/..a..b/.c .d/..note.txt")),
    Neighbour("DP104", in_turn(add_entry(f"{_SCRIPTS}/a/note.txt"), add_entry(f"{_SCRIPTS}/b/note.txt"))),
    Neighbour("DP105", in_turn(add_entry("AosService/", b"", stored=True), add_entry("AOSSERVICE/", b"", stored=True))),
    Neighbour("DP106", add_entry(_NOTE, flags=0x6)),
    Neighbour("DP107", add_entry(_NOTE, stored=True)),
    Neighbour("DP108", add_entry(_NOTE, made_by=3, attributes=0o100644 << 16)),
    Neighbour("DP109", finish=_in_64_bits),
    Neighbour("DP110", add_entry(_NOTE, _BIG), more={"limits": Limits(unpacked_entry=len(_BIG))}),
    Neighbour("DP111", add_entry(_NOTE, bytes(1 << 20))),
    Neighbour("DP112", in_turn(add_entry(_NOTE, b"", stored=True), add_entry(f"{_NOTE}2", b"", stored=True))),
    Neighbour("DP113", add_entry(_NOTE, crc=zlib.crc32(b"note"))),
    Neighbour("DP114", add_entry("more.zip", wrap(b""))),
    Neighbour("DP115", add_entry("folder/note.txt")),
    Neighbour("DP116", add_entry(f"{_PAYLOAD}!AdditionalFiles/zip.txt", b"PK\x03\x04")),
    Neighbour("DP117", add_entry(_NOTE, name=_NOTE)),
    Neighbour("DP118", finish=as_stream),
    Neighbour("DP201", rename(_MANIFEST, _MANIFEST.upper())),
    Neighbour("DP202", _manifest("<HotfixInstallationInfo ", '<HotfixInstallationInfo xmlns="urn:any" ')),
    Neighbour("DP203", _manifest("?>", "?><!-- <!DOCTYPE is no document type in a comment --><?pi x?>")),
    Neighbour("DP204", _manifest(">ApplicationPackage<", "> ApplicationPackage\r\n<")),
    Neighbour("DP205", _manifest(">ApplicationPackage<", ">applicationpackage<")),
    Neighbour("DP206", kind=_PLATFORM),
    Neighbour("DP207", _manifest(">7.0.7606.108</PlatformVersion", "> 7.0.7606.108 </PlatformVersion")),
    Neighbour("DP208", _manifest(">Non-Microsoft<", ">Contoso, partner of Microsoft Corporation<")),
    Neighbour("DP209", _manifest("<string>contososales.", "<string>\r\n  contososales.")),
    Neighbour("DP210", modules=_another("ContosoCore2")),
    Neighbour("DP211", in_turn(_removes(b"ContosoOld")), modules=lambda modules: modules[:1]),
    Neighbour("DP212", _manifest("<InstallationInfoFilePath />", "<InstallationInfoFilePath>\r\n"
                                 "</InstallationInfoFilePath>")),
    Neighbour("DP213", _manifest(">true</IsCompatibleWithS", ">True</IsCompatibleWithS")),
    Neighbour("DP214", overwrite(_TOPOLOGY, b"<TopologyData>" + b" " * (3 << 20) + b"</TopologyData>", stored=True)),
    Neighbour("DP215", modules=lambda modules: modules[:1]),
    Neighbour("DP301", _in_capitals(_NUPKG)),
    Neighbour("DP302", _plan("ContosoSales-develop", plan_nuget)),
    Neighbour("DP303", _in_capitals(_PAYLOAD)),
    Neighbour("DP304", _plan("ContosoSales-compile", plan_payload)),
    Neighbour("DP305", modules=_version("1.2.10.0")),
    Neighbour("DP306", _manifest("</AllComponentList>", "<ArrayOfString><string>AX Model</string><string>ghost.1.0.0.0"
                                 "</string></ArrayOfString></AllComponentList>")),
    Neighbour("DP307", _manifest("<AllComponentList>", '<AllComponentList xmlns:q="urn:any">')),
    Neighbour("DP308", add_entry(f"{_NUPKG}!tools/other.nuspec")),
    Neighbour("DP309", replace_text(_NUSPEC, "<id>dynamicsax-contososales", "<id>DynamicsAX-ContosoSales")),
    Neighbour("DP310", replace_text(_NUSPEC, "<version>1.2.3.0", "<version>\r\n1.2.3.0 ")),
    Neighbour("DP311", modules=_version("1.2.0.0")),
    Neighbour("DP312", replace_text(_NUSPEC, "<summary>ContosoSales", "<summary>CONTOSOsales")),
    Neighbour("DP313", overwrite(_CONFIG, f'{{"PackageName": "CONTOSOSALES", "ZipName": "{_STEM}.zip"}}'.encode())),
    Neighbour("DP314", rename(_TOPOLOGY, _TOPOLOGY.lower())),
    Neighbour("DP315", _utf16(_TOPOLOGY)),
    Neighbour("DP316", replace_text(_SERVICES, "76f46b4f-1849-4927-9da2-6c349430f349",
                                    "{4F75F086-FAD2-4C7C-B86D-3100762BDAEC}".strip("{}"))),
    Neighbour("DP317", replace_text(_TOPOLOGY, ">DevToolsService<", ">DEVToolsService<")),
    Neighbour("DP318", replace_text(_SERVICES, "<DependentServiceModelList />",
                                    "<DependentServiceModelList><string>Elsewhere</string></DependentServiceModelList>")),
    Neighbour("DP319", add_entry(f"{_PACKAGES}/files/old/dynamicsax-contososales.1.2.2.0.zip")),
    Neighbour("DP320", _in_capitals(_META), kind=_PLATFORM),
    Neighbour("DP321", replace_text(_META_NUSPEC, "<dependencies>",
                                    '<dependencies><dependency id="dynamicsax-framework-bin" />'), kind=_PLATFORM),
    Neighbour("DP322", rename(_CONFIG, "Tools/installconfig.JSON")),
    Neighbour("DP401", rename(f"{_PAYLOAD}!bin/ContosoSales.md", "BIN/Other.MD")),
    Neighbour("DP402", rename(_ASSEMBLY, "bin/dynamics.ax.CONTOSOSALES.1.DLL")),
    Neighbour("DP403", in_turn(*(add_entry(f"{_PAYLOAD}!bin/Dynamics.AX.ContosoSales.{part}.netmodule")
                                 for part in ("2", "1", "3", "Queries.1", "Forms.2", "Queries.3")))),
    Neighbour("DP404", modules=_another("TestsOfContoso", "ContosoCore")),
    Neighbour("DP405", add_entry(f"{_PAYLOAD}!Resources/Descriptor/ContosoSales.xml")),
    Neighbour("DP406", add_entry(f"{_PAYLOAD}!Resources/pointer.dll", b"version https://git-lfs.github.com/spec/v1\n")),
    Neighbour("DP407", overwrite(_ASSEMBLY, _assembly(1, 2, 3, 0))),
    Neighbour("DP408", modules=_another("FormAdaptorsOfContoso")),
    Neighbour("DP409", replace_text(_NUSPEC, "<description>The package", "<description>Application Package")),
    Neighbour("DP410", add_entry(f"{_LICENSES}/contososales.xml",
                                 '<?xml version="1.0" encoding="utf-16"?><L>ContosoSales</L>'.encode("utf-16"))),
    Neighbour("DP411", add_entry(f"{_LICENSES}/fabrikam.txt", b"Fabrikam licenses CONTOSOSALES to you")),
    Neighbour("DP412", modules=_another("Contoso_Blank")),
    Neighbour("DP413", add_entry(f"{_PAYLOAD}!AdditionalFiles/FileLocations.xml",
                                 rb'<F><File Source="K:\a.svg" Destination="AOSWeb" RelativePath="Icons\..svg" /></F>'
                                 )),
    Neighbour("DP414", add_entry(f"{_PAYLOAD}!Resources/{'o' * 194}.png")),
    Neighbour("DP501", in_turn(_needs("CONTOSOCORE"), _needs("framework-bin")), context="release"),
    Neighbour("DP502", _needs("ApplicationSuite"), context="release"),
    Neighbour("DP503", modules=_another("ContosoTop", "ContosoSales", "ContosoCore")),
    Neighbour("DP504", _needs("APPLICATIONSUITE"), context="release"),
    Neighbour("DP505", _needs("veteran"), context="release", more={"newer_releases": (_WITH_HOLE,)}),
    Neighbour("DP601", _removes(b"ApplicationSuiteContoso\r\n")),
    Neighbour("DP602", _removes(b"ContosoCor\nContosoCore2")),
    Neighbour("DP603", in_turn(_removes(b"ContosoOld"), _needs("contosoolder"))),
    Neighbour("DP604", _removes(b"\t Contoso_Old-1 \r\n\r\n \r\n")),
    Neighbour("DP605", _removes("ContosoOld\r\n".encode("utf-16"))),
    Neighbour("DP606", in_turn(add_entry("AosService/SCRIPTS/moduletoremove.TXT", b"ContosoOld\n"))),
    Neighbour("DP607", _removes(b"contosoOLD"), context="target", more={"target": _STRIPPED}),
    Neighbour("DP608", _removes(b"ContosoOld\n"), context="target", more={"target": _STRIPPED}),
    Neighbour("DP701", options=lambda options: replace(options, platform_version="7.0.7606.99"), context="target"),
    Neighbour("DP702", options=lambda options: replace(options, application_version="10.0.10000.1"), context="target",
              kind=_PLATFORM),
    Neighbour("DP703", options=lambda options: replace(options, platform_version="7.0.10000.1"), context="target",
              kind=_PLATFORM),
    Neighbour("DP704", modules=_shouted, context="target"),
    Neighbour("DP705", modules=_version("1.2.03.0"), context="target"),
    Neighbour("DP706", modules=_with_another_file, context="target"),
    Neighbour("DP707", modules=_version("1.2.3.00"), context="target"),
    Neighbour("DP709", modules=_another("ApplicationSuiteContoso"), context="release"),
)  # fmt: skip
