"""What the rules for deployable packages rest on.

A rule of a foreign format is as good as its source. What was only seen in packages that Drydock made, or concluded from
others' facts, is unverified, and a package is never refused for it.
"""

from dataclasses import dataclass
from enum import StrEnum


class EvidenceKind(StrEnum):
    """Where it is known from that a rule holds.

    `protection` is no statement about the vendor's format: without the rule, what was checked might not be what runs,
    or a check might take the machine that does it.
    """

    DOCUMENTATION = "documentation"
    SCRIPT = "vendor's script"
    OUTPUT = "real output"
    REPORT = "public report"
    SPECIFICATION = "specification"
    PROTECTION = "protection"
    UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Evidence:
    """`source` says where to look it up."""

    kind: EvidenceKind
    source: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.source}"


def _documented(page: str) -> Evidence:
    """A page of the vendor's documentation for operators and developers, by its file name there."""
    return Evidence(EvidenceKind.DOCUMENTATION, f"MicrosoftDocs/dynamics-365-unified-operations-public, {page}")


APPLY = _documented("apply-deployable-package-system.md")
APPLY_REPORTED = Evidence(
    EvidenceKind.REPORT, "MicrosoftDocs/dynamics-365-unified-operations-public issue 307: what the portal refuses"
)
BOMBS = Evidence(EvidenceKind.PROTECTION, "D. Fifield, A better zip bomb, USENIX WOOT 2019")
COMPILED_VERSIONS = Evidence(
    EvidenceKind.REPORT, "fscpscollaborative/fscps.tools, invoke-fsccompile.ps1, which takes versions from assemblies"
)
CUSTOMIZATION_CHECK = Evidence(EvidenceKind.SCRIPT, "DeployablePackageCheck.psm1 of the package skeleton")
DESCRIPTORS = Evidence(EvidenceKind.OUTPUT, "the vendor's model descriptors of release 10.0.21")
INSTALL = Evidence(
    EvidenceKind.SCRIPT, "InstallMetadataPackages.ps1, which installs every .nupkg and copies additional files"
)
INSTALLER = Evidence(EvidenceKind.SCRIPT, "installer, scripts and lists of the package skeleton, platform update 68")
LAST_MODULE = Evidence(EvidenceKind.REPORT, "alexdmeyer.com, 2018-12-17: removing a package without another")
LICENSES = _documented("deployable-package-troubleshooting.md and isv-licensing.md")
LIMITS = Evidence(EvidenceKind.PROTECTION, "bounds on what one check may take of the machine")
LISTS = Evidence(EvidenceKind.OUTPUT, "manifest of a package made by Visual Studio; what reads it is not known")
LONG_PATHS = Evidence(
    EvidenceKind.DOCUMENTATION, "learn.microsoft.com, Windows, Maximum Path Length Limitation: 260 characters"
)
MANIFEST = Evidence(EvidenceKind.OUTPUT, "manifests of packages made by Visual Studio and by the build pipeline")
METHODS = Evidence(
    EvidenceKind.REPORT, "dotnet/corefx pull request 11264 and dotnet/runtime pull request 122045: methods 0, 8 and 9"
)
META_PACKAGES = Evidence(
    EvidenceKind.SCRIPT, "InstallMetadataPackages.ps1: the vendor's modules are installed by their meta packages"
)
NETMODULES = Evidence(EvidenceKind.REPORT, "alexdmeyer.com, 2023-02-17: netmodules that are left over or missing")
NUGET = _documented("pipeline-create-deployable-package.md: NuGet 3.3 or earlier")
NUGET_CYCLES = Evidence(EvidenceKind.DOCUMENTATION, "learn.microsoft.com, NuGet, error NU1108: a cycle is refused")
ONE_READING = Evidence(
    EvidenceKind.PROTECTION, "two readers would make different files of it: what was checked would not be what runs"
)
PACKAGING = Evidence(EvidenceKind.SCRIPT, "CreatePackage.psm1, which packs each module")
PIPELINE = _documented("pipeline-create-deployable-package.md")
PORTABLE_EXECUTABLE = Evidence(EvidenceKind.SPECIFICATION, "Microsoft PE and COFF Specification")
PRECHECK = Evidence(EvidenceKind.SCRIPT, "DBSyncPrecheck.ps1 of the package skeleton, error 131091")
REGRESSIONS = Evidence(EvidenceKind.REPORT, "ariste.info, 2020-02: an update that brought older code to production")
REMOVAL = _documented("uninstall-deployable-package.md")
REMOVAL_NAMES = _documented("pull request 1496: the page itself had named ModulesToRemove.txt")
REMOVAL_SCRIPT = Evidence(EvidenceKind.SCRIPT, "AutoRemoveAosModule.ps1 of the package skeleton")
TYPES = Evidence(EvidenceKind.SCRIPT, "ReleasedPackages.xml of the package skeleton, and its installer's types")
UNVERIFIED = Evidence(EvidenceKind.UNVERIFIED, "a conclusion of Drydock's")
UPDATES = _documented("updateenvironment-newinfrastructure.md")
WINDOWS_NAMES = Evidence(
    EvidenceKind.DOCUMENTATION, "learn.microsoft.com, Windows, Naming Files, Paths, and Namespaces"
)
WRAPPED = Evidence(EvidenceKind.REPORT, "ameyer505/D365FOAdminToolkit issue 51")
XML_ENTITIES = Evidence(EvidenceKind.PROTECTION, "OWASP, XML External Entity Prevention")
ZIP = Evidence(EvidenceKind.SPECIFICATION, "PKWARE APPNOTE 6.3.10")
