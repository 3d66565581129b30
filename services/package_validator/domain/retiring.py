"""Packages that are offered no longer."""

from datetime import datetime

from services.package_validator.domain.checks import CHECK, LOOK, known
from services.package_validator.domain.state import Package, Retirement
from services.package_validator.domain.told import told
from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import PackageStatus, Reason, RetirePackage
from shared.kernel import Decision, Rejected


def retire(state: Package | None, message: Envelope[RetirePackage], facts: None, now: datetime) -> Decision[Package]:
    """A package is offered no longer; retired again, it is told again. A check that runs again is called off."""
    state = known(state, message.data.package)
    if state.retired:
        return Decision(state, events=[told(state)])
    if state.artifact is None or state.status is PackageStatus.CHECKING:
        doing = "merged" if state.artifact is None else "checked"
        raise Rejected(Reason.NOT_CHECKED_YET, f"{state.id} is still being {doing}; retire it when that has ended")
    after = state.model_copy(
        update={
            "status": PackageStatus.RETIRED,
            "problem": None,
            "rechecking": False,
            "retired": Retirement(actor=message.actor, at=now, note=message.data.note),
        }
    )
    return Decision(after, events=[told(after)], timers={LOOK: None}, work={CHECK: None})
