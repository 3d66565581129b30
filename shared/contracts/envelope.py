"""What travels around a message: identity, origin, order, and who asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID, uuid5

import uuid_utils

from shared.contracts.message import Message

M = TypeVar("M", bound=Message)
D = TypeVar("D", bound=Message, covariant=True)

_DERIVED = UUID("6f0d7f2e-2b1c-5a58-9d50-64727964636b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope(Generic[D]):
    """A message with the attributes of CloudEvents 1.0 and ours.

    `sequence` counts the events of one aggregate from 1 without gaps; a projection keeps the higher one.
    `causation` is the id of the message that led to this one, `correlation` of the first in the chain.
    """

    id: str
    source: str
    time: datetime
    data: D
    subject: str | None = None
    correlation: str | None = None
    causation: str | None = None
    sequence: int | None = None
    actor: str | None = None
    traceparent: str | None = None

    def is_news(self, known: int | None) -> bool:
        """Whether its aggregate had not told this before; `known`: the sequence of what it told last, None: nothing."""
        return known is None or self.number > known

    @property
    def number(self) -> int:
        """Its sequence, to be kept and compared: 0 where its source counts none."""
        return self.sequence or 0


def new_id() -> str:
    """A UUIDv7 in its text form: ids made later sort later."""
    return str(uuid_utils.uuid7())


def derived_id(source: str, *parts: str) -> str:
    """The one id that follows from `source` and `parts`, so that a repeat sends the same message again."""
    return str(uuid5(_DERIVED, "\x1f".join((source, *parts))))
