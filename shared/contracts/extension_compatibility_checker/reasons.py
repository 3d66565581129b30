"""Why extension-compatibility-checker refuses a command, or ends something without success."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a command is refused, or why a base or a check came to nothing."""

    BASE_EXISTS = "BASE_EXISTS"
    """Other packages were published as this base."""
    BASE_UNREADABLE = "BASE_UNREADABLE"
    """A package of the base is no extension package with symbols."""
    BASE_MISMATCH = "BASE_MISMATCH"
    """No package of the base is the base application in the version that the base is called after."""
    BASE_UNKNOWN = "BASE_UNKNOWN"
    """No base of this version and country was published."""
    ARTIFACT_MISSING = "ARTIFACT_MISSING"
    """The artifact store does not have a package."""
    ARTIFACT_DAMAGED = "ARTIFACT_DAMAGED"
    """A package in the artifact store does not have its digest or size."""
    INDEXING_FAILED = "INDEXING_FAILED"
    """The base's packages could not be indexed, by a fault of ours."""
    CHECK_FAILED = "CHECK_FAILED"
    """The check did not come to an end, by a fault of ours."""
