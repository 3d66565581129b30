"""Where bases, checks and remediations stand, and where they can go from there."""

from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle


class BaseStatus(StrEnum):
    """Where a base stands."""

    INDEXING = "indexing"
    INDEXED = "indexed"
    UNREADABLE = "unreadable"
    """Its packages make no base; other packages may be published under its id."""
    FAILED = "failed"
    """It was not indexed, by a fault of ours; publishing it again tries again."""


BASE_LIFECYCLE = Lifecycle(
    BaseStatus,
    """
    [*] --> indexing : published
    indexing --> indexed
    indexing --> unreadable : its packages make no base
    indexing --> failed : by a fault of ours
    unreadable, failed --> indexing : published again
    """,
)
"""Once a base is indexed it never changes."""


class CheckStatus(StrEnum):
    """Where a check stands."""

    CHECKING = "checking"
    CHECKED = "checked"


CHECK_LIFECYCLE = Lifecycle(
    CheckStatus,
    """
    [*] --> checking
    [*] --> checked : there is no extension to check, or no base to check it against
    checking --> checked
    checked --> checking : asked again, after it had failed by a fault of ours
    """,
)


class RemediationStatus(StrEnum):
    """Where a remediation stands."""

    DETECTED = "detected"
    """The extension was found incompatible; nobody was told yet."""
    RUNNING = "running"
    REMOVAL_DUE = "removal-due"
    ENDED = "ended"


REMEDIATION_LIFECYCLE = Lifecycle(
    RemediationStatus,
    """
    [*] --> detected : an extension does not work with a version to come
    detected --> running : somebody was told, or the policy does not ask for that
    running --> removal-due : its time is over
    removal-due --> running : the policy gives it more time
    detected, running, removal-due --> ended
    """,
)
"""The clock of an extension: the policy says when it begins to run, and when the extension's time is over."""


class RemediationEnding(StrEnum):
    """Why a remediation ended."""

    FIXED = "fixed"
    """A version that works is installed."""
    STAGED = "staged"
    """A version that works will be installed with the update."""
    UNINSTALLED = "uninstalled"
    """Somebody took the extension out."""
    REMOVED = "removed"
    """It was taken out with the update, as the policy says."""
    UPDATED = "updated"
    """The environment has come to this version, or a later one, with the extension in it."""
