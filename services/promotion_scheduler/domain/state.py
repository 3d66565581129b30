"""A promotion: where it stands, where it can go from there, and how others see it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from shared.contracts.envelope import derived_id
from shared.contracts.parts import Downtime, Problem, Update
from shared.contracts.promotion_scheduler import PromotionSnapshot, PromotionStatus
from shared.kernel import State

TRANSITIONS: Mapping[PromotionStatus, frozenset[PromotionStatus]] = MappingProxyType(
    {
        PromotionStatus.CHECKING: frozenset({PromotionStatus.SCHEDULED, PromotionStatus.REFUSED}),
        PromotionStatus.SCHEDULED: frozenset({PromotionStatus.STARTING, PromotionStatus.CANCELLED}),
        PromotionStatus.STARTING: frozenset({PromotionStatus.STARTED, PromotionStatus.CANCELLED}),
        PromotionStatus.STARTED: frozenset({PromotionStatus.COMPLETED, PromotionStatus.FAILED}),
        PromotionStatus.COMPLETED: frozenset(),
        PromotionStatus.FAILED: frozenset(),
        PromotionStatus.CANCELLED: frozenset(),
        PromotionStatus.REFUSED: frozenset(),
    }
)
"""Where a promotion can go from each status. It begins as `checking` or `scheduled`; the last four are its ends."""


ANSWER_GRACE = timedelta(minutes=30)
"""How long the executor's answer to a start is waited for, counted from the last moment at which it may begin."""

SENTENCE_LENGTH = 500
"""Characters that a `Sentence` holds at most; what others say may be longer."""


def problem(reason: str, message: str) -> Problem:
    """Why something does not go on; a message that is too long is cut."""
    return Problem(reason=reason, message=message[:SENTENCE_LENGTH])


class Check(State):
    """What production's extensions are checked for."""

    set_version: int
    base: str


class Promotion(State):
    """The promotion of a production environment: the open one, or else the one that ended last."""

    id: str
    """`<environment>/<id of the command that scheduled it>`."""
    environment: str
    project: str
    sandbox: str
    update: Update
    start: datetime
    acknowledged: tuple[str, ...]
    """Extensions that may stay although they cannot be judged."""
    actor: str | None
    status: PromotionStatus
    check: Check | None = None
    """The check whose answer counts. A newer one takes its place when the extensions change."""
    downtime: Downtime | None = None
    """None until it is scheduled."""
    not_after: datetime | None = None
    """When the executor must have begun it."""
    operation: str | None = None
    problem: Problem | None = None

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return bool(TRANSITIONS[self.status])

    @property
    def check_command(self) -> str | None:
        """The id of the command that asks for the check."""
        return derived_id(self.id, "check", str(self.check.set_version), self.check.base) if self.check else None

    @property
    def apply_command(self) -> str:
        """The id of the command that starts it."""
        return derived_id(self.id, "apply")


def promotion_view(state: Promotion) -> PromotionSnapshot:
    """The promotion as others see it."""
    return PromotionSnapshot(
        promotion=state.id,
        environment=state.environment,
        project=state.project,
        sandbox=state.sandbox,
        update=state.update,
        status=state.status,
        downtime=state.downtime,
        operation=state.operation,
        problem=state.problem,
        actor=state.actor,
    )
