"""What is kept of a timer, or of the end of work, when the service cannot decide what follows from it."""

from datetime import timedelta
from typing import Any

from shared.contracts.common import DecisionFailed
from shared.kernel.document import Origin, Undecided
from shared.kernel.unit_of_work import UnitOfWork

AGAIN_FIRST = timedelta(seconds=5)
AGAIN_LONGEST = timedelta(minutes=5)
"""So that whoever mends the service need not tell it to try again."""
TOLD_AFTER = 3
"""The attempt after which it is told: two in a row may meet with a passing fault of a neighbour's state."""


def keep_undecided(unit: UnitOfWork, key: str, error: Exception, origin: Origin, ended: dict[str, Any] | None) -> None:
    """Note another attempt that failed, and when the next one is due."""
    known = unit.document.undecided.get(key)
    times = known.times + 1 if known else 1
    message = f"{type(error).__name__}: {error}"[:2000]
    again = unit.now + min(AGAIN_FIRST * 2 ** min(times - 1, 10), AGAIN_LONGEST)
    unit.document.undecided[key] = Undecided(times, message, again, ended)
    unit.touch()
    if times == TOLD_AFTER:
        what, _, name = key.partition(" ")
        outbox = unit.outbox_writer()
        outbox.event(
            DecisionFailed(
                subject=unit.document.id,
                aggregate=unit.aggregate.name,
                happening=what,
                name=name,
                message=message,
                again_at=again,
            ),
            origin,
        )
        outbox.keep()
