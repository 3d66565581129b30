"""Packages as others see them."""

from services.package_validator.domain.state import DeployablePackage
from shared.contracts.package_validator import PackageSnapshot
from shared.contracts.scalars import project_of


def package_view(package: str, state: DeployablePackage) -> PackageSnapshot | None:
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
