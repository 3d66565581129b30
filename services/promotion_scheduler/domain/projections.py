"""What the scheduler keeps of environments, updates and packages of other services, and of releases by their base.

Only what is newer, by its sequence or by its version, changes it.
"""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import EnvironmentKind, Extension, Update
from shared.contracts.promotion_scheduler import ReleasePublished
from shared.contracts.scalars import update_id
from shared.contracts.servicing_executor import (
    EnvironmentRegistered,
    ExtensionSetChanged,
    OperationAccepted,
    OperationFinished,
    OperationKind,
    Outcome,
    StagedExtensions,
)
from shared.formats.versions import version_numbers
from shared.kernel import UNCHANGED, Decision, State
from shared.projections.packages import PackageEvent, PackageStanding

DURATIONS_KEPT = 5
"""How many of an environment's latest downtimes are remembered."""

_MAKES_UPDATE = frozenset({OperationKind.PROVISION, OperationKind.APPLY, OperationKind.ROLL_OUT})
_HAS_DOWNTIME = frozenset({OperationKind.APPLY, OperationKind.ROLL_OUT, OperationKind.PROMOTE})


class ServicedEnvironmentProjection(State):
    """An environment as servicing-executor last told of it."""

    sequence: int
    project: str
    kind: EnvironmentKind
    country: str
    running: Update | None = None
    """None until its first operation has succeeded."""
    set_version: int = 0
    extensions: tuple[Extension, ...] = ()
    staged: StagedExtensions = ()
    durations: tuple[float, ...] = ()
    """Seconds that the latest successful updates kept the services away, the latest last."""


class UpdateProjection(State):
    """An update of an environment: the latest attempt to apply it."""

    sequence: int
    operation: str
    outcome: Outcome | None = None
    """None while the operation runs."""
    update: Update | None = None
    """What it is, once it has succeeded."""


class BaseReleaseProjection(State):
    """The newest release that goes with a base, by the base's version: kept from this service's own events."""

    base_version: str
    version: str
    package: str
    platform_version: str
    application_version: str


def environment_registered(
    state: ServicedEnvironmentProjection | None, message: Envelope[EnvironmentRegistered], facts: None, now: datetime
) -> Decision[ServicedEnvironmentProjection]:
    """An environment begins, or begins again after its provisioning has failed."""
    if state and not message.is_news(state.sequence):
        return UNCHANGED
    told = message.data
    return Decision(
        ServicedEnvironmentProjection(
            sequence=message.number, project=told.project, kind=told.environment_kind, country=told.country
        )
    )


def environment_after_operation(
    state: ServicedEnvironmentProjection, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[ServicedEnvironmentProjection]:
    """What an environment runs after an operation, and how long the services were away for it."""
    if not message.is_news(state.sequence):
        return UNCHANGED
    finished = message.data
    durations = state.durations
    succeeded = finished.outcome is Outcome.SUCCEEDED and finished.operation_kind in _HAS_DOWNTIME
    if succeeded and finished.downtime_seconds is not None:
        durations = (*durations, finished.downtime_seconds)[-DURATIONS_KEPT:]
    return Decision(state.replace(sequence=message.number, running=finished.running, durations=durations))


def extensions_changed(
    state: ServicedEnvironmentProjection, message: Envelope[ExtensionSetChanged], facts: None, now: datetime
) -> Decision[ServicedEnvironmentProjection]:
    """An environment has other extensions."""
    if not message.is_news(state.sequence):
        return UNCHANGED
    changed = message.data
    return Decision(
        state.replace(
            sequence=message.number,
            set_version=changed.set_version,
            extensions=changed.extensions,
            staged=changed.staged,
        )
    )


def made_update(told: OperationAccepted | OperationFinished) -> str | None:
    """The id of the update that an operation makes; None if it makes none, or brings one that was made elsewhere."""
    if told.operation_kind not in _MAKES_UPDATE or told.update_name is None:
        return None
    return update_id(told.environment, told.update_name)


def update_accepted(
    state: UpdateProjection | None, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[UpdateProjection]:
    """An update is being applied."""
    if state and not message.is_news(state.sequence):
        return UNCHANGED
    return Decision(UpdateProjection(sequence=message.number, operation=message.data.operation))


def update_finished(
    state: UpdateProjection | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[UpdateProjection]:
    """An update was applied, or not."""
    if state and not message.is_news(state.sequence):
        return UNCHANGED
    finished = message.data
    return Decision(
        UpdateProjection(
            sequence=message.number,
            operation=finished.operation,
            outcome=finished.outcome,
            update=finished.running if finished.outcome is Outcome.SUCCEEDED else None,
        )
    )


def base_of(told: ReleasePublished) -> str | None:
    """The version of the base that a release brings; None: it brings none."""
    return told.base_version


def release_published(
    state: BaseReleaseProjection | None, message: Envelope[ReleasePublished], facts: None, now: datetime
) -> Decision[BaseReleaseProjection]:
    """A release is there. Of several with one base the newest counts, whichever was published last."""
    told = message.data
    assert told.base_version is not None
    if state and version_numbers(state.version) >= version_numbers(told.version):
        return UNCHANGED
    return Decision(
        BaseReleaseProjection(
            base_version=told.base_version,
            version=told.version,
            package=told.package,
            platform_version=told.platform_version,
            application_version=told.application_version,
        )
    )


class ReleasePackageProjection(PackageStanding):
    """A package as package-validator last told of it."""


def package_submitted(
    state: ReleasePackageProjection | None, message: Envelope[PackageSubmitted], facts: None, now: datetime
) -> Decision[ReleasePackageProjection]:
    """It waits for its check; a verdict that it has stands meanwhile."""
    return _told(state, message)


def package_validated(
    state: ReleasePackageProjection | None, message: Envelope[PackageValidated], facts: None, now: datetime
) -> Decision[ReleasePackageProjection]:
    """It is valid."""
    return _told(state, message)


def package_rejected(
    state: ReleasePackageProjection | None, message: Envelope[PackageRejected], facts: None, now: datetime
) -> Decision[ReleasePackageProjection]:
    """It is not valid."""
    return _told(state, message)


def package_check_failed(
    state: ReleasePackageProjection | None, message: Envelope[PackageCheckFailed], facts: None, now: datetime
) -> Decision[ReleasePackageProjection]:
    """Nobody knows whether it is valid, unless an earlier verdict stands."""
    return _told(state, message)


def package_quarantined(
    state: ReleasePackageProjection | None, message: Envelope[PackageQuarantined], facts: None, now: datetime
) -> Decision[ReleasePackageProjection]:
    """Nobody knows whether it is valid: its check was cut off each time."""
    return _told(state, message)


def package_retired(
    state: ReleasePackageProjection | None, message: Envelope[PackageRetired], facts: None, now: datetime
) -> Decision[ReleasePackageProjection]:
    """It may not be published any more; releases of it stay."""
    return _told(state, message)


def _told(
    state: ReleasePackageProjection | None, message: Envelope[PackageEvent]
) -> Decision[ReleasePackageProjection]:
    after = ReleasePackageProjection.after(state, message)
    return UNCHANGED if after is state else Decision(after)
