"""Messages of servicing-executor: environments, and what is done to them, one operation at a time."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from shared.contracts.message import Command, Count, Event, Instant, Part, Snapshot
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

StepName = TypeAliasType(
    "StepName",
    Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$"),
        Field(description="Name of a step, unique in its operation.", examples=["synchronise-database"]),
    ],
)


class Reason(StrEnum):
    """Why a command is refused, or why an operation did not succeed."""

    ENVIRONMENT_EXISTS = "ENVIRONMENT_EXISTS"
    """An environment of this id is registered."""
    OPERATION_RUNNING = "OPERATION_RUNNING"
    """Another operation runs; `facts` name it."""
    IN_MAINTENANCE = "IN_MAINTENANCE"
    """The environment is in maintenance mode, which must be disabled first."""
    NOT_IN_MAINTENANCE = "NOT_IN_MAINTENANCE"
    """There is no maintenance mode to disable."""
    NOT_DEPLOYED = "NOT_DEPLOYED"
    """The environment runs nothing: it failed, or was never provisioned, or was decommissioned."""
    PRODUCTION_NEEDS_PROMOTION = "PRODUCTION_NEEDS_PROMOTION"
    """Packages are applied to sandboxes; production takes promotions."""
    NOT_PRODUCTION = "NOT_PRODUCTION"
    """Promotions go to production only."""
    UPDATE_NAME_TAKEN = "UPDATE_NAME_TAKEN"
    """An update of this name succeeded in this environment."""
    PACKAGE_NOT_VALID = "PACKAGE_NOT_VALID"
    """The package is not valid, or its check could not be done."""
    OTHER_PROJECT = "OTHER_PROJECT"
    """The package or image belongs to another project than the environment."""
    PLATFORM_NEEDED = "PLATFORM_NEEDED"
    """The first package of an environment must bring a platform."""
    MODULES_MISSING = "MODULES_MISSING"
    """The package lacks modules that run, and they were not acknowledged exactly; `facts` are the changes."""
    LOWER_VERSION = "LOWER_VERSION"
    """The environment runs a higher platform or application version."""
    IMAGE_UNKNOWN = "IMAGE_UNKNOWN"
    """No image of this digest was built."""
    SAME_IMAGE = "SAME_IMAGE"
    """The environment runs this image already."""
    HIGHER_VERSION = "HIGHER_VERSION"
    """Since it was scheduled, the environment has come to a higher application version."""
    START_MISSED = "START_MISSED"
    """The command came later than it may."""
    UNKNOWN_OPERATION = "UNKNOWN_OPERATION"
    """No operation of this id runs in this environment."""
    NOT_HELD = "NOT_HELD"
    """Only an operation that is held can be resumed or rolled back by a person."""
    NOT_CANCELLABLE = "NOT_CANCELLABLE"
    """The operation has stopped the services, and can no longer be cancelled."""
    NO_SUCH_UPDATE = "NO_SUCH_UPDATE"
    """No update of this name succeeded in this environment."""
    EXTENSION_NOT_NEWER = "EXTENSION_NOT_NEWER"
    """The extension is installed in this version or a higher one."""
    EXTENSION_NOT_INSTALLED = "EXTENSION_NOT_INSTALLED"
    """There is no such extension to uninstall."""
    EXTENSION_NEEDED = "EXTENSION_NEEDED"
    """Other extensions depend on it; `facts` name them."""
    EXTENSION_DEPENDENCY_MISSING = "EXTENSION_DEPENDENCY_MISSING"
    """It depends on extensions that are not installed, or not in a version high enough."""
    TOO_MANY_EXTENSIONS = "TOO_MANY_EXTENSIONS"
    """An environment holds at most 200 extensions."""
    EXTENSION_SET_CHANGED = "EXTENSION_SET_CHANGED"
    """The extensions are others than those that were judged; `facts` has the set version of today."""
    NOT_A_RELEASE = "NOT_A_RELEASE"
    """The package is no release's platform package."""
    EXTENSIONS_INCOMPATIBLE = "EXTENSIONS_INCOMPATIBLE"
    """Extensions of the environment do not work with the base that the update brings."""
    EXTENSIONS_UNVERIFIABLE = "EXTENSIONS_UNVERIFIABLE"
    """Extensions could not be judged, and were not acknowledged."""
    CHECK_FAILED = "CHECK_FAILED"
    """The extensions could not be checked now, by a fault of ours."""
    BUILD_FAILED = "BUILD_FAILED"
    """The image could not be built."""
    STEP_FAILED = "STEP_FAILED"
    """A step failed after its retries."""
    CANCELLED_BY_USER = "CANCELLED_BY_USER"
    """A person cancelled it."""
    ROLLED_BACK_BY_USER = "ROLLED_BACK_BY_USER"
    """A person had a held operation rolled back."""
    HOLD_EXPIRED = "HOLD_EXPIRED"
    """Nobody decided about a held operation before its deadline."""
    ROLLBACK_FAILED = "ROLLBACK_FAILED"
    """The rollback itself failed; the operation is held."""


class EnvironmentStatus(StrEnum):
    """Where an environment stands."""

    PROVISIONING = "Provisioning"
    DEPLOYED = "Deployed"
    QUEUED = "Queued"
    SERVICING = "Servicing"
    POST_SERVICING = "PostServicing"
    RESTARTING_SERVICE = "RestartingService"
    VALIDATING = "Validating"
    IN_MAINTENANCE = "InMaintenance"
    ROLLING_BACK = "RollingBack"
    FAILED = "Failed"
    DECOMMISSIONED = "Decommissioned"


class OperationStatus(StrEnum):
    """Where an operation stands."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    HELD = "held"
    ROLLING_BACK = "rolling-back"
    FINISHED = "finished"


class OperationKind(StrEnum):
    """What an operation does."""

    PROVISION = "provision"
    APPLY = "apply"
    PROMOTE = "promote"
    ROLL_OUT = "roll-out"
    RETURN = "return"
    VALIDATE = "validate"
    RESTART_SERVICE = "restart-service"
    ENABLE_MAINTENANCE = "enable-maintenance"
    DISABLE_MAINTENANCE = "disable-maintenance"
    INSTALL_EXTENSION = "install-extension"
    STAGE_EXTENSION = "stage-extension"
    UNSTAGE_EXTENSION = "unstage-extension"
    UNINSTALL_EXTENSION = "uninstall-extension"
    DECOMMISSION = "decommission"


class Outcome(StrEnum):
    """How an operation ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """It did not succeed, and nothing had to be, or could be, rolled back."""
    ROLLED_BACK = "rolled-back"
    """It did not succeed; the environment runs the image and the database that it had."""
    CANCELLED = "cancelled"


class StepStatus(StrEnum):
    """Where a step stands."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class RestartableService(StrEnum):
    """A service of an environment that can be restarted by itself."""

    AOS = "AOS"
    DIXF = "DIXF"
    MR = "MR"


class StageFor(StrEnum):
    """Which update installs a staged extension."""

    NEXT_MINOR = "next-minor"
    """The next that brings another base."""
    NEXT_MAJOR = "next-major"
    """The next that brings a base of a higher major version."""


class StagedExtension(Part):
    """A version of an extension that waits for an update."""

    extension: Extension
    stage_for: StageFor


StagedExtensions = Annotated[tuple[StagedExtension, ...], Field(max_length=MOST_EXTENSIONS)]


class SignOff(StrEnum):
    """What the customer says after trying an update."""

    CLEAN = "clean"
    WITH_ISSUES = "with-issues"


class StepRecord(Part):
    """One step of an operation."""

    name: StepName
    status: StepStatus
    attempt: Count
    """1 for the first; 0 while it is pending."""
    started_at: Instant | None
    """Of the first attempt."""
    finished_at: Instant | None
    problem: Problem | None
    """Set if the step, or its last attempt, failed."""


Steps = Annotated[tuple[StepRecord, ...], Field(max_length=100)]


class RunningOperation(Part):
    """The operation that holds an environment."""

    operation: OperationId
    operation_kind: OperationKind
    status: OperationStatus
    update_name: UpdateName | None
    package: PackageId | None
    promotion: PromotionId | None
    actor: Actor | None
    accepted_at: Instant
    steps: Steps
    problem: Problem | None
    """Why it is held or rolling back."""
    deadline: Instant | None
    """While it is held: when it is rolled back unless somebody decides."""


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


class ApplyImage(Command, key="environment", starts_operation=True):
    """Apply a candidate's image to production. Sent by promotion-scheduler at the downtime's start."""

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


class ApplyRelease(Command, key="environment", starts_operation=True):
    """Bring an environment to a release of the vendor, with its own customization, and take extensions out that
    cannot come along: one operation, which puts everything back if it fails.
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
    EnvironmentRegistered,
    EnvironmentStatusChanged,
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
