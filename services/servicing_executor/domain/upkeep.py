"""Commands that keep the image and the extensions: restarts, maintenance mode."""

from datetime import datetime

from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.guards import check_free, known, running_update
from services.servicing_executor.domain.operations import start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import (
    DisableMaintenanceMode,
    EnableMaintenanceMode,
    EnvironmentStatus,
    OperationKind,
    Reason,
    RestartService,
)
from shared.kernel import Decision, Rejected


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
