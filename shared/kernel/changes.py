"""What can happen to an aggregate: a message, a timer, or something about its work. Each knows how to be folded."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.kernel.decision import Failure, TimerDue, WorkEnded
from shared.kernel.document import Parked, PendingWork
from shared.kernel.fold import Fold, Outcome, Position, position_of
from shared.kernel.service import Aggregate, Load, On, split_name


@dataclass(kw_only=True, eq=False)
class Change:
    """Something that happens to one aggregate. After the commit either `outcome` or `error` is set."""

    aggregate: Aggregate[Any]
    id: str
    outcome: Outcome | None = field(default=None, init=False)
    error: Exception | None = field(default=None, init=False)

    def wants(self, fold: Fold) -> tuple[Load[Any] | None, Any]:
        """The facts that its function wants, and what happens, from which their ids follow."""
        return None, None

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        """Fold it into the aggregate's document."""
        raise NotImplementedError


@dataclass(kw_only=True, eq=False)
class Receive(Change):
    """A message has arrived."""

    handler: On[Any, Any, Any]
    envelope: Envelope[Message]
    position: Position

    def wants(self, fold: Fold) -> tuple[Load[Any] | None, Any]:
        return self.handler.facts, self.envelope.data

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.receive(self.handler, self.envelope, facts, self.position)


@dataclass(kw_only=True, eq=False)
class RetryParked(Change):
    """A parked message may find by now what it waits for."""

    parked: Parked

    def wants(self, fold: Fold) -> tuple[Load[Any] | None, Any]:
        envelope = fold.parked_envelope(self.parked)
        return fold.handler_of(envelope, self.parked.topic).facts, envelope.data

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.retry_parked(position_of(self.parked), facts)


@dataclass(kw_only=True, eq=False)
class DropParked(Change):
    """A parked message has become a dead letter."""

    position: Position

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.drop_parked(self.position)


@dataclass(kw_only=True, eq=False)
class Fire(Change):
    """A timer is due."""

    name: str

    def wants(self, fold: Fold) -> tuple[Load[Any] | None, Any]:
        kind, argument = split_name(self.name)
        timer = fold.document.timers.get(self.name)
        if timer is None:
            return None, None
        return fold.service.timers[self.aggregate.name, kind].facts, TimerDue(kind, argument, timer.due)

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.fire(self.name, facts)


@dataclass(kw_only=True, eq=False)
class Claim(Change):
    """A worker wants the lease of a piece of work. `claimed` is what it got."""

    name: str
    owner: str
    lease: timedelta
    claimed: PendingWork | None = field(default=None, init=False)

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        outcome = fold.claim(self.name, self.owner, self.lease)
        self.claimed = fold.claimed[-1] if outcome is Outcome.APPLIED else None
        return outcome


@dataclass(kw_only=True, eq=False)
class Held(Change):
    """Something a worker does under the lease `epoch`; skipped if the lease is another's by now."""

    name: str
    epoch: int


@dataclass(kw_only=True, eq=False)
class Beat(Held):
    """The worker is alive."""

    lease: timedelta

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.beat(self.name, self.epoch, self.lease)


@dataclass(kw_only=True, eq=False)
class Checkpoint(Held):
    """A part of the work is done."""

    reached: BaseModel

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.checkpoint(self.name, self.epoch, self.reached)


@dataclass(kw_only=True, eq=False)
class PutBack(Held):
    """An attempt failed (`failed`), or the process ends; somebody takes the work up again after `due`."""

    due: datetime
    failed: str | None = None

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.put_back(self.name, self.epoch, self.due, self.failed)


@dataclass(kw_only=True, eq=False)
class End(Held):
    """The work has ended, with a result or a failure."""

    result: BaseModel | None = None
    failure: Failure | None = None

    def wants(self, fold: Fold) -> tuple[Load[Any] | None, Any]:
        kind, argument = split_name(self.name)
        return fold.work_line(self.name).facts, WorkEnded(kind, argument, self.result, self.failure)

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return fold.end(self.name, self.epoch, self.result, self.failure, facts)


@dataclass(kw_only=True, eq=False)
class Trim(Change):
    """What was published leaves the outbox, though nothing else happens to the aggregate."""

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        return Outcome.APPLIED if fold.changed else Outcome.SKIPPED
