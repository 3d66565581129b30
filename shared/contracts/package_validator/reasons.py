"""Why package-validator refuses a command, or ends something without success."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a command is refused, or why a package could not be checked."""

    NAME_TAKEN = "NAME_TAKEN"
    """Another file was submitted under this name."""
    TOO_LARGE = "TOO_LARGE"
    """The file is larger than a package may be."""
    ARTIFACT_MISSING = "ARTIFACT_MISSING"
    """The artifact store does not have the file."""
    ARTIFACT_DAMAGED = "ARTIFACT_DAMAGED"
    """The file in the artifact store does not have its digest or size."""
    PACKAGE_RETIRED = "PACKAGE_RETIRED"
    """The package was retired."""
    NOT_CHECKED_YET = "NOT_CHECKED_YET"
    """The package is still being checked."""
    SOURCE_NOT_VALID = "SOURCE_NOT_VALID"
    """A package that is to be merged is not valid; `facts` name it."""
    OTHER_PROJECT = "OTHER_PROJECT"
    """A package that is to be merged belongs to another project."""
    MERGE_REFUSED = "MERGE_REFUSED"
    """The packages cannot be merged."""
    MERGE_FAILED = "MERGE_FAILED"
    """The packages could not be merged, by a fault of ours."""
    CHECK_CRASHED = "CHECK_CRASHED"
    """The check was cut off each time it was begun: most likely the package brings its process down."""
    CHECK_FAILED = "CHECK_FAILED"
    """The check did not come to an end, by a fault of ours."""
