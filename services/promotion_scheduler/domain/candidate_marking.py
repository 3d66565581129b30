"""Candidates: updates of sandboxes that may be promoted."""

from dataclasses import dataclass
from datetime import datetime

from services.promotion_scheduler.domain.projections import KnownEnvironment, KnownUpdate
from shared.contracts.envelope import Envelope
from shared.contracts.parts import EnvironmentKind, Update
from shared.contracts.promotion_scheduler import CandidateMarked, CandidateSnapshot, MarkCandidate, Reason
from shared.contracts.scalars import update_id
from shared.kernel import Decision, NotYet, Rejected, State


class Candidate(State):
    """An update that is marked as release candidate."""

    environment: str
    project: str
    update: Update
    marked_at: datetime
    actor: str | None


@dataclass(frozen=True)
class MarkFacts:
    """The environment and the update that are named."""

    environment: KnownEnvironment | None
    update: KnownUpdate | None


def candidate_of(command: MarkCandidate) -> str:
    """The id of the candidate: the update's."""
    return update_id(command.environment, command.update_name)


def mark(
    state: Candidate | None, message: Envelope[MarkCandidate], facts: MarkFacts, now: datetime
) -> Decision[Candidate]:
    """An update that has succeeded in a sandbox may be promoted. Marked again, it stays as it was marked first."""
    command = message.data
    if facts.environment is None:
        raise NotYet(f"there is no environment {command.environment}", waits_for=command.environment)
    if facts.environment.kind is not EnvironmentKind.SANDBOX:
        raise Rejected(
            Reason.NOT_SANDBOX, f"{command.environment} is production; mark an update of a sandbox of its project"
        )
    marked = state or Candidate(
        environment=command.environment,
        project=facts.environment.project,
        update=_succeeded(command, facts.update),
        marked_at=now,
        actor=message.actor,
    )
    told = CandidateMarked(environment=marked.environment, project=marked.project, update=marked.update)
    return Decision(marked, events=[told])


def _succeeded(command: MarkCandidate, known: KnownUpdate | None) -> Update:
    name = f"{command.update_name!r} of {command.environment}"
    waits_for = candidate_of(command)
    if known is None:
        raise NotYet(f"there is no update {name}", waits_for=waits_for)
    if known.outcome is None:
        raise NotYet(
            f"update {name} is being applied by operation {known.operation}; mark it when that has succeeded",
            waits_for=waits_for,
            reason=Reason.UPDATE_NOT_SUCCEEDED,
        )
    if known.update is None:
        raise Rejected(
            Reason.UPDATE_NOT_SUCCEEDED,
            f"operation {known.operation}, which was to apply update {name}, ended as {known.outcome.value}",
            facts={"operation": known.operation, "outcome": known.outcome.value},
        )
    return known.update


def candidate_view(candidate: str, state: Candidate) -> CandidateSnapshot:
    """The candidate as others see it."""
    return CandidateSnapshot(
        candidate=candidate,
        environment=state.environment,
        project=state.project,
        update=state.update,
        marked_at=state.marked_at,
        actor=state.actor,
    )
