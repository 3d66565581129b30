"""How the services of an environment are, from what its runtime reports; never judged while an operation holds it.

One that has ended by itself is to be started again (recovery.py): at once, then with growing pauses, and after some
times in a row no more, until a person does something.
"""

from datetime import datetime, timedelta

from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.state import Environment, Health, Operation
from services.servicing_executor.domain.views import health_view
from shared.contracts.envelope import Envelope
from shared.contracts.servicing_executor import (
    EnvironmentHealthChanged,
    EnvironmentStatus,
    HealthLevel,
    ReportServices,
    RestartableService,
    ServiceDown,
)
from shared.kernel import UNCHANGED, Decision

PAUSES = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 20, 60, 300))
"""How long after its last restart a service is started again, by how often it was in a row; behind them, never."""
STEADY = timedelta(minutes=10)
"""A service that ran so long after its last restart ends for a new reason: counting begins anew."""
TOLD_WITHIN = timedelta(seconds=5)
"""A change of the services is told by the runtime much sooner."""
TIMER = "recover"
_RESTARTABLE = frozenset(service.value for service in RestartableService)


def report_services(
    state: Environment, message: Envelope[ReportServices], facts: None, now: datetime
) -> Decision[Environment]:
    """What has ended by itself. While an operation holds the environment it is only remembered."""
    health = state.health or Health(level=HealthLevel.HEALTHY, since=now)
    known = {one.service: one for one in health.services}
    services = tuple(known.get(one.service, one) for one in message.data.down)
    if state.health is not None and services == health.services:
        return UNCHANGED
    new = [one.service for one in services if one.service not in known]
    restarts = tuple(one for one in health.restarts if one.service not in new or now - one.last < STEADY)
    change = EnvironmentChange(state, now)
    change.replace(health=health.replace(services=services, restarts=restarts))
    if state.operation is None:
        judge(change)
    return change


def look_after_operation(change: EnvironmentChange, ended: Operation) -> None:
    """No operation holds the environment any more: what was not judged meanwhile is judged soon.

    Not now where services are down: perhaps they were started a moment ago, and the runtime has not told yet.
    """
    health = change.state.health
    if health is None:
        return
    if not ended.recovers:
        change.replace(health=health.replace(restarts=()))
    if health.services:
        change.at(TIMER, change.now + TOLD_WITHIN)
    else:
        judge(change)


def judge(change: EnvironmentChange) -> None:
    """Say how the services are if that is news, and set the timer for what is to be started again."""
    state, now = change.state, change.now
    assert state.health is not None
    before = state.health
    due = next_restart(state, now)
    level = HealthLevel.HEALTHY
    if before.services:
        level = HealthLevel.RECOVERING if due else HealthLevel.DEGRADED
    if due:
        change.at(TIMER, max(due[1], now))
    else:
        change.cancel(TIMER)
    if level is before.level:
        return
    health = before.replace(level=level, since=now)
    change.replace(health=health)
    change.say(
        EnvironmentHealthChanged(
            environment=state.id,
            project=state.project,
            environment_kind=state.environment_kind,
            previous=before.level,
            health=health_view(health),
        )
    )


def next_restart(state: Environment, now: datetime) -> tuple[ServiceDown, datetime] | None:
    """The service that is started again next, and when; None where there is none, or nothing to start it from."""
    health = state.health
    if health is None or state.running is None or state.status is not EnvironmentStatus.DEPLOYED:
        return None
    last = {one.service: one.last for one in health.restarts}
    due = [
        (last.get(one.service, now) + PAUSES[times], one)
        for one in health.services
        if one.service in _RESTARTABLE and (times := times_restarted(health, one.service)) < len(PAUSES)
    ]
    if not due:
        return None
    moment, service = min(due, key=lambda one: one[0])
    return service, moment


def times_restarted(health: Health, service: str) -> int:
    return next((one.times for one in health.restarts if one.service == service), 0)
