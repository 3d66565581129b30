"""Where packages stand, and where they can go from there."""

from enum import StrEnum

from shared.contracts.lifecycle import Lifecycle


class PackageStatus(StrEnum):
    """Where a package stands."""

    SUBMITTED = "submitted"
    CHECKING = "checking"
    VALID = "valid"
    INVALID = "invalid"
    CHECK_FAILED = "check-failed"
    QUARANTINED = "quarantined"
    RETIRED = "retired"


PACKAGE_LIFECYCLE = Lifecycle(
    PackageStatus,
    """
    [*] --> submitted : to be merged from others
    submitted --> checking : merged
    submitted --> [*] : the merge has failed
    [*] --> checking : submitted with its file
    checking --> valid, invalid
    checking --> check-failed : by a fault of ours
    checking --> quarantined : the check was cut off each time
    check-failed, quarantined --> checking : submitted or checked again
    valid --> invalid : checked again by other rules, or against another release
    invalid --> valid : checked again by other rules, or against another release
    valid, invalid, check-failed, quarantined --> retired
    """,
)
"""While a package with a verdict is checked again, the verdict stands."""
