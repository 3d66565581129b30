"""The steps of each kind of operation, in their order, and what each of them means for the environment."""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum

from shared.contracts.servicing_executor import EnvironmentStatus, OperationKind, StepRecord, StepStatus


class StepName(StrEnum):
    """Everything that an operation may do to an environment."""

    CHECK_EXTENSIONS = "check-extensions"
    BUILD_IMAGE = "build-image"
    CREATE_ENVIRONMENT = "create-environment"
    PREPARE_RELEASE = "prepare-release"
    STOP_SERVICES = "stop-services"
    SNAPSHOT_DATABASE = "snapshot-database"
    SWITCH_RELEASE = "switch-release"
    MIGRATE_DATABASE = "migrate-database"
    START_SERVICES = "start-services"
    VERIFY = "verify"
    RESTART_SERVICE = "restart-service"
    ENABLE_MAINTENANCE = "enable-maintenance"
    DISABLE_MAINTENANCE = "disable-maintenance"
    FETCH_EXTENSIONS = "fetch-extensions"
    SET_EXTENSIONS = "set-extensions"
    INSTALL_EXTENSION = "install-extension"
    UNINSTALL_EXTENSION = "uninstall-extension"

    STOP_AGAIN = "rollback-stop-services"
    RESTORE_DATABASE = "rollback-restore-database"
    SWITCH_BACK = "rollback-switch-release"
    SET_EXTENSIONS_BACK = "rollback-set-extensions"
    START_AGAIN = "rollback-start-services"
    VERIFY_AGAIN = "rollback-verify"


_DEPLOY = (
    StepName.PREPARE_RELEASE,
    StepName.FETCH_EXTENSIONS,
    StepName.STOP_SERVICES,
    StepName.SNAPSHOT_DATABASE,
    StepName.SWITCH_RELEASE,
    StepName.SET_EXTENSIONS,
    StepName.MIGRATE_DATABASE,
    StepName.START_SERVICES,
    StepName.VERIFY,
)

PLANS: dict[OperationKind, tuple[StepName, ...]] = {
    OperationKind.PROVISION: (
        StepName.BUILD_IMAGE,
        StepName.CREATE_ENVIRONMENT,
        StepName.PREPARE_RELEASE,
        StepName.SWITCH_RELEASE,
        StepName.MIGRATE_DATABASE,
        StepName.START_SERVICES,
        StepName.VERIFY,
    ),
    OperationKind.APPLY: (StepName.CHECK_EXTENSIONS, StepName.BUILD_IMAGE, *_DEPLOY),
    OperationKind.PROMOTE: (StepName.CHECK_EXTENSIONS, *_DEPLOY),
    OperationKind.ROLL_OUT: (StepName.CHECK_EXTENSIONS, StepName.BUILD_IMAGE, *_DEPLOY),
    OperationKind.RESTART_SERVICE: (StepName.RESTART_SERVICE,),
    OperationKind.ENABLE_MAINTENANCE: (StepName.ENABLE_MAINTENANCE,),
    OperationKind.DISABLE_MAINTENANCE: (StepName.DISABLE_MAINTENANCE,),
    OperationKind.INSTALL_EXTENSION: (StepName.FETCH_EXTENSIONS, StepName.INSTALL_EXTENSION, StepName.VERIFY),
    OperationKind.UNINSTALL_EXTENSION: (StepName.UNINSTALL_EXTENSION, StepName.VERIFY),
    OperationKind.STAGE_EXTENSION: (),
    OperationKind.UNSTAGE_EXTENSION: (),
}
"""All steps that an operation of a kind may have. Those about extensions are left out where there is nothing to do;
an operation without steps ends with the decision that begins it.
"""

FIRST_STATUS: dict[OperationKind, EnvironmentStatus] = {
    OperationKind.PROVISION: EnvironmentStatus.PROVISIONING,
    OperationKind.APPLY: EnvironmentStatus.QUEUED,
    OperationKind.PROMOTE: EnvironmentStatus.QUEUED,
    OperationKind.ROLL_OUT: EnvironmentStatus.QUEUED,
    OperationKind.RESTART_SERVICE: EnvironmentStatus.RESTARTING_SERVICE,
    OperationKind.ENABLE_MAINTENANCE: EnvironmentStatus.SERVICING,
    OperationKind.DISABLE_MAINTENANCE: EnvironmentStatus.SERVICING,
    OperationKind.INSTALL_EXTENSION: EnvironmentStatus.SERVICING,
    OperationKind.UNINSTALL_EXTENSION: EnvironmentStatus.SERVICING,
    OperationKind.STAGE_EXTENSION: EnvironmentStatus.DEPLOYED,
    OperationKind.UNSTAGE_EXTENSION: EnvironmentStatus.DEPLOYED,
}

ASKED = frozenset({StepName.CHECK_EXTENSIONS, StepName.BUILD_IMAGE})
"""Steps that another service does: the executor sends a command and waits for the event."""

ANSWER_WITHIN = {StepName.CHECK_EXTENSIONS: timedelta(minutes=10), StepName.BUILD_IMAGE: timedelta(minutes=60)}
"""How long such a step may take before it has failed, by a fault of ours."""

HOLD_FOR = timedelta(hours=24)
"""How long a held operation waits for a person before it is rolled back."""

PATIENCE_SECONDS: dict[StepName, float] = {
    StepName.CREATE_ENVIRONMENT: 300,
    StepName.PREPARE_RELEASE: 1800,
    StepName.FETCH_EXTENSIONS: 1800,
    StepName.STOP_SERVICES: 600,
    StepName.SNAPSHOT_DATABASE: 4500,
    StepName.SWITCH_RELEASE: 300,
    StepName.MIGRATE_DATABASE: 7200,
    StepName.START_SERVICES: 420,
    StepName.VERIFY: 300,
    StepName.RESTART_SERVICE: 600,
    StepName.RESTORE_DATABASE: 7200,
}
"""Time limit of one attempt of a step, in seconds (the vendor's script time-outs, where it names one)."""
OTHER_SECONDS = 600.0


def planned(names: tuple[StepName, ...]) -> tuple[StepRecord, ...]:
    """Steps that have not begun."""
    return tuple(
        StepRecord(
            name=name.value, status=StepStatus.PENDING, attempt=0, started_at=None, finished_at=None, problem=None
        )
        for name in names
    )


def plan(kind: OperationKind, *, checks: bool, fetches: bool, sets: bool) -> tuple[StepName, ...]:
    """The steps of an operation: whether it checks extensions, fetches files of extensions, and sets extensions."""
    needed = {
        StepName.CHECK_EXTENSIONS: checks,
        StepName.FETCH_EXTENSIONS: fetches,
        StepName.SET_EXTENSIONS: sets,
    }
    return tuple(name for name in PLANS[kind] if needed.get(name, True))


_CHANGES_SET = frozenset({StepName.SET_EXTENSIONS, StepName.INSTALL_EXTENSION, StepName.UNINSTALL_EXTENSION})
BEGINS_TO_CHANGE = frozenset({StepName.STOP_SERVICES, StepName.INSTALL_EXTENSION, StepName.UNINSTALL_EXTENSION})
"""Steps with which an operation begins to change the environment: from then on it cannot be cancelled."""


AT_REST = frozenset({StepName.CREATE_ENVIRONMENT, StepName.PREPARE_RELEASE, StepName.FETCH_EXTENSIONS})
"""Steps of the executor's own during which the environment is as it was before the operation."""


def rollback_plan(begun: Collection[str], *, has_snapshot: bool) -> tuple[StepName, ...]:
    """What goes back to the image, the database and the extensions there were, after these steps have begun.

    Nothing if nothing was touched, or if there is nothing to go back to: a first deployment that fails.
    """
    extensions = (StepName.SET_EXTENSIONS_BACK,) if _CHANGES_SET.intersection(begun) else ()
    if StepName.STOP_SERVICES in begun:
        database = (StepName.RESTORE_DATABASE,) if has_snapshot else ()
        return (
            StepName.STOP_AGAIN,
            *database,
            StepName.SWITCH_BACK,
            *extensions,
            StepName.START_AGAIN,
            StepName.VERIFY_AGAIN,
        )
    return (*extensions, StepName.VERIFY_AGAIN) if extensions else ()
