"""SetUpdateWindow: the hours in which an environment may be updated without being asked."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.guards import existing_environment
from services.promotion_scheduler.domain.projections import ServicedEnvironmentProjection
from services.promotion_scheduler.domain.rollout_change import RolloutChange
from services.promotion_scheduler.domain.state import BUSY, Rollout
from services.promotion_scheduler.domain.window import checked, window_days_after
from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import RolloutStatus, SetUpdateWindow, UpdateWindowSet


@dataclass(frozen=True)
class WindowFacts:
    """The environment that the window is for."""

    environment: ServicedEnvironmentProjection | None


def set_window(
    state: Rollout | None, message: Envelope[SetUpdateWindow], facts: WindowFacts, now: datetime
) -> RolloutChange:
    """Updates start in other hours from now on. What waits for its start moves to the new hours of that day, or, if
    they have begun, of the next.
    """
    command = message.data
    window = checked(command.window)
    environment = existing_environment(command.environment, facts.environment)
    change = RolloutChange(state or Rollout(environment=command.environment), now)
    change.replace(window=window, project=environment.project)
    change.say(UpdateWindowSet(environment=command.environment, window=window))
    rollout = change.state
    if rollout.status in {*BUSY, RolloutStatus.SUCCEEDED}:
        return change
    if rollout.start and rollout.base and rollout.release:
        moved = window_days_after(window, rollout.start, 0, now)
        if moved != (rollout.start, rollout.end):
            change.planned(rollout.base, rollout.release, moved)
    return change
