"""What an operation waits for has come: the end of a step's work, another service's answer, or the end of patience."""

from datetime import datetime

from services.servicing_executor.domain.advance import coming_extensions, fail_step, succeed_step
from services.servicing_executor.domain.environment_change import EnvironmentChange
from services.servicing_executor.domain.extension_sets import names
from services.servicing_executor.domain.plans import ANSWER_WITHIN, StepName
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.work import StepDone
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, derived_id
from shared.contracts.extension_compatibility_checker import CompatibilityChecked
from shared.contracts.image_builder import ImageBuildFailed, ImageBuilt
from shared.contracts.parts import Problem, Verdict
from shared.contracts.servicing_executor import Reason, StepRecord, StepStatus
from shared.kernel import UNCHANGED, Decision, TimerDue, WorkEnded

_UP = frozenset({StepName.START_SERVICES, StepName.START_AGAIN})


def step_ended(state: Environment, ended: WorkEnded[StepDone], facts: None, now: datetime) -> Decision[Environment]:
    """A step that the executor does itself has ended."""
    operation, _, name = ended.argument.rpartition("/")
    step = _running_step(state, operation, name)
    if step is None:
        return UNCHANGED
    change = EnvironmentChange(state, now)
    done = ended.result
    if done is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        fail_step(change, step, Problem.of(Reason.STEP_FAILED, message))
        return change
    if done.log:
        change.set_operation(change.operation.replace(logs=(*change.operation.logs, done.log)))
    if done.failed is not None:
        fail_step(change, step, Problem.of(Reason.STEP_FAILED, done.failed))
        return change
    if done.snapshot:
        change.set_operation(change.operation.replace(snapshot=done.snapshot, hold=done.hold))
    if name in _UP:
        change.set_operation(change.operation.replace(started_at=now))
    succeed_step(change, step)
    return change


def image_built(state: Environment, message: Envelope[ImageBuilt], facts: None, now: datetime) -> Decision[Environment]:
    """The image that an operation waits for is there."""
    built = message.data
    step = _running_step(state, built.operation, StepName.BUILD_IMAGE)
    if step is None:
        return UNCHANGED
    change = _answered(state, step, now)
    change.set_operation(change.operation.replace(image=built.image, contents=built.contents))
    succeed_step(change, step)
    return change


def image_build_failed(
    state: Environment, message: Envelope[ImageBuildFailed], facts: None, now: datetime
) -> Decision[Environment]:
    """There will be no image for an operation."""
    failed = message.data
    step = _running_step(state, failed.operation, StepName.BUILD_IMAGE)
    if step is None:
        return UNCHANGED
    change = _answered(state, step, now)
    fail_step(change, step, Problem.of(Reason.BUILD_FAILED, failed.problem.message))
    return change


def compatibility_checked(
    state: Environment, message: Envelope[CompatibilityChecked], facts: None, now: datetime
) -> Decision[Environment]:
    """The extensions were judged; only an answer for this version of the set and the base that comes counts."""
    checked = message.data
    step = _running_step(state, checked.operation, StepName.CHECK_EXTENSIONS)
    if step is None or checked.set_version != state.set_version:
        return UNCHANGED
    change = _answered(state, step, now)
    if checked.base != change.operation.base:
        return UNCHANGED
    problem = _objection(change, checked)
    if problem:
        fail_step(change, step, problem)
    else:
        succeed_step(change, step)
    return change


def _objection(change: EnvironmentChange, checked: CompatibilityChecked) -> Problem | None:
    """Why the update may not go on, if it may not.

    One version of the set is asked about with and without extensions that are to be removed, and with staged versions
    or without: what is said of others than those that will be there does not count, and all of these must be judged.
    """
    coming = {(one.app_id, one.version): one for one in coming_extensions(change)}
    judged = {(one.app_id, one.version): one for one in checked.extensions}
    named = {
        verdict: [one for key, one in judged.items() if key in coming and one.verdict is verdict] for verdict in Verdict
    }
    if broken := named[Verdict.INCOMPATIBLE]:
        first = "; ".join(f"{one.name} {one.version}: {one.summary}" for one in broken)
        return Problem.of(
            Reason.EXTENSIONS_INCOMPATIBLE,
            f"{len(broken)} extension(s) do not work with base {checked.base}: {first}",
        )
    if checked.verdict is Verdict.CHECK_FAILED or named[Verdict.CHECK_FAILED]:
        return Problem.of(Reason.CHECK_FAILED, f"the extensions could not be checked against {checked.base}; try later")
    if forgotten := [one for key, one in coming.items() if key not in judged]:
        return Problem.of(
            Reason.CHECK_FAILED, f"the check against {checked.base} did not judge {names(forgotten)}; try later"
        )
    acknowledged = set(change.operation.acknowledged_extensions)
    open_ = [one for one in named[Verdict.UNVERIFIABLE] if one.app_id not in acknowledged]
    if not open_:
        return None
    listed = ", ".join(f"{one.name} ({one.app_id})" for one in open_)
    return Problem.of(
        Reason.EXTENSIONS_UNVERIFIABLE, f"cannot be judged against {checked.base}; acknowledge to go on: {listed}"
    )


def question_refused(
    state: Environment, message: Envelope[CommandRejected], facts: None, now: datetime
) -> Decision[Environment]:
    """Another service will not do a step that it was asked to do."""
    refused = message.data
    step = state.operation.step if state.operation else None
    if state.operation is None or step is None or step.status is not StepStatus.RUNNING:
        return UNCHANGED
    if refused.command_id != derived_id(state.operation.id, step.name):
        return UNCHANGED
    change = _answered(state, step, now)
    fail_step(change, step, Problem.of(_no_answer(step.name), f"{refused.reason}: {refused.message}"))
    return change


def answer_overdue(state: Environment, timer: TimerDue, facts: None, now: datetime) -> Decision[Environment]:
    """Another service did not answer in time."""
    operation, _, name = timer.argument.rpartition("/")
    step = _running_step(state, operation, name)
    if step is None:
        return UNCHANGED
    change = EnvironmentChange(state, now)
    fail_step(change, step, Problem.of(_no_answer(name), f"no answer within {ANSWER_WITHIN[StepName(name)]}"))
    return change


def _answered(state: Environment, step: StepRecord, now: datetime) -> EnvironmentChange:
    """The answer that a step waits for is there: its patience need not end."""
    change = EnvironmentChange(state, now)
    change.cancel(f"answer:{change.operation.id}/{step.name}")
    return change


def _no_answer(step: str) -> Reason:
    """Why an operation fails whose question was not answered."""
    return Reason.CHECK_FAILED if step == StepName.CHECK_EXTENSIONS else Reason.BUILD_FAILED


def _running_step(state: Environment, operation: str | None, name: str) -> StepRecord | None:
    """The step, if it is the one that the environment's operation is at; else what is told of it is out of date."""
    if state.operation is None or state.operation.id != operation:
        return None
    step = state.operation.step
    return step if step and step.name == name and step.status is StepStatus.RUNNING else None
