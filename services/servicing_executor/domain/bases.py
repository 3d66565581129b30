"""Which base comes with a package, and whether extensions are to be checked against it."""

from collections.abc import Sequence

from services.servicing_executor.domain.projections.packages import ApplicablePackageProjection
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from shared.contracts.parts import Extension, ImageContents


def base_that_comes(package: ApplicablePackageProjection, release: PlatformReleaseProjection | None) -> str | None:
    """Version of the base that a package brings: its release's, or that of a release with the same versions."""
    return release.base_version if release else package.base_version


def base_to_check(
    country: str, running: ImageContents, base_version: str | None, extensions: Sequence[Extension]
) -> str | None:
    """The base that the extensions of the update must be checked against, if it brings another one."""
    if base_version is None or base_version == running.base_version or not extensions:
        return None
    return f"{base_version}/{country}"
