"""What must hold before a command is taken. Each guard raises its refusal."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.servicing_executor.domain.projections.built_images import ImageProjection
from services.servicing_executor.domain.projections.packages import ApplicablePackageProjection
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from services.servicing_executor.domain.projections.promotions import PromotionProjection
from services.servicing_executor.domain.projections.rollouts import RolloutProjection, RolloutStage
from services.servicing_executor.domain.state import Environment, Operation
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import (
    EnvironmentKind,
    Extension,
    ImageContents,
    ModuleChanges,
    PackageContents,
    PackageKind,
    Update,
)
from shared.contracts.promotion_scheduler import PromotionStatus
from shared.contracts.scalars import project_of, sentence
from shared.contracts.servicing_executor import (
    ApplyImage,
    ApplyRelease,
    ApplyUpdate,
    EnvironmentStatus,
    OperationStatus,
    Reason,
)
from shared.formats.versions import version_numbers
from shared.kernel import NotYet, Rejected

CLOCKS_APART = timedelta(seconds=5)
"""So far may the scheduler's clock be ahead of ours: a start that is no farther away is waited for."""


def check_free(state: Environment) -> None:
    """Refuse while an operation holds the environment; one that nobody has asked for is waited for first."""
    operation = state.operation
    if operation and operation.recovers:
        words = f"{operation.service} of {state.id} has ended by itself, and is just started again"
        raise NotYet(words, reason=Reason.OPERATION_RUNNING)
    if operation:
        raise Rejected(
            Reason.OPERATION_RUNNING,
            f"{operation.kind.value} {operation.id} runs on {state.id}; wait for its end",
            facts={"operation": operation.id, "operation_kind": operation.kind.value},
        )


def running_update(state: Environment) -> Update:
    """The update that runs. Raise Rejected if an operation runs, or nothing is deployed."""
    check_free(state)
    if state.status is EnvironmentStatus.IN_MAINTENANCE:
        raise Rejected(Reason.IN_MAINTENANCE, f"{state.id} is in maintenance mode; disable it first")
    if state.status is not EnvironmentStatus.DEPLOYED or state.running is None:
        raise Rejected(Reason.NOT_DEPLOYED, f"{state.id} is {state.status.value}")
    return state.running


def check_in_maintenance(state: Environment) -> None:
    """Refuse unless the environment is in maintenance mode, and free."""
    check_free(state)
    if state.status is not EnvironmentStatus.IN_MAINTENANCE:
        raise Rejected(Reason.NOT_IN_MAINTENANCE, f"{state.id} is not in maintenance mode")


def check_restartable(state: Environment) -> None:
    """Refuse while an operation runs, and where nothing is deployed; a failed restart may be followed by another."""
    check_free(state)
    if state.running is None or state.status not in (EnvironmentStatus.DEPLOYED, EnvironmentStatus.FAILED):
        raise Rejected(Reason.NOT_DEPLOYED, f"{state.id} is {state.status.value}")


def check_sandbox(state: Environment) -> None:
    """Refuse production, which takes promotions and releases only."""
    if state.environment_kind is EnvironmentKind.PRODUCTION:
        raise Rejected(
            Reason.PRODUCTION_NEEDS_PROMOTION,
            f"{state.id} is production: apply the package to a sandbox and promote the update",
        )


def check_production(state: Environment) -> None:
    """Refuse a sandbox."""
    if state.environment_kind is not EnvironmentKind.PRODUCTION:
        raise Rejected(Reason.NOT_PRODUCTION, f"{state.id} is a sandbox; promotions go to production")


def check_unregistered(state: Environment | None, environment: str) -> None:
    """Refuse an environment that there is, but for one whose provisioning has failed."""
    if state is not None and (state.operation or state.status is not EnvironmentStatus.FAILED or state.running):
        raise Rejected(Reason.ENVIRONMENT_EXISTS, f"{environment} is registered already")


def valid_package(
    name: str, project: str, package: ApplicablePackageProjection | None, release: PlatformReleaseProjection | None
) -> tuple[ApplicablePackageProjection, PackageContents]:
    """The package and what is in it. Raise NotYet before its verdict is known, Rejected if it may not be used.

    A release's package is everybody's, in whichever project it was uploaded.
    """
    if package is None:
        raise NotYet(f"package {name} is not known", waits_for=name)
    if package.status in (PackageStatus.SUBMITTED, PackageStatus.CHECKING):
        raise NotYet(f"package {name} is still being checked", waits_for=name, reason=Reason.PACKAGE_NOT_VALID)
    if release is None and project_of(name) != project:
        raise Rejected(Reason.OTHER_PROJECT, f"package {name} belongs to another project than {project}")
    if package.contents is None:
        raise Rejected(Reason.PACKAGE_NOT_VALID, f"package {name} is {package.words}")
    return package, package.contents


def check_name(state: Environment, name: str) -> None:
    """Refuse a name whose update has succeeded."""
    if name.casefold() in state.names:
        raise Rejected(Reason.UPDATE_NAME_TAKEN, f"an update {name!r} has succeeded in {state.id}; choose another name")


def check_versions(running: ImageContents, package: PackageContents) -> None:
    """Refuse a platform below the one that runs. The same one may be applied again: under another name, say."""
    if package.kind is PackageKind.CUSTOMIZATION:
        return
    for what, has, brings in (
        ("platform", running.platform_version, package.platform_version),
        ("application", running.application_version, package.application_version),
    ):
        if brings and version_numbers(brings) < version_numbers(has):
            raise Rejected(Reason.LOWER_VERSION, f"the environment runs {what} {has}, the package brings {brings}")


def check_acknowledged(command: ApplyUpdate, changes: ModuleChanges) -> None:
    """Refuse unless exactly the missing modules are acknowledged."""
    missing = {module.name.casefold() for module in changes.missing}
    acknowledged = {name.casefold() for name in command.acknowledge_missing_modules}
    if missing == acknowledged:
        return
    names = sorted(module.name for module in changes.missing)
    if names:
        text = f"the package lacks modules that run: {', '.join(names)}; acknowledge exactly these to drop them"
    else:
        text = "no module that runs is missing in the package; acknowledge none"
    raise Rejected(Reason.MODULES_MISSING, text, facts=changes.model_dump(mode="json"))


def check_in_time(not_after: datetime, now: datetime) -> None:
    """Refuse a command that is taken later than it may be."""
    if now > not_after:
        raise Rejected(Reason.START_MISSED, f"the start was to be no later than {not_after:%Y-%m-%d %H:%M} UTC")


def check_reached(start: datetime, now: datetime) -> None:
    """Refuse what comes before its announced start; wait where only the clocks disagree."""
    if start <= now:
        return
    text = f"its start is {start:%Y-%m-%d %H:%M:%S} UTC, and it is not begun before"
    if start - now <= CLOCKS_APART:
        raise NotYet(text, reason=Reason.START_NOT_REACHED)
    raise Rejected(Reason.START_NOT_REACHED, text, earliest=start)


def check_announced(
    state: Environment, command: ApplyImage, promotion: PromotionProjection | None, now: datetime
) -> str:
    """The promotion's sandbox. Refuse what is not exactly the promotion that was announced, open, and at its start.

    The command may have overtaken the announcement, hence NotYet for a promotion that is not known. One that was
    announced before this service took note of promotions stays unknown: it is refused, so that the scheduler cancels
    it, and has to be scheduled anew.
    """
    if promotion is None:
        raise NotYet(
            f"promotion-scheduler has announced no promotion {command.promotion}; schedule the candidate again",
            waits_for=command.promotion,
            reason=Reason.PROMOTION_UNKNOWN,
        )
    if promotion.environment != state.id:
        raise Rejected(
            Reason.OTHER_ENVIRONMENT,
            f"promotion {command.promotion} goes to {promotion.environment}; schedule one to {state.id}",
            facts={"environment": promotion.environment},
        )
    _check_open(state, command.promotion, promotion)
    if promotion.image != command.image:
        raise Rejected(
            Reason.OTHER_IMAGE,
            f"promotion {command.promotion} is of image {promotion.image}; cancel it and schedule another candidate",
            facts={"image": promotion.image},
        )
    if promotion.update_name != command.update_name:
        raise Rejected(
            Reason.OTHER_UPDATE_NAME,
            f"promotion {command.promotion} is of update {promotion.update_name!r}; an update keeps its name",
            facts={"update_name": promotion.update_name},
        )
    if promotion.start:
        check_reached(promotion.start, now)
    return promotion.sandbox


def _check_open(state: Environment, name: str, promotion: PromotionProjection) -> None:
    # Until the scheduler's word of it comes, only the environment itself knows that its promotion has begun.
    begun = state.promotion == name and promotion.status is PromotionStatus.SCHEDULED
    status = PromotionStatus.STARTED if begun else promotion.status
    if status is not PromotionStatus.SCHEDULED:
        raise Rejected(
            Reason.PROMOTION_NOT_OPEN,
            f"promotion {name} is {status.value}, and a promotion begins once; schedule the candidate again",
            facts={"status": status.value},
        )


def check_candidate(state: Environment, digest: str, image: ImageProjection | None, sandbox: str) -> ImageContents:
    """What is in an image that may be promoted. Raise NotYet before it is known, and known as a candidate.

    Refuse an image that dropped modules, or that no update of the sandbox has brought which is a candidate.
    """
    if image is None:
        raise NotYet(
            f"there is no image {digest}; apply a package to a sandbox to have one built",
            waits_for=digest,
            reason=Reason.IMAGE_UNKNOWN,
        )
    if dropped := image.contents.dropped:
        raise Rejected(
            Reason.NOT_PROMOTABLE,
            sentence(
                f"the image left out {', '.join(dropped)} without a removal file; apply a package that has these "
                "modules, or that names them in ModuleToRemove.txt, and promote that update"
            ),
            facts={"dropped": list(dropped)},
        )
    candidate = next((one for one in image.candidates if one.sandbox == sandbox), None)
    if candidate is None:
        raise NotYet(
            f"no update of {sandbox} with this image is a release candidate that was deployed there; mark the update "
            "and schedule it again",
            waits_for=digest,
            reason=Reason.NOT_A_CANDIDATE,
        )
    if candidate.project != state.project:
        raise Rejected(
            Reason.OTHER_PROJECT, f"{sandbox} belongs to {candidate.project}; promote an update of {state.project}"
        )
    if image.project not in (None, state.project):
        raise Rejected(Reason.OTHER_PROJECT, f"the image belongs to {image.project}")
    return image.contents


def check_not_below(state: Environment, running: Update, image: str, contents: ImageContents) -> None:
    """Refuse the image that runs already, and one whose application is below the one that runs."""
    if running.image == image:
        raise Rejected(Reason.SAME_IMAGE, f"{state.id} runs this image already")
    has, brings = running.contents.application_version, contents.application_version
    if version_numbers(brings) < version_numbers(has):
        raise Rejected(Reason.HIGHER_VERSION, f"{state.id} runs application {has}, the image has {brings}")


def check_rollout(state: Environment, command: ApplyRelease, rollout: RolloutProjection | None, now: datetime) -> None:
    """Refuse what is not the rollout that was announced, open, and at its start.

    A newer plan may still be on its way whatever the last one says: all but the start is waited for.
    """
    again = "it comes again by itself in a window that is announced"
    if rollout is None or rollout.package is None:
        raise NotYet(
            f"promotion-scheduler has announced no rollout to {state.id}; {again}, and a person applies the release's "
            "package to a sandbox",
            waits_for=state.id,
            reason=Reason.ROLLOUT_UNKNOWN,
        )
    if (rollout.release, rollout.package) != (command.release, command.package):
        raise NotYet(
            f"the rollout announced to {state.id} brings {rollout.package} of release {rollout.release}; {again}",
            waits_for=state.id,
            reason=Reason.OTHER_RELEASE,
        )
    if rollout.stage is not RolloutStage.PLANNED:
        raise NotYet(
            f"the rollout announced last to {state.id} is {rollout.stage.value}; {again}",
            waits_for=state.id,
            reason=Reason.ROLLOUT_NOT_OPEN,
        )
    if more := [app_id for app_id in command.remove_extensions if app_id not in rollout.remove_extensions]:
        raise NotYet(
            sentence(f"the rollout announced to {state.id} is without the removal of {', '.join(more)}; {again}"),
            waits_for=state.id,
            reason=Reason.OTHER_REMOVALS,
        )
    if rollout.start:
        check_reached(rollout.start, now)


def check_base_known(
    extensions: Sequence[Extension],
    running: ImageContents,
    platform_package: str,
    base_version: str | None,
    *,
    acknowledged: Sequence[str],
) -> None:
    """Raise NotYet while a new platform comes with no base: extensions cannot be checked against what nobody names.

    A release that is published brings the base. After the service's patience the update is refused, unless all
    extensions were acknowledged.
    """
    if base_version is not None or platform_package == running.platform_package:
        return
    unjudged = [one for one in extensions if one.app_id not in acknowledged]
    if unjudged:
        names = ", ".join(f"{one.name} ({one.app_id})" for one in unjudged)
        raise NotYet(
            sentence(
                f"no release names the base that comes with {platform_package}, so nobody can say whether these "
                f"work with it; publish the release, or acknowledge them: {names}"
            ),
            waits_for=platform_package,
            reason=Reason.EXTENSIONS_UNVERIFIABLE,
        )


def operation_of(state: Environment, operation: str) -> Operation:
    """The operation that holds the environment, if it is the one that is meant."""
    if state.operation is None or state.operation.id != operation:
        raise Rejected(Reason.UNKNOWN_OPERATION, f"no operation {operation} runs on {state.id}")
    return state.operation


def check_held(state: Environment, operation: str) -> None:
    """Refuse unless the operation waits for a person."""
    found = operation_of(state, operation)
    if found.status is not OperationStatus.HELD:
        raise Rejected(Reason.NOT_HELD, f"operation {operation} is {found.status.value}, not held")
