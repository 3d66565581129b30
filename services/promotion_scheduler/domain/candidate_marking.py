"""MarkCandidate: updates of sandboxes that may be promoted."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.guards import check_is_sandbox, existing_environment, succeeded_update
from services.promotion_scheduler.domain.projections import ServicedEnvironmentProjection, UpdateProjection
from services.promotion_scheduler.domain.state import Candidate
from shared.contracts.envelope import Envelope
from shared.contracts.promotion_scheduler import CandidateMarked, MarkCandidate
from shared.contracts.scalars import update_id
from shared.kernel import Decision, DecisionBuilder


@dataclass(frozen=True)
class MarkFacts:
    """The environment and the update that are named."""

    environment: ServicedEnvironmentProjection | None
    update: UpdateProjection | None


class CandidateChange(DecisionBuilder[Candidate]):
    """A decision about a candidate."""

    def marked(self) -> None:
        """It may be promoted."""
        candidate = self.state
        self.say(CandidateMarked(environment=candidate.environment, project=candidate.project, update=candidate.update))


def candidate_of(command: MarkCandidate) -> str:
    """The id of the candidate: the update's."""
    return update_id(command.environment, command.update_name)


def mark(
    state: Candidate | None, message: Envelope[MarkCandidate], facts: MarkFacts, now: datetime
) -> Decision[Candidate]:
    """An update that has succeeded in a sandbox may be promoted. Marked again, it stays as it was marked first."""
    command = message.data
    environment = existing_environment(command.environment, facts.environment)
    check_is_sandbox(command, environment)
    candidate = state or Candidate(
        environment=command.environment,
        project=environment.project,
        update=succeeded_update(command, facts.update),
        marked_at=now,
        actor=message.actor,
    )
    change = CandidateChange(candidate, now)
    change.marked()
    return change
