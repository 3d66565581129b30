"""What the API tells of an operation, a command and a dead letter, put together from what the projection knows."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from services.console.projection import Answer, Projection
from shared.contracts.common import DeadLetter
from shared.contracts.parts import Problem
from shared.contracts.promotion_scheduler import PromotionCheckStarted, PromotionRefused
from shared.contracts.servicing_executor import OperationKind, OperationStatus, Outcome, SignOff, StepRecord


class OperationView(BaseModel):
    """An operation from its command to its entry in the history."""

    operation: str
    status: Literal["pending", "refused"] | OperationStatus
    """`pending`: its command is sent and not yet answered; `refused`: it never came to be."""
    environment: str | None = None
    operation_kind: OperationKind | None = None
    update_name: str | None = None
    package: str | None = None
    promotion: str | None = None
    actor: str | None = None
    accepted_at: datetime | None = None
    finished_at: datetime | None = None
    deadline: datetime | None = None
    outcome: Outcome | None = None
    steps: tuple[StepRecord, ...] = ()
    problem: Problem | None = None
    sign_off: SignOff | None = None
    has_log: bool = False


class CausedEvent(BaseModel):
    """An event that a command has caused."""

    id: str
    type: str
    time: datetime
    data: dict[str, Any]


class CommandRefusal(BaseModel):
    """Why a command was refused."""

    reason: str
    message: str
    facts: dict[str, Any]
    earliest: datetime | None


class CommandView(BaseModel):
    """What came of a command."""

    id: str
    status: Literal["pending", "answered", "refused"]
    """`pending`: sent, and the last word is not said: a check that it opened may run."""
    refusal: CommandRefusal | None
    events: list[CausedEvent]
    """The first events that it caused. What ends a check that it opened is among them."""


class DeadLetterView(BaseModel):
    """A dead letter without its record, and how often it was redriven as far as is remembered."""

    letter_id: str
    service: str
    topic: str
    partition: int
    offset: int
    record_time: datetime
    dead_since: datetime
    reason: str
    message: str
    attempts: int
    message_id: str | None
    message_type: str | None
    redriven: int
    redriven_by: str | None


def operation_view(projection: Projection, id_: str) -> OperationView | None:
    """The operation, wherever it stands; None if nothing is known of it."""
    if ended := projection.ended_operation(id_):
        return OperationView(
            **_shared(ended),
            status=OperationStatus.FINISHED,
            environment=ended.environment,
            finished_at=ended.finished_at,
            outcome=ended.outcome,
            sign_off=ended.sign_off,
            has_log=ended.log is not None,
        )
    if running := projection.running_operation(id_):
        environment, operation = running
        return OperationView(
            **_shared(operation),
            status=operation.status,
            environment=environment,
            deadline=operation.deadline,
            has_log=True,
        )
    answer = projection.answer(id_)
    if answer is None:
        return None
    if refusal := answer.refusal:
        return OperationView(
            operation=id_, status="refused", problem=Problem(reason=refusal.reason, message=refusal.message)
        )
    return OperationView(operation=id_, status="pending")


def command_view(projection: Projection, id_: str) -> CommandView | None:
    """What came of a command; None if nothing is remembered of it."""
    answer = projection.answer(id_)
    if answer is None:
        return None
    refusal = _refusal(answer)
    return CommandView(
        id=id_,
        status="refused" if refusal else "answered" if answer.ended else "pending",
        refusal=refusal,
        events=[
            CausedEvent(id=one.id, type=one.data.type, time=one.time, data=one.data.model_dump(mode="json"))
            for one in answer.events
        ],
    )


def _refusal(answer: Answer) -> CommandRefusal | None:
    """Why a command was refused: at once, or after a check that it had opened."""
    if told := answer.refusal:
        return CommandRefusal(reason=told.reason, message=told.message, facts=told.facts, earliest=told.earliest)
    opened = {one.data.promotion for one in answer.events if isinstance(one.data, PromotionCheckStarted)}
    for event in (one.data for one in answer.events):
        if isinstance(event, PromotionRefused) and event.promotion in opened:
            return CommandRefusal(reason=event.problem.reason, message=event.problem.message, facts={}, earliest=None)
    return None


def dead_letter_view(projection: Projection, letter: DeadLetter) -> DeadLetterView:
    """The letter for a list."""
    redriven = projection.redriven(letter.letter_id)
    return DeadLetterView(
        **{name: getattr(letter, name) for name in DeadLetterView.model_fields if name in DeadLetter.model_fields},
        redriven=redriven.times if redriven else 0,
        redriven_by=redriven.actor if redriven else None,
    )


_SHARED = (
    "operation",
    "operation_kind",
    "update_name",
    "package",
    "promotion",
    "actor",
    "accepted_at",
    "steps",
    "problem",
)


def _shared(operation: BaseModel) -> dict[str, Any]:
    return {name: getattr(operation, name) for name in _SHARED}
