"""What can happen to an aggregate: a message, a timer, something about its work. Each decides what becomes of it."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from shared.kernel.table import Aggregate, Load
from shared.kernel.unit_of_work import UnitOfWork


class InputOutcome(Enum):
    """How an input ended."""

    APPLIED = auto()
    REJECTED = auto()
    PARKED = auto()
    DUPLICATE = auto()
    """It was dealt with before; a command's recorded answer is sent again."""
    SKIPPED = auto()
    """It does not apply any more: the timer was moved, the lease is another's."""
    UNDECIDED = auto()
    """What follows from it could not be decided: it is kept, told, and decided on again later."""


@dataclass(kw_only=True, eq=False)
class Input:
    """Something that happens to one aggregate. After the commit either `outcome` or `error` is set."""

    aggregate: Aggregate[Any]
    id: str
    outcome: InputOutcome | None = field(default=None, init=False)
    error: Exception | None = field(default=None, init=False)
    refused: Exception | None = field(default=None, init=False)
    """Why no store takes what `apply` makes of the aggregate, once that was met with."""

    def wants(self, unit: UnitOfWork) -> tuple[Load[Any] | None, Any]:
        """The facts that its function wants, and what happens, from which their ids follow."""
        return None, None

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        """Change the aggregate's document as a whole, or raise and leave it as it was."""
        raise NotImplementedError

    def keep(self, unit: UnitOfWork, error: Exception) -> InputOutcome | None:
        """Keep in the document that `apply` raised `error`; None: who made the input judges the error."""
        return None


@dataclass(kw_only=True, eq=False)
class TrimInput(Input):
    """What was published leaves the outbox, and what others left there is taken over, though nothing else happens."""

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        return InputOutcome.APPLIED if unit.changed else InputOutcome.SKIPPED


@dataclass(kw_only=True, eq=False)
class ViewAgainInput(Input):
    """The aggregate's snapshots are sent again, as they are now: older ones may stand last on their topic.

    `late`: this process knows that they do; else it is for the moment that the document names, if nobody was faster.
    """

    late: bool

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        due = unit.document.view_again
        if self.late or (due and due <= unit.now):
            unit.send_snapshots_again()
        return InputOutcome.APPLIED if unit.changed else InputOutcome.SKIPPED


@dataclass(kw_only=True, eq=False)
class BringUpInput(Input):
    """What an earlier version has stored is stored in the form of this one."""

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        if unit.document.state_version >= self.aggregate.version:
            return InputOutcome.SKIPPED
        unit.bring_up()
        return InputOutcome.APPLIED


@dataclass(kw_only=True, eq=False)
class RepublishInput(Input):
    """The aggregate's snapshots are sent again, with those beside its view that it still holds."""

    sent: int = field(default=0, init=False)

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        self.sent = unit.republish()
        return InputOutcome.APPLIED if unit.changed else InputOutcome.SKIPPED
