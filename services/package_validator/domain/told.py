"""How a package is told of to others."""

from services.package_validator.domain.state import Package
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSnapshot,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import ArtifactRef, Problem
from shared.contracts.scalars import project_of

Told = PackageSubmitted | PackageValidated | PackageRejected | PackageCheckFailed | PackageQuarantined | PackageRetired


def told(package: Package) -> Told:
    """The event that says where a package stands."""
    project, artifact = project_of(package.id), file_of(package)
    if package.retired:
        note, actor = package.retired.note, package.retired.actor
        return PackageRetired(package=package.id, project=project, artifact=artifact, note=note, actor=actor)
    if package.status is PackageStatus.QUARANTINED and package.problem:
        return PackageQuarantined(package=package.id, project=project, artifact=artifact, problem=package.problem)
    if package.problem:
        return check_failed(package, package.problem)
    if package.status is PackageStatus.VALID and package.contents:
        return PackageValidated(
            package=package.id,
            project=project,
            artifact=artifact,
            contents=package.contents,
            warnings=package.findings,
            judged=package.judged,
        )
    if package.status is PackageStatus.INVALID:
        return PackageRejected(
            package=package.id, project=project, artifact=artifact, findings=package.findings, judged=package.judged
        )
    return submitted(package)


def submitted(package: Package) -> PackageSubmitted:
    """It waits for its check, the first or another one."""
    return PackageSubmitted(
        package=package.id,
        project=project_of(package.id),
        artifact=file_of(package),
        file_name=package.file_name,
        merged_from=package.merged_from,
        standing=package.standing,
    )


def check_failed(package: Package, problem: Problem) -> PackageCheckFailed:
    """A check came to no verdict."""
    return PackageCheckFailed(
        package=package.id,
        project=project_of(package.id),
        artifact=file_of(package),
        problem=problem,
        standing=package.standing,
    )


def file_of(package: Package) -> ArtifactRef:
    """The package's file, which it has unless it is being merged."""
    if package.artifact is None:
        raise ValueError(f"{package.id} is being merged and has no file yet")
    return package.artifact


def view(package: str, state: Package) -> PackageSnapshot | None:
    """The package as others see it; None while it is being merged."""
    if state.artifact is None:
        return None
    return PackageSnapshot(
        package=package,
        project=project_of(package),
        status=state.status,
        artifact=state.artifact,
        file_name=state.file_name,
        contents=state.contents,
        findings=state.findings,
        problem=state.problem,
        judged=state.judged,
        merged_from=state.merged_from,
    )
