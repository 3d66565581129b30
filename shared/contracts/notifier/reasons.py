"""Why notifier refuses a command, or ends something without success."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a command is refused, or why somebody was not told."""

    RECIPIENT_EXISTS = "RECIPIENT_EXISTS"
    """This address is told about this environment, or the whole project, already."""
    RECIPIENT_UNKNOWN = "RECIPIENT_UNKNOWN"
    """There is no such recipient to remove."""
    TOO_MANY_RECIPIENTS = "TOO_MANY_RECIPIENTS"
    """A project has at most 100 recipients."""
    REFUSED_BY_SERVER = "REFUSED_BY_SERVER"
    """The mail server refused the mail for good."""
    SERVER_UNREACHABLE = "SERVER_UNREACHABLE"
    """The mail server did not take the mail, however often it was tried."""
    DELIVERY_FAILED = "DELIVERY_FAILED"
    """The mail could not be made or handed over, by a fault of ours."""
