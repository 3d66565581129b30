"""Messages of package-validator: packages are submitted, checked, and found valid or not."""

from pydantic import Field

from shared.contracts.message import Command, Event, Snapshot
from shared.contracts.package_validator.parts import FileName, Findings, Judged, TakenModule
from shared.contracts.package_validator.states import PackageStatus
from shared.contracts.parts import MOST_MODULES, ArtifactRef, PackageContents, Problem
from shared.contracts.scalars import Actor, Note, PackageId, ProjectId


class SubmitPackage(Command, key="package"):
    """Check a package whose file is in the artifact store. After `check-failed`, submit it again."""

    package: PackageId
    artifact: ArtifactRef
    file_name: FileName
    """Name that the file had where it came from."""


class RevalidatePackage(Command, key="package"):
    """Check a package again: rules or releases are others now, or it was quarantined.

    A verdict that it has stands until the new one is there, also if the check fails by a fault of ours.
    """

    package: PackageId


class MergePackages(Command, key="package"):
    """Make one package of several, and check it. They are merged in the order in which they are named."""

    package: PackageId
    """The package that is made."""
    sources: tuple[PackageId, ...] = Field(min_length=2, max_length=20)
    """Valid packages of the same project."""
    take: tuple[TakenModule, ...] = Field(default=(), max_length=MOST_MODULES)
    """Modules that several of them bring with different content, and which one each is taken from."""


class RetirePackage(Command, key="package"):
    """Offer a package no longer. Images that hold it, and its file, stay."""

    package: PackageId
    note: Note = ""


class PackageSubmitted(Event, key="package"):
    """A package waits for its check."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    file_name: FileName
    merged_from: tuple[PackageId, ...] = Field(default=(), max_length=20)
    standing: PackageStatus | None = None
    """The verdict, `valid` or `invalid`, that it has from an earlier check and keeps meanwhile; None: it has none."""


class PackageMergeFailed(Event, key="package"):
    """Packages were not merged; there is no package under this name."""

    package: PackageId
    project: ProjectId
    sources: tuple[PackageId, ...] = Field(max_length=20)
    problem: Problem
    """MERGE_REFUSED: they do not fit together; MERGE_FAILED: a fault of ours."""


class PackageValidated(Event, key="package"):
    """A package is valid and may be applied."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    contents: PackageContents
    warnings: Findings
    """At most the first 50."""
    judged: Judged | None = None


class PackageRejected(Event, key="package"):
    """A package breaks rules of its format and cannot be applied."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    findings: Findings
    """Errors first; at most 50."""
    judged: Judged | None = None


class PackageCheckFailed(Event, key="package"):
    """The check could not be done, by a fault of ours: this says nothing about the package."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    problem: Problem
    standing: PackageStatus | None = None
    """The verdict, `valid` or `invalid`, that it has from an earlier check and keeps; None: it has none."""


class PackageQuarantined(Event, key="package"):
    """The check of a package was cut off each time: it is set aside, and says nothing about the package."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    problem: Problem


class PackageRetired(Event, key="package"):
    """A package is offered no longer; what was built from it stays."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    note: Note
    actor: Actor | None


class PackageSnapshot(Snapshot, key="package"):
    """A package as it stands."""

    package: PackageId
    project: ProjectId
    status: PackageStatus
    artifact: ArtifactRef
    file_name: FileName
    contents: PackageContents | None
    """None unless the package is, or was, valid."""
    findings: Findings
    problem: Problem | None
    """Set while the status is `check-failed` or `quarantined`."""
    judged: Judged | None = None
    """None until a check has come to a verdict."""
    merged_from: tuple[PackageId, ...] = Field(default=(), max_length=20)


MESSAGES = (
    SubmitPackage,
    RevalidatePackage,
    MergePackages,
    RetirePackage,
    PackageSubmitted,
    PackageMergeFailed,
    PackageValidated,
    PackageRejected,
    PackageCheckFailed,
    PackageQuarantined,
    PackageRetired,
    PackageSnapshot,
)
