"""All messages of Drydock in one catalogue."""

from shared.contracts import (
    extension_compatibility_checker,
    image_builder,
    notifier,
    package_validator,
    promotion_scheduler,
    servicing_executor,
)
from shared.contracts.catalogue import Catalogue
from shared.contracts.topics import SERVICES

CATALOGUE = Catalogue(
    SERVICES,
    (
        *package_validator.MESSAGES,
        *image_builder.MESSAGES,
        *servicing_executor.MESSAGES,
        *promotion_scheduler.MESSAGES,
        *extension_compatibility_checker.MESSAGES,
        *notifier.MESSAGES,
    ),
)
