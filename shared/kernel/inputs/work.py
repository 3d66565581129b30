"""What is said about work, as inputs: it is claimed; its worker lives, has come so far, gives it back, is done."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from shared.kernel.decision import Failure, WorkEnded
from shared.kernel.document import PendingWork, work_key
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.inputs.undecided import keep_undecided
from shared.kernel.table import Load, OnWork, split_name
from shared.kernel.unit_of_work import UnitOfWork


@dataclass(kw_only=True, eq=False)
class ClaimInput(Input):
    """A worker wants the lease of a piece of work, if it is free and due. `claimed` is what it got."""

    name: str
    owner: str
    lease: timedelta
    disbelieved: datetime | None = None
    """A moment ahead at which the work would wake, of which the sweeper knows that no right clock has written it."""
    claimed: PendingWork | None = field(default=None, init=False)

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        document = unit.document
        work = document.work.get(self.name)
        if work is None or work_key(self.name) in document.undecided:
            self.claimed = None
            return InputOutcome.SKIPPED
        if work.wakes > unit.now and work.wakes != self.disbelieved:
            self.claimed = None
            return InputOutcome.SKIPPED
        document.epoch += 1
        work.epoch = document.epoch
        work.owner = self.owner
        work.until = unit.now + self.lease
        work.attempts += 1
        self.claimed = replace(work)
        unit.touch()
        return InputOutcome.APPLIED


@dataclass(kw_only=True, eq=False)
class WorkInput(Input):
    """Something a worker does under the lease `epoch`; skipped if the lease is another's by now."""

    name: str
    epoch: int

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        work = self.held(unit)
        if work is None:
            return InputOutcome.SKIPPED
        self.change(unit, work, facts)
        unit.touch()
        return InputOutcome.APPLIED

    def held(self, unit: UnitOfWork) -> PendingWork | None:
        """The work, if the lease is still the one that this is done under."""
        work = unit.document.work.get(self.name)
        return work if work and work.owner and work.epoch == self.epoch else None

    def change(self, unit: UnitOfWork, work: PendingWork, facts: Any) -> None:
        """Change the work, which is held."""
        raise NotImplementedError


@dataclass(kw_only=True, eq=False)
class HeartbeatInput(WorkInput):
    """The worker is alive: its lease is extended."""

    lease: timedelta

    def change(self, unit: UnitOfWork, work: PendingWork, facts: Any) -> None:
        work.until = unit.now + self.lease


@dataclass(kw_only=True, eq=False)
class CheckpointInput(WorkInput):
    """A part of the work is done."""

    reached: BaseModel

    def change(self, unit: UnitOfWork, work: PendingWork, facts: Any) -> None:
        work.checkpoint = self.reached.model_dump(mode="json")
        work.failing_since = None


@dataclass(kw_only=True, eq=False)
class PutBackInput(WorkInput):
    """Somebody takes the work up again after `due`.

    An attempt failed (`failed`), or the process ends (None). One that an `outage` cut short does not count.
    """

    due: datetime
    failed: str | None = None
    outage: bool = False

    def change(self, unit: UnitOfWork, work: PendingWork, facts: Any) -> None:
        work.owner = work.until = None
        work.due = self.due
        work.error = self.failed or work.error
        if self.outage:
            work.failing_since = work.failing_since or unit.now
        elif self.failed:
            work.failing_since = None
        if self.outage or self.failed is None:
            work.attempts -= 1


@dataclass(kw_only=True, eq=False)
class WorkEndedInput(WorkInput):
    """The work has ended, with a result or a failure."""

    result: BaseModel | None = None
    failure: Failure | None = None

    def wants(self, unit: UnitOfWork) -> tuple[Load[Any] | None, Any]:
        return _line(unit, self.name).facts, self._happening()

    def change(self, unit: UnitOfWork, work: PendingWork, facts: Any) -> None:
        _decide(unit, work, self._happening(), facts)

    def keep(self, unit: UnitOfWork, error: Exception) -> InputOutcome | None:
        work = self.held(unit)
        if work is None:
            return InputOutcome.SKIPPED
        work.owner = work.until = None
        result = self.result.model_dump(mode="json") if self.result else None
        failure = asdict(self.failure) if self.failure else None
        keep_undecided(unit, work_key(self.name), error, work.origin, {"result": result, "failure": failure})
        return InputOutcome.UNDECIDED

    def _happening(self) -> WorkEnded[Any]:
        return WorkEnded(*split_name(self.name), self.result, self.failure)


@dataclass(kw_only=True, eq=False)
class WorkEndedAgainInput(Input):
    """Work has ended a while ago, and what follows could not be decided then."""

    name: str

    def wants(self, unit: UnitOfWork) -> tuple[Load[Any] | None, Any]:
        ended = self._ended(unit)
        return (None, None) if ended is None else (_line(unit, self.name).facts, self._happening(unit, ended))

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        ended = self._ended(unit)
        if ended is None:
            return InputOutcome.SKIPPED
        _decide(unit, unit.document.work[self.name], self._happening(unit, ended), facts)
        return InputOutcome.APPLIED

    def keep(self, unit: UnitOfWork, error: Exception) -> InputOutcome:
        work, ended = unit.document.work.get(self.name), self._ended(unit)
        if work is None or ended is None:
            return InputOutcome.SKIPPED
        keep_undecided(unit, work_key(self.name), error, work.origin, ended)
        return InputOutcome.UNDECIDED

    def _ended(self, unit: UnitOfWork) -> dict[str, Any] | None:
        undecided = unit.document.undecided.get(work_key(self.name))
        return undecided.ended if undecided and undecided.again <= unit.now else None

    def _happening(self, unit: UnitOfWork, ended: dict[str, Any]) -> WorkEnded[Any]:
        result, failure = ended["result"], ended["failure"]
        model = _line(unit, self.name).result
        return WorkEnded(
            *split_name(self.name),
            None if result is None else model.model_validate(result, strict=False),
            None if failure is None else Failure(**failure),
        )


def _line(unit: UnitOfWork, name: str) -> OnWork[Any, Any, Any, Any]:
    return unit.service.work[unit.aggregate.name, split_name(name)[0]]


def _decide(unit: UnitOfWork, work: PendingWork, happening: WorkEnded[Any], facts: Any) -> None:
    decision = unit.decide(_line(unit, work.name), happening, facts)
    effects = unit.effects(decision, work.origin)
    unit.forget_work(work.name)
    unit.apply(effects)
