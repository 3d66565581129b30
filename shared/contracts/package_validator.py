"""Messages of package-validator: packages are submitted, checked, and found valid or not."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.message import Command, Event, Snapshot
from shared.contracts.parts import ArtifactRef, Finding, PackageContents, Problem
from shared.contracts.scalars import PackageId, ProjectId

MOST_FINDINGS = 50
"""Findings that a message holds, errors first."""

Findings = Annotated[tuple[Finding, ...], Field(max_length=MOST_FINDINGS)]
FileName = Annotated[str, Field(min_length=1, max_length=255)]


class Reason(StrEnum):
    """Why a command is refused, or why a package could not be checked."""

    NAME_TAKEN = "NAME_TAKEN"
    """Another file was submitted under this name."""
    TOO_LARGE = "TOO_LARGE"
    """The file is larger than a package may be."""
    ARTIFACT_MISSING = "ARTIFACT_MISSING"
    """The artifact store does not have the file."""
    ARTIFACT_DAMAGED = "ARTIFACT_DAMAGED"
    """The file in the artifact store does not have its digest or size."""
    CHECK_FAILED = "CHECK_FAILED"
    """The check did not come to an end, by a fault of ours."""


class PackageStatus(StrEnum):
    """Where a package stands."""

    SUBMITTED = "submitted"
    CHECKING = "checking"
    VALID = "valid"
    INVALID = "invalid"
    CHECK_FAILED = "check-failed"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


class SubmitPackage(Command, key="package"):
    """Check a package whose file is in the artifact store. After `check-failed`, submit it again."""

    package: PackageId
    artifact: ArtifactRef
    file_name: FileName
    """Name that the file had where it came from."""


class PackageSubmitted(Event, key="package"):
    """A package waits for its check."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    file_name: FileName


class PackageValidated(Event, key="package"):
    """A package is valid and may be applied."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    contents: PackageContents
    warnings: Findings
    """At most the first 50."""


class PackageRejected(Event, key="package"):
    """A package breaks rules of its format and cannot be applied."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    findings: Findings
    """Errors first; at most 50."""


class PackageCheckFailed(Event, key="package"):
    """The check could not be done, by a fault of ours: this says nothing about the package."""

    package: PackageId
    project: ProjectId
    artifact: ArtifactRef
    problem: Problem


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
    """Set while the status is `check-failed`."""


MESSAGES = (
    SubmitPackage,
    PackageSubmitted,
    PackageValidated,
    PackageRejected,
    PackageCheckFailed,
    PackageSnapshot,
)
