"""The events that say where a package stands."""

from services.package_validator.domain.state import DeployablePackage
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import Problem
from shared.contracts.scalars import project_of

Announcement = (
    PackageSubmitted | PackageValidated | PackageRejected | PackageCheckFailed | PackageQuarantined | PackageRetired
)


def announcement(package: DeployablePackage) -> Announcement:
    """The event that says where a package stands."""
    project, artifact = project_of(package.id), package.file
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


def submitted(package: DeployablePackage) -> PackageSubmitted:
    """It waits for its check, the first or another one."""
    return PackageSubmitted(
        package=package.id,
        project=project_of(package.id),
        artifact=package.file,
        file_name=package.file_name,
        merged_from=package.merged_from,
        standing=package.standing,
    )


def check_failed(package: DeployablePackage, problem: Problem) -> PackageCheckFailed:
    """A check came to no verdict."""
    return PackageCheckFailed(
        package=package.id,
        project=project_of(package.id),
        artifact=package.file,
        problem=problem,
        standing=package.standing,
    )
