"""A project's recipients: who is added, who is removed, who is told."""

from datetime import datetime

from services.notifier.domain.guards import check_not_told_already, check_room, check_was_added, is_recipient
from services.notifier.domain.state import Audience
from shared.contracts.envelope import Envelope
from shared.contracts.notifier import AddRecipient, AudienceChanged, Recipient, RemoveRecipient
from shared.kernel import Decision, DecisionBuilder


class AudienceChange(DecisionBuilder[Audience]):
    """A decision about a project's recipients."""

    def become(self, project: str, recipients: tuple[Recipient, ...]) -> None:
        """Let these be told from now on."""
        self.replace(recipients=recipients)
        self.say(AudienceChanged(project=project, recipients=recipients))


def add_recipient(
    state: Audience | None, message: Envelope[AddRecipient], facts: None, now: datetime
) -> Decision[Audience]:
    """An address is told from now on. Whoever is told about the whole project is told about each environment."""
    command = message.data
    change = AudienceChange(state or Audience(), now)
    recipients = change.state.recipients
    check_not_told_already(recipients, command)
    check_room(recipients, command)
    added = Recipient(address=command.address, environment=command.environment)
    change.become(command.project, (*recipients, added))
    return change


def remove_recipient(
    state: Audience | None, message: Envelope[RemoveRecipient], facts: None, now: datetime
) -> Decision[Audience]:
    """An address is told no longer, as it was added. What is on its way to it is still delivered."""
    command = message.data
    change = AudienceChange(state or Audience(), now)
    check_was_added(change.state.recipients, command)
    kept = tuple(one for one in change.state.recipients if not is_recipient(one, command))
    change.become(command.project, kept)
    return change


def addresses(audience: Audience | None, environment: str | None) -> tuple[str, ...]:
    """Who is told about an environment: each address once, however often it was added."""
    found: dict[str, str] = {}
    for one in audience.recipients if audience else ():
        if one.environment in (None, environment):
            found.setdefault(one.address.casefold(), one.address)
    return tuple(found.values())
