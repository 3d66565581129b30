"""What a pure function of a domain decides, and what else than messages it decides on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel

from shared.contracts.message import Command, Event, Snapshot
from shared.kernel.records import OutgoingRecord

S = TypeVar("S", bound=BaseModel)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Send:
    """A command to send. Give `id` where a repeat must send the same command again."""

    command: Command
    id: str | None = None
    to: str | None = None
    """The service that takes it; needed only for commands that every service takes."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """The next state of an aggregate and all that follows from it, committed together or not at all."""

    state: S | None
    events: Sequence[Event] = ()
    commands: Sequence[Command | Send] = ()
    timers: Mapping[str, datetime | None] = field(default_factory=dict)
    """By name `<kind>` or `<kind>:<argument>`: when it is due (set or moved), or None (cancelled)."""
    work: Mapping[str, BaseModel | None] = field(default_factory=dict)
    """By name `<kind>` or `<kind>:<argument>`: the input of the work to start, or None (called off)."""
    records: Sequence[OutgoingRecord] = ()
    """Records to send as they are."""
    snapshots: Sequence[Snapshot] = ()
    """Public views beside the aggregate's own, of what leaves it: an entry of a history, say."""


@dataclass(frozen=True, slots=True)
class TimerDue:
    """A timer that the aggregate set has become due. `due` is what it was set to; it may be long past."""

    kind: str
    argument: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """Why work ended without a result. `kind` is `permanent`, `exhausted` (attempts used up) or `crashed`."""

    kind: str
    message: str
    attempts: int


@dataclass(frozen=True, slots=True)
class WorkEnded(Generic[R]):
    """Work that the aggregate started has ended: with a result, or with the failure that ended it."""

    kind: str
    argument: str
    result: R | None
    failure: Failure | None
