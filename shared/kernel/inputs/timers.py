"""Timers as inputs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.decision import TimerDue
from shared.kernel.document import timer_key
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.inputs.undecided import keep_undecided
from shared.kernel.table import Load, OnTimer, split_name
from shared.kernel.unit_of_work import UnitOfWork


@dataclass(kw_only=True, eq=False)
class TimerInput(Input):
    """A timer may be due: it is decided on, if it is still set and due."""

    name: str

    def wants(self, unit: UnitOfWork) -> tuple[Load[Any] | None, Any]:
        timer = unit.document.timers.get(self.name)
        if timer is None:
            return None, None
        return self._line(unit).facts, self._happening(timer.due)

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        timer = unit.document.timers.get(self.name)
        if timer is None or unit.document.timer_wakes(timer) > unit.now:
            return InputOutcome.SKIPPED
        decision = unit.decide(self._line(unit), self._happening(timer.due), facts)
        effects = unit.effects(decision, timer.origin)
        unit.forget_timer(self.name)
        unit.apply(effects)
        return InputOutcome.APPLIED

    def keep(self, unit: UnitOfWork, error: Exception) -> InputOutcome:
        timer = unit.document.timers.get(self.name)
        if timer is None:
            return InputOutcome.SKIPPED
        keep_undecided(unit, timer_key(self.name), error, timer.origin, None)
        return InputOutcome.UNDECIDED

    def _line(self, unit: UnitOfWork) -> OnTimer[Any, Any]:
        return unit.service.timers[unit.aggregate.name, split_name(self.name)[0]]

    def _happening(self, due: datetime) -> TimerDue:
        return TimerDue(*split_name(self.name), due)
