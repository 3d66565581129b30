"""What the steps are given, and what they come back with."""

from services.package_validator.domain.projections import CheckableRelease
from shared.contracts.package_validator import TakenModule
from shared.contracts.parts import ArtifactRef, Finding, PackageContents, Problem
from shared.kernel import State

ATTEMPTS = 4
"""How often a check or a merge is tried before it has failed."""
CRASHES = 3
"""How often a package may bring the process down that checks it, before it is set aside."""


class PackageCheckInput(State):
    """The file to check, and the releases that it may be held against."""

    package: str
    artifact: ArtifactRef
    releases: tuple[CheckableRelease, ...] = ()


class Checked(State):
    """What the check found. With a `problem` nothing could be decided, and the rest says nothing.

    `contents` is set if the package is valid. `crashed`: the package brought the check down each time.
    """

    contents: PackageContents | None = None
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None
    crashed: bool = False
    report: ArtifactRef | None = None
    errors: int = 0
    warnings: int = 0
    rules: str = ""
    platform_version: str | None = None
    release: CheckableRelease | None = None


class Crashes(State):
    """How often the process that checks a package ended in the middle: kept from one attempt to the next."""

    times: int


class MergeSource(State):
    """A package to merge."""

    package: str
    artifact: ArtifactRef


class MergeInput(State):
    """The packages to merge, in their order."""

    package: str
    sources: tuple[MergeSource, ...]
    take: tuple[TakenModule, ...] = ()


class Merged(State):
    """The merged file, or the problem."""

    artifact: ArtifactRef | None = None
    problem: Problem | None = None
