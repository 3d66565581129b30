"""What the scheduler keeps of what other services said. Only what is newer, by its sequence, changes it."""

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
from shared.kernel import UNCHANGED, Decision, State
from shared.projections.packages import PackageEvent, PackageStanding

DURATIONS_KEPT = 5
"""How many of an environment's latest downtimes are remembered."""

_MAKES_UPDATE = frozenset({OperationKind.PROVISION, OperationKind.APPLY, OperationKind.ROLL_OUT})
_HAS_DOWNTIME = frozenset({OperationKind.APPLY, OperationKind.ROLL_OUT, OperationKind.PROMOTE})


class KnownEnvironment(State):
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


class KnownUpdate(State):
    """An update of an environment: the latest attempt to apply it."""

    sequence: int
    operation: str
    outcome: Outcome | None = None
    """None while the operation runs."""
    update: Update | None = None
    """What it is, once it has succeeded."""


class KnownPackage(PackageStanding):
    """A package as package-validator last told of it."""


def environment_registered(
    state: KnownEnvironment | None, message: Envelope[EnvironmentRegistered], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """An environment begins, or begins again after its provisioning has failed."""
    sequence = message.sequence or 0
    if state and state.sequence >= sequence:
        return Decision(state)
    told = message.data
    return Decision(
        KnownEnvironment(sequence=sequence, project=told.project, kind=told.environment_kind, country=told.country)
    )


def environment_serviced(
    state: KnownEnvironment | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """What an environment runs after an operation, and how long the services were away for it."""
    sequence = message.sequence or 0
    if state is None or state.sequence >= sequence:
        return Decision(state)
    finished = message.data
    durations = state.durations
    succeeded = finished.outcome is Outcome.SUCCEEDED and finished.operation_kind in _HAS_DOWNTIME
    if succeeded and finished.downtime_seconds is not None:
        durations = (*durations, finished.downtime_seconds)[-DURATIONS_KEPT:]
    changed = {"sequence": sequence, "running": finished.running, "durations": durations}
    return Decision(state.model_copy(update=changed))


def extensions_changed(
    state: KnownEnvironment | None, message: Envelope[ExtensionSetChanged], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """An environment has other extensions."""
    sequence = message.sequence or 0
    if state is None or state.sequence >= sequence:
        return Decision(state)
    changed = {
        "sequence": sequence,
        "set_version": message.data.set_version,
        "extensions": message.data.extensions,
        "staged": message.data.staged,
    }
    return Decision(state.model_copy(update=changed))


def made_update(told: OperationAccepted | OperationFinished) -> str | None:
    """The id of the update that an operation makes; None if it makes none, or brings one that was made elsewhere."""
    if told.operation_kind not in _MAKES_UPDATE or told.update_name is None:
        return None
    return update_id(told.environment, told.update_name)


def update_begun(
    state: KnownUpdate | None, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[KnownUpdate]:
    """An update is being applied."""
    sequence = message.sequence or 0
    if state and state.sequence >= sequence:
        return Decision(state)
    return Decision(KnownUpdate(sequence=sequence, operation=message.data.operation))


def update_ended(
    state: KnownUpdate | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[KnownUpdate]:
    """An update was applied, or not."""
    sequence = message.sequence or 0
    if state and state.sequence >= sequence:
        return Decision(state)
    finished = message.data
    update = finished.running if finished.outcome is Outcome.SUCCEEDED else None
    return Decision(
        KnownUpdate(sequence=sequence, operation=finished.operation, outcome=finished.outcome, update=update)
    )


def package_submitted(
    state: KnownPackage | None, message: Envelope[PackageSubmitted], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It waits for its check; a verdict that it has stands meanwhile."""
    return _told(state, message)


def package_validated(
    state: KnownPackage | None, message: Envelope[PackageValidated], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It is valid."""
    return _told(state, message)


def package_rejected(
    state: KnownPackage | None, message: Envelope[PackageRejected], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It is not valid."""
    return _told(state, message)


def package_check_failed(
    state: KnownPackage | None, message: Envelope[PackageCheckFailed], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """Nobody knows whether it is valid, unless an earlier verdict stands."""
    return _told(state, message)


def package_quarantined(
    state: KnownPackage | None, message: Envelope[PackageQuarantined], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """Nobody knows whether it is valid: its check was cut off each time."""
    return _told(state, message)


def package_retired(
    state: KnownPackage | None, message: Envelope[PackageRetired], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It may not be published any more; releases of it stay."""
    return _told(state, message)


def _told(state: KnownPackage | None, message: Envelope[PackageEvent]) -> Decision[KnownPackage]:
    after = KnownPackage.after(state, message)
    return UNCHANGED if after is state else Decision(after)
