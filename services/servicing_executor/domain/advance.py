"""From step to step: how an operation goes on when a step succeeds, and what becomes of it when one fails."""

from datetime import datetime

from services.servicing_executor.domain.draft import Draft
from services.servicing_executor.domain.finish import close
from services.servicing_executor.domain.plans import (
    ANSWER_WITHIN,
    ASKED,
    BEGINS_TO_CHANGE,
    HOLD_FOR,
    OTHER_SECONDS,
    PATIENCE_SECONDS,
    StepName,
    planned,
    rollback_plan,
)
from services.servicing_executor.domain.work import StepInput
from shared.contracts.envelope import derived_id
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.extension_sets import replaced
from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import Extension, Problem
from shared.contracts.scalars import sentence
from shared.contracts.servicing_executor import (
    EnvironmentStatus,
    OperationHeld,
    OperationStatus,
    Outcome,
    Reason,
    RollbackStarted,
    StepFinished,
    StepRecord,
    StepStarted,
    StepStatus,
)
from shared.kernel import Send

_DOWN = frozenset({StepName.STOP_SERVICES, StepName.STOP_AGAIN})
_BACK = frozenset({StepName.SWITCH_BACK, StepName.SET_EXTENSIONS_BACK, StepName.VERIFY_AGAIN})
_ABOUT_EXTENSIONS = frozenset(
    {
        StepName.FETCH_EXTENSIONS,
        StepName.SET_EXTENSIONS,
        StepName.INSTALL_EXTENSION,
        StepName.UNINSTALL_EXTENSION,
        StepName.VERIFY,
        StepName.SET_EXTENSIONS_BACK,
        StepName.VERIFY_AGAIN,
    }
)


def begin_step(draft: Draft) -> None:
    """Begin the next step of the operation; behind the last one, close it."""
    step = draft.operation.step
    if step is None:
        rolled_back = draft.operation.status is OperationStatus.ROLLING_BACK
        close(draft, Outcome.ROLLED_BACK if rolled_back else Outcome.SUCCEEDED)
        return
    name = StepName(step.name)
    _enter(draft, name)
    step = draft.change_step(step, status=StepStatus.RUNNING, attempt=1, started_at=step.started_at or draft.now)
    draft.events.append(
        StepStarted(
            environment=draft.id,
            project=draft.state.project,
            operation=draft.operation.id,
            step=step.name,
            started_at=draft.now,
        )
    )
    if name in ASKED:
        draft.commands.append(_question(draft, name))
        draft.timers[f"answer:{draft.operation.id}/{name}"] = draft.now + ANSWER_WITHIN[name]
    else:
        draft.work[f"step:{draft.operation.id}/{name}"] = _input(draft, name)


def _enter(draft: Draft, name: StepName) -> None:
    """What beginning a step says about operation and environment."""
    operation = draft.operation
    if operation.status is OperationStatus.QUEUED:
        draft.change_operation(status=OperationStatus.PREPARING)
    if name in BEGINS_TO_CHANGE:
        draft.change_operation(status=OperationStatus.RUNNING)
        draft.change_status(EnvironmentStatus.SERVICING)
    if name in _DOWN and operation.stopped_at is None:
        draft.change_operation(stopped_at=draft.now)


def _question(draft: Draft, name: StepName) -> Send:
    """The command by which another service is asked to do the step; repeated, it is the same one."""
    operation, state = draft.operation, draft.state
    id_ = derived_id(operation.id, name)
    if name is StepName.CHECK_EXTENSIONS:
        assert operation.base
        check = CheckCompatibility(
            environment=draft.id,
            project=state.project,
            set_version=state.set_version,
            extensions=coming_extensions(draft),
            base=operation.base,
            current_base=_current_base(draft),
            replaced=replaced(state.extensions, coming_extensions(draft)),
            operation=operation.id,
        )
        return Send(check, id=id_)
    assert operation.package
    assert operation.package_artifact
    assert operation.package_contents
    build = BuildImage(
        environment=draft.id,
        operation=operation.id,
        update_name=operation.update_name or "",
        base_image=state.running.image if state.running else None,
        package=operation.package,
        artifact=operation.package_artifact,
        contents=operation.package_contents,
        base_version=operation.base_version,
        may_drop=operation.acknowledged_modules,
    )
    return Send(build, id=id_)


def coming_extensions(draft: Draft) -> tuple[Extension, ...]:
    """The extensions that there are when the operation has succeeded."""
    change = draft.operation.extension_change
    return change.extensions if change else draft.state.extensions


def _current_base(draft: Draft) -> str | None:
    running = draft.state.running
    if running is None or running.contents.base_version is None:
        return None
    return f"{running.contents.base_version}/{draft.state.country}"


def _input(draft: Draft, name: StepName) -> StepInput:
    operation = draft.operation
    previous = operation.previous.image if operation.previous else None
    image = previous if name in _BACK else operation.image or previous
    extensions = draft.state.extensions if name in _BACK else coming_extensions(draft)
    return StepInput(
        environment=draft.id,
        operation=operation.id,
        step=name,
        seconds=PATIENCE_SECONDS.get(name, OTHER_SECONDS),
        image=image,
        snapshot=operation.snapshot,
        service=operation.service,
        extensions=extensions if name in _ABOUT_EXTENSIONS else (),
    )


def succeed_step(draft: Draft, step: StepRecord) -> None:
    """A step is done: go on with the next one."""
    _end_step(draft, step, StepStatus.SUCCEEDED, None)
    begin_step(draft)


def _end_step(draft: Draft, step: StepRecord, status: StepStatus, problem: Problem | None) -> StepRecord:
    ended = draft.change_step(step, status=status, finished_at=draft.now, problem=problem)
    draft.events.append(
        StepFinished(environment=draft.id, project=draft.state.project, operation=draft.operation.id, record=ended)
    )
    return ended


def fail_step(draft: Draft, step: StepRecord, problem: Problem) -> None:
    """A step has failed for good: roll back, hold, or end, as far as it had come."""
    _end_step(draft, step, StepStatus.FAILED, problem)
    operation = draft.operation
    if operation.status is OperationStatus.ROLLING_BACK:
        draft.change_operation(
            problem=Problem(reason=Reason.ROLLBACK_FAILED, message=sentence(f"{step.name}: {problem.message}"))
        )
        _hold(draft, step, None)
        return
    draft.change_operation(problem=problem)
    if not _way_back(draft):
        close(draft, Outcome.FAILED)
    elif operation.hold:
        _hold(draft, step, draft.now + HOLD_FOR)
    else:
        start_rollback(draft, problem)


def _hold(draft: Draft, step: StepRecord, deadline: datetime | None) -> None:
    draft.change_operation(status=OperationStatus.HELD, deadline=deadline)
    draft.change_status(EnvironmentStatus.FAILED)
    if deadline:
        draft.timers[f"hold:{draft.operation.id}"] = deadline
    operation = draft.operation
    assert operation.problem
    draft.events.append(
        OperationHeld(
            environment=draft.id,
            project=draft.state.project,
            operation=operation.id,
            operation_kind=operation.kind,
            update_name=operation.update_name,
            step=step.name,
            problem=operation.problem,
            deadline=deadline,
        )
    )


def start_rollback(draft: Draft, problem: Problem) -> None:
    """Go back to the image, the database and the extensions that there were."""
    operation = draft.operation
    failed = next(step for step in reversed(operation.steps) if step.status is StepStatus.FAILED)
    done = tuple(step for step in operation.steps if step.finished_at is not None)
    back = planned(_way_back(draft))
    draft.timers[f"hold:{operation.id}"] = None
    draft.change_operation(status=OperationStatus.ROLLING_BACK, steps=(*done, *back), problem=problem, deadline=None)
    draft.change_status(EnvironmentStatus.ROLLING_BACK)
    draft.events.append(
        RollbackStarted(
            environment=draft.id,
            project=draft.state.project,
            operation=operation.id,
            operation_kind=operation.kind,
            update_name=operation.update_name,
            step=failed.name,
            problem=problem,
        )
    )
    begin_step(draft)


def _way_back(draft: Draft) -> tuple[StepName, ...]:
    operation = draft.operation
    begun = [step.name for step in operation.steps if step.started_at is not None]
    return rollback_plan(begun, has_snapshot=operation.snapshot is not None)


def resume(draft: Draft) -> None:
    """Try the failed step of a held operation again, and go on from there."""
    operation = draft.operation
    failed = next(step for step in reversed(operation.steps) if step.status is StepStatus.FAILED)
    back = failed.name.startswith("rollback-")
    draft.timers[f"hold:{operation.id}"] = None
    draft.change_operation(
        status=OperationStatus.ROLLING_BACK if back else OperationStatus.RUNNING,
        deadline=None,
        problem=operation.problem,
    )
    draft.change_status(EnvironmentStatus.ROLLING_BACK if back else EnvironmentStatus.SERVICING)
    draft.change_step(failed, status=StepStatus.PENDING, finished_at=None, problem=None)
    begin_step(draft)
