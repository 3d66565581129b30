"""Which updates may be marked as candidates."""

import pytest

from services.promotion_scheduler.domain.candidate_marking import MarkFacts, candidate_of, mark
from services.promotion_scheduler.domain.projections import UpdateProjection
from services.promotion_scheduler.domain.views import candidate_view
from shared.contracts.promotion_scheduler import CandidateMarked, MarkCandidate, Reason
from shared.contracts.servicing_executor import Outcome
from shared.kernel import KernelReason, NotYet, Rejected
from tests.unit.promotion_scheduler.story import NOW, SANDBOX, TONIGHT, envelope, production, sandbox, update

COMMAND = MarkCandidate(environment=SANDBOX, update_name="November RELEASE")
ID = f"{SANDBOX}/november release"
SUCCEEDED = UpdateProjection(sequence=2, operation="one", outcome=Outcome.SUCCEEDED, update=update())
RUNNING = UpdateProjection(sequence=1, operation="one")
FAILED = UpdateProjection(sequence=2, operation="one", outcome=Outcome.ROLLED_BACK)


def test_an_update_that_succeeded_is_marked_whatever_the_case_of_its_name() -> None:
    decision = mark(None, envelope(COMMAND), MarkFacts(sandbox(), SUCCEEDED), NOW)
    assert decision.events == [CandidateMarked(environment=SANDBOX, project="contoso", update=update())]
    assert candidate_of(COMMAND) == ID
    assert decision.state
    view = candidate_view(ID, decision.state)
    assert (view.marked_at, view.actor, view.update) == (NOW, "ada", update())


def test_marked_again_it_is_answered_and_stays_as_it_was() -> None:
    first = mark(None, envelope(COMMAND), MarkFacts(sandbox(), SUCCEEDED), NOW)
    again = mark(first.state, envelope(COMMAND, actor="bob"), MarkFacts(sandbox(), SUCCEEDED), TONIGHT)
    assert again.state == first.state
    assert again.events == first.events


@pytest.mark.parametrize(
    ("facts", "waits_for", "reason"),
    [
        (MarkFacts(None, None), SANDBOX, KernelReason.UNKNOWN),
        (MarkFacts(sandbox(), None), ID, KernelReason.UNKNOWN),
        (MarkFacts(sandbox(), RUNNING), ID, Reason.UPDATE_NOT_SUCCEEDED),
    ],
    ids=["no environment", "no update", "the operation runs"],
)
def test_it_waits_for_what_may_still_come(facts: MarkFacts, waits_for: str, reason: Reason) -> None:
    with pytest.raises(NotYet) as waits:
        mark(None, envelope(COMMAND), facts, NOW)
    assert (waits.value.waits_for, waits.value.reason) == (waits_for, reason)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (MarkFacts(production(), SUCCEEDED), Reason.NOT_SANDBOX),
        (MarkFacts(sandbox(), FAILED), Reason.UPDATE_NOT_SUCCEEDED),
    ],
    ids=["production", "it failed"],
)
def test_it_is_refused(facts: MarkFacts, reason: Reason) -> None:
    with pytest.raises(Rejected) as refused:
        mark(None, envelope(COMMAND), facts, NOW)
    assert refused.value.reason is reason
