"""What can go wrong with an artifact store: always infrastructure, never the fault of a package."""


class ArtifactStoreError(Exception):
    """The store could not do what was asked. Never to be reported as an invalid package."""


class ArtifactMissingError(ArtifactStoreError):
    """No artifact has this digest, or no reference has this name."""


class ArtifactCorruptError(ArtifactStoreError):
    """The stored bytes do not have the digest or the size under which they are stored."""


class StoreFullError(ArtifactStoreError):
    """The disk, or the quota, is used up; nothing of the artifact was kept."""


class StoreUnavailableError(ArtifactStoreError):
    """The store cannot be read or written, for instance for want of permission."""
