"""A project's recipients: who is added, who is removed, who is told."""

from datetime import datetime

from services.notifier.domain.state import Audience
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import AddRecipient, AudienceChanged, Reason, Recipient, RemoveRecipient
from shared.kernel.decision import Decision
from shared.kernel.outcomes import Rejected

RECIPIENTS_LIMIT = 100


def add(state: Audience | None, message: Envelope[AddRecipient], facts: None, now: datetime) -> Decision[Audience]:
    """An address is told from now on. Whoever is told about the whole project is told about each environment."""
    command = message.data
    recipients = state.recipients if state else ()
    for one in recipients:
        if _same(one.address, command.address) and one.environment in (None, command.environment):
            raise Rejected(
                Reason.RECIPIENT_EXISTS,
                f"{command.address} is told about {one.environment or f'everything in {command.project}'} already",
            )
    if len(recipients) >= RECIPIENTS_LIMIT:
        raise Rejected(
            Reason.TOO_MANY_RECIPIENTS,
            f"{command.project} has {RECIPIENTS_LIMIT} recipients, the most it may; use a distribution list",
        )
    added = Recipient(address=command.address, environment=command.environment)
    return _changed(command.project, (*recipients, added))


def remove(
    state: Audience | None, message: Envelope[RemoveRecipient], facts: None, now: datetime
) -> Decision[Audience]:
    """An address is told no longer, as it was added. What is on its way to it is still delivered."""
    command = message.data
    recipients = state.recipients if state else ()
    kept = tuple(
        one
        for one in recipients
        if not (_same(one.address, command.address) and one.environment == command.environment)
    )
    if len(kept) == len(recipients):
        raise Rejected(
            Reason.RECIPIENT_UNKNOWN,
            f"{command.address} was not added for {command.environment or f'the whole of {command.project}'}",
        )
    return _changed(command.project, kept)


def addresses(audience: Audience | None, environment: str | None) -> tuple[str, ...]:
    """Who is told about an environment: each address once, however often it was added."""
    told: dict[str, str] = {}
    for one in audience.recipients if audience else ():
        if one.environment in (None, environment):
            told.setdefault(one.address.casefold(), one.address)
    return tuple(told.values())


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _changed(project: str, recipients: tuple[Recipient, ...]) -> Decision[Audience]:
    changed = AudienceChanged(project=project, recipients=recipients)
    return Decision(Audience(recipients=recipients), events=[changed])
