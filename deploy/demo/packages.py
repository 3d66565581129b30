"""Deployable packages of the demo, in the format of real ones, made deterministically.

The zip has HotfixInstallationInfo.xml and the installer's recipes at its root, and per module a metadata
package `AOSService/Packages/dynamicsax-<module>.<version>.nupkg` and a payload zip under
`AOSService/Packages/files/`. A module's database migrations are files `Resources/Migrations/NNN_name.sql` of
its payload, run in the order of their names, each in a transaction of its own; `Resources` is the place
of a real payload for what is neither code nor metadata.
"""

import codecs
import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import NAMESPACE_URL, uuid5
from xml.sax.saxutils import escape

Kind = Literal["platform", "customization"]
PLATFORM_VERSION = "7.0.7606.108"
APPLICATION_VERSION = "10.0.2263.40"
_RELEASE = "Update68"
_PACKAGE_GUID = "76f46b4f-1849-4927-9da2-6c349430f349"
_NUSPEC = "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd"
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class DemoModule:
    """`migrations` are file name and SQL; `size` is that of the stub assembly in bytes."""

    name: str
    version: str
    references: tuple[str, ...] = ()
    migrations: dict[str, str] = field(default_factory=dict)
    size: int = 4096

    @property
    def package_id(self) -> str:
        return f"dynamicsax-{self.name.lower()}"

    @property
    def payload_path(self) -> str:
        """The entry path of the payload zip in the deployable package."""
        return f"AOSService/Packages/files/{self.package_id}.{self.version}.zip"

    @property
    def nupkg_path(self) -> str:
        return f"AOSService/Packages/{self.package_id}.{self.version}.nupkg"


@dataclass(frozen=True, slots=True)
class DemoPackage:
    """One deployable package; `removals` become its ModuleToRemove.txt."""

    name: str
    kind: Kind
    modules: tuple[DemoModule, ...]
    removals: tuple[str, ...] = ()
    platform_version: str = PLATFORM_VERSION
    application_version: str = APPLICATION_VERSION

    def write(self, folder: Path) -> Path:
        """Write `<folder>/<name>.zip`; the same package gives the same bytes with the same zlib."""
        entries = {
            "HotfixInstallationInfo.xml": _manifest(self).encode(),
            "DefaultServiceModelData.xml": _service_model().encode(),
            "DefaultTopologyData.xml": _topology().encode(),
            "ReleasedPackages.xml": _released_packages().encode(),
        }
        for module in self.modules:
            entries[module.nupkg_path] = _nupkg(module, self.kind)
            entries[module.payload_path] = _payload(module)
        if self.kind == "platform":
            for part, version in (
                ("platform", self.platform_version),
                ("application", self.application_version),
            ):
                meta = f"dynamicsax-meta-{part}-runtime"
                modules = [module.package_id for module in self.modules]
                entries[f"AOSService/Packages/{meta}.{version}.nupkg"] = _zip(
                    {f"{meta}.nuspec": _nuspec(meta, version, meta, modules, "").encode()}
                )
        if self.removals:
            entries["AOSService/Scripts/ModuleToRemove.txt"] = "\r\n".join(self.removals).encode()
        path = folder / f"{self.name}.zip"
        path.write_bytes(_zip(entries, stored=(".zip", ".nupkg")))
        return path


def _zip(entries: dict[str, bytes], stored: tuple[str, ...] = ()) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name, _NO_TIME)
            info.create_system = 0
            info.compress_type = zipfile.ZIP_STORED if name.endswith(stored) else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return target.getvalue()


def _payload(module: DemoModule) -> bytes:
    entries = {
        f"bin/Dynamics.AX.{module.name}.dll": _stub(module),
        f"bin/{module.name}.md": f"{module.name} {module.version}\n".encode(),
    }
    for name, statement in module.migrations.items():
        entries[f"Resources/Migrations/{name}"] = statement.encode()
    return _zip(entries)


def _stub(module: DemoModule) -> bytes:
    # Half noise, half text: packs about as well as assemblies do.
    seed = f"{module.name} {module.version}".encode()
    noise = hashlib.shake_256(seed).digest((module.size + 1) // 2)
    return noise + (seed * (module.size // 2 // len(seed) + 1))[: module.size // 2]


def _nupkg(module: DemoModule, kind: Kind) -> bytes:
    description = "[Platform Package]" if kind == "platform" else ""
    # As the vendor's packaging script writes it from Windows PowerShell.
    config = f'{{"PackageName":"{module.name}","ZipName":"{Path(module.payload_path).name}"}}\r\n'
    dependencies = [f"dynamicsax-{name.lower()}" for name in module.references]
    return _zip(
        {
            f"{module.package_id}.nuspec": _nuspec(
                module.package_id, module.version, module.name, dependencies, description
            ).encode(),
            "tools/InstallConfig.json": codecs.BOM_UTF16_LE + config.encode("utf-16-le"),
        }
    )


def _nuspec(name: str, version: str, summary: str, dependencies: list[str], description: str) -> str:
    needed = "".join(f'<dependency id="{escape(dependency)}" />' for dependency in dependencies)
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<package xmlns="{_NUSPEC}"><metadata>'
        f"<id>{escape(name)}</id><version>{version}</version><authors>Microsoft</authors>"
        f"<owners>Microsoft</owners><requireLicenseAcceptance>false</requireLicenseAcceptance>"
        f"<description>{escape(summary)} {description}</description><summary>{escape(summary)}</summary>"
        f"<title>{escape(name)}</title>"
        "<tags>admin CompatibleWithSealedRelease CompatibleWithApp81PlusRelease</tags>"
        f"<dependencies>{needed}</dependencies></metadata></package>\n"
    )


def _manifest(package: DemoPackage) -> str:
    versions = [f"{module.name.lower()}.{module.version}" for module in package.modules]
    listed = "".join(f"<string>{escape(version)}</string>" for version in versions)
    components = "".join(
        f"<ArrayOfString><string>AX Module</string><string>{escape(version)}</string></ArrayOfString>"
        for version in versions
    )
    platform = package.kind == "platform"
    values = {
        "Name": str(uuid5(NAMESPACE_URL, package.name)),
        "Description": f"Demo package {escape(package.name)}",
        "InstallationDateTime": "0001-01-01T00:00:00",
        "InstallationInfoFilePath": "",
        "Version": "",
        "Publisher": "Microsoft Corporation" if platform else "Non-Microsoft",
        "GeneratedFromAXMetadata": "false",
        "Type": "PlatAppBinaryHotfixPackage" if platform else "ApplicationPackage",
        "IncludedDeployablePackages": "",
        "ServiceModelList": "<string>AOSService</string>",
        "OtherComponentList": "",
        "MetadataModuleRelease": _RELEASE,
        "MetadataModuleList": listed,
        "MetadataModelList": "",
        "PlatformReleaseDisplayName": _RELEASE,
        "PlatformVersion": package.platform_version,
        "IsCompatibleWithSealedRelease": "true",
        "IsCompatibleWithApp81PlusRelease": "true",
        "AllComponentList": components,
    }
    body = "".join(f"  <{name}>{value}</{name}>\n" for name, value in values.items())
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<HotfixInstallationInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xmlns:xsd="http://www.w3.org/2001/XMLSchema">\n{body}</HotfixInstallationInfo>\n'
    )


def _service_model() -> str:
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<ServiceModelData><Guid>{_PACKAGE_GUID}</Guid>'
        "<ServiceModelList><ServiceModel><Name>AOSService</Name></ServiceModel></ServiceModelList>"
        "</ServiceModelData>\n"
    )


def _topology() -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<TopologyData><MachineList><Machine><Name>localhost</Name>'
        "<ServiceModelList><string>AOSService</string></ServiceModelList></Machine></MachineList>"
        "</TopologyData>\n"
    )


def _released_packages() -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<ReleasedPackages><ReleasedPackage>'
        f"<Guid>{_PACKAGE_GUID}</Guid><PackageType>BinaryHotfixPackage</PackageType>"
        "</ReleasedPackage></ReleasedPackages>\n"
    )


_PLATFORM_TABLES = """\
create table system_settings (name text primary key, value text not null);
insert into system_settings values ('CONFIGURATIONMODE', '0');
create table import_history (
    digest text primary key, file_name text not null, row_count bigint not null,
    imported_at timestamptz not null default now()
);
"""
_CUSTOMERS = "create table customers (account text primary key, name text not null);\n"
_LOYALTY = """\
create table loyalty_cards (
    card text primary key, account text not null references customers, points bigint not null default 0
);
"""
_TIERS = "alter table loyalty_cards add column tier text not null default 'basic';\n"
_LOSE_CUSTOMERS = "delete from loyalty_cards;\ndelete from customers;\nalter table customers add region text;\n"
_FAIL = "insert into customers (account, name) values ('C-1', 'First'), ('C-1', 'Again');\n"

_FOUNDATION = DemoModule(
    "ApplicationFoundation", PLATFORM_VERSION, ("ApplicationPlatform",), {"001_customers.sql": _CUSTOMERS}
)
_PLATFORM_MODULE = DemoModule("ApplicationPlatform", PLATFORM_VERSION, (), {"001_system_tables.sql": _PLATFORM_TABLES})
_REFERENCES = ("ApplicationFoundation",)

PLATFORM = DemoPackage("vendor-10.0.44", "platform", (_FOUNDATION, _PLATFORM_MODULE))
CUSTOMIZATION_V1 = DemoPackage(
    "contoso-2026.10",
    "customization",
    (DemoModule("ContosoLoyalty", "1.0.0.0", _REFERENCES, {"001_loyalty_cards.sql": _LOYALTY}),),
)
_V2_MIGRATIONS = {"001_loyalty_cards.sql": _LOYALTY, "002_tiers.sql": _TIERS}
CUSTOMIZATION_V2 = DemoPackage(
    "contoso-2026.11",
    "customization",
    (
        DemoModule("ContosoLoyalty", "1.1.0.0", _REFERENCES, _V2_MIGRATIONS),
        DemoModule("ContosoReports", "1.0.0.0", ("ContosoLoyalty",)),
    ),
)
# Its first migration succeeds and loses data, its second fails: only the snapshot brings the data back.
FAILING = DemoPackage(
    "contoso-2026.12",
    "customization",
    (
        DemoModule(
            "ContosoLoyalty",
            "1.2.0.0",
            _REFERENCES,
            {**_V2_MIGRATIONS, "003_regions.sql": _LOSE_CUSTOMERS, "004_first_customers.sql": _FAIL},
        ),
        DemoModule("ContosoReports", "1.0.0.0", ("ContosoLoyalty",)),
    ),
)
PACKAGES = (PLATFORM, CUSTOMIZATION_V1, CUSTOMIZATION_V2, FAILING)
