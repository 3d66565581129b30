"""Commands that keep the image: restarts, maintenance mode, extensions."""

from datetime import datetime

from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.guards import check_free, known, running_update, version_numbers
from services.servicing_executor.domain.operations import start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.parts import Dependency, Extension
from shared.contracts.servicing_executor import (
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    EnvironmentStatus,
    InstallExtension,
    OperationKind,
    Reason,
    RestartService,
    UninstallExtension,
)
from shared.kernel.decision import Decision
from shared.kernel.outcomes import Rejected

EXTENSIONS_LIMIT = 200


def restart_service(
    state: Environment | None, message: Envelope[RestartService], facts: None, now: datetime
) -> Decision[Environment]:
    """One service is stopped and started; also where a restart before has failed."""
    state = known(state, message.data.environment)
    check_free(state)
    if state.running is None or state.status not in (EnvironmentStatus.DEPLOYED, EnvironmentStatus.FAILED):
        raise Rejected(Reason.NOT_DEPLOYED, f"{state.id} is {state.status}")
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.RESTART_SERVICE, service=message.data.service)
    return draft.decision()


def enable_maintenance(
    state: Environment | None, message: Envelope[EnableMaintenanceMode], facts: None, now: datetime
) -> Decision[Environment]:
    """Only administrators are let in."""
    state = known(state, message.data.environment)
    running_update(state)
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.ENABLE_MAINTENANCE)
    return draft.decision()


def disable_maintenance(
    state: Environment | None, message: Envelope[DisableMaintenanceMode], facts: None, now: datetime
) -> Decision[Environment]:
    """Everybody is let in again."""
    state = known(state, message.data.environment)
    if state.operation is not None or state.status is not EnvironmentStatus.IN_MAINTENANCE:
        if state.operation is not None:
            check_free(state)
        raise Rejected(Reason.NOT_IN_MAINTENANCE, f"{state.id} is not in maintenance mode")
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.DISABLE_MAINTENANCE)
    return draft.decision()


def install_extension(
    state: Environment | None, message: Envelope[InstallExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """An extension, or a higher version of one, joins the set."""
    extension = message.data.extension
    state = known(state, message.data.environment)
    running_update(state)
    installed = {one.app_id: one for one in state.extensions}
    old = installed.get(extension.app_id)
    if old and version_numbers(old.version) >= version_numbers(extension.version):
        raise Rejected(Reason.EXTENSION_NOT_NEWER, f"{old.name} is installed in version {old.version}")
    if old is None and len(installed) >= EXTENSIONS_LIMIT:
        raise Rejected(Reason.TOO_MANY_EXTENSIONS, f"{state.id} holds {EXTENSIONS_LIMIT} extensions, the most it may")
    lacking = [
        f"{need.app_id} {need.minimum_version}"
        for need in extension.dependencies
        if not _satisfied(need, installed.get(need.app_id))
    ]
    if lacking:
        raise Rejected(
            Reason.EXTENSION_DEPENDENCY_MISSING,
            f"{extension.name} needs extensions that are not installed, or too old: {', '.join(lacking)}",
            facts={"missing": lacking},
        )
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.INSTALL_EXTENSION, extension=extension)
    return draft.decision()


def uninstall_extension(
    state: Environment | None, message: Envelope[UninstallExtension], facts: None, now: datetime
) -> Decision[Environment]:
    """An extension leaves the set; none may depend on it."""
    app_id = message.data.app_id
    state = known(state, message.data.environment)
    running_update(state)
    if app_id not in {one.app_id for one in state.extensions}:
        raise Rejected(Reason.EXTENSION_NOT_INSTALLED, f"{state.id} has no extension {app_id}")
    dependents = [one.name for one in state.extensions if app_id in {need.app_id for need in one.dependencies}]
    if dependents:
        raise Rejected(
            Reason.EXTENSION_NEEDED,
            f"uninstall first what depends on it: {', '.join(dependents)}",
            facts={"dependents": dependents},
        )
    draft = Draft(state, now)
    start_operation(draft, message, OperationKind.UNINSTALL_EXTENSION, app_id=app_id)
    return draft.decision()


def _satisfied(need: Dependency, installed: Extension | None) -> bool:
    return installed is not None and version_numbers(installed.version) >= version_numbers(need.minimum_version)
