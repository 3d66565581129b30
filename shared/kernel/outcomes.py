"""The ways, other than success, in which a message can end. The class is the policy."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any


class KernelReason(StrEnum):
    """Reason codes of refusals that the kernel itself makes, for every service."""

    UNKNOWN = "UNKNOWN"
    """What the command refers to did not become known in time."""
    UNREADABLE = "UNREADABLE"
    """The command breaks a rule of its format; it is a dead letter."""
    NOT_PROCESSED = "NOT_PROCESSED"
    """Processing the command failed, by a fault of ours; it is a dead letter."""
    EXPIRED = "EXPIRED"
    """The command is so old that nobody would remember whether it was decided before."""
    ID_USED = "ID_USED"
    """Another command was sent under the same id, and was dealt with."""
    NOT_KEPT = "NOT_KEPT"
    """The dead letter does not hold its record, so that it cannot be sent again."""
    UNDER_WAY = "UNDER_WAY"
    """It is being done already, for another command."""


class Rejected(Exception):
    """The command is refused: the sender gets `CommandRejected`, nothing changes."""

    def __init__(
        self, reason: StrEnum, message: str, *, facts: Mapping[str, Any] | None = None, earliest: datetime | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.facts = dict(facts or {})
        self.earliest = earliest


class NotYet(Exception):
    """What the message refers to is not known here yet.

    The message is parked in its aggregate and decided again when `waits_for`, the id of another aggregate of this
    service, is committed, and from time to time; after the service's patience a command is refused with `reason`.
    """

    def __init__(self, message: str, *, waits_for: str | None = None, reason: StrEnum = KernelReason.UNKNOWN) -> None:
        super().__init__(message)
        self.waits_for = waits_for
        self.reason = reason


class Transient(Exception):
    """Something that will pass: tried again with back-off, in place."""


class Permanent(Exception):
    """Trying again is useless: a message becomes a dead letter at once, work ends as failed."""


class NewerDocument(Exception):
    """A later version of the service has written this document: this one leaves it alone, and waits to be replaced."""


class Conflict(Exception):
    """Another writer was faster, again and again; what was decided is decided anew."""
