"""What an operation waits for has come: the end of a step's work, another service's answer, or the end of patience."""

from datetime import datetime

from services.servicing_executor.domain.advance import coming_extensions, fail_step, start_rollback, succeed_step
from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.extension_sets import names
from services.servicing_executor.domain.plans import ANSWER_WITHIN, StepName
from services.servicing_executor.domain.state import Environment
from services.servicing_executor.domain.work import StepDone
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope, derived_id
from shared.contracts.extension_compatibility_checker import CompatibilityChecked
from shared.contracts.image_builder import ImageBuildFailed, ImageBuilt
from shared.contracts.parts import Problem, Verdict
from shared.contracts.scalars import sentence
from shared.contracts.servicing_executor import OperationStatus, Reason, StepRecord, StepStatus
from shared.kernel import Decision, TimerDue, WorkEnded

_UP = frozenset({StepName.START_SERVICES, StepName.START_AGAIN})


def step_ended(
    state: Environment | None, ended: WorkEnded[StepDone], facts: None, now: datetime
) -> Decision[Environment]:
    """A step that the executor does itself has ended."""
    operation, _, name = ended.argument.rpartition("/")
    step = _running_step(state, operation, name)
    if state is None or step is None:
        return Decision(state)
    draft = Draft(state, now)
    done = ended.result
    if done is None:
        message = ended.failure.message if ended.failure else "it ended without a result"
        fail_step(draft, step, Problem(reason=Reason.STEP_FAILED, message=sentence(message)))
        return draft.decision()
    draft.change_operation(logs=(*draft.operation.logs, done.log))
    if done.failed is not None:
        fail_step(draft, step, Problem(reason=Reason.STEP_FAILED, message=sentence(done.failed)))
        return draft.decision()
    if done.snapshot:
        draft.change_operation(snapshot=done.snapshot, hold=done.hold)
    if name in _UP:
        draft.change_operation(started_at=now)
    succeed_step(draft, step)
    return draft.decision()


def image_built(
    state: Environment | None, message: Envelope[ImageBuilt], facts: None, now: datetime
) -> Decision[Environment]:
    """The image that an operation waits for is there."""
    built = message.data
    step = _running_step(state, built.operation, StepName.BUILD_IMAGE)
    if state is None or step is None:
        return Decision(state)
    draft = Draft(state, now)
    draft.timers[f"answer:{built.operation}/{StepName.BUILD_IMAGE}"] = None
    draft.change_operation(image=built.image, contents=built.contents)
    succeed_step(draft, step)
    return draft.decision()


def image_build_failed(
    state: Environment | None, message: Envelope[ImageBuildFailed], facts: None, now: datetime
) -> Decision[Environment]:
    """There will be no image for an operation."""
    failed = message.data
    step = _running_step(state, failed.operation, StepName.BUILD_IMAGE)
    if state is None or step is None:
        return Decision(state)
    draft = Draft(state, now)
    draft.timers[f"answer:{failed.operation}/{StepName.BUILD_IMAGE}"] = None
    fail_step(draft, step, Problem(reason=Reason.BUILD_FAILED, message=failed.problem.message))
    return draft.decision()


def compatibility_checked(
    state: Environment | None, message: Envelope[CompatibilityChecked], facts: None, now: datetime
) -> Decision[Environment]:
    """The extensions were judged; only an answer for this version of the set and the base that comes counts."""
    checked = message.data
    step = _running_step(state, checked.operation, StepName.CHECK_EXTENSIONS)
    if state is None or step is None or checked.set_version != state.set_version:
        return Decision(state)
    draft = Draft(state, now)
    if checked.base != draft.operation.base:
        return Decision(state)
    draft.timers[f"answer:{checked.operation}/{StepName.CHECK_EXTENSIONS}"] = None
    problem = _objection(draft, checked)
    if problem:
        fail_step(draft, step, problem)
    else:
        succeed_step(draft, step)
    return draft.decision()


def _objection(draft: Draft, checked: CompatibilityChecked) -> Problem | None:
    """Why the update may not go on, if it may not.

    One version of the set is asked about with and without extensions that are to be removed, and with staged versions
    or without: what is said of others than those that will be there does not count, and all of these must be judged.
    """
    coming = {(one.app_id, one.version): one for one in coming_extensions(draft)}
    judged = {(one.app_id, one.version): one for one in checked.extensions}
    named = {
        verdict: [one for key, one in judged.items() if key in coming and one.verdict is verdict] for verdict in Verdict
    }
    if broken := named[Verdict.INCOMPATIBLE]:
        first = "; ".join(f"{one.name} {one.version}: {one.summary}" for one in broken)
        return Problem(
            reason=Reason.EXTENSIONS_INCOMPATIBLE,
            message=sentence(f"{len(broken)} extension(s) do not work with base {checked.base}: {first}"),
        )
    if checked.verdict is Verdict.CHECK_FAILED or named[Verdict.CHECK_FAILED]:
        return Problem(
            reason=Reason.CHECK_FAILED, message=f"the extensions could not be checked against {checked.base}; try later"
        )
    if forgotten := [one for key, one in coming.items() if key not in judged]:
        return Problem(
            reason=Reason.CHECK_FAILED,
            message=sentence(f"the check against {checked.base} did not judge {names(forgotten)}; try later"),
        )
    acknowledged = set(draft.operation.acknowledged_extensions)
    open_ = [one for one in named[Verdict.UNVERIFIABLE] if one.app_id not in acknowledged]
    if not open_:
        return None
    listed = ", ".join(f"{one.name} ({one.app_id})" for one in open_)
    return Problem(
        reason=Reason.EXTENSIONS_UNVERIFIABLE,
        message=sentence(f"cannot be judged against {checked.base}; acknowledge to go on: {listed}"),
    )


def question_refused(
    state: Environment | None, message: Envelope[CommandRejected], facts: None, now: datetime
) -> Decision[Environment]:
    """Another service will not do a step that it was asked to do."""
    refused = message.data
    step = state.operation.step if state and state.operation else None
    if state is None or state.operation is None or step is None or step.status is not StepStatus.RUNNING:
        return Decision(state)
    if refused.command_id != derived_id(state.operation.id, step.name):
        return Decision(state)
    draft = Draft(state, now)
    draft.timers[f"answer:{state.operation.id}/{step.name}"] = None
    reason = Reason.CHECK_FAILED if step.name == StepName.CHECK_EXTENSIONS else Reason.BUILD_FAILED
    fail_step(draft, step, Problem(reason=reason, message=sentence(f"{refused.reason}: {refused.message}")))
    return draft.decision()


def answer_overdue(state: Environment | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Environment]:
    """Another service did not answer in time."""
    operation, _, name = timer.argument.rpartition("/")
    step = _running_step(state, operation, name)
    if state is None or step is None:
        return Decision(state)
    draft = Draft(state, now)
    reason = Reason.CHECK_FAILED if name == StepName.CHECK_EXTENSIONS else Reason.BUILD_FAILED
    fail_step(draft, step, Problem(reason=reason, message=f"no answer within {ANSWER_WITHIN[StepName(name)]}"))
    return draft.decision()


def hold_expired(state: Environment | None, timer: TimerDue, facts: None, now: datetime) -> Decision[Environment]:
    """Nobody has decided about a held operation: it rolls back."""
    if state is None or state.operation is None or state.operation.id != timer.argument:
        return Decision(state)
    if state.operation.status is not OperationStatus.HELD:
        return Decision(state)
    draft = Draft(state, now)
    start_rollback(draft, Problem(reason=Reason.HOLD_EXPIRED, message="nobody decided before the deadline"))
    return draft.decision()


def _running_step(state: Environment | None, operation: str | None, name: str) -> StepRecord | None:
    """The step, if it is the one that the environment's operation is at; else what is told of it is out of date."""
    if state is None or state.operation is None or state.operation.id != operation:
        return None
    step = state.operation.step
    return step if step and step.name == name and step.status is StepStatus.RUNNING else None
