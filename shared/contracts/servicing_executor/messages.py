"""Messages of servicing-executor: environments, and what is done to them, one operation at a time."""

from pydantic import Field

from shared.contracts.message import Command, Count, Event, Instant, Snapshot
from shared.contracts.parts import (
    MOST_EXTENSIONS,
    MOST_MODULES,
    ArtifactRef,
    EnvironmentKind,
    Extension,
    ExtensionSet,
    ModuleChanges,
    Problem,
    Update,
)
from shared.contracts.scalars import (
    Actor,
    AppId,
    Country,
    Digest,
    EnvironmentId,
    HistoryEntryId,
    ModuleName,
    Note,
    OperationId,
    PackageId,
    ProjectId,
    PromotionId,
    UpdateName,
    Version,
)
from shared.contracts.servicing_executor.parts import (
    EnvironmentHealth,
    HealthLevel,
    OperationKind,
    RestartableService,
    RunningOperation,
    ServicesDown,
    SignOff,
    StagedExtensions,
    StageFor,
    StepName,
    StepRecord,
    Steps,
)
from shared.contracts.servicing_executor.states import EnvironmentStatus, Outcome


class RegisterEnvironment(Command, key="environment", starts_operation=True):
    """Make an environment known and provision it from a platform package, or a merged one."""

    environment: EnvironmentId
    project: ProjectId
    environment_kind: EnvironmentKind
    country: Country
    package: PackageId


class ApplyUpdate(Command, key="environment", starts_operation=True):
    """Apply a package to a sandbox: a new image, run under the update name."""

    environment: EnvironmentId
    package: PackageId
    update_name: UpdateName
    acknowledge_missing_modules: tuple[ModuleName, ...] = Field(default=(), max_length=MOST_MODULES)
    """The exact list of modules that run and that the package lacks; any other list is refused."""
    acknowledge_unverifiable: tuple[AppId, ...] = Field(default=(), max_length=MOST_EXTENSIONS)
    """Extensions that may stay although they cannot be judged."""


class ApplyImage(Command, key="environment", senders=("promotion-scheduler",), starts_operation=True):
    """Apply a candidate's image to production, at the downtime's start. Taken if it is what was announced."""

    environment: EnvironmentId
    update_name: UpdateName
    image: Digest
    promotion: PromotionId
    not_after: Instant
    """Later than this it is refused."""
    acknowledge_unverifiable: tuple[AppId, ...] = Field(default=(), max_length=MOST_EXTENSIONS)
    """As in the command that scheduled the promotion."""


class SignOffUpdate(Command, key="environment"):
    """Mark an update of the history as tried. Nothing depends on it."""

    environment: EnvironmentId
    update_name: UpdateName
    sign_off: SignOff
    note: Note = ""


class CancelOperation(Command, key="environment"):
    """Cancel an operation that has not stopped the services yet."""

    environment: EnvironmentId
    operation: OperationId


class ResumeOperation(Command, key="environment"):
    """Try the failed step of a held operation again."""

    environment: EnvironmentId
    operation: OperationId


class RollBackOperation(Command, key="environment"):
    """Give up a held operation and roll the environment back."""

    environment: EnvironmentId
    operation: OperationId


class RestartService(Command, key="environment", starts_operation=True):
    """Stop and start one service of an environment."""

    environment: EnvironmentId
    service: RestartableService


class ReportServices(Command, key="environment", senders=("servicing-executor",)):
    """What the runtime of an environment sees of its services: all that have ended other than by being stopped."""

    environment: EnvironmentId
    down: ServicesDown


class EnableMaintenanceMode(Command, key="environment", starts_operation=True):
    """Let in administrators only."""

    environment: EnvironmentId


class DisableMaintenanceMode(Command, key="environment", starts_operation=True):
    """Let everybody in again."""

    environment: EnvironmentId


class InstallExtension(Command, key="environment", starts_operation=True):
    """Install an extension, or a higher version of one."""

    environment: EnvironmentId
    extension: Extension


class StageExtension(Command, key="environment", starts_operation=True):
    """Keep a higher version of an installed extension ready: an update that brings its base installs it.

    Staged again, a version takes the place of the one that was staged.
    """

    environment: EnvironmentId
    extension: Extension
    stage_for: StageFor = StageFor.NEXT_MAJOR


class UnstageExtension(Command, key="environment", starts_operation=True):
    """Keep a staged version ready no longer."""

    environment: EnvironmentId
    app_id: AppId


class ApplyRelease(Command, key="environment", senders=("promotion-scheduler",), starts_operation=True):
    """Bring an environment to a release of the vendor, without extensions that cannot come along.

    It keeps its own customization. One operation, which puts everything back if it fails. Taken if it is what was
    announced.
    """

    environment: EnvironmentId
    release: Version
    package: PackageId
    """The release's platform package."""
    update_name: UpdateName
    not_after: Instant
    """Refused if it is taken later."""
    remove_extensions: tuple[AppId, ...] = Field(default=(), max_length=MOST_EXTENSIONS)
    """Their data stays. Who depends on one of them must be named too."""
    set_version: Count | None = None
    """The version of the set at which they were judged; needed if any is to be removed."""
    acknowledge_unverifiable: tuple[AppId, ...] = Field(default=(), max_length=MOST_EXTENSIONS)
    """Extensions that may stay although they cannot be judged."""


class UninstallExtension(Command, key="environment", starts_operation=True):
    """Remove an extension; its data stays."""

    environment: EnvironmentId
    app_id: AppId


class EnvironmentRegistered(Event, key="environment"):
    """An environment is known; its first operation, provisioning, follows."""

    environment: EnvironmentId
    project: ProjectId
    environment_kind: EnvironmentKind
    country: Country


class EnvironmentStatusChanged(Event, key="environment"):
    """An environment went from one status to another."""

    environment: EnvironmentId
    project: ProjectId
    previous: EnvironmentStatus
    status: EnvironmentStatus
    operation: OperationId | None
    """The operation that changed it."""


class EnvironmentHealthChanged(Event, key="environment"):
    """A service of an environment has ended by itself, or all that should run do so again."""

    environment: EnvironmentId
    project: ProjectId
    environment_kind: EnvironmentKind
    previous: HealthLevel
    health: EnvironmentHealth


class OperationAccepted(Event, key="environment"):
    """An operation holds the environment from now on; every other one is refused until it ends."""

    environment: EnvironmentId
    project: ProjectId
    operation: OperationId
    operation_kind: OperationKind
    update_name: UpdateName | None
    package: PackageId | None
    image: Digest | None
    """The image that is to run, if it was there already."""
    promotion: PromotionId | None
    changes: ModuleChanges | None
    """How the package differs from what runs; None where no package is applied."""
    steps: tuple[StepName, ...] = Field(max_length=100)
    """The steps to come, in their order."""


class StepStarted(Event, key="environment"):
    """A step began; once per step."""

    environment: EnvironmentId
    project: ProjectId
    operation: OperationId
    step: StepName
    started_at: Instant


class StepFinished(Event, key="environment"):
    """A step succeeded, or failed after its retries."""

    environment: EnvironmentId
    project: ProjectId
    operation: OperationId
    record: StepRecord


class OperationHeld(Event, key="environment"):
    """An operation failed and waits for a person to resume it or to roll it back."""

    environment: EnvironmentId
    project: ProjectId
    operation: OperationId
    operation_kind: OperationKind
    update_name: UpdateName | None
    step: StepName
    problem: Problem
    deadline: Instant | None
    """When it is rolled back unless somebody decides; None: never, since a rollback has failed."""


class RollbackStarted(Event, key="environment"):
    """An environment is being rolled back to the image and the database that it had."""

    environment: EnvironmentId
    project: ProjectId
    operation: OperationId
    operation_kind: OperationKind
    update_name: UpdateName | None
    step: StepName
    """The step that failed."""
    problem: Problem


class OperationFinished(Event, key="environment"):
    """An operation has ended; exactly one per operation."""

    environment: EnvironmentId
    project: ProjectId
    environment_kind: EnvironmentKind
    operation: OperationId
    operation_kind: OperationKind
    outcome: Outcome
    update_name: UpdateName | None
    """The name that was asked for; free again unless the outcome is `succeeded`."""
    package: PackageId | None
    promotion: PromotionId | None
    running: Update | None
    """What the environment runs from now on; None if it runs nothing."""
    removed_extensions: tuple[AppId, ...] = Field(default=(), max_length=MOST_EXTENSIONS)
    """Those that the operation took out of the set."""
    accepted_at: Instant
    finished_at: Instant
    downtime_seconds: float | None = Field(ge=0)
    """How long the services were away; None if they were not stopped."""
    steps: Steps
    log: ArtifactRef | None
    """The whole log; None if no step had begun."""
    problem: Problem | None
    """Set unless the outcome is `succeeded`."""


class ExtensionSetChanged(Event, key="environment"):
    """The extensions of an environment are others now."""

    environment: EnvironmentId
    project: ProjectId
    set_version: Count
    """Counts the changes, of staged versions too; a check is valid for one set version."""
    extensions: ExtensionSet
    staged: StagedExtensions = ()
    operation: OperationId


class UpdateSignedOff(Event, key="environment"):
    """The customer has said what he thinks of an update."""

    environment: EnvironmentId
    project: ProjectId
    update_name: UpdateName
    operation: OperationId
    """The operation that applied the update."""
    sign_off: SignOff
    note: Note
    actor: Actor | None


class EnvironmentSnapshot(Snapshot, key="environment"):
    """An environment as it stands."""

    environment: EnvironmentId
    project: ProjectId
    environment_kind: EnvironmentKind
    country: Country
    status: EnvironmentStatus
    running: Update | None
    """None until it is provisioned."""
    operation: RunningOperation | None
    set_version: Count
    extensions: ExtensionSet
    staged: StagedExtensions = ()
    health: EnvironmentHealth | None = None
    """None: its services are not watched yet."""


class OperationSnapshot(Snapshot, key="entry"):
    """An entry of an environment's history: an operation that has ended, whatever its outcome."""

    entry: HistoryEntryId
    environment: EnvironmentId
    project: ProjectId
    operation: OperationId
    operation_kind: OperationKind
    outcome: Outcome
    update_name: UpdateName | None
    package: PackageId | None
    promotion: PromotionId | None
    actor: Actor | None
    running: Update | None
    """What the environment ran when the operation had ended."""
    accepted_at: Instant
    finished_at: Instant
    steps: Steps
    log: ArtifactRef | None
    problem: Problem | None
    sign_off: SignOff | None
    sign_off_note: Note
    signed_off_by: Actor | None


MESSAGES = (
    RegisterEnvironment,
    ApplyUpdate,
    ApplyImage,
    SignOffUpdate,
    CancelOperation,
    ResumeOperation,
    RollBackOperation,
    RestartService,
    EnableMaintenanceMode,
    DisableMaintenanceMode,
    ApplyRelease,
    InstallExtension,
    StageExtension,
    UnstageExtension,
    UninstallExtension,
    ReportServices,
    EnvironmentRegistered,
    EnvironmentStatusChanged,
    EnvironmentHealthChanged,
    OperationAccepted,
    StepStarted,
    StepFinished,
    OperationHeld,
    RollbackStarted,
    OperationFinished,
    ExtensionSetChanged,
    UpdateSignedOff,
    EnvironmentSnapshot,
    OperationSnapshot,
)
