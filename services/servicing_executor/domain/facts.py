"""What commands to an environment are decided on beside the environment itself."""

from dataclasses import dataclass

from services.servicing_executor.domain.projections.built_images import ImageProjection
from services.servicing_executor.domain.projections.packages import ApplicablePackageProjection
from services.servicing_executor.domain.projections.platforms import PlatformReleaseProjection
from services.servicing_executor.domain.projections.promotions import PromotionProjection
from services.servicing_executor.domain.projections.rollouts import RolloutProjection


@dataclass(frozen=True)
class PackageFacts:
    """The package that a command names, and the release that it is the platform of."""

    package: ApplicablePackageProjection | None
    release: PlatformReleaseProjection | None


@dataclass(frozen=True)
class ImageFacts:
    """The image that a command names, and what was announced of its promotion."""

    image: ImageProjection | None
    promotion: PromotionProjection | None


@dataclass(frozen=True)
class RolloutFacts:
    """The package that a command names, the release that it is the platform of, and what was announced."""

    package: ApplicablePackageProjection | None
    release: PlatformReleaseProjection | None
    rollout: RolloutProjection | None
