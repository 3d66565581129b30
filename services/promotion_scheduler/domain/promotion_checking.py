"""CheckCompatibility and CompatibilityChecked: whether production's extensions work with the base that a promotion
brings.
"""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.projections import ServicedEnvironmentProjection
from services.promotion_scheduler.domain.promotion_change import PromotionChange
from services.promotion_scheduler.domain.state import AskedCheck, Promotion
from services.promotion_scheduler.domain.terms import PromotionTerms
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.extension_compatibility_checker import CheckCompatibility, CompatibilityChecked, Verdicts
from shared.contracts.extension_sets import on_base, replaced
from shared.contracts.parts import Problem, Update, Verdict
from shared.contracts.promotion_scheduler import PromotionStatus, Reason
from shared.kernel import UNCHANGED, Decision, TimerDue

_STANDS_IN_THE_WAY = (Verdict.INCOMPATIBLE, Verdict.CHECK_FAILED, Verdict.UNVERIFIABLE)
"""The verdicts that speak against a promotion, those first that nobody can acknowledge."""


@dataclass(frozen=True)
class ProductionFacts:
    """The production environment that a promotion goes to."""

    production: ServicedEnvironmentProjection | None


def question_about(
    promotion: str, environment: str, coming: Update, production: ServicedEnvironmentProjection
) -> CheckCompatibility | None:
    """What must be asked first: if the update brings another base, and production has extensions."""
    base = coming.contents.base_version
    current = production.running.contents.base_version if production.running else None
    if base is None or base == current or not production.extensions:
        return None
    extensions = on_base(production.extensions, production.staged, current, base)
    return CheckCompatibility(
        environment=environment,
        project=production.project,
        set_version=production.set_version,
        extensions=extensions,
        base=f"{base}/{production.country}",
        current_base=f"{current}/{production.country}" if current else None,
        replaced=replaced(production.extensions, extensions),
        promotion=promotion,
    )


@dataclass(frozen=True)
class PromotionChecking:
    """Checking on the terms of an installation."""

    terms: PromotionTerms

    def compatibility_checked(
        self, state: Promotion, message: Envelope[CompatibilityChecked], facts: ProductionFacts, now: datetime
    ) -> Decision[Promotion]:
        """Production's extensions were judged. The answer counts if they are still the same."""
        checked = message.data
        production = facts.production
        if state.status is not PromotionStatus.CHECKING or state.check is None or production is None:
            return UNCHANGED
        asked = (state.id, state.check.set_version, state.check.base)
        if (checked.promotion, checked.set_version, checked.base) != asked:
            return UNCHANGED
        change = PromotionChange(state, now)
        question = question_about(state.id, state.environment, state.update, production)
        if question and AskedCheck(set_version=question.set_version, base=question.base) != state.check:
            change.check_started(question, now + self.terms.check_within)
        elif question and (objection := _objection(state, checked)):
            change.refused(objection, _in_the_way(state, checked))
        else:
            start = state.start
            change.scheduled(self.terms.downtime(start, production.durations), start + self.terms.start_within)
        return change


def check_overdue(state: Promotion, timer: TimerDue, facts: None, now: datetime) -> Decision[Promotion]:
    """Nobody could say in time whether production's extensions work with the update's base."""
    if state.id != timer.argument or state.status is not PromotionStatus.CHECKING:
        return UNCHANGED
    change = PromotionChange(state, now)
    change.refused(Problem.of(Reason.CHECK_FAILED, "the extensions were not checked in time; schedule it again later"))
    return change


def refused_check(rejected: CommandRejected) -> str | None:
    """The environment whose extensions the checker refuses to check; None: it refuses something else."""
    return rejected.command_key if rejected.command_type == CheckCompatibility.type else None


def check_refused(
    state: Promotion, message: Envelope[CommandRejected], facts: None, now: datetime
) -> Decision[Promotion]:
    """The extensions cannot be checked: this says nothing about them."""
    rejected = message.data
    if state.status is not PromotionStatus.CHECKING or rejected.command_id != state.check_command:
        return UNCHANGED
    change = PromotionChange(state, now)
    why = f"the extensions could not be checked ({rejected.reason}): {rejected.message}"
    change.refused(Problem.of(Reason.CHECK_FAILED, why))
    return change


def _in_the_way(state: Promotion, checked: CompatibilityChecked) -> Verdicts:
    """The extensions that speak against the promotion, those that decide first."""
    acknowledged = {(Verdict.UNVERIFIABLE, app_id) for app_id in state.acknowledged}
    return tuple(
        one
        for verdict in _STANDS_IN_THE_WAY
        for one in checked.extensions
        if one.verdict is verdict and (one.verdict, one.app_id) not in acknowledged
    )


def _objection(state: Promotion, checked: CompatibilityChecked) -> Problem | None:
    """Why the promotion may not be scheduled, if it may not."""
    named = {
        verdict: [extension for extension in checked.extensions if extension.verdict is verdict] for verdict in Verdict
    }
    if broken := named[Verdict.INCOMPATIBLE]:
        first = "; ".join(f"{one.name} {one.version}: {one.summary}" for one in broken)
        return Problem.of(
            Reason.EXTENSIONS_INCOMPATIBLE,
            f"{len(broken)} extension(s) do not work with base {checked.base}: {first}",
        )
    if checked.verdict is Verdict.CHECK_FAILED or named[Verdict.CHECK_FAILED]:
        return Problem.of(
            Reason.CHECK_FAILED,
            f"the extensions could not be checked against {checked.base}; schedule it again later",
        )
    open_ = [one for one in named[Verdict.UNVERIFIABLE] if one.app_id not in state.acknowledged]
    if not open_:
        return None
    names = ", ".join(f"{one.name} ({one.app_id})" for one in open_)
    return Problem.of(
        Reason.EXTENSIONS_UNVERIFIABLE,
        f"cannot be judged against {checked.base}; acknowledge to go on: {names}",
    )
