"""Restarting one service of an environment."""

from datetime import datetime

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.guards import check_restartable
from services.servicing_executor.domain.operations import new_operation, start_operation
from services.servicing_executor.domain.state import Environment
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import OperationKind, RestartService
from shared.kernel import Decision


def restart_service(
    state: Environment, message: Envelope[RestartService], facts: None, now: datetime
) -> Decision[Environment]:
    """One service is stopped and started; also where a restart before has failed."""
    check_restartable(state)
    wanted = new_operation(message, OperationKind.RESTART_SERVICE, now).replace(service=message.data.service)
    return start_operation(EnvironmentChange(state, now), wanted)
