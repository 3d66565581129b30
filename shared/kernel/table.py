"""The lines of the table that makes a service: which message, timer or work reaches which aggregate, and how."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar, get_type_hints

from pydantic import BaseModel

from shared.contracts.envelope import Envelope
from shared.contracts.message import Command, Message, Snapshot
from shared.kernel.decision import Decision, TimerDue, WorkEnded
from shared.kernel.outcomes import NewerDocument

S = TypeVar("S", bound=BaseModel)
M = TypeVar("M", bound=Message)
I = TypeVar("I", bound=BaseModel)  # noqa: E741 - the input of work
R = TypeVar("R", bound=BaseModel)
F = TypeVar("F")


class WiringError(TypeError):
    """The table of a service cannot work; the message names the line and what it should be."""


@dataclass(frozen=True, eq=False)
class Aggregate(Generic[S]):
    """A kind of aggregate: the collection its documents live in, and the frozen model of its state.

    `view` makes the public snapshot of one, from its id and state; None: it has none. `beside` makes the snapshots that
    are published beside it, as far as the state still holds them. `called` is what one of them is
    called in a sentence; None: as its model.

    `version` is that of the model, and stored with every state. A change of the model raises it by one; where a state
    of an earlier version is not one of this version as it stands, `upgrade` makes it one, from its version and fields.
    What an earlier version waited for without a timer gets those that `awaits` names of the state, with their moments.
    """

    name: str
    state: type[S]
    view: Callable[[str, S], Snapshot | None] | None = None
    beside: Callable[[str, S], Sequence[Snapshot]] | None = None
    called: str | None = None
    version: int = 1
    upgrade: Callable[[int, dict[str, Any]], dict[str, Any]] | None = None
    awaits: Callable[[S], Mapping[str, datetime]] | None = None

    def read(self, version: int, fields: dict[str, Any] | None) -> S | None:
        """The state that was stored by `version`; None where there is none.

        Raise NewerDocument for one of a later version, ValidationError for what is no state of any.
        """
        if version > self.version:
            raise NewerDocument(f"{self.name} has states of version {version}; this service knows {self.version}")
        if fields is None:
            return None
        if self.upgrade and version < self.version:
            fields = self.upgrade(version, fields)
        return self.state.model_validate(fields, strict=False)

    @property
    def noun(self) -> str:
        """What one of them is called in a sentence."""
        return self.called or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", self.state.__name__).lower()


@dataclass(frozen=True, slots=True)
class Fact:
    """Where a fact is read: the state of the aggregates whose ids `ids` names, from what happens and the state.

    `ids` returns one id (the fact is a state or None), None (the fact is None), or a sequence (a tuple of both).
    """

    aggregate: Aggregate[Any]
    ids: Callable[[Any, Any], str | Sequence[str] | None]


class Load(Generic[F]):
    """The facts a function wants: a dataclass of its domain, and where each field is read."""

    def __init__(self, model: Callable[..., F], **facts: Fact) -> None:
        self.model = model
        self.facts: Mapping[str, Fact] = facts


@dataclass(frozen=True, eq=False)
class On(Generic[S, M, F]):
    """A command or event goes to the aggregate that `key` names, through `decide`.

    An event whose `key` is None does not concern the aggregate and leaves no trace. Give `named_by` instead where
    the aggregate is named after the message itself, its id say. An event that every service sends, `CommandRejected`
    say, is taken from the service `sender` names.

    With `needs_state` the function is called only for an aggregate that there is, and its `state` is never None: a
    command about another is parked, and refused as unknown after the service's patience; an event changes nothing.
    """

    message: type[M]
    aggregate: Aggregate[S]
    decide: Callable[[S, Envelope[M], F, datetime], Decision[S]]
    key: Callable[[M], str | None] = lambda message: message.key
    facts: Load[F] | None = None
    sender: str | None = None
    named_by: Callable[[Envelope[M]], str] | None = None
    needs_state: bool = False

    def aggregate_id(self, envelope: Envelope[M]) -> str | None:
        """The id of the aggregate that the message goes to; None: it concerns none."""
        return self.named_by(envelope) if self.named_by else self.key(envelope.data)

    @property
    def name(self) -> str:
        """What this handler is called in the records of what an aggregate has seen."""
        return self.message.type


@dataclass(frozen=True, eq=False)
class OnTimer(Generic[S, F]):
    """A timer `kind` of the aggregate has become due. With `needs_state` an aggregate without a state is left alone."""

    kind: str
    aggregate: Aggregate[S]
    decide: Callable[[S, TimerDue, F, datetime], Decision[S]]
    facts: Load[F] | None = None
    needs_state: bool = False


def for_ten_minutes(given: Any) -> timedelta | None:
    """How long an outage is waited for where nobody says otherwise."""
    return timedelta(minutes=10)


@dataclass(frozen=True, eq=False)
class OnWork(Generic[S, I, R, F]):
    """Work `kind` of the aggregate: `run` does it under a lease, `decide` takes how it ended.

    `run` gets the input and its `worker.Job`. It may be cut off anywhere and begun again: it looks first and adopts
    what it finds. `limit` bounds one attempt. An outage, for which `run` raises Transient, is waited for as long as
    `retry_for` says of the input (None: without end), however many attempts that takes; of attempts that failed in
    any other way, or died with their process, the last of `attempts` ends the work. With `needs_state` the end of work
    of an aggregate without a state changes nothing.
    """

    kind: str
    aggregate: Aggregate[S]
    run: Callable[[I, Any], Awaitable[R]]
    decide: Callable[[S, WorkEnded[R], F, datetime], Decision[S]]
    facts: Load[F] | None = None
    limit: timedelta = timedelta(minutes=10)
    attempts: int = 5
    retry_for: Callable[[I], timedelta | None] = for_ten_minutes
    needs_state: bool = False

    @cached_property
    def input(self) -> type[I]:
        """The model of the work's input."""
        hints = [hint for name, hint in get_type_hints(self.run).items() if name != "return"]
        found: type[I] = hints[0]
        return found

    @cached_property
    def result(self) -> type[R]:
        """The model of the work's result."""
        found: type[R] = get_type_hints(self.run)["return"]
        return found


Line = On[Any, Any, Any] | OnTimer[Any, Any] | OnWork[Any, Any, Any, Any]


Tell = Callable[[Command], Awaitable[bool]]
"""Sends a command of a service to that service itself; whether the broker has it."""
Observer = Callable[[Tell], Coroutine[Any, Any, None]]
"""Looks without end at something outside that sends no messages of its own, and tells the service what it sees.

It may be cut off anywhere, and tells everything again at the next start; what it tells is decided on like any command.
"""


def split_name(name: str) -> tuple[str, str]:
    """Kind and argument of the name of a timer or of work."""
    kind, _, argument = name.partition(":")
    return kind, argument


def words(line: Line) -> str:
    """A line as an error names it."""
    what = line.message.__name__ if isinstance(line, On) else line.kind
    return f"{type(line).__name__}({what}, {line.aggregate.name}, {getattr(line.decide, '__name__', line.decide)})"
