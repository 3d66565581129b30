"""package-validator: a package is submitted, checked, and told about."""

from datetime import timedelta
from pathlib import Path

from services.package_validator import domain
from services.package_validator.steps import Steps
from shared.artifacts.folder import FolderStore
from shared.contracts.package_validator import SubmitPackage
from shared.contracts.registry import CATALOGUE
from shared.kernel.app import Aggregate, On, OnWork, Service, Settings, make_service, run

PACKAGES = Aggregate("packages", domain.Package, view=domain.view)


class ValidatorSettings(Settings):
    """What the validator needs to know beside what every service does."""

    artifacts: Path = Path(".drydock/artifacts")


def make(settings: Settings) -> Service:
    """The table of package-validator."""
    assert isinstance(settings, ValidatorSettings)
    steps = Steps(FolderStore(settings.artifacts))
    return make_service(
        "package-validator",
        CATALOGUE,
        On(SubmitPackage, PACKAGES, domain.submit),
        OnWork("check", PACKAGES, steps.check, domain.checked, limit=timedelta(minutes=30), attempts=4),
    )


if __name__ == "__main__":
    run(make, ValidatorSettings())
