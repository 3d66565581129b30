"""The documents of a package, as the vendor's build writes them."""

import codecs
import json
import uuid
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from shared.formats.deployable_package.read.kinds import (
    BINARY_HOTFIX_GUID,
    DEVELOPER_GUID,
    TYPE_BY_GUID,
    TYPE_BY_KIND,
    DeployableKind,
)
from shared.formats.deployable_package.read.manifest import MODULE_COMPONENT, VENDOR
from shared.formats.deployable_package.read.module_names import PREFIX, STATIC_METADATA, ModuleVersion

_NUSPEC_NAMESPACE = "http://schemas.microsoft.com/packaging/2011/08/nuspec.xsd"
_SCHEMA_NAMESPACES = {
    "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmlns:xsd": "http://www.w3.org/2001/XMLSchema",
}
_BOM = b"\xef\xbb\xbf"
_NAME_SPACE = uuid.UUID("0f1a3c52-7d41-5c0e-9b39-1f2f5f1c7a90")
_CUSTOMER = "Non-Microsoft"
# The vendor's update number of platform builds that are known.
_PLATFORM_UPDATES = {
    "7.0.5778": 38,
    "7.0.5934": 41,
    "7.0.5968": 42,
    "7.0.6060": 44,
    "7.0.6129": 45,
    "7.0.6651": 55,
    "7.0.7606": 68,
}


def _element(name: str, text: str = "", *children: ET.Element) -> ET.Element:
    element = ET.Element(name)
    element.text = text or None
    element.extend(children)
    return element


def _serialise(root: ET.Element, bom: bool) -> bytes:
    ET.indent(root)
    text = ET.tostring(root, encoding="unicode")
    return (_BOM if bom else b"") + b'<?xml version="1.0" encoding="utf-8"?>\n' + text.encode() + b"\n"


def write_manifest(
    kind: DeployableKind,
    modules: Sequence[ModuleVersion],
    platform_version: str,
    application_version: str,
    *,
    sealed: bool,
    bom: bool,
) -> bytes:
    """Return HotfixInstallationInfo.xml for modules in the order given.

    ApplicationVersion is an element of ours, which the vendor's reader skips: a customization package has no
    other place for the version that it was built against.
    """
    update = _PLATFORM_UPDATES.get(platform_version.rpartition(".")[0])
    display = f"Update{update}" if update else platform_version
    names = [f"{module.key}.{module.version}" for module in modules]
    identity = uuid.uuid5(_NAME_SPACE, "\n".join([kind, platform_version, application_version, *names]))
    root = _element(
        "HotfixInstallationInfo",
        "",
        _element("Name", str(identity)),
        _element("Description", "Deployable package created by Drydock"),
        _element("InstallationDateTime", "0001-01-01T00:00:00"),
        _element("InstallationInfoFilePath"),
        _element("Version"),
        _element("Publisher", VENDOR if kind is DeployableKind.PLATFORM else _CUSTOMER),
        _element("GeneratedFromAXMetadata", "false"),
        _element("Type", TYPE_BY_KIND[kind]),
        _element("IncludedDeployablePackages"),
        _element("ServiceModelList"),
        _element("OtherComponentList"),
        _element("MetadataModuleRelease", display),
        _element("MetadataModuleList", "", *(_element("string", name) for name in names)),
        _element("MetadataModelList"),
        _element("PlatformReleaseDisplayName", display),
        _element("PlatformVersion", platform_version),
        *([_element("ApplicationVersion", application_version)] if application_version else []),
        _element("IsCompatibleWithSealedRelease", str(sealed).lower()),
        _element("IsCompatibleWithApp81PlusRelease", str(sealed).lower()),
        _element(
            "AllComponentList",
            "",
            *(
                _element("ArrayOfString", "", _element("string", MODULE_COMPONENT), _element("string", name))
                for name in names
            ),
        ),
    )
    root.attrib.update(_SCHEMA_NAMESPACES)
    return _serialise(root, bom)


def write_nuspec(name: str, version: str, references: Sequence[str], *, summary: str, mark: str, sealed: bool) -> bytes:
    """Return the nuspec of a module or meta package; `name` is in lower case and without the prefix.

    Titled and described as by the vendor's CreatePackage.psm1; `mark` is added to what the vendor publishes.
    """
    tags = "admin CompatibleWithSealedRelease CompatibleWithApp81PlusRelease" if sealed else "admin"
    dependencies = _element("dependencies")
    for reference in (*dict.fromkeys(one.lower() for one in references), STATIC_METADATA):
        ET.SubElement(dependencies, "dependency", id=PREFIX + reference)
    root = _element(
        "package",
        "",
        _element(
            "metadata",
            "",
            _element("id", PREFIX + name),
            _element("version", version),
            _element("title", f"Dynamics 365 Unified Operations: {PREFIX}{name} package"),
            _element("authors", "Microsoft"),
            _element("owners", "Microsoft"),
            _element("requireLicenseAcceptance", "false"),
            _element("description", f"The package of {PREFIX}{name}. {mark}".strip()),
            _element("summary", summary),
            _element("tags", tags),
            dependencies,
        ),
    )
    root.set("xmlns", _NUSPEC_NAMESPACE)
    return _serialise(root, bom=False)


def write_install_config(module: str, version: str) -> bytes:
    """Return tools/InstallConfig.json as the vendor's CreatePackage.psm1 writes it from Windows PowerShell.

    UTF-16 with a byte order mark and CRLF; PackageName is the module's name as it was given, without a prefix.
    """
    zip_name = f"{PREFIX}{module.lower()}.{version}.zip"
    members = (("ZipName", zip_name), ("PackageName", module))
    lines = ",\r\n".join(f"    {json.dumps(key)}:  {json.dumps(value)}" for key, value in members)
    return codecs.BOM_UTF16_LE + f"{{\r\n{lines}\r\n}}\r\n".encode("utf-16-le")


def write_service_model(guid: str = BINARY_HOTFIX_GUID) -> bytes:
    """Return DefaultServiceModelData.xml with the services that take modules.

    The Guid is the one that real customization packages carry although the vendor maps it to another type.
    """
    models = [("AOSService", ()), ("DevToolsService", ("AOSService",))]
    listed = [
        _element(
            "ServiceModel",
            "",
            _element("Name", name),
            _element("SelectedForUpdate", "true"),
            _element("DependentServiceModelList", "", *(_element("string", other) for other in needed)),
        )
        for name, needed in models
    ]
    root = _element(
        "ServiceModelData",
        "",
        _element("Guid", guid),
        _element("Version", "1.0.0.0"),
        _element("ServiceModelList", "", *listed),
    )
    return _serialise(root, bom=False)


def write_developer_service_model() -> bytes:
    return write_service_model(DEVELOPER_GUID)


def write_topology() -> bytes:
    services = (_element("string", name) for name in ("AOSService", "DevToolsService"))
    machine = _element("Machine", "", _element("Name", "localhost"), _element("ServiceModelList", "", *services))
    return _serialise(
        _element("TopologyData", "", _element("Name", "default"), _element("MachineList", "", machine)),
        bom=False,
    )


def write_released_packages() -> bytes:
    """Return ReleasedPackages.xml, which maps Guids to package types."""
    packages = (
        _element("ReleasedPackage", "", _element("Guid", guid), _element("PackageType", name))
        for guid, name in TYPE_BY_GUID.items()
    )
    return _serialise(_element("ReleasedPackages", "", *packages), bom=False)
