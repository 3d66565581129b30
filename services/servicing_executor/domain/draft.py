"""A decision about an environment in the making: the next state, and what follows from it, gathered step by step."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from services.servicing_executor.domain.state import Environment, Operation
from shared.contracts.message import Command, Event, Snapshot
from shared.contracts.servicing_executor import EnvironmentStatus, EnvironmentStatusChanged, StepRecord
from shared.kernel import Decision, Send


class Draft:
    """One environment while a single decision about it is made."""

    def __init__(self, state: Environment, now: datetime) -> None:
        self.id = state.id
        self.state = state
        self.now = now
        self.events: list[Event] = []
        self.commands: list[Command | Send] = []
        self.timers: dict[str, datetime | None] = {}
        self.work: dict[str, BaseModel | None] = {}
        self.snapshots: list[Snapshot] = []

    @property
    def operation(self) -> Operation:
        """The operation that holds the environment."""
        assert self.state.operation is not None
        return self.state.operation

    def change(self, **values: Any) -> None:
        """Set fields of the environment."""
        self.state = self.state.model_copy(update=values)

    def change_operation(self, **values: Any) -> None:
        """Set fields of the operation."""
        self.change(operation=self.operation.model_copy(update=values))

    def change_step(self, step: StepRecord, **values: Any) -> StepRecord:
        """Set fields of a step of the operation; the step as it is now."""
        changed = step.model_copy(update=values)
        self.change_operation(steps=tuple(changed if one is step else one for one in self.operation.steps))
        return changed

    def change_status(self, status: EnvironmentStatus) -> None:
        """Bring the environment into a status, and tell it."""
        if status is self.state.status:
            return
        self.events.append(
            EnvironmentStatusChanged(
                environment=self.id,
                project=self.state.project,
                previous=self.state.status,
                status=status,
                operation=self.state.operation.id if self.state.operation else None,
            )
        )
        self.change(status=status)

    def decision(self) -> Decision[Environment]:
        """What was decided."""
        return Decision(
            self.state,
            events=self.events,
            commands=self.commands,
            timers=self.timers,
            work=self.work,
            snapshots=self.snapshots,
        )
