"""Refusals: what must hold before something is decided. Each raises NotYet for what may still come, or Rejected."""

from datetime import datetime, timedelta

from services.promotion_scheduler.domain.projections import (
    ReleasePackageProjection,
    ServicedEnvironmentProjection,
    UpdateProjection,
)
from services.promotion_scheduler.domain.state import Candidate, Promotion, PublishedRelease
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import EnvironmentKind, PackageContents, PackageKind, Update
from shared.contracts.promotion_scheduler import (
    CancelPromotion,
    MarkCandidate,
    PromotionStatus,
    PublishRelease,
    Reason,
    SchedulePromotion,
)
from shared.contracts.scalars import update_id
from shared.formats.versions import version_numbers
from shared.kernel import NotYet, Rejected

START_GRACE = timedelta(seconds=30)
"""A start is `now` until it is older than this: the command travelled, and may have waited for its candidate."""

LATEST_START = timedelta(days=366)
"""So far ahead may a promotion be scheduled."""


# -- environments


def existing_environment(name: str, environment: ServicedEnvironmentProjection | None) -> ServicedEnvironmentProjection:
    """The environment that is named."""
    if environment is None:
        raise NotYet(f"there is no environment {name}", waits_for=name)
    return environment


def environment_of_kind(
    name: str, environment: ServicedEnvironmentProjection | None, kind: EnvironmentKind, reason: Reason
) -> ServicedEnvironmentProjection:
    """The environment that is named, if it is of the kind. Raise Rejected with `reason` otherwise."""
    found = existing_environment(name, environment)
    if found.kind is not kind:
        raise Rejected(reason, f"{name} is a {found.kind.value} environment, not {kind.value}")
    return found


def running_update(name: str, environment: ServicedEnvironmentProjection) -> Update:
    """What an environment runs."""
    if environment.running is None:
        raise NotYet(f"{name} runs nothing yet", waits_for=name, reason=Reason.NOT_PROVISIONED)
    return environment.running


# -- candidates


def check_is_sandbox(command: MarkCandidate, environment: ServicedEnvironmentProjection) -> None:
    """Only what a sandbox runs may be marked."""
    if environment.kind is not EnvironmentKind.SANDBOX:
        raise Rejected(
            Reason.NOT_SANDBOX, f"{command.environment} is production; mark an update of a sandbox of its project"
        )


def succeeded_update(command: MarkCandidate, attempt: UpdateProjection | None) -> Update:
    """The update that is to be marked, which must have succeeded."""
    name = f"{command.update_name!r} of {command.environment}"
    waits_for = update_id(command.environment, command.update_name)
    if attempt is None:
        raise NotYet(f"there is no update {name}", waits_for=waits_for)
    if attempt.outcome is None:
        raise NotYet(
            f"update {name} is being applied by operation {attempt.operation}; mark it when that has succeeded",
            waits_for=waits_for,
            reason=Reason.UPDATE_NOT_SUCCEEDED,
        )
    if attempt.update is None:
        raise Rejected(
            Reason.UPDATE_NOT_SUCCEEDED,
            f"operation {attempt.operation}, which was to apply update {name}, ended as {attempt.outcome.value}",
            facts={"operation": attempt.operation, "outcome": attempt.outcome.value},
        )
    return attempt.update


# -- promotions


def check_none_is_open(promotion: Promotion | None, start: datetime, now: datetime) -> None:
    """Another promotion of the environment must have ended.

    Where its downtime is known, and the start that is wanted now is not before the end of that, the same command is
    accepted from then on.
    """
    if promotion is None or not promotion.open:
        return
    end = promotion.downtime.end if promotion.downtime else None
    raise Rejected(
        Reason.PROMOTION_OPEN,
        f"promotion {promotion.id} of {promotion.update.name!r} is {promotion.status.value}; "
        "cancel it or wait for its end",
        facts={"promotion": promotion.id, "status": promotion.status.value},
        earliest=end if end and now < end <= start else None,
    )


def check_start(start: datetime, now: datetime) -> None:
    """A promotion starts now or later, but not too late."""
    told = f"{start:%Y-%m-%d %H:%M:%S} UTC"
    if start < now - START_GRACE:
        raise Rejected(Reason.START_IN_PAST, f"{told} has passed; the earliest start is now")
    if start > now + LATEST_START:
        raise Rejected(
            Reason.START_TOO_FAR,
            f"{told} is more than {LATEST_START.days} days ahead; choose an earlier one",
            earliest=start - LATEST_START,
        )


def check_one_project(
    command: SchedulePromotion, production: ServicedEnvironmentProjection, sandbox: ServicedEnvironmentProjection
) -> None:
    """Both environments belong to one project."""
    if production.project != sandbox.project:
        raise Rejected(
            Reason.OTHER_PROJECT,
            f"{command.environment} belongs to {production.project}, {command.sandbox} to {sandbox.project}",
        )


def marked_candidate(command: SchedulePromotion, candidate: Candidate | None) -> Candidate:
    """The candidate that is to be promoted."""
    if candidate is None:
        raise NotYet(
            f"update {command.update_name!r} of {command.sandbox} is not marked as release candidate",
            waits_for=update_id(command.sandbox, command.update_name),
            reason=Reason.NOT_A_CANDIDATE,
        )
    return candidate


def check_image(coming: Update, running: Update) -> None:
    """An image goes to production only whole, and not below what runs there."""
    dropped = coming.contents.dropped
    if dropped:
        raise Rejected(
            Reason.NOT_PROMOTABLE,
            f"the image left out {', '.join(dropped)} without a removal file; "
            "apply a package that has these modules, or that names them in ModuleToRemove.txt",
            facts={"dropped": list(dropped)},
        )
    has, brings = running.contents.application_version, coming.contents.application_version
    if version_numbers(brings) < version_numbers(has):
        raise Rejected(
            Reason.LOWER_VERSION,
            f"production runs application {has}, the candidate has {brings}",
            facts={"running": has, "candidate": brings},
        )


def open_promotion(promotion: Promotion | None, command: CancelPromotion) -> Promotion:
    """The promotion that is to be cancelled, which must be open."""
    if promotion is None or not promotion.open or command.promotion not in (None, promotion.id):
        which = f"promotion {command.promotion}" if command.promotion else f"a promotion of {command.environment}"
        raise Rejected(Reason.NO_OPEN_PROMOTION, f"{which} is not open")
    return promotion


def check_not_started(promotion: Promotion) -> None:
    """Once it was handed to the executor, a promotion is his."""
    if promotion.status in (PromotionStatus.STARTING, PromotionStatus.STARTED):
        raise Rejected(
            Reason.STARTED_ALREADY,
            f"promotion {promotion.id} is {promotion.status.value}; cancel its operation",
            facts={"promotion": promotion.id, "operation": promotion.operation},
        )


# -- releases


def check_same_release(release: PublishedRelease | None, command: PublishRelease) -> None:
    """A release cannot become another one."""
    if release and (release.package, release.base_version) != (command.package, command.base_version):
        raise Rejected(
            Reason.RELEASE_EXISTS,
            f"release {command.version} is {release.package} with base {release.base_version or 'none'}",
            facts={"package": release.package, "base_version": release.base_version},
        )


def platform_contents(name: str, package: ReleasePackageProjection | None) -> PackageContents:
    """What the package of a release contains, which must be a valid platform package."""
    if package is None:
        raise NotYet(f"package {name} is not known", waits_for=name)
    if package.status is PackageStatus.CHECKING:
        raise NotYet(f"package {name} is still being checked", waits_for=name, reason=Reason.PACKAGE_NOT_VALID)
    if package.status is not PackageStatus.VALID or package.contents is None:
        raise Rejected(Reason.PACKAGE_NOT_VALID, f"package {name} is {package.words}")
    if package.contents.kind is not PackageKind.PLATFORM:
        raise Rejected(
            Reason.PACKAGE_NOT_PLATFORM,
            f"package {name} is a {package.contents.kind.value} package; a release is a platform package",
        )
    return package.contents


def stated_versions(name: str, contents: PackageContents) -> tuple[str, str]:
    """Platform and application version of a package, which must state them."""
    if contents.platform_version is None or contents.application_version is None:
        raise Rejected(
            Reason.VERSIONS_NOT_STATED, f"package {name} does not state its platform and application version"
        )
    return contents.platform_version, contents.application_version
