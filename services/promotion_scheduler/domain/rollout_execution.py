"""What becomes of a planned rollout: it starts in its window, or not; and then what the executor says."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.projections import (
    BaseReleaseProjection,
    ServicedEnvironmentProjection,
    UpdateProjection,
)
from services.promotion_scheduler.domain.rollout_change import RolloutChange
from services.promotion_scheduler.domain.rollout_planning import BaseReleaseFacts, RolloutPlanning
from services.promotion_scheduler.domain.state import BUSY, Rollout
from services.promotion_scheduler.domain.window import Window, next_window, window_days_after
from shared.contracts import servicing_executor
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.parts import Problem, Update
from shared.contracts.promotion_scheduler import Reason, RolloutStatus
from shared.contracts.scalars import update_id
from shared.contracts.servicing_executor import (
    ApplyRelease,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
)
from shared.formats.versions import version_numbers
from shared.kernel import UNCHANGED, Decision, KernelReason, TimerDue

DAYS_UNTIL_RETRY = 7
"""After a failure (regime of the seed and of the vendor's mechanics: retried seven days later)."""

_Executor = servicing_executor.Reason

WAITS_FOR_CHECKER = frozenset(
    {
        _Executor.EXTENSION_SET_CHANGED,
        _Executor.EXTENSIONS_INCOMPATIBLE,
        _Executor.EXTENSION_NEEDED,
        _Executor.EXTENSION_NOT_INSTALLED,
    }
)
"""The set is another than the one that was judged, or does not fit without more removals: the checker says what is to
be removed now, and the rollout is planned again by that."""

NEXT_WINDOW = frozenset(
    {
        _Executor.OPERATION_RUNNING,
        _Executor.IN_MAINTENANCE,
        _Executor.START_MISSED,
        _Executor.START_NOT_REACHED,
        _Executor.CHECK_FAILED,
        _Executor.UPDATE_NAME_TAKEN,
        _Executor.NOT_A_RELEASE,
        KernelReason.UNKNOWN,
        KernelReason.NOT_PROCESSED,
    }
)
"""What passes, or what the executor will have learned by then."""

NOT_ANNOUNCED = frozenset(
    {
        _Executor.ROLLOUT_UNKNOWN,
        _Executor.ROLLOUT_NOT_OPEN,
        _Executor.OTHER_RELEASE,
        _Executor.OTHER_REMOVALS,
    }
)
"""The executor has not heard of the plan as it is, though that was told: it is told anew, for the next window."""

OVER = frozenset({_Executor.SAME_IMAGE, _Executor.HIGHER_VERSION, _Executor.LOWER_VERSION})
"""The environment is not behind the release."""


@dataclass(frozen=True)
class RolloutStartFacts:
    """The environment, and an update of it that may have the rollout's name."""

    environment: ServicedEnvironmentProjection | None
    update: UpdateProjection | None


def update_meant(state: Rollout | None) -> str | None:
    """The id of the update that the rollout makes, by its first name."""
    return update_id(state.environment, _name(state)) if state and state.release else None


def is_behind(running: Update, release: BaseReleaseProjection) -> bool:
    """Whether an environment that runs this is behind the release: only then does it get it."""
    contents = running.contents
    has = (version_numbers(contents.application_version), version_numbers(contents.platform_version))
    return has < (version_numbers(release.application_version), version_numbers(release.platform_version))


def start(state: Rollout, timer: TimerDue, facts: RolloutStartFacts, now: datetime) -> Decision[Rollout]:
    """The window has opened. What can be seen from here is judged here; for all else the executor decides."""
    if state.start is None or state.end is None or state.release is None:
        return UNCHANGED
    if state.status in {*BUSY, RolloutStatus.SUCCEEDED} or now < state.start:
        return UNCHANGED
    change = RolloutChange(state, now)
    running = facts.environment.running if facts.environment else None
    if now >= state.end:
        why = f"the window closed at {state.end:%Y-%m-%d %H:%M} UTC, before the update could start"
        change.skipped(Problem.of(Reason.WINDOW_MISSED, why), next_window(state.window, now))
    elif not state.judged_together:
        why = "the extensions have changed since they were judged; when they were judged again, it is planned again"
        change.skipped(Problem.of(_Executor.EXTENSION_SET_CHANGED, why), None)
    elif running and not is_behind(running, state.release):
        why = f"{state.environment} runs application {running.contents.application_version} already"
        change.given_up(Problem.of(_Executor.HIGHER_VERSION, why))
    else:
        taken = state.name_taken or bool(facts.update and facts.update.outcome is Outcome.SUCCEEDED)
        change.starting(f"{_name(state)} ({state.start:%Y-%m-%d})" if taken else _name(state))
    return change


def start_unanswered(state: Rollout, timer: TimerDue, facts: None, now: datetime) -> Decision[Rollout]:
    """The executor has not said whether he began, and would not begin any more: it is tried in the next window."""
    if state.status is not RolloutStatus.STARTING:
        return UNCHANGED
    change = RolloutChange(state, now)
    why = "servicing-executor did not say whether it began"
    change.skipped(Problem.of(Reason.NOT_ANSWERED, why), next_window(state.window, now))
    return change


def rolled_out_environment(told: OperationAccepted | OperationFinished) -> str | None:
    """The environment that an operation brings to a release; None: it does something else."""
    return told.environment if told.operation_kind is OperationKind.ROLL_OUT else None


def operation_accepted(
    state: Rollout, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[Rollout]:
    """The executor has begun."""
    accepted = message.data
    if state.status is not RolloutStatus.STARTING or accepted.operation != state.apply_command:
        return UNCHANGED
    change = RolloutChange(state, now)
    change.started(accepted.operation)
    return change


def refused_rollout(rejected: CommandRejected) -> str | None:
    """The environment whose rollout the executor refuses to start; None: it refuses something else."""
    return rejected.command_key if rejected.command_type == ApplyRelease.type else None


@dataclass(frozen=True)
class RolloutExecution:
    """What follows from the executor's answers, planned as an installation has set it."""

    planning: RolloutPlanning

    def operation_finished(
        self, state: Rollout, message: Envelope[OperationFinished], facts: BaseReleaseFacts, now: datetime
    ) -> Decision[Rollout]:
        """The executor has ended."""
        finished = message.data
        if state.status not in BUSY or finished.operation != state.apply_command:
            return UNCHANGED
        change = RolloutChange(state, now)
        if state.status is RolloutStatus.STARTING:
            # The word that it has begun became a dead letter; what has ended has begun.
            change.started(finished.operation)
        if finished.outcome is Outcome.SUCCEEDED:
            change.succeeded(finished.operation)
            self._go_on(change, state, facts)
            return change
        unknown = Problem.of(Reason.OPERATION_FAILED, f"its operation ended as {finished.outcome.value}")
        why = finished.problem or unknown
        again = None if why.reason in WAITS_FOR_CHECKER else _in_seven_days(state, now)
        change.failed(finished.operation, why, again)
        self._go_on(change, state, facts)
        return change

    def start_refused(
        self, state: Rollout, message: Envelope[CommandRejected], facts: BaseReleaseFacts, now: datetime
    ) -> Decision[Rollout]:
        """The executor's guards, under its lock, spoke against the start."""
        rejected = message.data
        if state.status is not RolloutStatus.STARTING or rejected.command_id != state.apply_command:
            return UNCHANGED
        change = RolloutChange(state, now)
        change.replace(name_taken=state.name_taken or rejected.reason == _Executor.UPDATE_NAME_TAKEN)
        why = Problem.of(rejected.reason, rejected.message)
        if rejected.reason in OVER:
            change.given_up(why)
        elif rejected.reason in WAITS_FOR_CHECKER:
            change.skipped(why, None)
        elif rejected.reason in NOT_ANNOUNCED:
            change.skipped(why, None)
            self.planning.plan(change, facts)
        elif rejected.reason in NEXT_WINDOW:
            change.skipped(why, next_window(state.window, now))
        else:
            change.skipped(why, _in_seven_days(state, now))
        self._go_on(change, state, facts)
        return change

    def _go_on(self, change: RolloutChange, sent: Rollout, facts: BaseReleaseFacts) -> None:
        """What was learned while the executor had it counts now: other things to remove are planned, or none."""
        rollout = change.state
        news = rollout.removals != () and (
            rollout.wanted != sent.planned
            or rollout.wanted_at != sent.set_version
            or rollout.target[0].base != sent.base
        )
        if news or (rollout.start is not None and not rollout.removals):
            self.planning.plan(change, facts)


def _name(state: Rollout) -> str:
    assert state.release
    return f"Release {state.release.version}"


def _in_seven_days(state: Rollout, now: datetime) -> Window:
    assert state.start
    return window_days_after(state.window, state.start, DAYS_UNTIL_RETRY, now)
