"""Sends the newest snapshots of all that a service has once more: the repair of a compacted topic that lost some.

One at a time, as work of an aggregate of its own: it goes on where it was when its process is killed.
"""

from datetime import datetime, timedelta

from pydantic import Field

from shared.contracts.common import RepublishSnapshots, SnapshotsRepublished
from shared.contracts.envelope import Envelope
from shared.kernel.decision import UNCHANGED, Decision, DecisionBuilder, WorkEnded
from shared.kernel.inputs import RepublishInput
from shared.kernel.outcomes import KernelReason, Rejected
from shared.kernel.state import State
from shared.kernel.table import Aggregate, Line, On, OnWork
from shared.kernel.worker import Job

PAGE = 200
"""Documents that are read and written at once."""


class Republishing(State):
    """Whether the snapshots of a service are being sent once more, and how often they were."""

    running: bool = False
    times: int = 0


class Reached(State):
    """How far it has come: the aggregates that are behind it, and the last document of the one it is at."""

    done: tuple[str, ...] = ()
    after: str = ""
    count: int = Field(default=0, ge=0)


class NothingGiven(State):
    """It needs no more than the service that does it."""


REPUBLISHING = Aggregate("republishing", Republishing)


async def send_all_again(given: NothingGiven, job: Job) -> Reached:
    """Page by page, so that as much waits in outboxes at a time, and no more."""
    committer = job.committer
    reached = Reached.model_validate(job.checkpoint or {}, strict=False)
    for aggregate in committer.service.aggregates.values():
        if aggregate.name in reached.done or not (aggregate.view or aggregate.beside):
            continue
        while ids := await committer.ids(aggregate.name, reached.after, PAGE):
            inputs = [RepublishInput(aggregate=aggregate, id=id_) for id_ in ids]
            await committer.commit(inputs)
            sent = sum(input_.sent for input_ in inputs)
            reached = reached.replace(after=ids[-1], count=reached.count + sent)
            await job.reached(reached)
        reached = reached.replace(done=(*reached.done, aggregate.name), after="")
    return reached


class _Lines:
    """What the lines of one service decide."""

    def __init__(self, service: str) -> None:
        self._service = service

    def begin(
        self, state: Republishing | None, message: Envelope[RepublishSnapshots], facts: None, now: datetime
    ) -> Decision[Republishing]:
        """Begin, unless it is under way."""
        if message.data.service != self._service:
            raise Rejected(KernelReason.UNKNOWN, f"this is {self._service}, not {message.data.service}")
        if state and state.running:
            raise Rejected(KernelReason.UNDER_WAY, "the snapshots are being sent already; the answer to that will tell")
        change = DecisionBuilder(state or Republishing(), now)
        change.replace(running=True)
        change.start("republish", NothingGiven())
        return change

    def end(self, state: Republishing, ended: WorkEnded[Reached], facts: None, now: datetime) -> Decision[Republishing]:
        """Say how many were sent."""
        if ended.result is None:  # it is tried without end
            return UNCHANGED
        change = DecisionBuilder(state, now)
        change.replace(running=False, times=state.times + 1)
        change.say(SnapshotsRepublished(service=self._service, count=ended.result.count))
        return change


def lines(service: str) -> tuple[Line, ...]:
    """What every service has in its table for it."""
    made = _Lines(service)
    return (
        On(RepublishSnapshots, REPUBLISHING, made.begin),
        OnWork(
            "republish",
            REPUBLISHING,
            send_all_again,
            made.end,
            limit=timedelta(hours=12),
            attempts=10**6,
            retry_for=lambda given: None,
            needs_state=True,
        ),
    )
