"""A service: its table, checked as a whole.

Every mistake that the table can show is raised as `WiringError` when it is made, never when a message arrives.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from shared.contracts.catalogue import Catalogue
from shared.contracts.message import MessageKind
from shared.contracts.topics import topic_name
from shared.kernel.signatures import check_facts, check_function
from shared.kernel.table import Aggregate, Line, Observer, On, OnTimer, OnWork, WiringError, words


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
    observer: Observer | None = field(default=None, kw_only=True)
    kept: Sequence[Aggregate[Any]] = field(default=(), kw_only=True)
    """Aggregates that no line is about: what happens to them the kernel notices itself."""

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
        aggregates: dict[str, Aggregate[Any]] = {one.name: one for one in self.kept}
        for line in (*self.builtin, *self.table):
            if aggregates.setdefault(line.aggregate.name, line.aggregate) is not line.aggregate:
                raise WiringError(f"two aggregates are called {line.aggregate.name!r}")
            check_function(line)
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
            check_facts(line, aggregates)
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
            raise WiringError(f"{words(line)}: {message.__name__} has no contract in the catalogue")
        if message.kind is MessageKind.COMMAND:
            if message.owner not in (self.name, "drydock"):
                raise WiringError(f"{words(line)}: the command belongs to {message.owner}")
            if others:
                raise WiringError(f"{words(line)}: a command has one handler, {words(others[0])} is there already")
        elif message.kind is not MessageKind.EVENT:
            raise WiringError(f"{words(line)}: a {message.kind.name.lower()} is not handled, only read")
        elif (message.owner == "drydock") != (line.sender is not None):
            raise WiringError(f"{words(line)}: name the sender of an event that every service sends, of no other")
        if any((other.aggregate, other.sender) == (line.aggregate, line.sender) for other in others):
            raise WiringError(f"{words(line)}: the event reaches {line.aggregate.name!r} twice")

    def _check_every_command_is_taken(self, handlers: Mapping[str, Sequence[Any]]) -> None:
        commands = self.catalogue.on_topic(topic_name(self.name, MessageKind.COMMAND))
        missing = sorted(set(commands) - set(handlers))
        if missing:
            raise WiringError(f"{self.name}: no handler for {', '.join(missing)}")


L = TypeVar("L", OnTimer[Any, Any], OnWork[Any, Any, Any, Any])


def _add_once(lines: dict[tuple[str, str], L], line: L, what: str) -> None:
    key = (line.aggregate.name, line.kind)
    if key in lines:
        raise WiringError(f"{words(line)}: {what} {line.kind!r} of {line.aggregate.name!r} is there already")
    if ":" in line.kind:
        raise WiringError(f"{words(line)}: a kind has no colon; what follows one is the argument")
    lines[key] = line
