"""What messages of servicing-executor are made of."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from shared.contracts.message import Count, Instant, Part
from shared.contracts.parts import MOST_EXTENSIONS, Extension, Problem
from shared.contracts.scalars import Actor, OperationId, PackageId, PromotionId, UpdateName
from shared.contracts.servicing_executor.states import OperationStatus, StepStatus

StepName = TypeAliasType(
    "StepName",
    Annotated[
        str,
        StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$"),
        Field(description="Name of a step, unique in its operation.", examples=["synchronise-database"]),
    ],
)


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


class RestartableService(StrEnum):
    """A service of an environment that can be restarted by itself."""

    AOS = "AOS"
    DIXF = "DIXF"
    MR = "MR"


class HealthLevel(StrEnum):
    """How the services of an environment are, beside its status."""

    HEALTHY = "healthy"
    RECOVERING = "recovering"
    """One has ended by itself, and is started again."""
    DEGRADED = "degraded"
    """One has ended by itself, and only a person brings it back."""


ServiceName = TypeAliasType(
    "ServiceName",
    Annotated[
        str,
        StringConstraints(min_length=1, max_length=100, pattern=r"^[!-~]+$"),
        Field(description="Name of a service of the application that an environment runs.", examples=["DIXF"]),
    ],
)


class ServiceDown(Part):
    """A service that should run and does not."""

    service: ServiceName
    since: Instant
    """When it was seen."""


ServicesDown = Annotated[tuple[ServiceDown, ...], Field(max_length=100)]


class EnvironmentHealth(Part):
    """Whether the services of an environment run that should, as its runtime sees them."""

    level: HealthLevel
    since: Instant
    """Since when the level is this."""
    services: ServicesDown
    """Those that have ended by themselves."""


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
