"""What the notifier keeps of other services' aggregates, from their events, so that mails can say what an event leaves
out: names of operations, and dates and names of extensions.

Each aggregate of another service counts its events; what is not newer than the last of its aggregate changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import (
    RemediationDates,
    RemediationEnded,
    RemediationReminded,
    RemediationStarted,
    RemovalDue,
)
from shared.contracts.parts import ExtensionName
from shared.contracts.promotion_scheduler import (
    PromotionCancelled,
    PromotionScheduled,
    RolloutFinished,
    RolloutPlanned,
    RolloutSkipped,
)
from shared.contracts.servicing_executor import OperationAccepted, OperationFinished, OperationKind
from shared.kernel import UNCHANGED, Decision, DecisionBuilder, State, TimerDue

KEPT_FOR = timedelta(days=15)
"""How long an operation that has ended is remembered: longer than its events are kept, so that each finds it."""
REMEDIATIONS_KEPT = 400
"""Open remediations of an environment that are remembered, at most."""

Open = RemediationStarted | RemediationReminded | RemovalDue


class OperationProjection(State):
    """What the mails about an operation call it."""

    kind: OperationKind
    update_name: str | None


class OpenRemediation(State):
    """An extension that is to be mended or removed, as the checker told of it last."""

    target_major: int
    extension: ExtensionName
    dependents: tuple[ExtensionName, ...] = ()
    """Those that would be removed with it."""
    removal: str | None = None
    """Id of the event that said first that it, with these dependents, is to be removed now; None: none has."""
    dates: RemediationDates


class EnvironmentProjection(State):
    """What the mails about extensions of an environment say of it beside what they are about."""

    heard: dict[str, int] = Field(default_factory=dict)
    """For each aggregate that tells of it: the sequence of the latest event that was taken in."""
    base_version: str | None = None
    """Of the base in use; None: not known."""
    promotion_start: datetime | None = None
    """Downtime start of the promotion that was scheduled last; None if that was cancelled."""
    rollout_start: datetime | None = None
    """When the next release is tried, or tried again; None: not by itself."""
    remediations: tuple[OpenRemediation, ...] = ()
    """Those that are open."""


def operation_accepted(
    state: OperationProjection | None, message: Envelope[OperationAccepted], facts: None, now: datetime
) -> Decision[OperationProjection]:
    """An operation has begun."""
    accepted = message.data
    return Decision(state or OperationProjection(kind=accepted.operation_kind, update_name=accepted.update_name))


def operation_finished(
    state: OperationProjection, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[OperationProjection]:
    """An operation has ended: it need not be known for ever."""
    change = DecisionBuilder(state, now)
    change.at("forget", now + KEPT_FOR)
    return change


def forget(state: OperationProjection, timer: TimerDue, facts: None, now: datetime) -> Decision[OperationProjection]:
    """Nothing is told of the operation any more."""
    return Decision(None)


def base_after_operation(
    state: EnvironmentProjection | None, message: Envelope[OperationFinished], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """The base that an environment uses."""
    running = message.data.running
    return _if_news(
        state,
        "environment",
        message,
        _or_new(state).replace(base_version=running.contents.base_version if running else None),
    )


def promotion_scheduled(
    state: EnvironmentProjection | None, message: Envelope[PromotionScheduled], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """An update comes at this time."""
    return _if_news(state, "promotion", message, _or_new(state).replace(promotion_start=message.data.downtime.start))


def promotion_cancelled(
    state: EnvironmentProjection | None, message: Envelope[PromotionCancelled], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """It does not come."""
    return _if_news(state, "promotion", message, _or_new(state).replace(promotion_start=None))


def rollout_planned(
    state: EnvironmentProjection | None, message: Envelope[RolloutPlanned], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """A release comes from this time on."""
    return _if_news(state, "rollout", message, _or_new(state).replace(rollout_start=message.data.start))


def rollout_skipped(
    state: EnvironmentProjection | None, message: Envelope[RolloutSkipped], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """It comes later, or not by itself."""
    return _if_news(state, "rollout", message, _or_new(state).replace(rollout_start=message.data.next_start))


def rollout_finished(
    state: EnvironmentProjection | None, message: Envelope[RolloutFinished], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """It is there, or is tried again."""
    return _if_news(state, "rollout", message, _or_new(state).replace(rollout_start=message.data.next_start))


def remediation_started(
    state: EnvironmentProjection | None, message: Envelope[RemediationStarted], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """The clock of an extension runs."""
    return _open(state, message)


def remediation_reminded(
    state: EnvironmentProjection | None, message: Envelope[RemediationReminded], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """The clock still runs, by the dates that hold now."""
    return _open(state, message)


def removal_due(
    state: EnvironmentProjection | None, message: Envelope[RemovalDue], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """An extension's time is over; those that need it are known now."""
    return _open(state, message)


def remediation_ended(
    state: EnvironmentProjection | None, message: Envelope[RemediationEnded], facts: None, now: datetime
) -> Decision[EnvironmentProjection]:
    """There is no clock any more."""
    ended = message.data
    left = _without(state, ended.extension.app_id, ended.target_major)
    return _if_news(state, "remediations", message, _or_new(state).replace(remediations=left))


def remediation_of(state: EnvironmentProjection | None, app_id: str, major: int) -> OpenRemediation | None:
    """The open remediation of an extension for a major version of the base."""
    known = state.remediations if state else ()
    return next((one for one in known if (one.extension.app_id, one.target_major) == (app_id, major)), None)


def next_attempt(state: EnvironmentProjection | None, now: datetime) -> datetime | None:
    """When the environment is updated next, as far as that is known: the earlier of promotion and rollout."""
    starts = (state.promotion_start, state.rollout_start) if state else ()
    return min((start for start in starts if start and start > now), default=None)


def removal_is_known(state: EnvironmentProjection | None, message: Envelope[RemovalDue]) -> bool:
    """Whether an earlier event said the same: the checker says it anew whenever the set of extensions changes."""
    due = message.data
    known = remediation_of(state, due.extension.app_id, due.target_major)
    if known is None or known.removal is None:
        return False
    return (known.extension, known.dependents) == (due.extension, due.dependents) and known.removal != message.id


def _open(state: EnvironmentProjection | None, message: Envelope[Any]) -> Decision[EnvironmentProjection]:
    event: Open = message.data
    before = remediation_of(state, event.extension.app_id, event.target_major)
    dependents, removal = (before.dependents, before.removal) if before else ((), None)
    if isinstance(event, RemovalDue):
        removal = removal if removal_is_known(state, message) else message.id
        dependents = event.dependents
    known = OpenRemediation(
        target_major=event.target_major,
        extension=event.extension,
        dependents=dependents,
        removal=removal,
        dates=event.dates,
    )
    others = _without(state, event.extension.app_id, event.target_major)
    return _if_news(
        state, "remediations", message, _or_new(state).replace(remediations=(*others, known)[-REMEDIATIONS_KEPT:])
    )


def _without(state: EnvironmentProjection | None, app_id: str, major: int) -> tuple[OpenRemediation, ...]:
    known = state.remediations if state else ()
    return tuple(one for one in known if (one.extension.app_id, one.target_major) != (app_id, major))


def _or_new(state: EnvironmentProjection | None) -> EnvironmentProjection:
    return state or EnvironmentProjection()


def _if_news(
    state: EnvironmentProjection | None, teller: str, message: Envelope[Any], changed: EnvironmentProjection
) -> Decision[EnvironmentProjection]:
    """What is known from now on, if the event is newer than the last of the aggregate that tells it."""
    if not message.is_news(changed.heard.get(teller)):
        return UNCHANGED
    return Decision(changed.replace(heard={**changed.heard, teller: message.number}))
