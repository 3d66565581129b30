"""HotfixInstallationInfo.xml: what the package says that it is."""

from dataclasses import dataclass

from shared.formats.deployable_package.archive.sources import Bytes
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.documents import DocumentError, child, children, local_name, parse_xml, text
from shared.formats.deployable_package.read.module_names import ModuleVersion, split_versioned_name
from shared.formats.versions import is_four_part_version

MANIFEST_NAME = "HotfixInstallationInfo.xml"
VENDOR = "Microsoft Corporation"
MODULE_COMPONENT = "AX Module"


@dataclass(frozen=True)
class PackageManifest:
    """The manifest as it stands; `components` is None where AllComponentList is absent."""

    path: str
    type: str
    publisher: str
    description: str
    platform_version: str
    application_version: str
    modules: tuple[ModuleVersion, ...]
    components: tuple[str, ...] | None
    sealed: bool
    author_path: str


def read_manifest(content: Bytes, path: str, findings: Findings) -> PackageManifest | None:
    """Read the manifest, adding DP202, DP203 and DP209 where they are broken; None if it cannot be read."""
    try:
        root = parse_xml(content)
    except DocumentError as error:
        findings.add("DP203" if error.declares_type else "DP202", path, f"the manifest {error.message}")
        return None
    if local_name(root) != "HotfixInstallationInfo":
        findings.add("DP202", path, f"the root element is {local_name(root)!r}, not HotfixInstallationInfo")
        return None
    modules = []
    listed = child(root, "MetadataModuleList")
    for element in listed if listed is not None else ():
        stated = (element.text or "").strip()
        parts = split_versioned_name(stated)
        if parts is None or not is_four_part_version(parts[1]):
            findings.add("DP209", path, f"{stated[:200]!r} is not a module name with a four-part version")
        if parts is not None:
            modules.append(ModuleVersion(*parts))
    components = None
    all_components = child(root, "AllComponentList")
    if all_components is not None:
        pairs = [
            [(part.text or "").strip() for part in element] for element in children(all_components, "ArrayOfString")
        ]
        components = tuple(pair[1] for pair in pairs if len(pair) == 2 and pair[0] == MODULE_COMPONENT)
    flags = [text(root, name).lower() for name in ("IsCompatibleWithSealedRelease", "IsCompatibleWithApp81PlusRelease")]
    return PackageManifest(
        path=path,
        type=text(root, "Type"),
        publisher=text(root, "Publisher"),
        description=text(root, "Description"),
        platform_version=text(root, "PlatformVersion"),
        application_version=text(root, "ApplicationVersion"),
        modules=tuple(modules),
        components=components,
        sealed="false" not in flags,
        author_path=text(root, "InstallationInfoFilePath"),
    )
