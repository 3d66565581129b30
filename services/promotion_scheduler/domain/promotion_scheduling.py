"""SchedulePromotion: how a promotion comes to be scheduled, or checked first."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain import guards
from services.promotion_scheduler.domain.projections import ServicedEnvironmentProjection
from services.promotion_scheduler.domain.promotion_change import PromotionChange
from services.promotion_scheduler.domain.promotion_checking import question_about
from services.promotion_scheduler.domain.state import Candidate, Promotion
from services.promotion_scheduler.domain.terms import PromotionTerms
from shared.contracts.envelope import Envelope
from shared.contracts.parts import EnvironmentKind
from shared.contracts.promotion_scheduler import PromotionStatus, Reason, SchedulePromotion
from shared.contracts.scalars import update_id


@dataclass(frozen=True)
class ScheduleFacts:
    """What a promotion is about."""

    production: ServicedEnvironmentProjection | None
    sandbox: ServicedEnvironmentProjection | None
    candidate: Candidate | None


def candidate_meant(command: SchedulePromotion) -> str:
    """The id of the candidate that is to be promoted."""
    return update_id(command.sandbox, command.update_name)


@dataclass(frozen=True)
class PromotionScheduling:
    """Scheduling on the terms of an installation."""

    terms: PromotionTerms

    def schedule(
        self, state: Promotion | None, message: Envelope[SchedulePromotion], facts: ScheduleFacts, now: datetime
    ) -> PromotionChange:
        """A candidate is to go to production: it is scheduled, or its effect on extensions is checked first."""
        command = message.data
        guards.check_none_is_open(state, command.start, now)
        guards.check_start(command.start, now)
        production, candidate = _promotable(command, facts)
        id_ = f"{command.environment}/{message.id}"
        question = question_about(id_, command.environment, candidate.update, production)
        start = max(command.start, now)
        promotion = Promotion(
            id=id_,
            environment=command.environment,
            project=production.project,
            sandbox=command.sandbox,
            update=candidate.update,
            start=start,
            acknowledged=command.acknowledge_unverifiable,
            actor=message.actor,
            status=PromotionStatus.CHECKING if question else PromotionStatus.SCHEDULED,
        )
        change = PromotionChange(promotion, now)
        if question:
            change.check_started(question, now + self.terms.check_within)
        else:
            change.scheduled(self.terms.downtime(start, production.durations), start + self.terms.start_within)
        return change


def _promotable(command: SchedulePromotion, facts: ScheduleFacts) -> tuple[ServicedEnvironmentProjection, Candidate]:
    """Production and the candidate that may go there. Raise NotYet for what is not known, Rejected otherwise."""
    production = guards.environment_of_kind(
        command.environment, facts.production, EnvironmentKind.PRODUCTION, Reason.NOT_PRODUCTION
    )
    sandbox = guards.environment_of_kind(command.sandbox, facts.sandbox, EnvironmentKind.SANDBOX, Reason.NOT_SANDBOX)
    guards.check_one_project(command, production, sandbox)
    running = guards.running_update(command.environment, production)
    candidate = guards.marked_candidate(command, facts.candidate)
    guards.check_image(candidate.update, running)
    return production, candidate
