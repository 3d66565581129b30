"""What can go wrong between the console and an installation, apart from the client, whose import costs a start."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.contracts.common import CommandRejected


class Unreachable(Exception):
    """No broker answers, or it did not take the command; the message says the way out."""


class Refused(Exception):
    """A command was refused."""

    def __init__(self, answer: "CommandRejected") -> None:
        super().__init__(f"{answer.reason}: {answer.message}")
        self.answer = answer


class NotSent(ValueError):
    """A command cannot be sent as it is. `field` is what is wrong with it, if it is one field."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class NeedsUnknown(Exception):
    """It cannot be said what is needed, so nothing may be collected; the message says why, and the way out."""
