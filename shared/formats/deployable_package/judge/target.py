"""A package against the image that runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.manifest import PackageManifest
from shared.formats.deployable_package.read.module_names import ModuleVersion
from shared.formats.deployable_package.read.release import Release
from shared.formats.deployable_package.read.vendor_modules import LISTED_RELEASE, known_vendor_modules
from shared.formats.difference import compare_modules
from shared.formats.versions import is_lower


@dataclass(frozen=True)
class TargetModule(ModuleVersion):
    """A customization module of an image; `content` is its content hash, empty where it is not known."""

    content: str = ""
    references: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetImage:
    """The running image: versions, customization modules, and platform modules by lower-case name."""

    platform_version: str
    application_version: str
    modules: tuple[TargetModule, ...]
    platform_modules: frozenset[str] = frozenset()


def judge_versions(
    manifest: PackageManifest,
    kind: str | None,
    application_version: str,
    platform_version: str,
    target_application: str,
    findings: Findings,
) -> None:
    """Hold the package's versions against the target's: DP701 to DP703."""
    path = manifest.path
    if kind == DeployableKind.CUSTOMIZATION and is_lower(platform_version, manifest.platform_version):
        findings.add(
            "DP701",
            path,
            f"built for platform {manifest.platform_version}, the target has {platform_version}",
        )
    if kind in (DeployableKind.PLATFORM, DeployableKind.MERGED):
        if is_lower(application_version, target_application):
            findings.add("DP702", path, f"application {application_version} is lower than {target_application}")
        if is_lower(manifest.platform_version, platform_version):
            findings.add("DP703", path, f"platform {manifest.platform_version} is lower than {platform_version}")


def judge_modules(
    manifest: PackageManifest,
    modules: Sequence[ModuleVersion],
    contents: Mapping[str, str],
    removed: Sequence[str],
    removal_path: str,
    target: TargetImage,
    findings: Findings,
) -> None:
    """Hold a package's customization modules against the image's: DP607, DP608 and DP704 to DP708.

    `contents` maps module names in lower case to their content hashes.
    """
    path = manifest.path
    changes = compare_modules(target.modules, modules, removed)
    for module in changes.missing:
        findings.add("DP704", path, f"module {module.key} of the running image is missing")
    for one in changes.downgraded:
        findings.add(
            "DP705", path, f"module {one.after.key} goes back from {one.before.version} to {one.after.version}"
        )
    for module in changes.added:
        findings.add("DP706", path, f"module {module.key} is new")
    for one in changes.upgraded:
        step = f"from {one.before.version} to {one.after.version}"
        findings.add("DP707", path, f"module {one.after.key} goes {step}")
    running = {module.key: module for module in target.modules}
    same = running.keys() == contents.keys() and all(
        module.content and module.content == contents[name] for name, module in running.items()
    )
    if same and running:
        findings.add("DP708", path, "every module is identical to what runs")
    for name in removed:
        if name not in running:
            findings.add("DP607", removal_path, f"the running image has no module {name}")
        elif {one.lower() for one in running[name].references} - {"applicationplatform"}:
            findings.add("DP608", removal_path, f"{name} in the running image still refers to other modules")


def judge_vendor_names(
    manifest: PackageManifest,
    kind: str | None,
    release: Release | None,
    platform_modules: frozenset[str],
    findings: Findings,
) -> None:
    """A customization must not bring a module of the vendor's (DP709).

    Those of the release, of the running image's platform (`platform_modules`, lower case), and those that are known
    without either.
    """
    if kind != DeployableKind.CUSTOMIZATION:
        return
    for module in manifest.modules:
        if release is not None and module.key in release.names:
            owner = f"release {release.version}"
        elif module.key in platform_modules:
            owner = "the running platform"
        elif module.key in known_vendor_modules():
            owner = f"the vendor, in release {LISTED_RELEASE}"
        else:
            continue
        findings.add("DP709", manifest.path, f"{module.name} is a module of {owner}")
