"""What refuses a command about a project's recipients."""

from shared.contracts.notifier import AddRecipient, Reason, Recipient, RemoveRecipient
from shared.kernel import Rejected

RECIPIENTS_LIMIT = 100


def check_not_told_already(recipients: tuple[Recipient, ...], command: AddRecipient) -> None:
    """Whoever is told about the whole project is told about each environment."""
    for one in recipients:
        if is_same(one.address, command.address) and one.environment in (None, command.environment):
            raise Rejected(
                Reason.RECIPIENT_EXISTS,
                f"{command.address} is told about {one.environment or f'everything in {command.project}'} already",
            )


def check_room(recipients: tuple[Recipient, ...], command: AddRecipient) -> None:
    """A project has a limited number of recipients."""
    if len(recipients) >= RECIPIENTS_LIMIT:
        raise Rejected(
            Reason.TOO_MANY_RECIPIENTS,
            f"{command.project} has {RECIPIENTS_LIMIT} recipients, the most it may; use a distribution list",
        )


def check_was_added(recipients: tuple[Recipient, ...], command: RemoveRecipient) -> None:
    """A recipient is removed as it was added."""
    if not any(is_recipient(one, command) for one in recipients):
        raise Rejected(
            Reason.RECIPIENT_UNKNOWN,
            f"{command.address} was not added for {command.environment or f'the whole of {command.project}'}",
        )


def is_recipient(one: Recipient, command: RemoveRecipient) -> bool:
    """Whether this is the recipient that is to be removed."""
    return is_same(one.address, command.address) and one.environment == command.environment


def is_same(one: str, other: str) -> bool:
    """Whether two addresses are the same; their case does not count."""
    return one.casefold() == other.casefold()
