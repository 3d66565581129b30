"""Where a package stands by its events."""

from datetime import datetime
from typing import Self

from shared.contracts.envelope import Envelope
from shared.contracts.package_validator import (
    PackageCheckFailed,
    PackageQuarantined,
    PackageRejected,
    PackageRetired,
    PackageStatus,
    PackageSubmitted,
    PackageValidated,
)
from shared.contracts.parts import ArtifactRef, PackageContents
from shared.kernel import State

PackageEvent = (
    PackageSubmitted | PackageValidated | PackageRejected | PackageCheckFailed | PackageQuarantined | PackageRetired
)

_STATUS: dict[type[PackageEvent], PackageStatus] = {
    PackageSubmitted: PackageStatus.CHECKING,
    PackageValidated: PackageStatus.VALID,
    PackageRejected: PackageStatus.INVALID,
    PackageCheckFailed: PackageStatus.CHECK_FAILED,
    PackageQuarantined: PackageStatus.QUARANTINED,
    PackageRetired: PackageStatus.RETIRED,
}


class PackageStanding(State):
    """A package as package-validator told of it last. A service's projection of packages is one."""

    sequence: int
    """Of the newest event."""
    status: PackageStatus
    artifact: ArtifactRef | None = None
    """None: it was told of before the service kept this."""
    contents: PackageContents | None = None
    """None unless it is valid: what may not be used anew has none."""
    retired_by: str | None = None
    retired_at: datetime | None = None

    @property
    def words(self) -> str:
        """Where it stands, for a person."""
        if self.retired_at is None:
            return self.status.value
        return f"{self.status.value}, by {self.retired_by or 'an unknown user'} at {self.retired_at:%Y-%m-%d %H:%M} UTC"

    @classmethod
    def after(cls, known: Self | None, message: Envelope[PackageEvent]) -> Self:
        """What is known after an event: `known` itself where the event is not newer.

        While a package is checked again, and when that fails, the verdict stands that the event names; whoever does not
        know that verdict has only the event to go by.
        """
        if known and not message.is_news(known.sequence):
            return known
        event, sequence = message.data, message.number
        if known and isinstance(event, PackageSubmitted | PackageCheckFailed) and event.standing is known.status:
            return known.replace(sequence=sequence)
        return cls(
            sequence=sequence,
            status=_STATUS[type(event)],
            artifact=event.artifact,
            contents=event.contents if isinstance(event, PackageValidated) else None,
            retired_by=event.actor if isinstance(event, PackageRetired) else None,
            retired_at=message.time if isinstance(event, PackageRetired) else None,
        )
