"""What the notifier keeps of environments, so that the mails about extensions can say dates and names.

Each aggregate of another service counts its events; what is not newer than the last of its aggregate changes nothing.
"""

from datetime import datetime
from typing import Any

from services.notifier.domain.state import KnownEnvironment, KnownRemediation
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    RemediationEnded,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionScheduled,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
)
from shared.contracts.servicing_executor import OperationFinished
from shared.kernel.decision import Decision

REMEDIATIONS_KEPT = 400
"""Open remediations of an environment that are remembered, at most."""

Open = RemediationStarted | RemediationReminded | RemovalDue


def operation_finished(
    state: KnownEnvironment | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """The base that an environment uses."""
    running = message.data.running
    return _newer(state, "environment", message, base_version=running.contents.base_version if running else None)


def promotion_scheduled(
    state: KnownEnvironment | None, message: Envelope[PromotionScheduled], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """An update comes at this time."""
    return _newer(state, "promotion", message, promotion_start=message.data.downtime.start)


def promotion_cancelled(
    state: KnownEnvironment | None, message: Envelope[PromotionCancelled], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """It does not come."""
    return _newer(state, "promotion", message, promotion_start=None)


def rollout_planned(
    state: KnownEnvironment | None, message: Envelope[RolloutPlanned], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """A release comes from this time on."""
    return _newer(state, "rollout", message, rollout_start=message.data.start)


def rollout_skipped(
    state: KnownEnvironment | None, message: Envelope[RolloutSkipped], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """It comes later, or not by itself."""
    return _newer(state, "rollout", message, rollout_start=message.data.next_start)


def rollout_finished(
    state: KnownEnvironment | None, message: Envelope[RolloutFinished], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """It is there, or is tried again."""
    return _newer(state, "rollout", message, rollout_start=message.data.next_start)


def remediation_started(
    state: KnownEnvironment | None, message: Envelope[RemediationStarted], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """The clock of an extension runs."""
    return _open(state, message)


def remediation_reminded(
    state: KnownEnvironment | None, message: Envelope[RemediationReminded], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """The clock still runs, by the dates that hold now."""
    return _open(state, message)


def removal_due(
    state: KnownEnvironment | None, message: Envelope[RemovalDue], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """An extension's time is over; those that need it are known now."""
    return _open(state, message)


def remediation_ended(
    state: KnownEnvironment | None, message: Envelope[RemediationEnded], facts: None, now: datetime
) -> Decision[KnownEnvironment]:
    """There is no clock any more."""
    ended = message.data
    return _newer(
        state, "remediations", message, remediations=_without(state, ended.extension.app_id, ended.target_major)
    )


def remediation_of(state: KnownEnvironment | None, app_id: str, major: int) -> KnownRemediation | None:
    """The open remediation of an extension for a major version of the base."""
    known = state.remediations if state else ()
    return next((one for one in known if (one.extension.app_id, one.target_major) == (app_id, major)), None)


def next_attempt(state: KnownEnvironment | None, now: datetime) -> datetime | None:
    """When the environment is updated next, as far as that is known: the earlier of promotion and rollout."""
    starts = (state.promotion_start, state.rollout_start) if state else ()
    return min((start for start in starts if start and start > now), default=None)


def removal_is_known(state: KnownEnvironment | None, message: Envelope[RemovalDue]) -> bool:
    """Whether an earlier event said the same: the checker says it anew whenever the set of extensions changes."""
    due = message.data
    known = remediation_of(state, due.extension.app_id, due.target_major)
    if known is None or known.removal is None:
        return False
    return (known.extension, known.dependents) == (due.extension, due.dependents) and known.removal != message.id


def _open(state: KnownEnvironment | None, message: Envelope[Any]) -> Decision[KnownEnvironment]:
    told: Open = message.data
    before = remediation_of(state, told.extension.app_id, told.target_major)
    dependents, removal = (before.dependents, before.removal) if before else ((), None)
    if isinstance(told, RemovalDue):
        removal = removal if removal_is_known(state, message) else message.id
        dependents = told.dependents
    known = KnownRemediation(
        target_major=told.target_major,
        extension=told.extension,
        dependents=dependents,
        removal=removal,
        dates=told.dates,
    )
    others = _without(state, told.extension.app_id, told.target_major)
    return _newer(state, "remediations", message, remediations=(*others, known)[-REMEDIATIONS_KEPT:])


def _without(state: KnownEnvironment | None, app_id: str, major: int) -> tuple[KnownRemediation, ...]:
    known = state.remediations if state else ()
    return tuple(one for one in known if (one.extension.app_id, one.target_major) != (app_id, major))


def _newer(
    state: KnownEnvironment | None, teller: str, message: Envelope[Any], **values: Any
) -> Decision[KnownEnvironment]:
    known = state or KnownEnvironment()
    sequence = message.sequence or 0
    if known.heard.get(teller, -1) >= sequence:
        return Decision(state)
    return Decision(known.model_copy(update={"heard": {**known.heard, teller: sequence}, **values}))
