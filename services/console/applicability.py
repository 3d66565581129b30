"""Which packages and releases fit an environment, for people who choose one; who decides is the servicing-executor."""

from collections.abc import Iterable

from shared.contracts.message import Part
from shared.contracts.package_validator import PackageSnapshot, PackageStatus
from shared.contracts.parts import EnvironmentKind, PackageContents, PackageKind, Update
from shared.contracts.promotion_scheduler import ReleaseSnapshot
from shared.contracts.scalars import EnvironmentId, PackageId, ProjectId, Version
from shared.contracts.servicing_executor import EnvironmentSnapshot, EnvironmentStatus
from shared.formats.difference import compare_modules
from shared.formats.versions import is_lower, version_numbers

GONE = (PackageStatus.RETIRED, PackageStatus.QUARANTINED)
"""Packages that stand so are offered to nobody."""
_WORDS = {
    PackageStatus.SUBMITTED: "waits for its check",
    PackageStatus.CHECKING: "is being checked",
    PackageStatus.INVALID: "is invalid",
    PackageStatus.CHECK_FAILED: "could not be checked",
    PackageStatus.QUARANTINED: "is set aside: its check was cut off each time",
    PackageStatus.RETIRED: "was retired",
}


class ListedPackage(PackageSnapshot):
    """A package beside an environment: why it cannot be applied there, and what there is to know if it can."""

    why_not: str | None = None
    """None: it can be applied."""
    remark: str = ""


def listed(package: PackageSnapshot, environment: EnvironmentSnapshot) -> ListedPackage:
    """Hold a package against an environment. Whether the environment is free just now is not looked at."""
    why_not = _obstacle(package, environment)
    running = environment.running
    remark = _remark(package, running) if why_not is None and running else ""
    return ListedPackage(**{**dict(package), "why_not": why_not, "remark": remark})


def _obstacle(package: PackageSnapshot, environment: EnvironmentSnapshot) -> str | None:
    if package.project != environment.project:
        return f"belongs to project {package.project}"
    if package.status is not PackageStatus.VALID or package.contents is None:
        return _WORDS.get(package.status, f"is {package.status.value}")
    if environment.environment_kind is EnvironmentKind.PRODUCTION:
        return "production takes promotions only: apply it to a sandbox"
    if environment.running is None:
        return f"{environment.environment} runs nothing yet"
    running, contents = environment.running.contents, package.contents
    if contents.kind is PackageKind.CUSTOMIZATION:
        if contents.platform_version and is_lower(running.platform_version, contents.platform_version):
            return f"built for platform {contents.platform_version}, which is higher than {running.platform_version}"
        return None
    for what, has, brings in (
        ("application", running.application_version, contents.application_version),
        ("platform", running.platform_version, contents.platform_version),
    ):
        if brings and is_lower(brings, has):
            return f"{what} {brings} is lower than {has}"
    return None


def _remark(package: PackageSnapshot, running: Update) -> str:
    runs = {running.contents.platform_package, running.contents.customization_package}
    if package.package in runs:
        return "runs now"
    missing = _missing(package.contents, running) if package.contents else []
    return f"lacks {', '.join(missing)}: acknowledge to drop" if missing else ""


def _missing(contents: PackageContents, running: Update) -> list[str]:
    """The customization modules that run and that the package neither has nor removes."""
    if contents.kind is PackageKind.PLATFORM:
        return []
    changes = compare_modules(running.contents.modules, contents.modules, contents.removed_modules)
    return sorted(one.name for one in changes.missing)


def busy(environment: EnvironmentSnapshot) -> str | None:
    """Why nothing at all can be applied to an environment just now; None: it is free."""
    if environment.operation:
        operation = environment.operation
        return f"{operation.operation_kind.value} {operation.operation} runs on {environment.environment}"
    if environment.running and environment.status is not EnvironmentStatus.DEPLOYED:
        return f"{environment.environment} is {environment.status.value}"
    return None


class AvailableRelease(Part):
    """The one release that an environment is behind, beside what it runs."""

    environment: EnvironmentId
    project: ProjectId
    application_version: Version
    """What the environment runs."""
    platform_version: Version
    base_version: Version | None
    current: bool
    """Whether it is behind no release."""
    release: ReleaseSnapshot | None
    packages: tuple[PackageId, ...]
    """Packages of the project that are the release's file: it has them already."""


def available_release(
    environment: EnvironmentSnapshot,
    running: Update,
    releases: Iterable[ReleaseSnapshot],
    packages: Iterable[PackageSnapshot],
) -> AvailableRelease:
    """What an environment could be brought to. `running` is what it runs; `packages` are all there are."""
    release = newest_release(running, releases)
    known = list(packages)
    file = next((one.artifact.digest for one in known if release and one.package == release.package), None)
    has = [one for one in known if one.project == environment.project and one.artifact.digest == file]
    return AvailableRelease(
        environment=environment.environment,
        project=environment.project,
        application_version=running.contents.application_version,
        platform_version=running.contents.platform_version,
        base_version=running.contents.base_version,
        current=release is None,
        release=release,
        packages=tuple(sorted(one.package for one in has if one.status not in GONE)),
    )


def newest_release(running: Update, releases: Iterable[ReleaseSnapshot]) -> ReleaseSnapshot | None:
    """The one release to bring an environment to: the newest with a higher application version than runs, or None.

    A release whose platform is lower than the one that runs is none: its package would be refused.
    """
    contents = running.contents
    ahead = [
        one
        for one in releases
        if is_lower(contents.application_version, one.application_version)
        and not is_lower(one.platform_version, contents.platform_version)
    ]
    return max(ahead, key=release_order, default=None)


def release_order(release: ReleaseSnapshot) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Sorts releases from the oldest to the newest: by application, platform, and their own version."""
    return (
        version_numbers(release.application_version),
        version_numbers(release.platform_version),
        version_numbers(release.version),
    )
