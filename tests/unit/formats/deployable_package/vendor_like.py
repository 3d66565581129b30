"""Packages shaped like the vendor's own: everything that its tools put into one, made without Drydock's writer.

Modules are packed as the vendor's CreatePackage.psm1 packs them, from Windows PowerShell and from PowerShell 7.
Names have backslashes, archives were made on Windows (create_system 0) with explicit folder entries, XML has a byte
order mark and CRLF, the whole skeleton is there (scripts, installer, lists), and beside the modules lie meta
packages, framework packages, parts for development and reference metadata.
"""

import io
import uuid
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SCRIPT_NAMES = (
    "AutoRemoveAosModule", "AutoUpdateAOSService", "AutoUpdateAOSService_Platform", "AutoUpdateDevToolsService",
    "DBSyncPrecheck", "DeployablePackageCheck", "ImportISVLicense", "InstallMetadataPackages", "MRApplicationsStop",
    "RemoveModule", "RunDBSync", "StartAOS", "StopAOS", "UpdateIISConfiguration", "ValidateAOS",
)  # fmt: skip
_INSTALLER = (
    "AXUpdateInstaller.exe", "AXUpdateInstaller.exe.config", "AXMergeDeployablePackage.exe", "Switch.dll",
    "Microsoft.Dynamics.AX.AXInstallationInfo.dll", "Microsoft.Dynamics.AX.AXUpdateInstallerBase.dll",
    "Microsoft.Dynamics.AX.AXCreateDeployablePackageBase.dll", "Microsoft.WindowsAzure.Storage.dll",
    "Microsoft.Dynamics.ApplicationPlatform.Development.Instrumentation.dll",
)  # fmt: skip
_SERVICES = (
    ("AOSService", ()), ("BIService", ("AOSService",)), ("DIXFService", ("AOSService",)), ("MROneBox", ()),
    ("RetailServer", ("AOSService",)), ("SCMSelfService", ()), ("PerfSDK", ()), ("ReportingService", ()),
)  # fmt: skip
SHELLS = ("utf-16", "utf-8", "utf-8-sig")
"""Encodings of out-file: Windows PowerShell, PowerShell 7, and either when told so; all little-endian."""
_NAMESPACES = (
    "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd",
    "http://schemas.microsoft.com/packaging/2012/06/nuspec.xsd",
)
_TYPES = {
    "platform": "PlatAppBinaryHotfixPackage",
    "customization": "ApplicationPackage",
    "merged": "MergedPackage",
}


@dataclass(frozen=True)
class VendorModule:
    """A module of a made package; `mark` is what the vendor writes into descriptions of its own."""

    name: str
    version: str
    references: tuple[str, ...] = ()
    mark: str = ""


VENDORS = (
    VendorModule("ApplicationPlatform", "7.0.7606.108", (), "[Platform Package]"),
    VendorModule("ApplicationFoundation", "7.0.7606.108", ("ApplicationPlatform",), "[Platform Package]"),
    VendorModule("ApplicationSuite", "10.0.2345.10", ("ApplicationFoundation",), "[Application Package]"),
    VendorModule("ApplicationSuiteFormAdaptor", "10.0.2345.10", ("ApplicationSuite",), "[Application Package]"),
    VendorModule("TestEssentials", "7.0.7606.108", ("ApplicationPlatform",), "[Platform Package]"),
    VendorModule("AtlSampleTests", "10.0.2345.10", ("TestEssentials",), "[Application Package]"),
)
CUSTOMERS = (
    VendorModule("ContosoCore", "7.0.7606.108", ("ApplicationPlatform", "ApplicationSuite")),
    VendorModule("ContosoSales", "7.0.7606.108", ("ContosoCore", "ApplicationSuite")),
)


def xml(body: str) -> bytes:
    """Return a document with byte order mark and CRLF."""
    return f'\ufeff<?xml version="1.0" encoding="utf-8"?>\n{body}\n'.replace("\n", "\r\n").encode()


def archive(files: Iterable[tuple[str, bytes]], separator: str = "\\", folders: bool = True) -> bytes:
    """Zip files as Windows does: deflated, create_system 0, with an entry for each folder."""
    out = io.BytesIO()
    made: set[str] = set()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for path, content in files:
            parts = path.split("/")[:-1]
            for depth in range(len(parts)):
                folder = separator.join(parts[: depth + 1]) + separator
                if folders and folder not in made:
                    made.add(folder)
                    target.writestr(_info(folder, attributes=0x10), b"")
            target.writestr(_info(path.replace("/", separator)), content)
    return out.getvalue()


def _info(name: str, attributes: int = 0x20) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (2025, 7, 14, 3, 1, 2))
    info.create_system, info.external_attr = 0, attributes
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def nupkg(package: str, module: VendorModule, references: Iterable[str], number: int = 0) -> bytes:
    """Return a .nupkg with NuGet's own parts and the vendor's scripts; `number` varies the nuspec's namespace."""
    listed = "".join(f'\n      <dependency id="dynamicsax-{one.lower()}" />' for one in references)
    nuspec = xml(
        f'<package xmlns="{_NAMESPACES[number % 2]}">\n  <metadata>\n    <id>dynamicsax-{package}</id>\n'
        f"    <version>{module.version}</version>\n"
        f"    <title>Dynamics 365 Unified Operations: dynamicsax-{package} package</title>\n"
        "    <authors>Microsoft</authors>\n    <owners>Microsoft</owners>\n"
        "    <requireLicenseAcceptance>false</requireLicenseAcceptance>\n"
        f"    <description>The package of dynamicsax-{package}. {module.mark}</description>\n"
        f"    <summary>{module.name}</summary>\n"
        "    <copyright>Copyright</copyright>\n"
        "    <tags>admin CompatibleWithSealedRelease CompatibleWithApp81PlusRelease</tags>\n"
        f"    <dependencies>{listed}\n    </dependencies>\n  </metadata>\n</package>"
    )
    files = [
        ("_rels/.rels", xml("<Relationships />")),
        (f"dynamicsax-{package}.nuspec", nuspec),
        ("tools/InstallConfig.json", install_config(package, module, SHELLS[number % len(SHELLS)])),
        *((f"tools/{name}", b"# script\r\n" * 90) for name in ("InstallPackage.ps1", "UninstallPackage.ps1")),
        ("tools/dynamicspackagemanagement.psm1", b"function Install {}\r\n" * 300),
        ("[Content_Types].xml", xml("<Types />")),
        (f"package/services/metadata/core-properties/{uuid.UUID(int=number).hex}.psmdcp", xml("<coreProperties />")),
    ]
    return archive(files, "/", folders=False)


def install_config(package: str, module: VendorModule, encoding: str) -> bytes:
    """Return an object's ConvertTo-Json, written by out-file in the encoding of a PowerShell."""
    zip_name = f"dynamicsax-{package}.{module.version}.zip"
    text = f'{{\r\n    "PackageName":  "{module.name}",\r\n    "ZipName":  "{zip_name}"\r\n}}\r\n'
    return text.encode(encoding)


def payload(module: VendorModule) -> bytes:
    """Return the binaries of a module, with everything that a real one has beside them."""
    name = module.name
    numbers = ("0", "1", "2", "Queries.0", "Queries.2", "Forms.1")
    parts = [(f"bin/Dynamics.AX.{name}.{number}.netmodule", b"MZ" + bytes(200)) for number in numbers]
    copied = r'<File Source="K:\AosService\WebRoot\icon.svg" Destination="AOSWeb" RelativePath="Resources\Images" />'
    files = [
        *parts,
        (f"bin/Dynamics.AX.{name}.dll", b"MZ" + bytes(400)),
        (f"bin/Dynamics.AX.{name}.pdb", b"BSJB" + bytes(90)),
        (f"bin/{name}.md", b"metadata"),
        (f"bin/{name}.Labels.resources.dll", b"MZ" + bytes(90)),
        ("bin/de/Newtonsoft.Json.resources.dll", b"MZ" + bytes(90)),
        (f"Resources/en-US/{name}.en-US.label.txt", "Grüße\r\n".encode("utf-16")),
        (f"Reports/{name}Report.rdl", xml("<Report />")),
        ("AdditionalFiles/icon.svg", b"<svg/>"),
        ("FileLocations.xml", xml(f"<AdditionalFiles>{copied}</AdditionalFiles>")),
        (f"{name}.xref", b"xref"),
        ("web.config", xml("<configuration />")),
    ]
    return archive(files)


def manifest(kind: str, modules: Iterable[VendorModule], publisher: str, version: str) -> bytes:
    """Return the manifest with all elements in the vendor's order and components of all kinds."""
    names = [f"{one.name.lower()}.{one.version}" for one in modules]
    listed = "\n".join(f"    <string>{name}</string>" for name in names)
    components = "\n".join(
        f"    <ArrayOfString>\n      <string>{what}</string>\n      <string>{name}</string>\n    </ArrayOfString>"
        for what, name in [
            *(("AX Module", name) for name in names),
            ("AX Model", "contosomodel.1.0.0.0"),
            ("Service Model", "AOSService"),
            ("Other Component", "something else"),
        ]
    )
    return xml(
        '<HotfixInstallationInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:xsd="http://www.w3.org/2001/XMLSchema">\n'
        f"  <Name>{uuid.UUID(int=1)}</Name>\n  <Description>automated build</Description>\n"
        "  <InstallationDateTime>0001-01-01T00:00:00</InstallationDateTime>\n  <InstallationInfoFilePath />\n"
        f"  <Version />\n  <Publisher>{publisher}</Publisher>\n"
        f"  <GeneratedFromAXMetadata>false</GeneratedFromAXMetadata>\n  <Type>{_TYPES[kind]}</Type>\n"
        "  <IncludedDeployablePackages />\n  <ServiceModelList>\n    <string>AOSService</string>\n"
        "  </ServiceModelList>\n  <OtherComponentList />\n"
        "  <MetadataModuleRelease>Update68</MetadataModuleRelease>\n"
        f"  <MetadataModuleList>\n{listed}\n  </MetadataModuleList>\n"
        "  <MetadataModelList>\n    <string>contosomodel.1.0.0.0</string>\n  </MetadataModelList>\n"
        "  <PlatformReleaseDisplayName>Update68</PlatformReleaseDisplayName>\n"
        f"  <PlatformVersion>{version}</PlatformVersion>\n"
        "  <IsCompatibleWithSealedRelease>true</IsCompatibleWithSealedRelease>\n"
        "  <IsCompatibleWithApp81PlusRelease>true</IsCompatibleWithApp81PlusRelease>\n"
        f"  <AllComponentList>\n{components}\n  </AllComponentList>\n</HotfixInstallationInfo>"
    )


def skeleton(build: str = "1") -> dict[str, bytes]:
    """Return the files that every package has; `build` stands for the release that they come from."""
    guids = {"DefaultServiceModelData.xml": "76f46b4f-1849-4927-9da2-6c349430f349",
             "DevInstallServiceModelData.xml": "a38be920-ed52-4583-8475-7539f721cb5e"}  # fmt: skip
    files = {name: f"MZ of {name} {build}".encode() for name in _INSTALLER}
    for name, guid in guids.items():
        services = [*_SERVICES, ("DevToolsService", ())] if name.startswith("Dev") else _SERVICES
        files[name] = _service_model(guid, services)
    machine = "".join(f"<string>{name}</string>" for name in ("AOSService", "DevToolsService"))
    files["DefaultTopologyData.xml"] = xml(
        "<TopologyData><Name>AX topology</Name><MachineList><Machine><Name>localhost</Name>"
        f"<ServiceModelList>{machine}</ServiceModelList></Machine></MachineList><BackupScript>"
        "<FileName>BackupAOS.ps1</FileName><Automated>true</Automated><Description /></BackupScript></TopologyData>"
    )
    released = "".join(
        f"<Package><Guid>{guid}</Guid><PackageType>BinaryHotfixPackage</PackageType></Package>"
        for guid in guids.values()
    )
    files["ReleasedPackages.xml"] = xml(f"<ReleasedPackages>{released}</ReleasedPackages>")
    files["PlatformServiceInfo.csv"] = b"AOSService,Platform\r\nDIXFService,Application\r\nMROneBox,Ignore\r\n"
    files["PlatformETWManifestInfo.csv"] = b"Microsoft-Dynamics.man,Platform\r\n"
    scripts = "AOSService/Scripts"
    for number in range(8):
        files |= {f"{scripts}/{name}{number or ''}.ps1": f"# {build}\r\n".encode() * 99 for name in _SCRIPT_NAMES}
    files[f"{scripts}/CommonRollbackUtilities.psm1"] = b"\xef\xbb\xbffunction Roll-Back {}\r\n"
    files[f"{scripts}/DropAllStatistics.sql"] = "-- Löschen\r\n".encode("utf-16")
    files[f"{scripts}/MetaReleaseInfo.xml"] = xml(
        "<ServiceModelInstallationInfo><Name>AOSService</Name>"
        f"<Version>{build}</Version><Publisher>Microsoft</Publisher><ServiceModelGroup>AOS</ServiceModelGroup>"
        "<ReleaseVersion>Update68</ReleaseVersion></ServiceModelInstallationInfo>"
    )
    files[f"{scripts}/License/Place your license file here.txt"] = b""
    files["BIService/Scripts/UpdateBI.ps1"] = b"# other services bring files too"
    files["readme unknown.docx"] = b"PK is not the start of this"
    return files


def _service_model(guid: str, services: Iterable[tuple[str, tuple[str, ...]]]) -> bytes:
    models = "".join(
        f"<ServiceModel><Name>{name}</Name><SelectedForUpdate>true</SelectedForUpdate>"
        "<ContainDatabase>false</ContainDatabase><DependentServiceModelList>"
        + "".join(f"<string>{one}</string>" for one in needed)
        + "</DependentServiceModelList><StopScript><FileName>StopAOS.ps1</FileName><Automated>true</Automated>"
        "<Description>Stop</Description><TimeoutValue>0</TimeoutValue><RetryCount>0</RetryCount>"
        "<InvokeWithPowershellProcess>false</InvokeWithPowershellProcess></StopScript></ServiceModel>"
        for name, needed in services
    )
    return xml(
        f"<ServiceModelData><Guid>{guid}</Guid><Version>1.0</Version>"
        f"<ServiceModelList>{models}</ServiceModelList></ServiceModelData>"
    )


def vendor_files(kind: str, version: str = "7.0.7606.108", build: str = "1") -> dict[str, bytes]:
    """Return a package of a kind as path and content."""
    modules = {"platform": VENDORS, "customization": CUSTOMERS, "merged": (*VENDORS, *CUSTOMERS)}[kind]
    packages = "AosService/Packages"
    publisher = "Microsoft Corporation" if kind == "platform" else "Non-Microsoft"
    files = {"HotfixInstallationInfo.xml": manifest(kind, modules, publisher, version), **skeleton(build)}
    for number, module in enumerate(modules):
        key = module.name.lower()
        references = [*module.references, "framework-staticmetadata"]
        files[f"{packages}/dynamicsax-{key}.{module.version}.nupkg"] = nupkg(key, module, references, number)
        files[f"{packages}/files/dynamicsax-{key}.{module.version}.zip"] = payload(module)
        if module.mark:
            _add_parts(files, packages, module)
    if kind != "customization":
        files |= _updates_only(packages)
    return files


def _add_parts(files: dict[str, bytes], packages: str, module: VendorModule) -> None:
    for number, suffix in enumerate(("compile", "develop", "formadaptor")):
        part = f"{module.name.lower()}-{suffix}"
        stem = f"dynamicsax-{part}.{module.version}"
        files[f"{packages}/{stem}.nupkg"] = nupkg(part, module, [module.name], number)
        source = (f"XppMetadata/{module.name}/AxClass/A.xml", xml("<AxClass />"))
        files[f"{packages}/files/{stem}.zip"] = archive(
            [source, (f"Descriptor/{module.name}.xml", xml("<AxModelInfo />"))]
        )


def _updates_only(packages: str) -> dict[str, bytes]:
    files = {}
    members = {
        "platform": [one for one in VENDORS if one.version.startswith("7.")],
        "application": [one for one in VENDORS if one.version.startswith("10.")],
    }
    for part, listed in members.items():
        version = listed[0].version
        for purpose in ("runtime", "development"):
            name = f"meta-{part}-{purpose}"
            meta = VendorModule(f"Dynamics {part} {purpose}", version, (), f"[{part.title()} Package]")
            suffix = "" if purpose == "runtime" else "-develop"
            references = [*(one.name + suffix for one in listed), "framework-bin", "framework-staticmetadata"]
            files[f"{packages}/dynamicsax-{name}.{version}.nupkg"] = nupkg(name, meta, references)
    framework = VendorModule("Framework binaries", "7.0.7606.108", (), "[Platform Package]")
    for name in ("framework-bin", "framework-staticmetadata"):
        stem = f"dynamicsax-{name}.{framework.version}"
        files[f"{packages}/{stem}.nupkg"] = nupkg(name, framework, [])
        files[f"{packages}/files/{stem}.zip"] = archive([("bin/Microsoft.Dynamics.AX.Framework.dll", b"MZ")])
    for name in ("App", "Plat"):
        files[f"{packages}/files/MetadataReference{name}.zip"] = archive([("Model/AxClass/A.xml", xml("<AxClass />"))])
    return files


def vendor_package(kind: str, version: str = "7.0.7606.108", build: str = "1", separator: str = "\\") -> bytes:
    """Return the bytes of a package of a kind: platform, customization or merged."""
    return archive(vendor_files(kind, version, build).items(), separator)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return files as the bytes of a package as Windows zips them."""
    return archive(files.items())
