"""All messages of Drydock in one catalogue, and the lifecycles of what they tell of."""

from collections.abc import Mapping
from typing import Any

from shared.contracts import (
    extension_compatibility_checker,
    image_builder,
    notifier,
    package_validator,
    promotion_scheduler,
    servicing_executor,
)
from shared.contracts.catalogue import Catalogue
from shared.contracts.lifecycle import Lifecycle
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

LIFECYCLES: Mapping[str, tuple[Lifecycle[Any], ...]] = {
    "package-validator": package_validator.LIFECYCLES,
    "image-builder": image_builder.LIFECYCLES,
    "servicing-executor": servicing_executor.LIFECYCLES,
    "promotion-scheduler": promotion_scheduler.LIFECYCLES,
    "extension-compatibility-checker": extension_compatibility_checker.LIFECYCLES,
    "notifier": notifier.LIFECYCLES,
}
"""By service: the tables of transitions of its aggregates."""
