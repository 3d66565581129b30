"""The terms on which promotions are scheduled and starts are waited for."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.parts import Downtime

ANSWER_GRACE = timedelta(minutes=30)
"""How long the executor's answer to a start is waited for, counted from the last moment at which it may begin."""

DURATIONS_NEEDED = 3
"""So many downtimes of an environment must be known before they say how long the next one takes."""


@dataclass(frozen=True)
class PromotionTerms:
    """Promotions as an installation has set them."""

    start_within: timedelta
    """How long after its start a promotion may begin."""
    expected_downtime: timedelta
    """How long a downtime takes where it is not known."""
    check_within: timedelta
    """How long an answer about extensions may take."""

    def downtime(self, start: datetime, durations: tuple[float, ...]) -> Downtime:
        """The downtime from `start` on of an environment whose latest ones took so many seconds."""
        return Downtime(start=start, end=start + self.expected_duration(durations))

    def expected_duration(self, durations: tuple[float, ...]) -> timedelta:
        """How long the next downtime takes: as long as the longest of these, in seconds, if they are enough."""
        if len(durations) < DURATIONS_NEEDED:
            return self.expected_downtime
        return timedelta(seconds=max(durations))
