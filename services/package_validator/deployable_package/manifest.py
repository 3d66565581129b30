"""HotfixInstallationInfo.xml: what the package says that it is."""

from collections import Counter
from dataclasses import dataclass

from .documents import DocumentError, child, children, local_name, parse_xml, text
from .findings import Findings
from .kinds import KIND_BY_TYPE, OTHER_TYPES, TYPE_BY_GUID, PackageKind, known_type
from .sources import Bytes
from .versions import is_four_part_version, split_versioned_name

MANIFEST_NAME = "HotfixInstallationInfo.xml"
VENDOR = "Microsoft Corporation"
MODULE_COMPONENT = "AX Module"


@dataclass(frozen=True)
class ModuleVersion:
    """A module by name and version; names compare in any case."""

    name: str
    version: str

    @property
    def key(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Manifest:
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


def read_manifest(content: Bytes, path: str, findings: Findings) -> Manifest | None:
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
    return Manifest(
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


def judge_kind(manifest: Manifest, guid: str, findings: Findings) -> str | None:
    """Return the package's kind, or the name of another type, which is refused (DP204 to DP206).

    The manifest's Type decides. The Guid of the service model decides only where Type is absent, and then not
    for binary packages: real customization packages carry the Guid of a binary hotfix.
    """
    stated = manifest.type
    if not stated:
        stated = TYPE_BY_GUID.get(guid.lower(), "")
        if stated in ("", "Unknown", "BinaryHotfixPackage"):
            findings.add("DP204", manifest.path, "the manifest states no Type")
            return None
    package_type = known_type(stated)
    if package_type is None:
        findings.add("DP205", manifest.path, f"there is no package type {stated[:100]!r}")
        return None
    kind = KIND_BY_TYPE.get(package_type)
    if kind is None:
        what = f"a package of type {package_type} is {OTHER_TYPES[package_type]}"
        findings.add("DP206", manifest.path, f"{what}; it is not applied through images")
        return package_type
    return kind.value


def judge_manifest(manifest: Manifest, kind: str | None, findings: Findings) -> None:
    """Judge what the manifest says by itself: DP207, DP208 and DP210 to DP213."""
    path = manifest.path
    if not is_four_part_version(manifest.platform_version):
        stated = manifest.platform_version[:100]
        findings.add("DP207", path, f"PlatformVersion is {stated!r}" if stated else "PlatformVersion is absent")
    by_vendor = manifest.publisher.lower() == VENDOR.lower()
    if by_vendor != (kind == PackageKind.PLATFORM) and kind in (
        PackageKind.PLATFORM,
        PackageKind.CUSTOMIZATION,
    ):
        findings.add("DP208", path, f"a {kind} package has the publisher {manifest.publisher[:100]!r}")
    for key, count in Counter(module.key for module in manifest.modules).items():
        if count > 1:
            findings.add("DP210", path, f"module {key} is listed {count} times")
    if kind in tuple(PackageKind) and not manifest.modules:
        findings.add("DP211", path, "MetadataModuleList is empty")
    if manifest.author_path:
        findings.add("DP212", path, "InstallationInfoFilePath names a path on the author's machine")
    if not manifest.sealed:
        findings.add("DP213", path, "the package says that it does not fit sealed releases")
