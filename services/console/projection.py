"""What the console knows: the latest view of everything, built from the topics alone and kept in memory.

Views come from the compacted snapshot topics, read from their start; a fresh console therefore knows what the last
one knew. Events add what no view says: which answer a command got, and what the log of running work says.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from shared.contracts.catalogue import Catalogue
from shared.contracts.common import CommandRejected, DeadLetterRedriven, WorkLogged
from shared.contracts.envelope import Envelope
from shared.contracts.message import Event, Message, MessageKind
from shared.contracts.servicing_executor import (
    EnvironmentSnapshot,
    OperationSnapshot,
    RunningOperation,
)

if TYPE_CHECKING:
    from shared.kernel.client import Read

V = TypeVar("V", bound=Message)

ANSWERS_KEPT = 20_000
"""Commands whose answers are remembered; the oldest are forgotten first."""
ANSWER_EVENTS = 20
LOG_LINES = 2000
"""Lines of the log of a running operation."""


@dataclass(frozen=True, slots=True)
class View:
    """The latest view of one aggregate. `sequence` orders the views of that aggregate."""

    data: Message
    sequence: int | None
    time: datetime


@dataclass(slots=True)
class Answer:
    """What came of a command: the first events that it caused, or its refusal.

    Where they only open something, a check say, what ends it belongs to them, whatever caused that.
    """

    events: list[Envelope[Message]] = field(default_factory=list)
    refusal: CommandRejected | None = None
    ended: bool = False
    """Whether the last word was said."""

    def add(self, envelope: Envelope[Message]) -> None:
        """Take an event, unless there are enough."""
        event = envelope.data
        last = isinstance(event, Event) and event.final and not self.ended
        if (len(self.events) < ANSWER_EVENTS or last) and all(one.id != envelope.id for one in self.events):
            self.events.append(envelope)
        self.ended = self.ended or last


class Projection:
    """All views by type and key, and the answers to the commands of late."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._views: dict[type[Message], dict[str, View]] = {}
        self._answers: OrderedDict[str, Answer] = OrderedDict()
        self._open: dict[tuple[str, str], str] = {}
        """By service and key: the command whose answer has opened something there that has not ended."""
        self._redriven: dict[str, DeadLetterRedriven] = {}
        self._running: dict[str, tuple[str, RunningOperation]] = {}
        self._entries: dict[str, str] = {}
        self._history: dict[str, dict[str, None]] = {}
        self._logs: dict[str, deque[WorkLogged]] = {}

    def apply(self, read: "Read") -> bool:
        """Take one message; whether it is news: an older view than the one at hand is none."""
        if read.envelope is None:
            self._forget(read.topic, read.key)
            return True
        data = read.envelope.data
        if data.kind in (MessageKind.SNAPSHOT, MessageKind.DEAD_LETTER):
            return self._replace(read.key, read.envelope)
        if isinstance(data, Event):
            self._remember(read.envelope)
        elif isinstance(data, WorkLogged):
            self._keep_line(data)
        return True

    def all(self, type_: type[V]) -> Iterable[V]:
        """The latest views of a type."""
        return (view.data for view in self._views.get(type_, {}).values() if isinstance(view.data, type_))

    def views(self) -> Iterable[View]:
        """The latest view of everything, with its time."""
        return (view for of_type in self._views.values() for view in of_type.values())

    def get(self, type_: type[V], key: str) -> V | None:
        """The latest view of one aggregate."""
        view = self._views.get(type_, {}).get(key)
        return view.data if view and isinstance(view.data, type_) else None

    def sequence(self, type_: type[Message], key: str) -> int | None:
        """The sequence of a view, by which a reader tells it from an older one."""
        view = self._views.get(type_, {}).get(key)
        return view.sequence if view else None

    def history(self, environment: str) -> list[OperationSnapshot]:
        """The operations of an environment that have ended, the latest first."""
        entries = [self.get(OperationSnapshot, key) for key in self._history.get(environment, ())]
        return sorted((one for one in entries if one), key=lambda one: (one.accepted_at, one.entry), reverse=True)

    def running_operation(self, operation: str) -> tuple[str, RunningOperation] | None:
        """An operation that has not ended, with its environment.

        One that has just ended is told here until its entry in the history has come: the two stand on partitions
        of their own, and nobody may see neither.
        """
        return self._running.get(operation)

    def ended_operation(self, operation: str) -> OperationSnapshot | None:
        """An operation that has ended."""
        return self.get(OperationSnapshot, self._entries.get(operation, ""))

    def answer(self, command: str) -> Answer | None:
        """What came of a command, as far as is remembered."""
        return self._answers.get(command)

    def expect(self, command: str) -> None:
        """A command was sent: until its answer comes, it is known and unanswered."""
        self._answer_of(command)

    def redriven(self, letter: str) -> DeadLetterRedriven | None:
        """The last redrive of a dead letter, as far as is remembered."""
        return self._redriven.get(letter)

    def log_lines(self, environment: str, operation: str) -> list[WorkLogged]:
        """The last lines of the log of an operation that runs; some may be missing."""
        return [line for line in self._logs.get(environment, ()) if line.work.startswith(f"step:{operation}/")]

    def _replace(self, key: str, envelope: Envelope[Message]) -> bool:
        of_type = self._views.setdefault(type(envelope.data), {})
        known = of_type.get(key)
        if known and not envelope.is_news(known.sequence):
            return False
        of_type[key] = View(envelope.data, envelope.sequence, envelope.time)
        if isinstance(envelope.data, EnvironmentSnapshot):
            self._follow(known.data if known else None, envelope.data)
        elif isinstance(envelope.data, OperationSnapshot):
            self._entries[envelope.data.operation] = key
            self._history.setdefault(envelope.data.environment, {})[key] = None
            self._running.pop(envelope.data.operation, None)
        return True

    def _follow(self, before: Message | None, now: EnvironmentSnapshot) -> None:
        operation = now.operation
        previous = before.operation if isinstance(before, EnvironmentSnapshot) else None
        if operation and operation.operation not in self._entries:
            self._running[operation.operation] = (now.environment, operation)
        if operation and (previous is None or previous.operation != operation.operation):
            self._logs.pop(now.environment, None)

    def _remember(self, envelope: Envelope[Message]) -> None:
        data = envelope.data
        if isinstance(data, CommandRejected):
            self._answer_of(data.command_id).refusal = data
            return
        if isinstance(data, DeadLetterRedriven):
            self._redriven[data.letter_id] = data
        if envelope.causation:
            answer = self._answer_of(envelope.causation)
            answer.add(envelope)
            if not answer.ended:
                self._open[data.owner, data.key] = envelope.causation
        self._end(envelope)

    def _end(self, envelope: Envelope[Message]) -> None:
        """Give what ends it to the command that opened something: by its correlation, or by the aggregate's id."""
        data = envelope.data
        command = self._open.get((data.owner, data.key))
        if command is None:
            return
        answer = self._answer_of(command)
        opened = {getattr(one.data, "promotion", None) for one in answer.events} - {None}
        if envelope.correlation == command or getattr(data, "promotion", None) in opened:
            answer.add(envelope)
        if answer.ended:
            del self._open[data.owner, data.key]

    def _answer_of(self, command: str) -> Answer:
        answer = self._answers.setdefault(command, Answer())
        self._answers.move_to_end(command)
        if len(self._answers) > ANSWERS_KEPT:
            self._answers.popitem(last=False)
        return answer

    def _keep_line(self, line: WorkLogged) -> None:
        self._logs.setdefault(line.subject, deque(maxlen=LOG_LINES)).append(line)

    def _forget(self, topic: str, key: str) -> None:
        for type_ in self._catalogue.on_topic(topic).values():
            gone = self._views.get(type_, {}).pop(key, None)
            if gone and isinstance(gone.data, OperationSnapshot):
                self._entries.pop(gone.data.operation, None)
                self._history.get(gone.data.environment, {}).pop(key, None)
