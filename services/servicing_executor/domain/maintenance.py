"""Maintenance mode: while it is on, only administrators are let in, and nothing but its end is done."""

from datetime import datetime

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.guards import check_in_maintenance, running_update
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import DisableMaintenanceMode, EnableMaintenanceMode, OperationKind
from shared.kernel import Decision


def enable_maintenance_mode(
    state: Environment, message: Envelope[EnableMaintenanceMode], facts: None, now: datetime
) -> Decision[Environment]:
    """Only administrators are let in."""
    running_update(state)
    return start_operation(EnvironmentChange(state, now), new_operation(message, OperationKind.ENABLE_MAINTENANCE, now))


def disable_maintenance_mode(
    state: Environment, message: Envelope[DisableMaintenanceMode], facts: None, now: datetime
) -> Decision[Environment]:
    """Everybody is let in again."""
    check_in_maintenance(state)
    return start_operation(
        EnvironmentChange(state, now), new_operation(message, OperationKind.DISABLE_MAINTENANCE, now)
    )
