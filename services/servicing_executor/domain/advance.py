"""From step to step: how an operation goes on when a step succeeds, and what becomes of it when one fails."""

from datetime import datetime

from services.servicing_executor.domain.closing import close
from services.servicing_executor.domain.environment_change import EnvironmentChange
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
from services.servicing_executor.domain.state import Operation
from services.servicing_executor.domain.work import StepInput
from shared.contracts.envelope import derived_id
from shared.contracts.extension_compatibility_checker import CheckCompatibility
from shared.contracts.extension_sets import replaced
from shared.contracts.image_builder import BuildImage
from shared.contracts.parts import Extension, Problem
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


def begin_step(change: EnvironmentChange) -> None:
    """Begin the next step of the operation; behind the last one, close it."""
    step = change.operation.step
    if step is None:
        rolled_back = change.operation.status is OperationStatus.ROLLING_BACK
        close(change, Outcome.ROLLED_BACK if rolled_back else Outcome.SUCCEEDED)
        return
    name = StepName(step.name)
    _enter(change, name)
    begun = step.replace(status=StepStatus.RUNNING, attempt=1, started_at=step.started_at or change.now)
    change.set_step(step, begun)
    change.say(
        StepStarted(
            environment=change.state.id,
            project=change.state.project,
            operation=change.operation.id,
            step=step.name,
            started_at=change.now,
        )
    )
    if name in ASKED:
        question = _check(change) if name is StepName.CHECK_EXTENSIONS else _build(change)
        change.send(question, id=derived_id(change.operation.id, name))
        change.at(f"answer:{change.operation.id}/{name}", change.now + ANSWER_WITHIN[name])
    else:
        change.start(f"step:{change.operation.id}/{name}", _input(change, name))


def _enter(change: EnvironmentChange, name: StepName) -> None:
    """What beginning a step says about operation and environment."""
    if change.operation.status is OperationStatus.QUEUED:
        change.set_operation(change.operation.move(OperationStatus.PREPARING))
    if name in BEGINS_TO_CHANGE:
        change.set_operation(change.operation.move(OperationStatus.RUNNING))
        change.move(EnvironmentStatus.SERVICING)
    if name in _DOWN and change.operation.stopped_at is None:
        change.set_operation(change.operation.replace(stopped_at=change.now))


def _check(change: EnvironmentChange) -> CheckCompatibility:
    """The question whether the extensions that there will be work with the base that comes."""
    operation, state = change.operation, change.state
    assert operation.base
    coming = coming_extensions(change)
    return CheckCompatibility(
        environment=state.id,
        project=state.project,
        set_version=state.set_version,
        extensions=coming,
        base=operation.base,
        current_base=_current_base(change),
        replaced=replaced(state.extensions, coming),
        operation=operation.id,
    )


def _build(change: EnvironmentChange) -> BuildImage:
    """The request for the image that the package makes of the one that runs."""
    operation, state = change.operation, change.state
    assert operation.package
    assert operation.package_artifact
    assert operation.package_contents
    return BuildImage(
        environment=state.id,
        operation=operation.id,
        update_name=operation.update_name or "",
        base_image=state.running.image if state.running else None,
        package=operation.package,
        artifact=operation.package_artifact,
        contents=operation.package_contents,
        base_version=operation.base_version,
        may_drop=operation.acknowledged_modules,
    )


def coming_extensions(change: EnvironmentChange) -> tuple[Extension, ...]:
    """The extensions that there are when the operation has succeeded."""
    set_change = change.operation.extension_change
    return set_change.extensions if set_change else change.state.extensions


def _current_base(change: EnvironmentChange) -> str | None:
    running = change.state.running
    if running is None or running.contents.base_version is None:
        return None
    return f"{running.contents.base_version}/{change.state.country}"


def _input(change: EnvironmentChange, name: StepName) -> StepInput:
    operation = change.operation
    previous = operation.previous.image if operation.previous else None
    image = previous if name in _BACK else operation.image or previous
    extensions = change.state.extensions if name in _BACK else coming_extensions(change)
    return StepInput(
        environment=change.state.id,
        operation=operation.id,
        step=name,
        seconds=PATIENCE_SECONDS.get(name, OTHER_SECONDS),
        image=image,
        snapshot=operation.snapshot,
        service=operation.service,
        extensions=extensions if name in _ABOUT_EXTENSIONS else (),
    )


def succeed_step(change: EnvironmentChange, step: StepRecord) -> None:
    """A step is done: go on with the next one."""
    _end_step(change, step, StepStatus.SUCCEEDED, None)
    begin_step(change)


def _end_step(change: EnvironmentChange, step: StepRecord, status: StepStatus, problem: Problem | None) -> None:
    ended = step.replace(status=status, finished_at=change.now, problem=problem)
    change.set_step(step, ended)
    change.say(
        StepFinished(
            environment=change.state.id,
            project=change.state.project,
            operation=change.operation.id,
            record=ended,
        )
    )


def fail_step(change: EnvironmentChange, step: StepRecord, problem: Problem) -> None:
    """A step has failed for good: roll back, hold, or end, as far as it had come."""
    _end_step(change, step, StepStatus.FAILED, problem)
    operation = change.operation
    if operation.status is OperationStatus.ROLLING_BACK:
        _hold(change, step, Problem.of(Reason.ROLLBACK_FAILED, f"{step.name}: {problem.message}"), None)
    elif operation.hold and _way_back(operation):
        _hold(change, step, problem, change.now + HOLD_FOR)
    elif _way_back(operation):
        start_rollback(change, problem)
    else:
        change.set_operation(operation.replace(problem=problem))
        close(change, Outcome.FAILED)


def _hold(change: EnvironmentChange, step: StepRecord, problem: Problem, deadline: datetime | None) -> None:
    operation = change.operation.move(OperationStatus.HELD, problem=problem, deadline=deadline)
    change.set_operation(operation)
    change.move(EnvironmentStatus.FAILED)
    if deadline:
        change.at(f"hold:{operation.id}", deadline)
    change.say(
        OperationHeld(
            environment=change.state.id,
            project=change.state.project,
            operation=operation.id,
            operation_kind=operation.kind,
            update_name=operation.update_name,
            step=step.name,
            problem=problem,
            deadline=deadline,
        )
    )


def start_rollback(change: EnvironmentChange, problem: Problem) -> None:
    """Go back to the image, the database and the extensions that there were."""
    before = change.operation
    failed = _failed_step(before)
    done = tuple(step for step in before.steps if step.finished_at is not None)
    back = planned(_way_back(before))
    change.cancel(f"hold:{before.id}")
    operation = before.move(OperationStatus.ROLLING_BACK, steps=(*done, *back), problem=problem, deadline=None)
    change.set_operation(operation)
    change.move(EnvironmentStatus.ROLLING_BACK)
    change.say(
        RollbackStarted(
            environment=change.state.id,
            project=change.state.project,
            operation=operation.id,
            operation_kind=operation.kind,
            update_name=operation.update_name,
            step=failed.name,
            problem=problem,
        )
    )
    begin_step(change)


def _failed_step(operation: Operation) -> StepRecord:
    """The step that failed last."""
    return next(step for step in reversed(operation.steps) if step.status is StepStatus.FAILED)


def _way_back(operation: Operation) -> tuple[StepName, ...]:
    begun = [step.name for step in operation.steps if step.started_at is not None]
    return rollback_plan(begun, has_snapshot=operation.snapshot is not None)


def resume(change: EnvironmentChange) -> None:
    """Try the failed step of a held operation again, and go on from there."""
    operation = change.operation
    failed = _failed_step(operation)
    back = failed.name.startswith("rollback-")
    change.cancel(f"hold:{operation.id}")
    change.set_operation(
        operation.move(OperationStatus.ROLLING_BACK if back else OperationStatus.RUNNING, deadline=None)
    )
    change.move(EnvironmentStatus.ROLLING_BACK if back else EnvironmentStatus.SERVICING)
    change.set_step(failed, failed.replace(status=StepStatus.PENDING, finished_at=None, problem=None))
    begin_step(change)
