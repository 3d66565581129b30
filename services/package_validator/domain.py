"""What the validator decides about a package: submitted, checked, valid or not, or not to be decided for now."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    MOST_FINDINGS,
    PackageCheckFailed,
    PackageRejected,
    PackageSnapshot,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
    Reason,
    SubmitPackage,
)
from shared.contracts.parts import ArtifactRef, Finding, PackageContents, Problem
from shared.contracts.scalars import project_of, sentence
from shared.kernel.decision import Decision, WorkEnded
from shared.kernel.outcomes import Rejected

FINDINGS_LIMIT = MOST_FINDINGS
"""Findings that an event carries, at most; the check on the user's machine shows all."""


class Package(BaseModel):
    """A package, under its name for good: another file needs another name."""

    model_config = ConfigDict(frozen=True)

    id: str
    status: PackageStatus
    artifact: ArtifactRef
    file_name: str
    contents: PackageContents | None = None
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None


class CheckInput(BaseModel):
    """The file to check."""

    package: str
    artifact: ArtifactRef


class Checked(BaseModel):
    """What the check found. `contents` is set if the package is valid; `problem` if nothing could be decided."""

    contents: PackageContents | None = None
    findings: tuple[Finding, ...] = ()
    problem: Problem | None = None


def submit(state: Package | None, message: Envelope[SubmitPackage], facts: None, now: datetime) -> Decision[Package]:
    """A file is to be checked under a name. The same file again is no new package, unless its check had failed."""
    command = message.data
    if state is not None and state.artifact.digest != command.artifact.digest:
        raise Rejected(
            Reason.NAME_TAKEN, f"{command.package} is another file, {state.artifact.digest}; choose another name"
        )
    if state is not None and state.status is not PackageStatus.CHECK_FAILED:
        return Decision(state, events=[_told(state)])
    package = Package(
        id=command.package,
        status=PackageStatus.CHECKING,
        artifact=command.artifact,
        file_name=command.file_name,
    )
    submitted = PackageSubmitted(
        package=command.package,
        project=project_of(command.package),
        artifact=command.artifact,
        file_name=command.file_name,
    )
    check = CheckInput(package=command.package, artifact=command.artifact)
    return Decision(package, events=[submitted], work={"check": check})


def checked(state: Package | None, ended: WorkEnded[Checked], facts: None, now: datetime) -> Decision[Package]:
    """The check has ended. A fault of ours is never told as a fault of the package."""
    if state is None:
        return Decision(state)
    result = ended.result
    if result is None:
        failure = ended.failure
        text = f"{failure.message} ({failure.attempts} attempts)" if failure else "it ended without a result"
        crashed = failure is not None and failure.kind == "crashed"
        result = Checked(problem=Problem(reason=Reason.CHECK_FAILED, message=sentence(text)))
        status = PackageStatus.QUARANTINED if crashed else PackageStatus.CHECK_FAILED
    elif result.problem:
        status = PackageStatus.CHECK_FAILED
    else:
        status = PackageStatus.VALID if result.contents else PackageStatus.INVALID
    after = state.model_copy(
        update={
            "status": status,
            "contents": result.contents,
            "findings": result.findings,
            "problem": result.problem,
        }
    )
    return Decision(after, events=[_told(after)])


def _told(package: Package) -> PackageSubmitted | PackageValidated | PackageRejected | PackageCheckFailed:
    """The event that says where a package stands."""
    project, artifact = project_of(package.id), package.artifact
    if package.problem:
        return PackageCheckFailed(package=package.id, project=project, artifact=artifact, problem=package.problem)
    if package.contents:
        return PackageValidated(
            package=package.id,
            project=project,
            artifact=artifact,
            contents=package.contents,
            warnings=package.findings,
        )
    if package.status is PackageStatus.INVALID:
        return PackageRejected(package=package.id, project=project, artifact=artifact, findings=package.findings)
    return PackageSubmitted(package=package.id, project=project, artifact=artifact, file_name=package.file_name)


def view(package: str, state: Package) -> PackageSnapshot:
    """The package as others see it."""
    return PackageSnapshot(
        package=package,
        project=project_of(package),
        status=state.status,
        artifact=state.artifact,
        file_name=state.file_name,
        contents=state.contents,
        findings=state.findings,
        problem=state.problem,
    )
