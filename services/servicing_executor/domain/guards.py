"""What must hold before a command is taken. Each guard raises its refusal."""

from collections.abc import Sequence
from datetime import datetime

from services.servicing_executor.domain.known import KnownPackage, KnownRelease
from services.servicing_executor.domain.state import Environment, Operation
from shared.contracts.package_validator import PackageStatus
from shared.contracts.parts import (
    Extension,
    ImageContents,
    Module,
    ModuleChange,
    ModuleChanges,
    PackageContents,
    PackageKind,
    Update,
)
from shared.contracts.scalars import project_of, sentence
from shared.contracts.servicing_executor import (
    ApplyUpdate,
    EnvironmentStatus,
    OperationStatus,
    Reason,
)
from shared.formats import difference
from shared.formats.versions import version_numbers
from shared.kernel import NotYet, Rejected


def known(state: Environment | None, environment: str) -> Environment:
    """The environment. Raise NotYet if it was never registered."""
    if state is None:
        raise NotYet(f"there is no environment {environment}")
    return state


def check_free(state: Environment) -> None:
    """Refuse while an operation holds the environment."""
    operation = state.operation
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


def valid_package(
    name: str, project: str, package: KnownPackage | None, release: KnownRelease | None
) -> tuple[KnownPackage, PackageContents]:
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
    """Refuse a platform below the one that runs."""
    if package.kind is PackageKind.CUSTOMIZATION:
        return
    for what, has, brings in (
        ("platform", running.platform_version, package.platform_version),
        ("application", running.application_version, package.application_version),
    ):
        if brings and version_numbers(brings) < version_numbers(has):
            raise Rejected(Reason.LOWER_VERSION, f"the environment runs {what} {has}, the package brings {brings}")


def module_changes(running: ImageContents, package: PackageContents) -> ModuleChanges:
    """How the customization modules of a package differ from those that run; a platform package keeps them."""
    if package.kind is PackageKind.PLATFORM:
        return ModuleChanges(added=(), changed=(), missing=())
    return compare_modules(running.modules, package.modules, package.removed_modules)


def compare_modules(running: Sequence[Module], coming: Sequence[Module], removed: Sequence[str]) -> ModuleChanges:
    """What is added, changed, and missing without being removed."""
    found = difference.compare_modules(running, coming, removed)
    return ModuleChanges(
        added=found.added,
        changed=tuple(
            ModuleChange(name=one.after.name, running=one.before.version, package=one.after.version)
            for one in found.changed
        ),
        missing=found.missing,
    )


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


def base_to_check(
    country: str, running: ImageContents, base_version: str | None, extensions: Sequence[Extension]
) -> str | None:
    """The base that the extensions of the update must be checked against, if it brings another one."""
    if base_version is None or base_version == running.base_version or not extensions:
        return None
    return f"{base_version}/{country}"


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
