"""The same facts stand in the manifest, in file names and in each module's NuGet package: they must agree."""

from collections import Counter
from collections.abc import Callable, Sequence

from shared.formats.deployable_package.archive.entry import Entry
from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.kinds import DeployableKind
from shared.formats.deployable_package.read.layout import PACKAGES, Layout, file_module, nuget_path, payload_path
from shared.formats.deployable_package.read.manifest import PackageManifest
from shared.formats.deployable_package.read.module_names import (
    FRAMEWORK_PREFIX,
    META_PREFIX,
    PREFIX,
    is_module_name,
    module_of_part,
    split_versioned_name,
)
from shared.formats.deployable_package.read.nuget import VENDOR_MARKS, NugetPackage
from shared.formats.versions import parse_version

_VENDORS = (FRAMEWORK_PREFIX, META_PREFIX)
_RUNTIME_META = ("meta-platform-runtime", "meta-application-runtime")


def judge_files(manifest: PackageManifest, layout: Layout, findings: Findings) -> None:
    """Hold the manifest's module list against the files, both ways: DP301 to DP307, DP311 and DP319."""
    listed = {module.key: module.version for module in manifest.modules}
    runtime, payloads = (
        [entry for entry in entries if file_module(entry)[0] in listed or is_module_name(file_module(entry)[0])]
        for entries in (layout.nuget, layout.payloads)
    )
    _judge_one_way(listed, runtime, ("DP301", "DP302"), nuget_path, findings)
    _judge_one_way(listed, payloads, ("DP303", "DP304"), payload_path, findings)
    if manifest.components is None:
        findings.add("DP307", manifest.path, "AllComponentList is absent")
        return
    mirrored = {_component(text) for text in manifest.components}
    stated = {(module.key, module.version) for module in manifest.modules}
    for name, version in sorted(mirrored ^ stated):
        where = "MetadataModuleList" if (name, version) in mirrored else "AllComponentList"
        findings.add("DP306", manifest.path, f"{name}.{version} is absent from {where}")


def _component(text: str) -> tuple[str, str]:
    name, version = split_versioned_name(text) or (text, "")
    return name.lower(), version


def _judge_one_way(
    listed: dict[str, str],
    entries: Sequence[Entry],
    rules: tuple[str, str],
    expected_path: Callable[[str, str], str],
    findings: Findings,
) -> None:
    missing, unlisted = rules
    names = Counter(file_module(entry)[0] for entry in entries)
    for name, version in listed.items():
        if name not in names:
            findings.add(missing, expected_path(name, version), f"module {name} {version} has no such file")
    for entry in entries:
        name, version = file_module(entry)
        if name not in listed:
            findings.add(unlisted, entry.path, f"the manifest lists no module {name!r}")
        elif names[name] > 1 and version != listed[name]:
            findings.add("DP319", entry.path, f"{names[name]} files are of module {name}")
        elif version != listed[name]:
            rule = "DP311" if _is_shortened(version, listed[name]) else "DP305"
            findings.add(rule, entry.path, f"the file's version is {version or 'absent'}, listed is {listed[name]}")


def _is_shortened(version: str, full: str) -> bool:
    """Whether `version` is what NuGet makes of `full`: the same number with trailing zeros dropped."""
    number = parse_version(full)
    return number is not None and parse_version(version) == number and version.count(".") < full.count(".")


def judge_nuget(package: NugetPackage, findings: Findings) -> None:
    """Hold a nuspec and InstallConfig.json against the file's name: DP309 to DP313, and DP412."""
    wanted_id = PREFIX + package.name
    if package.nuspec_id.lower() != wanted_id:
        findings.add("DP309", package.nuspec_path, f"the id is {package.nuspec_id[:200]!r}, expected {wanted_id!r}")
    # Where NuGet shortened the file's name alone, that is told of the file (DP311).
    if package.nuspec_version != package.version and not _is_shortened(package.version, package.nuspec_version):
        short = _is_shortened(package.nuspec_version, package.version)
        findings.add(
            "DP311" if short else "DP310",
            package.nuspec_path,
            f"the nuspec's version is {package.nuspec_version[:100]!r}, the file's is {package.version!r}",
        )
    if not is_module_name(package.name):
        return
    if " " in package.name:
        findings.add("DP412", package.path, f"module {package.name!r} has a space in its name")
    if package.summary.lower() != package.name:
        findings.add("DP312", package.nuspec_path, f"the summary is {package.summary[:200]!r}")
    if package.install_config is not None:
        _judge_install_config(package, *package.install_config, findings)


def _judge_install_config(package: NugetPackage, named: str, zipped: str, findings: Findings) -> None:
    identity = PREFIX + package.name
    stem, version = split_versioned_name(zipped.lower().removesuffix(".zip")) or ("", "")
    # It is written before NuGet may shorten the version (DP311).
    is_zip = stem == identity and (version == package.version or _is_shortened(package.version, version))
    # The vendor's script names the module; others have written its id, with or without the version.
    if not is_zip or named.lower() not in (package.name, identity, f"{identity}.{package.version}"):
        expected = f"{package.name!r} and {f'{identity}.{package.version}.zip'!r}"
        findings.add(
            "DP313", package.install_config_path, f"names {named[:200]!r} and {zipped[:200]!r}, not {expected}"
        )


def judge_meta_packages(
    kind: str | None, packages: Sequence[NugetPackage], names: set[str], findings: Findings
) -> None:
    """Judge the vendor's meta packages (DP320, DP321); `names` are the modules that have a NuGet package."""
    if kind not in (DeployableKind.PLATFORM, DeployableKind.MERGED):
        return
    missing = [one for one in _RUNTIME_META if not any(package.name.startswith(one) for package in packages)]
    if len(missing) == len(_RUNTIME_META) or _unnamed(kind, packages):
        for wanted in missing:
            findings.add("DP320", f"{PACKAGES}/{PREFIX}{wanted}.nupkg", f"{PREFIX}{wanted} is missing")
    for package in packages:
        if package.name.startswith(_RUNTIME_META):
            for name in package.references:
                if name not in names:
                    findings.add("DP321", package.nuspec_path, f"names module {name}, which the package lacks")


def _unnamed(kind: str, packages: Sequence[NugetPackage]) -> bool:
    """Whether there are modules of the vendor's that no meta package names."""
    named = {name for package in packages if package.is_meta for name in package.references}
    return any(
        is_module_name(one.name) and one.name not in named and (kind == DeployableKind.PLATFORM or _is_marked(one))
        for one in packages
    )


def _is_marked(package: NugetPackage) -> bool:
    return any(mark in package.description.lower() for mark in VENDOR_MARKS)


def vendor_modules(kind: str, names: Sequence[str], packages: Sequence[NugetPackage]) -> frozenset[str]:
    """Return those of a package's modules, in lower case, that are the vendor's.

    All of a platform package; of a merged one what its meta packages name and what is marked as the vendor's.
    """
    if kind == DeployableKind.PLATFORM:
        return frozenset(names)
    if kind != DeployableKind.MERGED:
        return frozenset()
    named = {name for package in packages if package.is_meta for name in package.references}
    marked = {one.name for one in packages if _is_marked(one)}
    return frozenset(names) & (named | marked)


def is_vendors(name: str, kind: str, vendors: frozenset[str]) -> bool:
    """Whether a payload of this name in a package of this kind is the vendor's; `vendors` are its modules."""
    is_update = kind in (DeployableKind.PLATFORM, DeployableKind.MERGED)
    return (
        kind == DeployableKind.PLATFORM or module_of_part(name) in vendors or (is_update and name.startswith(_VENDORS))
    )
