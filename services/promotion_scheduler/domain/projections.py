"""What the scheduler keeps of what other services said. Only what is newer, by its sequence, changes it."""

from datetime import datetime

from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import EnvironmentKind, Extension, PackageContents, Update
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
from shared.kernel import Decision, State

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


class KnownPackage(State):
    """A package as package-validator last told of it."""

    sequence: int
    status: PackageStatus
    contents: PackageContents | None = None
    """None unless it is valid: what may not be published anew has none."""
    retired_by: str | None = None
    retired_at: datetime | None = None

    @property
    def words(self) -> str:
        """Where it stands, for a person."""
        if self.retired_at is None:
            return self.status.value
        return f"{self.status.value}, by {self.retired_by or 'an unknown user'} at {self.retired_at:%Y-%m-%d %H:%M} UTC"


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
    if state and message.data.standing is state.status:
        return _still(state, message.sequence)
    return _newer(state, message.sequence, PackageStatus.CHECKING)


def package_validated(
    state: KnownPackage | None, message: Envelope[PackageValidated], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It is valid."""
    return _newer(state, message.sequence, PackageStatus.VALID, message.data.contents)


def package_rejected(
    state: KnownPackage | None, message: Envelope[PackageRejected], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It is not valid."""
    return _newer(state, message.sequence, PackageStatus.INVALID)


def package_check_failed(
    state: KnownPackage | None, message: Envelope[PackageCheckFailed], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """Nobody knows whether it is valid, unless an earlier verdict stands."""
    if state and message.data.standing is state.status:
        return _still(state, message.sequence)
    return _newer(state, message.sequence, PackageStatus.CHECK_FAILED)


def package_quarantined(
    state: KnownPackage | None, message: Envelope[PackageQuarantined], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """Nobody knows whether it is valid: its check was cut off each time."""
    return _newer(state, message.sequence, PackageStatus.QUARANTINED)


def package_retired(
    state: KnownPackage | None, message: Envelope[PackageRetired], facts: None, now: datetime
) -> Decision[KnownPackage]:
    """It may not be published any more; releases of it stay."""
    decision = _newer(state, message.sequence, PackageStatus.RETIRED)
    if decision.state is None or decision.state is state:
        return decision
    retired = {"retired_by": message.data.actor, "retired_at": message.time}
    return Decision(decision.state.model_copy(update=retired))


def _still(state: KnownPackage, sequence: int | None) -> Decision[KnownPackage]:
    """It is what it was, and what is older than this says nothing any more."""
    return Decision(state.model_copy(update={"sequence": max(state.sequence, sequence or 0)}))


def _newer(
    state: KnownPackage | None, sequence: int | None, status: PackageStatus, contents: PackageContents | None = None
) -> Decision[KnownPackage]:
    number = sequence or 0
    if state and state.sequence >= number:
        return Decision(state)
    return Decision(KnownPackage(sequence=number, status=status, contents=contents))
