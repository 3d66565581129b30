"""What the manifest says of the package as a whole: its kind, versions and module list."""

from collections import Counter
from collections.abc import Sequence

from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.kinds import (
    KIND_BY_TYPE,
    OTHER_TYPES,
    TYPE_BY_GUID,
    WAY_BY_TYPE,
    DeployableKind,
    known_type,
)
from shared.formats.deployable_package.read.manifest import VENDOR, PackageManifest
from shared.formats.versions import is_four_part_version


def judge_kind(manifest: PackageManifest, guid: str, findings: Findings) -> str | None:
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
        way = WAY_BY_TYPE.get(package_type, "it is not applied through images")
        findings.add("DP206", manifest.path, f"{what}; {way}")
        return package_type
    return kind.value


def judge_manifest(manifest: PackageManifest, kind: str | None, findings: Findings) -> None:
    """Judge what the manifest says by itself: DP207, DP208, DP210, DP212 and DP213."""
    path = manifest.path
    if not is_four_part_version(manifest.platform_version):
        stated = manifest.platform_version[:100]
        findings.add("DP207", path, f"PlatformVersion is {stated!r}" if stated else "PlatformVersion is absent")
    by_vendor = manifest.publisher.lower() == VENDOR.lower()
    if by_vendor != (kind == DeployableKind.PLATFORM) and kind in (
        DeployableKind.PLATFORM,
        DeployableKind.CUSTOMIZATION,
    ):
        findings.add("DP208", path, f"a {kind} package has the publisher {manifest.publisher[:100]!r}")
    for key, count in Counter(module.key for module in manifest.modules).items():
        if count > 1:
            findings.add("DP210", path, f"module {key} is listed {count} times")
    if manifest.author_path:
        findings.add("DP212", path, "InstallationInfoFilePath names a path on the author's machine")
    if not manifest.sealed:
        findings.add("DP213", path, "the package says that it does not fit sealed releases")


def judge_module_list(
    manifest: PackageManifest, kind: str, removed: Sequence[str], licenses: int, findings: Findings
) -> None:
    """Judge a package that lists no modules: to take away the last ones (DP211), or for nothing (DP215).

    `licenses` is the number of licence files.
    """
    if manifest.modules:
        return
    if removed and kind == DeployableKind.CUSTOMIZATION:
        told = f"the package brings no module and removes {', '.join(removed)}: no customization would be left"
        findings.add("DP211", manifest.path, told)
    else:
        brings = "licences alone" if licenses else "nothing"
        findings.add("DP215", manifest.path, f"MetadataModuleList is empty, and the package brings {brings}")
