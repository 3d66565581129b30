"""A decision about an environment in the making."""

from typing import Any

from services.servicing_executor.domain.state import Environment, Operation
from shared.contracts.servicing_executor import EnvironmentStatus, EnvironmentStatusChanged, StepRecord
from shared.kernel import DecisionBuilder


class EnvironmentChange(DecisionBuilder[Environment]):
    """A decision about an environment and the operation that holds it."""

    @property
    def operation(self) -> Operation:
        """The operation that holds the environment."""
        assert self.state.operation is not None
        return self.state.operation

    def move(self, status: EnvironmentStatus, **changes: Any) -> None:
        """Bring the environment into a status, and tell it."""
        previous = self.state.status
        super().move(status, **changes)
        if status is previous:
            return
        self.say(
            EnvironmentStatusChanged(
                environment=self.state.id,
                project=self.state.project,
                previous=previous,
                status=status,
                operation=self.state.operation.id if self.state.operation else None,
            )
        )

    def set_operation(self, operation: Operation) -> None:
        """Let the operation be this from now on."""
        self.replace(operation=operation)

    def set_step(self, step: StepRecord, changed: StepRecord) -> None:
        """Put a step in the place of what it was."""
        steps = tuple(changed if one is step else one for one in self.operation.steps)
        self.set_operation(self.operation.replace(steps=steps))
