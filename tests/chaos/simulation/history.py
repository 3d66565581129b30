"""What was seen of a run, as anybody may see it: records, mails, what was done to environments, documents."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Record:
    """A record of a topic."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Mapping[str, bytes | None]


@dataclass(slots=True)
class Effect:
    """Something that was done to an environment: an attempt at a step. Times are seconds of the run."""

    environment: str
    operation: str
    step: str
    process: str
    began: float
    records: int
    """How many records stood on all topics when it began."""
    ended: float = 0.0
    completed: bool = False
    disturbed: bool = False
    """Its process stood still around it, or its clock was set: it may not know yet that another has taken over."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that a server took."""

    address: str
    content: bytes


@dataclass
class History:
    """Everything that was seen of a run, and at last kept by it."""

    records: list[Record]
    effects: list[Effect]
    mails: list[Mail]
    documents: dict[str, dict[str, dict[str, dict[str, Any]]]]
    """By service, collection and id."""
    now: datetime
    faults: list[str] = field(default_factory=list)
    """What went wrong with the run itself: a process that ended without being killed, say."""

    def counts(self) -> Counter[str]:
        """How much happened."""
        types = Counter((one.headers.get("ce_type") or b"").decode() for one in self.records)
        ids = {(one.topic, one.headers.get("ce_id")) for one in self.records}
        return Counter(
            {
                "records": len(self.records),
                "repeats": len(self.records) - len(ids),
                "operations": types["servicing-executor.operation-accepted.v1"],
                "steps": len(self.effects),
                "mails": len(self.mails),
            }
        )
