"""The story of rollouts: extensions of Contoso's production have to go, and production gets the next release."""

from datetime import UTC, datetime, timedelta

from services.promotion_scheduler.domain import rollout_execution
from services.promotion_scheduler.domain.projections import (
    BaseReleaseProjection,
    ServicedEnvironmentProjection,
    UpdateProjection,
)
from services.promotion_scheduler.domain.rollout_execution import RolloutExecution, RolloutStartFacts
from services.promotion_scheduler.domain.rollout_planning import BaseReleaseFacts, RolloutPlanning
from services.promotion_scheduler.domain.state import Rollout
from shared.contracts.common import CommandRejected
from shared.contracts.extension_compatibility_checker import (
    RemediationDates,
    RemediationEnded,
    RemediationEnding,
    RemovalDue,
)
from shared.contracts.parts import ExtensionName, Problem
from shared.contracts.servicing_executor import (
    ApplyRelease,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
)
from shared.kernel import Decision, Send, TimerDue
from tests.unit.promotion_scheduler.story import NOW, PRODUCTION, accepted, envelope, finished, production

LABELS, FREIGHT, SCALES = (f"00000000-0000-0000-0000-00000000000{digit}" for digit in "123")
"""Freight is needed by Labels."""

BASE = "27.0.38460.0"
RELEASE = BaseReleaseProjection(
    base_version=BASE,
    version="27.0",
    package="contoso/release-27.0",
    platform_version="27.0.1.0",
    application_version="27.0.38460.0",
)
NEXT_RELEASE = RELEASE.model_copy(update={"base_version": "28.0.1.0", "version": "28.0", "application_version": "28.0"})
OPENS, CLOSES = datetime(2026, 11, 21, 20, 0, tzinfo=UTC), datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
LOOK = timedelta(minutes=5)

PLANNING = RolloutPlanning(LOOK)
EXECUTION = RolloutExecution(PLANNING)
RELEASES = BaseReleaseFacts((RELEASE, NEXT_RELEASE))
NO_RELEASE = BaseReleaseFacts((None,))


def named(app_id: str) -> ExtensionName:
    """An extension of this id."""
    return ExtensionName(app_id=app_id, name=f"Extension {app_id[-1]}", publisher="Contoso Ltd.", version="1.0")


def due(
    app_id: str = FREIGHT,
    *dependents: str,
    set_version: int = 3,
    base: str = f"{BASE}/DE",
    environment: str = PRODUCTION,
    project: str = "contoso",
) -> RemovalDue:
    """An extension's time is over."""
    return RemovalDue(
        environment=environment,
        project=project,
        extension=named(app_id),
        base=base,
        target_major=int(base.partition(".")[0]),
        dates=RemediationDates(detected_at=NOW - 91 * DAY, first_notified_at=NOW - 90 * DAY, removal_due_at=NOW),
        set_version=set_version,
        dependents=tuple(named(one) for one in dependents),
    )


def ended(
    app_id: str = FREIGHT,
    ending: RemediationEnding = RemediationEnding.FIXED,
    *,
    base: str = f"{BASE}/DE",
    environment: str = PRODUCTION,
    project: str = "contoso",
) -> RemediationEnded:
    """It need not be removed."""
    return RemediationEnded(
        environment=environment,
        project=project,
        extension=named(app_id),
        base=base,
        target_major=int(base.partition(".")[0]),
        dates=RemediationDates(detected_at=NOW - 91 * DAY, first_notified_at=NOW - 90 * DAY, removal_due_at=NOW),
        ending=ending,
    )


def take(
    state: Rollout | None,
    event: RemovalDue | RemediationEnded,
    *,
    sequence: int = 1,
    facts: BaseReleaseFacts = RELEASES,
    now: datetime = NOW,
) -> Decision[Rollout]:
    """What is decided on a word of the checker."""
    if isinstance(event, RemovalDue):
        return PLANNING.removal_due(state, envelope(event, sequence=sequence), facts, now)
    return PLANNING.remediation_ended(state, envelope(event, sequence=sequence), facts, now)


def after(*events: RemovalDue | RemediationEnded, facts: BaseReleaseFacts = RELEASES) -> Rollout:
    """The rollout after these words of the checker."""
    state: Rollout | None = None
    for sequence, event in enumerate(events, 1):
        state = take(state, event, sequence=sequence, facts=facts).state_after(state)
    assert state
    return state


def behind(
    known: ServicedEnvironmentProjection | None = None, update: UpdateProjection | None = None
) -> RolloutStartFacts:
    """What is known at the start: production runs an older application unless told otherwise."""
    return RolloutStartFacts(known or production(), update)


def open_window(
    state: Rollout, *, now: datetime | None = None, facts: RolloutStartFacts | None = None
) -> Decision[Rollout]:
    """The timer of the start fires, at its time unless told otherwise."""
    assert state.start
    timer = TimerDue("start", "", state.start)
    return rollout_execution.start(state, timer, facts or behind(), now or state.start)


def starting(*events: RemovalDue | RemediationEnded) -> Rollout:
    """A rollout that was handed to the executor."""
    return state_of(open_window(after(*(events or (due(),)))))


def started(*events: RemovalDue | RemediationEnded) -> Rollout:
    """A rollout whose operation runs."""
    state = starting(*events)
    return state_of(rollout_execution.operation_accepted(state, envelope(begun(state)), None, OPENS))


def begun(state: Rollout) -> OperationAccepted:
    """The executor has begun it."""
    return accepted(OperationKind.ROLL_OUT, operation=state.apply_command or "none", name="Release 27.0")


def over(state: Rollout, outcome: Outcome = Outcome.SUCCEEDED, reason: str | None = None) -> OperationFinished:
    """The executor has ended it."""
    problem = Problem(reason=reason, message="in words") if reason else None
    told = finished(outcome, OperationKind.ROLL_OUT, name="Release 27.0", problem=problem)
    return told.model_copy(update={"operation": state.apply_command or "none"})


def refusal(state: Rollout, reason: str) -> CommandRejected:
    """The executor refuses to start it."""
    assert state.apply_command
    return CommandRejected(
        command_key=PRODUCTION,
        command_id=state.apply_command,
        command_type=ApplyRelease.type,
        reason=reason,
        message="in words",
    )


def sent(decision: Decision[Rollout]) -> tuple[str, ApplyRelease]:
    """The one command of a decision, and its id."""
    [send] = decision.commands
    assert isinstance(send, Send)
    assert isinstance(send.command, ApplyRelease)
    assert send.id
    return send.id, send.command


def state_of(decision: Decision[Rollout]) -> Rollout:
    """The rollout after a decision."""
    assert decision.state
    return decision.state
