"""An environment and its operations as others see them."""

from datetime import datetime

from services.servicing_executor.domain.state import Environment, Health, Operation
from shared.contracts.parts import ArtifactRef
from shared.contracts.servicing_executor import (
    EnvironmentHealth,
    EnvironmentSnapshot,
    OperationFinished,
    OperationSnapshot,
    Outcome,
    RunningOperation,
)


def environment_view(environment: str, state: Environment) -> EnvironmentSnapshot:
    """The environment as it stands."""
    return EnvironmentSnapshot(
        environment=environment,
        project=state.project,
        environment_kind=state.environment_kind,
        country=state.country,
        status=state.status,
        running=state.running,
        operation=_running(state.operation) if state.operation else None,
        set_version=state.set_version,
        extensions=state.extensions,
        staged=state.staged,
        health=health_view(state.health) if state.health else None,
    )


def health_view(health: Health) -> EnvironmentHealth:
    """How the services are."""
    return EnvironmentHealth(level=health.level, since=health.since, services=health.services)


def _running(operation: Operation) -> RunningOperation:
    return RunningOperation(
        operation=operation.id,
        operation_kind=operation.kind,
        status=operation.status,
        update_name=operation.update_name,
        package=operation.package,
        promotion=operation.promotion,
        actor=operation.actor,
        accepted_at=operation.accepted_at,
        steps=operation.steps,
        problem=operation.problem,
        deadline=operation.deadline,
    )


def finished_event(
    state: Environment, operation: Operation, outcome: Outcome, log: ArtifactRef | None, now: datetime
) -> OperationFinished:
    """The one event that says how an operation ended."""
    change = operation.extension_change
    downtime = None
    if operation.stopped_at:
        # A clock that was set back meanwhile must not make an end that no message can carry.
        downtime = max(((operation.started_at or now) - operation.stopped_at).total_seconds(), 0.0)
    return OperationFinished(
        environment=state.id,
        project=state.project,
        environment_kind=state.environment_kind,
        operation=operation.id,
        operation_kind=operation.kind,
        outcome=outcome,
        update_name=operation.update_name,
        package=operation.package,
        promotion=operation.promotion,
        running=state.running,
        removed_extensions=change.removed if change and outcome is Outcome.SUCCEEDED else (),
        accepted_at=operation.accepted_at,
        finished_at=now,
        downtime_seconds=downtime,
        steps=operation.steps,
        log=log,
        problem=None if outcome is Outcome.SUCCEEDED else operation.problem,
    )


def history_entry(finished: OperationFinished, actor: str | None) -> OperationSnapshot:
    """The entry of an operation in its environment's history."""
    return OperationSnapshot(
        entry=f"{finished.environment}/{finished.operation}",
        environment=finished.environment,
        project=finished.project,
        operation=finished.operation,
        operation_kind=finished.operation_kind,
        outcome=finished.outcome,
        update_name=finished.update_name,
        package=finished.package,
        promotion=finished.promotion,
        actor=actor,
        running=finished.running,
        accepted_at=finished.accepted_at,
        finished_at=finished.finished_at,
        steps=finished.steps,
        log=finished.log,
        problem=finished.problem,
        sign_off=None,
        sign_off_note="",
        signed_off_by=None,
    )
