"""A service that has ended by itself is started again, as an operation that holds the environment like every other."""

from datetime import datetime

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.health import TIMER, judge, next_restart, times_restarted
from services.servicing_executor.domain.operations import start_operation
from services.servicing_executor.domain.state import Environment, Operation, Restarts
from shared.contracts.envelope import derived_id
from shared.contracts.servicing_executor import OperationKind, RestartableService
from shared.kernel import UNCHANGED, Decision, TimerDue

ACTOR = "servicing-executor"


def recover(state: Environment, timer: TimerDue, facts: None, now: datetime) -> Decision[Environment]:
    """It is time to start a service again, unless an operation holds the environment: its end sets the timer anew."""
    if state.operation is not None or state.health is None:
        return UNCHANGED
    change = EnvironmentChange(state, now)
    judge(change)
    due = next_restart(state, now)
    if due is None or due[1] > now:
        return change
    name, health = due[0].service, change.state.health
    assert health is not None
    counted = Restarts(service=name, times=times_restarted(health, name) + 1, last=now)
    others = tuple(one for one in health.restarts if one.service != name)
    change.replace(health=health.replace(restarts=(*others, counted)))
    change.cancel(TIMER)
    wanted = Operation(
        id=derived_id(state.id, TIMER, name, now.isoformat()),
        kind=OperationKind.RESTART_SERVICE,
        actor=ACTOR,
        accepted_at=now,
        service=RestartableService(name),
        recovers=True,
    )
    return start_operation(change, wanted)
