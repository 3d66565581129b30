"""Packages that are offered no longer."""

from datetime import datetime

from services.package_validator.domain.guards import check_has_ended
from services.package_validator.domain.package_change import PackageChange
from services.package_validator.domain.state import DeployablePackage
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import RetirePackage
from shared.kernel import Decision


def retire(
    state: DeployablePackage, message: Envelope[RetirePackage], facts: None, now: datetime
) -> Decision[DeployablePackage]:
    """A package is offered no longer; retired again, it is told again. A check that runs again is called off."""
    change = PackageChange(state, now)
    if state.retired:
        change.announce()
        return change
    check_has_ended(state)
    change.retired(message.actor, message.data.note)
    return change
