"""Which modules a package may remove."""

from collections.abc import Sequence

from shared.formats.deployable_package.findings import Findings
from shared.formats.deployable_package.read.nuget import NugetPackage
from shared.formats.deployable_package.read.release import Release
from shared.formats.deployable_package.read.vendor_modules import known_vendor_modules


def judge_removal(
    removed: Sequence[str],
    path: str,
    packages: Sequence[NugetPackage],
    names: set[str],
    release: Release | None,
    platform_modules: frozenset[str],
    findings: Findings,
) -> None:
    """Judge the removed modules against the package, the release and the image's platform: DP601 to DP603.

    `names` are the package's modules, `platform_modules` those of the running image's platform, in lower case.
    """
    vendors = known_vendor_modules() | platform_modules | (release.names if release is not None else frozenset())
    for name in removed:
        if name in vendors:
            findings.add("DP601", path, f"{name} is a module of the vendor")
        elif name in names:
            findings.add("DP602", path, f"{name} is a module of this package")
    gone = set(removed) - names
    for package in packages:
        for name in sorted(gone.intersection(package.references)):
            findings.add("DP603", package.nuspec_path, f"{package.summary or package.name} refers to {name}")
