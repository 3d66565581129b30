"""An event told to an audience, without a store or a clock."""

from collections.abc import Sequence
from typing import Any

from services.notifier.domain import extensions, projections, promotions, removals, rollouts, state, updates
from services.notifier.domain.notifications import EnvironmentFacts, Recipients
from services.notifier.domain.work import DeliveryInput
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event
from shared.contracts.notifier import Recipient
from shared.contracts.servicing_executor import OperationKind
from shared.kernel import Decision
from tests.support.told_events import AT

MAILS = extensions.ExtensionMails("https://drydock.contoso.example/")

DECIDE: dict[str, Any] = {
    "OperationAccepted": updates.accepted,
    "OperationHeld": updates.held,
    "OperationFinished": updates.finished,
    "EnvironmentStatusChanged": updates.status_changed,
    "PromotionScheduled": promotions.scheduled,
    "PromotionCancelled": promotions.cancelled,
    "PromotionRefused": promotions.refused,
    "ExtensionIncompatible": MAILS.incompatible,
    "RemediationReminded": MAILS.reminded,
    "RemovalDue": removals.removal_due,
    "RemediationEnded": removals.ended,
    "RolloutPlanned": rollouts.planned,
    "RolloutSkipped": rollouts.skipped,
}
_OF_ENVIRONMENTS = {
    "ExtensionIncompatible",
    "RemediationReminded",
    "RemovalDue",
    "RemediationEnded",
    "RolloutPlanned",
    "RolloutSkipped",
}


def envelope(event: Event, sequence: int = 4, id_: str = "event-1") -> Envelope[Any]:
    """The event as it arrives."""
    return Envelope(id=id_, source="test", time=AT, data=event, sequence=sequence)


def tell(
    event: Event,
    addresses: Sequence[str] = ("ada@contoso.example",),
    *,
    kind: OperationKind | None = OperationKind.APPLY,
    before: state.Notification | None = None,
    sequence: int = 4,
    environment: projections.EnvironmentProjection | None = None,
) -> Decision[state.Notification]:
    """What is decided about an event; `kind` is that of a known operation, None: it is not known."""
    audience = state.Audience(recipients=tuple(Recipient(address=one, environment=None) for one in addresses))
    facts = Recipients(audience)
    if type(event).__name__ in _OF_ENVIRONMENTS:
        facts = EnvironmentFacts(audience, environment)
    if type(event).__name__ == "EnvironmentStatusChanged":
        known = projections.OperationProjection(kind=kind, update_name="November release") if kind else None
        facts = updates.StatusFacts(audience, known)
    decision: Decision[state.Notification] = DECIDE[type(event).__name__](before, envelope(event, sequence), facts, AT)
    return decision


def mail_of(
    event: Event, *, sequence: int = 4, environment: projections.EnvironmentProjection | None = None
) -> DeliveryInput:
    """What one recipient is to get."""
    [given] = tell(event, sequence=sequence, environment=environment).work.values()
    assert isinstance(given, DeliveryInput)
    return given
