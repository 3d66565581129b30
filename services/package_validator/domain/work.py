"""What the steps are given, and what they come back with."""

from pydantic import BaseModel

from services.package_validator.domain.releases import KnownRelease
from shared.contracts.parts import ArtifactRef, Finding, PackageContents, Problem

ATTEMPTS = 4
"""How often a check or a merge is tried before it has failed."""
CRASHES = 3
"""How often a package may bring the process down that checks it, before it is set aside."""


class CheckInput(BaseModel):
    """The file to check, and the releases that it may be held against."""

    package: str
    artifact: ArtifactRef
    releases: tuple[KnownRelease, ...] = ()


class Checked(BaseModel):
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
    release: KnownRelease | None = None


class Crashes(BaseModel):
    """How often the process that checks a package ended in the middle: kept from one attempt to the next."""

    times: int


class MergeSource(BaseModel):
    """A package to merge."""

    package: str
    artifact: ArtifactRef


class MergeInput(BaseModel):
    """The packages to merge, in their order."""

    package: str
    sources: tuple[MergeSource, ...]


class Merged(BaseModel):
    """The merged file, or the problem."""

    artifact: ArtifactRef | None = None
    problem: Problem | None = None
