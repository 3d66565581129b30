"""What can go wrong with an artifact store: always infrastructure, never the fault of a package."""

from typing import ClassVar


class ArtifactStoreError(Exception):
    """The store could not do what was asked. Never to be reported as an invalid package."""


class ArtifactUnusableError(ArtifactStoreError):
    """The store answers, and what it has is not what was asked for: trying again does not help."""

    reason: ClassVar[str]
    """Reason code, the same in all services."""


class ArtifactMissingError(ArtifactUnusableError):
    """No artifact has this digest, or no reference has this name."""

    reason = "ARTIFACT_MISSING"


class ArtifactCorruptError(ArtifactUnusableError):
    """The stored bytes do not have the digest or the size under which they are stored."""

    reason = "ARTIFACT_DAMAGED"


class StoreFullError(ArtifactStoreError):
    """The disk, or the quota, is used up; nothing of the artifact was kept."""


class StoreUnavailableError(ArtifactStoreError):
    """The store cannot be read or written, for instance for want of permission."""
