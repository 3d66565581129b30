"""What a pure function of a domain decides, and what else than messages it decides on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, get_args

from pydantic import BaseModel
from typing_extensions import get_original_bases

from shared.contracts.message import Command, Event, Snapshot
from shared.kernel.records import OutgoingRecord
from shared.kernel.state import State

S = TypeVar("S", bound=BaseModel)
B = TypeVar("B", bound=State)
R = TypeVar("R", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Send:
    """A command to send. Give `id` where a repeat must send the same command again."""

    command: Command
    id: str | None = None
    to: str | None = None
    """The service that takes it; needed only for commands that every service takes."""


@dataclass(frozen=True)
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

    def state_after(self, before: S | None) -> S | None:
        """The next state of an aggregate that was `before`."""
        return self.state


class _Unchanged(Decision[Any]):
    """Nothing follows, and the state stays as it is."""

    def state_after(self, before: Any) -> Any:
        return before


UNCHANGED: Final[Decision[Any]] = _Unchanged(None)
"""What a function returns when nothing follows from what has happened. Its `state` says nothing: see `state_after`."""


class DecisionBuilder(Decision[B]):
    """A decision about one aggregate in the making, to be returned as it is once it is made.

    Subclass it with the verbs of the aggregate: each changes the state and says what follows. The type checker knows
    which fields `replace` and `move` take.
    """

    state: B
    now: datetime

    def __init__(self, state: B, now: datetime) -> None:
        """Begin with the aggregate as it is, or with a new one."""
        self._events: list[Event] = []
        self._commands: list[Command | Send] = []
        self._timers: dict[str, datetime | None] = {}
        self._work: dict[str, BaseModel | None] = {}
        self._snapshots: list[Snapshot] = []
        super().__init__(
            state,
            events=self._events,
            commands=self._commands,
            timers=self._timers,
            work=self._work,
            snapshots=self._snapshots,
        )
        self.now = now

    @classmethod
    def decides(cls, model: type[BaseModel]) -> bool:
        """Whether its state is of this model."""
        return any(get_args(base) == (model,) for one in cls.__mro__ for base in get_original_bases(one))

    def replace(self, **changes: Any) -> None:
        """Change fields of the state, as `State.replace` does."""
        self._become(self.state.replace(**changes))

    def move(self, status: Any, **changes: Any) -> None:
        """Bring the aggregate into a status, and change these fields, as `State.move` does.

        Raise Permanent if its lifecycle has no such move.
        """
        self._become(self.state.move(status, **changes))

    def say(self, event: Event) -> None:
        """Send an event, after those that were said before."""
        self._events.append(event)

    def send(self, command: Command, id: str | None = None, to: str | None = None) -> None:  # noqa: A002 - as in Send
        """Send a command; the arguments are those of `Send`."""
        self._commands.append(Send(command, id=id, to=to))

    def at(self, timer: str, due: datetime) -> None:
        """Set a timer, or move it."""
        self._timers[timer] = due

    def cancel(self, timer: str) -> None:
        """Let a timer not become due; one that is not set stays so."""
        self._timers[timer] = None

    def start(self, work: str, given: BaseModel) -> None:
        """Start work with its input."""
        self._work[work] = given

    def call_off(self, work: str) -> None:
        """End work without a result, if it is started."""
        self._work[work] = None

    def show(self, snapshot: Snapshot) -> None:
        """Publish a view beside the aggregate's own."""
        self._snapshots.append(snapshot)

    def _become(self, state: B) -> None:
        object.__setattr__(self, "state", state)  # the decision's own field; nobody else may set it


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
