"""Where environments and their operations stand, and where they can go from there."""

from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle


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


ENVIRONMENT_LIFECYCLE = Lifecycle(
    EnvironmentStatus,
    """
    [*] --> Provisioning : registered
    Provisioning --> Deployed
    Provisioning --> Failed : it runs nothing, and may be registered again
    Failed --> Provisioning : registered again

    Deployed --> Queued : an update is accepted
    Queued --> Servicing : the services stop
    Queued --> Deployed : cancelled, or failed before anything was changed
    Deployed --> Servicing : extensions, or maintenance mode on
    Servicing --> Deployed
    Servicing --> InMaintenance
    InMaintenance --> Servicing : maintenance mode off

    Servicing --> RollingBack : a step has failed
    Servicing --> Failed : held for a person
    Failed --> Servicing : resumed
    Failed --> RollingBack : given up, or the time to decide is over
    RollingBack --> Deployed
    RollingBack --> Failed : the rollback has failed, and is held

    Deployed, Failed --> RestartingService
    RestartingService --> Deployed, Failed
    """,
)
"""Where an operation fails, the environment goes back to where it was; only a first deployment leaves nothing."""


class OperationStatus(StrEnum):
    """Where an operation stands."""

    QUEUED = "queued"
    PREPARING = "preparing"
    RUNNING = "running"
    HELD = "held"
    ROLLING_BACK = "rolling-back"
    FINISHED = "finished"


OPERATION_LIFECYCLE = Lifecycle(
    OperationStatus,
    """
    [*] --> queued : accepted
    queued --> preparing : its first step begins
    queued --> finished : it has no steps
    preparing --> running : it begins to change the environment, and can no longer be cancelled
    preparing --> finished
    running --> finished
    running --> rolling-back : a step has failed
    running --> held : a step has failed, and the database is too big to roll back without asking
    held --> running : resumed
    held --> rolling-back : given up, resumed, or the time to decide is over
    rolling-back --> finished
    rolling-back --> held : the rollback has failed
    """,
)


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
