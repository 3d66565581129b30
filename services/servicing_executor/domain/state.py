"""The state of an environment: what runs there, the one operation that holds it, and its history of names."""

from datetime import datetime

from shared.contracts.parts import (
    ArtifactRef,
    EnvironmentKind,
    Extension,
    ImageContents,
    PackageContents,
    Problem,
    Update,
)
from shared.contracts.servicing_executor import (
    ENVIRONMENT_LIFECYCLE,
    OPERATION_LIFECYCLE,
    EnvironmentStatus,
    HealthLevel,
    OperationKind,
    OperationSnapshot,
    OperationStatus,
    Outcome,
    RestartableService,
    ServiceDown,
    StagedExtension,
    StepRecord,
)
from shared.kernel import State


class ExtensionChange(State):
    """What an operation makes of the extensions once it has succeeded."""

    extensions: tuple[Extension, ...]
    staged: tuple[StagedExtension, ...]
    removed: tuple[str, ...] = ()
    """App ids of those that leave the set, dependents first."""


class Operation(State):
    """The operation that holds an environment."""

    lifecycle = OPERATION_LIFECYCLE

    id: str
    kind: OperationKind
    status: OperationStatus = OperationStatus.QUEUED
    actor: str | None
    accepted_at: datetime
    steps: tuple[StepRecord, ...] = ()
    """Those of the plan, and behind them those of a rollback."""

    update_name: str | None = None
    package: str | None = None
    promotion: str | None = None
    image: str | None = None
    """The image that is to run, once it is known."""
    contents: ImageContents | None = None
    previous: Update | None = None
    """What ran when it was accepted: what a rollback goes back to."""
    acknowledged_modules: tuple[str, ...] = ()
    acknowledged_extensions: tuple[str, ...] = ()
    package_artifact: ArtifactRef | None = None
    package_contents: PackageContents | None = None
    base_version: str | None = None
    """Version of the base that goes with the platform that the package brings."""
    base: str | None = None
    """The base that its update brings, if extensions must be checked against it."""
    service: RestartableService | None = None
    extension_change: ExtensionChange | None = None
    """None: it leaves the extensions as they are."""
    recovers: bool = False
    """Nobody has asked for it: a service had ended by itself."""

    snapshot: str | None = None
    """Name of the copy of the database that a rollback restores."""
    hold: bool = False
    """The database is too big to roll back without asking."""
    logs: tuple[str, ...] = ()
    """Digests of the logs of the steps that have ended."""
    stopped_at: datetime | None = None
    started_at: datetime | None = None
    problem: Problem | None = None
    deadline: datetime | None = None
    outcome: Outcome | None = None
    """Set once all its steps have ended, while what it leaves behind is tidied up."""

    @property
    def step(self) -> StepRecord | None:
        """The step that runs, or the next one."""
        return next((step for step in self.steps if step.finished_at is None), None)


class Restarts(State):
    """How often a service was started again in a row because it had ended by itself."""

    service: str
    times: int
    last: datetime


class Health(State):
    """What is known of the services. `services`, from the runtime, are those that have ended by themselves."""

    level: HealthLevel
    since: datetime
    services: tuple[ServiceDown, ...] = ()
    restarts: tuple[Restarts, ...] = ()


class Environment(State):
    """One installation."""

    lifecycle = ENVIRONMENT_LIFECYCLE

    id: str
    project: str
    environment_kind: EnvironmentKind
    country: str
    status: EnvironmentStatus
    running: Update | None = None
    health: Health | None = None
    operation: Operation | None = None
    set_version: int = 0
    extensions: tuple[Extension, ...] = ()
    staged: tuple[StagedExtension, ...] = ()
    promotion: str | None = None
    """The promotion that began here last: each begins once."""
    names: tuple[str, ...] = ()
    """Names of the updates that succeeded, case-folded: each may be used once."""
    updates: tuple[OperationSnapshot, ...] = ()
    """The latest of those updates, as they stand in the history, so that they can be signed off."""


UPDATES_KEPT = 50
"""How many of the latest updates can be signed off."""
