"""The table that makes a service: which message, timer or work reaches which aggregate through which function.

Every mistake that the table can show is raised as `WiringError` when it is made, never when a message arrives.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from shared.contracts.catalogue import Catalogue
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, MessageKind, Snapshot
from shared.contracts.topics import topic_name
from shared.kernel.decision import Decision, TimerDue, WorkEnded

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

    `view` makes the public snapshot of one, from its id and state; None: it has none.
    """

    name: str
    state: type[S]
    view: Callable[[str, S], Snapshot | None] | None = None


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
    """

    message: type[M]
    aggregate: Aggregate[S]
    decide: Callable[[S | None, Envelope[M], F, datetime], Decision[S]]
    key: Callable[[M], str | None] = lambda message: message.key
    facts: Load[F] | None = None
    sender: str | None = None
    named_by: Callable[[Envelope[M]], str] | None = None

    def aggregate_id(self, envelope: Envelope[M]) -> str | None:
        """The id of the aggregate that the message goes to; None: it concerns none."""
        return self.named_by(envelope) if self.named_by else self.key(envelope.data)

    @property
    def name(self) -> str:
        """What this handler is called in the records of what an aggregate has seen."""
        return self.message.type


@dataclass(frozen=True, eq=False)
class OnTimer(Generic[S, F]):
    """A timer `kind` of the aggregate has become due."""

    kind: str
    aggregate: Aggregate[S]
    decide: Callable[[S | None, TimerDue, F, datetime], Decision[S]]
    facts: Load[F] | None = None


@dataclass(frozen=True, eq=False)
class OnWork(Generic[S, I, R, F]):
    """Work `kind` of the aggregate: `run` does it under a lease, `decide` takes how it ended.

    `run` gets the input and its `worker.Job`. It may be cut off anywhere and begun again: it looks first and adopts
    what it finds. `limit` bounds one attempt; after `attempts` of them the work has failed.
    """

    kind: str
    aggregate: Aggregate[S]
    run: Callable[[I, Any], Awaitable[R]]
    decide: Callable[[S | None, WorkEnded[R], F, datetime], Decision[S]]
    facts: Load[F] | None = None
    limit: timedelta = timedelta(minutes=10)
    attempts: int = 5

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


def source_of(service: str) -> str:
    """`ce_source` of what a service sends."""
    return f"drydock/{service}"


@dataclass(frozen=True, eq=False)
class Service:
    """A service: its name, the catalogue of messages, and its table. Raise WiringError if they cannot work."""

    name: str
    catalogue: Catalogue
    table: Sequence[Line]
    builtin: Sequence[Line] = field(default=(), kw_only=True)

    handlers: Mapping[str, tuple[On[Any, Any, Any], ...]] = field(init=False)
    timers: Mapping[tuple[str, str], OnTimer[Any, Any]] = field(init=False)
    work: Mapping[tuple[str, str], OnWork[Any, Any, Any, Any]] = field(init=False)
    aggregates: Mapping[str, Aggregate[Any]] = field(init=False)

    def __post_init__(self) -> None:
        if self.name not in self.catalogue.services:
            raise WiringError(f"{self.name!r} is no service of the catalogue: {', '.join(self.catalogue.services)}")
        handlers: dict[str, list[On[Any, Any, Any]]] = {}
        timers: dict[tuple[str, str], OnTimer[Any, Any]] = {}
        work: dict[tuple[str, str], OnWork[Any, Any, Any, Any]] = {}
        aggregates: dict[str, Aggregate[Any]] = {}
        for line in (*self.builtin, *self.table):
            if aggregates.setdefault(line.aggregate.name, line.aggregate) is not line.aggregate:
                raise WiringError(f"two aggregates are called {line.aggregate.name!r}")
            _check_function(line)
            match line:
                case On():
                    self._check_message(line, handlers.get(line.message.type, []))
                    handlers.setdefault(line.message.type, []).append(line)
                case OnTimer():
                    _add_once(timers, line, "timer")
                case OnWork():
                    _add_once(work, line, "work")
        self._check_every_command_is_taken(handlers)
        for line in (*self.builtin, *self.table):
            _check_facts(line, aggregates)
        object.__setattr__(self, "handlers", {name: tuple(lines) for name, lines in handlers.items()})
        object.__setattr__(self, "timers", timers)
        object.__setattr__(self, "work", work)
        object.__setattr__(self, "aggregates", aggregates)

    @property
    def source(self) -> str:
        """`ce_source` of what this service sends."""
        return source_of(self.name)

    @cached_property
    def subscriptions(self) -> tuple[str, ...]:
        """The topics this service reads: its commands, and those that the events in its table travel on."""
        topics = {topic_name(self.name, MessageKind.COMMAND)}
        for lines in self.handlers.values():
            topics.update(self._topic(line) for line in lines)
        return tuple(sorted(topics))

    @cached_property
    def _by_topic(self) -> Mapping[tuple[str, str], tuple[On[Any, Any, Any], ...]]:
        found: dict[tuple[str, str], tuple[On[Any, Any, Any], ...]] = {}
        for type_name, lines in self.handlers.items():
            for line in lines:
                key = (type_name, self._topic(line))
                found[key] = (*found.get(key, ()), line)
        return found

    def handlers_of(self, message_type: str, topic: str) -> Sequence[On[Any, Any, Any]]:
        """The lines that take a message of this type from this topic."""
        return self._by_topic.get((message_type, topic), ())

    def _topic(self, line: On[Any, Any, Any]) -> str:
        return self.catalogue.topic_of(line.message, line.sender or self.name)

    def _check_message(self, line: On[Any, Any, Any], others: Sequence[On[Any, Any, Any]]) -> None:
        message = line.message
        type_name = getattr(message, "type", None)
        if type_name is None or self.catalogue.messages.get(type_name) is not message:
            raise WiringError(f"{_words(line)}: {message.__name__} has no contract in the catalogue")
        if message.kind is MessageKind.COMMAND:
            if message.owner not in (self.name, "drydock"):
                raise WiringError(f"{_words(line)}: the command belongs to {message.owner}")
            if others:
                raise WiringError(f"{_words(line)}: a command has one handler, {_words(others[0])} is there already")
        elif message.kind is not MessageKind.EVENT:
            raise WiringError(f"{_words(line)}: a {message.kind.name.lower()} is not handled, only read")
        elif (message.owner == "drydock") != (line.sender is not None):
            raise WiringError(f"{_words(line)}: name the sender of an event that every service sends, of no other")
        if any((other.aggregate, other.sender) == (line.aggregate, line.sender) for other in others):
            raise WiringError(f"{_words(line)}: the event reaches {line.aggregate.name!r} twice")

    def _check_every_command_is_taken(self, handlers: Mapping[str, Sequence[Any]]) -> None:
        commands = self.catalogue.on_topic(topic_name(self.name, MessageKind.COMMAND))
        missing = sorted(set(commands) - set(handlers))
        if missing:
            raise WiringError(f"{self.name}: no handler for {', '.join(missing)}")


def split_name(name: str) -> tuple[str, str]:
    """Kind and argument of the name of a timer or of work."""
    kind, _, argument = name.partition(":")
    return kind, argument


L = TypeVar("L", OnTimer[Any, Any], OnWork[Any, Any, Any, Any])


def _add_once(lines: dict[tuple[str, str], L], line: L, what: str) -> None:
    key = (line.aggregate.name, line.kind)
    if key in lines:
        raise WiringError(f"{_words(line)}: {what} {line.kind!r} of {line.aggregate.name!r} is there already")
    if ":" in line.kind:
        raise WiringError(f"{_words(line)}: a kind has no colon; what follows one is the argument")
    lines[key] = line


def _words(line: Line) -> str:
    what = line.message.__name__ if isinstance(line, On) else line.kind
    return f"{type(line).__name__}({what}, {line.aggregate.name}, {getattr(line.decide, '__name__', line.decide)})"


def _check_function(line: Line) -> None:
    parameters = [
        parameter
        for parameter in inspect.signature(line.decide).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if len(parameters) != 4:
        raise WiringError(f"{_words(line)}: the function takes (state, message, facts, now), not {len(parameters)}")
    if inspect.iscoroutinefunction(line.decide):
        raise WiringError(f"{_words(line)}: the function decides and does nothing, so it is not async")
    hints = _hints(line, line.decide)
    state, happening, facts, now = (hints.get(parameter.name, Any) for parameter in parameters)
    _expect(line, "state", state, {line.aggregate.state, NoneType}, set(get_args(state)))
    _check_happening(line, happening)
    model = line.facts.model if line.facts else NoneType
    _expect(line, "facts", facts, {model}, {facts})
    _expect(line, "now", now, {datetime}, {now})
    returned = hints.get("return", Any)
    _expect(line, "result", returned, {Decision[line.aggregate.state]}, {returned})  # type: ignore[name-defined]  # a type made at run time


def _check_happening(line: Line, hint: Any) -> None:
    if isinstance(line, On):
        _expect(line, "message", hint, {Envelope[line.message]}, {hint})  # type: ignore[name-defined]  # a type made at run time
    elif isinstance(line, OnTimer):
        _expect(line, "timer", hint, {TimerDue}, {hint})
    else:
        if not inspect.iscoroutinefunction(line.run):
            raise WiringError(f"{_words(line)}: run is an async function")
        _check_run(line)
        model = _hints(line, line.run).get("return")
        if get_origin(hint) is not WorkEnded or get_args(hint) != (model,):
            raise WiringError(f"{_words(line)}: run returns {model}, the function takes {hint}")


def _check_run(line: OnWork[Any, Any, Any, Any]) -> None:
    names = list(inspect.signature(line.run).parameters)
    hints = _hints(line, line.run)
    for what, hint in (("input", hints.get(names[0]) if len(names) == 2 else None), ("result", hints.get("return"))):
        if not (isinstance(hint, type) and issubclass(hint, BaseModel)):
            raise WiringError(f"{_words(line)}: run takes (input, job); its {what} is {hint}, it should be a model")


def _check_facts(line: Line, aggregates: Mapping[str, Aggregate[Any]]) -> None:
    if line.facts is None:
        return
    try:
        inspect.signature(line.facts.model).bind(**line.facts.facts)
    except TypeError as error:
        raise WiringError(f"{_words(line)}: {line.facts.model.__name__} is not made of these facts: {error}") from None
    for name, fact in line.facts.facts.items():
        if aggregates.get(fact.aggregate.name) is not fact.aggregate:
            raise WiringError(f"{_words(line)}: the fact {name!r} is of {fact.aggregate.name!r}, which nothing reaches")


def _hints(line: Line, function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except (NameError, TypeError) as error:
        raise WiringError(f"{_words(line)}: the types of the function cannot be read: {error}") from None


def _expect(line: Line, what: str, hint: Any, wanted: set[Any], found: set[Any]) -> None:
    if found != wanted:
        names = " | ".join(sorted(getattr(one, "__name__", str(one)) for one in wanted))
        raise WiringError(f"{_words(line)}: the {what} of the function is {hint}, it should be {names}")
