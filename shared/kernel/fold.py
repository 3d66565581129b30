"""One aggregate in one commit: what happened to it, folded into its document one after the other.

Nothing here does I/O. Each step either changes the document as a whole or raises and leaves it as it was.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, TypeVar

from pydantic import BaseModel

from shared.contracts.cloudevents import decode, encode
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, MessageKind
from shared.kernel.decision import Decision, Failure, TimerDue, WorkEnded
from shared.kernel.document import (
    ANSWERS_LIMIT,
    OUTBOX_GRACE,
    SEEN_LIMIT,
    Document,
    Entry,
    Origin,
    Parked,
    PendingTimer,
    PendingWork,
    has_seen,
    pack,
    seen_mark,
    unpack,
    without_mark,
)
from shared.kernel.entries import Entries
from shared.kernel.outcomes import NotYet, Permanent, Rejected
from shared.kernel.service import Aggregate, On, OnWork, Service, split_name

PARKED_RETRY = timedelta(milliseconds=500)


class Outcome(Enum):
    """How something that happened to an aggregate ended."""

    APPLIED = auto()
    REJECTED = auto()
    PARKED = auto()
    DUPLICATE = auto()
    """It was dealt with before; a command's recorded answer is sent again."""
    SKIPPED = auto()
    """It does not apply any more: the timer was moved, the lease is another's."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a record stands."""

    topic: str
    partition: int
    offset: int


class Fold:
    """The document of one aggregate on its way from one version to the next."""

    def __init__(
        self,
        service: Service,
        aggregate: Aggregate[Any],
        document: Document,
        *,
        now: datetime,
        published: int,
        patience: timedelta,
    ) -> None:
        self.service = service
        self.aggregate = aggregate
        self.document = document
        self.now = now
        self.changed = False
        self.claimed: list[PendingWork] = []
        self._patience = patience
        self._first_new_entry = document.entries + 1
        self.state: BaseModel | None = (
            None if document.state is None else aggregate.state.model_validate(document.state, strict=False)
        )
        self._loaded = self.state
        self._view = self._make_view()
        kept = [entry for entry in document.outbox if entry.n > published]
        if len(kept) < len(document.outbox):
            document.outbox = kept
            self.changed = True

    @property
    def has_new_state(self) -> bool:
        """Whether a decision gave the aggregate another state."""
        return self.state is not self._loaded

    # -- messages

    def receive(
        self, handler: On[Any, Any, Any], envelope: Envelope[Message], facts: Any, position: Position
    ) -> Outcome:
        """Decide on a message, unless this was done before."""
        mark = seen_mark(handler.name, envelope.id)
        if has_seen(self.document.seen, mark):
            self._answer_again(envelope.id)
            return Outcome.DUPLICATE
        try:
            outcome = self._decide_message(handler, envelope, facts)
        except NotYet as not_yet:
            self._park(envelope, position, not_yet.waits_for)
            outcome = Outcome.PARKED
        self.document.seen = (self.document.seen + mark)[-SEEN_LIMIT * len(mark) :]
        self.changed = True
        return outcome

    def retry_parked(self, position: Position, facts: Any) -> Outcome:
        """Decide on a parked message again; a command whose time is up is refused."""
        parked = self._parked_at(position)
        if parked is None:
            return Outcome.SKIPPED
        envelope = self.parked_envelope(parked)
        try:
            outcome = self._decide_message(self.handler_of(envelope, position.topic), envelope, facts)
        except NotYet as not_yet:
            if self.now < parked.until:
                parked.waits_for = not_yet.waits_for
                parked.retry = min(self.now + 2 * max(self.now - parked.retry, PARKED_RETRY), parked.until)
                self.changed = True
                return Outcome.PARKED
            if envelope.data.kind is not MessageKind.COMMAND:
                raise Permanent(f"{envelope.data.type} refers to what never became known: {not_yet}") from None
            self._reject(envelope, Rejected(not_yet.reason, str(not_yet)))
            outcome = Outcome.REJECTED
        self.document.parked.remove(parked)
        self.changed = True
        return outcome

    def drop_parked(self, position: Position) -> Outcome:
        """Forget a parked message that has become a dead letter, so that it can be applied when it is redriven."""
        parked = self._parked_at(position)
        if parked is None:
            return Outcome.SKIPPED
        self.document.parked.remove(parked)
        handler = next(value.decode() for name, value in parked.headers if name == "ce_type")
        self.document.seen = without_mark(self.document.seen, seen_mark(handler, parked.id))
        self.changed = True
        return Outcome.APPLIED

    def parked_envelope(self, parked: Parked) -> Envelope[Message]:
        """The message that was parked. Raise Unreadable if this version of the service knows it no more."""
        catalogue = self.service.catalogue
        return decode(catalogue, parked.topic, parked.key, parked.value, parked.headers, record_time=self.now)

    def handler_of(self, envelope: Envelope[Message], topic: str) -> On[Any, Any, Any]:
        """The line of the table that takes the message from this topic to this aggregate."""
        lines = self.service.handlers_of(envelope.data.type, topic)
        return next(line for line in lines if line.aggregate is self.aggregate)

    def _parked_at(self, position: Position) -> Parked | None:
        return next((parked for parked in self.document.parked if position_of(parked) == position), None)

    def _decide_message(self, handler: On[Any, Any, Any], envelope: Envelope[Message], facts: Any) -> Outcome:
        is_command = envelope.data.kind is MessageKind.COMMAND
        try:
            decision = handler.decide(self.state, envelope, facts, self.now)
        except Rejected as rejected:
            if not is_command:
                raise Permanent(f"{envelope.data.type} is an event, and what happened cannot be refused") from rejected
            self._reject(envelope, rejected)
            return Outcome.REJECTED
        effects = self._effects(decision, _origin_of(envelope))
        self._apply(effects)
        if is_command and decision.events:
            self._remember_answer(envelope.id, effects.entries.new[0])
        return Outcome.APPLIED

    def _reject(self, envelope: Envelope[Message], rejected: Rejected) -> None:
        answer = CommandRejected(
            command_key=envelope.data.key,
            command_id=envelope.id,
            command_type=envelope.data.type,
            reason=rejected.reason.value,
            message=rejected.message,
            facts=rejected.facts,
            earliest=rejected.earliest,
        )
        entries = self.new_entries()
        entries.event(answer, _origin_of(envelope))
        entries.keep()
        self._remember_answer(envelope.id, entries.new[0])

    def _park(self, envelope: Envelope[Message], position: Position, waits_for: str | None) -> None:
        record = encode(envelope)
        self.document.parked.append(
            Parked(
                id=envelope.id,
                topic=position.topic,
                partition=position.partition,
                offset=position.offset,
                timestamp=int(envelope.time.timestamp() * 1000),
                key=record.key,
                value=record.value,
                headers=record.headers,
                waits_for=waits_for,
                until=self.now + self._patience,
                retry=self.now + PARKED_RETRY,
            )
        )

    def _remember_answer(self, command_id: str, answer: Entry) -> None:
        answers = self.document.answers
        answers[command_id] = pack(answer)
        while len(answers) > ANSWERS_LIMIT:
            del answers[next(iter(answers))]

    def _answer_again(self, command_id: str) -> None:
        packed = self.document.answers.get(command_id)
        if packed and (answer := unpack(packed)) not in self.document.outbox:
            self.document.entries += 1
            self.document.outbox.append(replace(answer, n=self.document.entries, packed=None))
            self.changed = True

    # -- timers

    def fire(self, name: str, facts: Any) -> Outcome:
        """Decide on a timer, if it is still set and due."""
        timer = self.document.timers.get(name)
        if timer is None or timer.due > self.now:
            return Outcome.SKIPPED
        kind, argument = split_name(name)
        line = self.service.timers[self.aggregate.name, kind]
        decision = line.decide(self.state, TimerDue(kind, argument, timer.due), facts, self.now)
        effects = self._effects(decision, timer.origin)
        del self.document.timers[name]
        self._apply(effects)
        return Outcome.APPLIED

    # -- work

    def claim(self, name: str, owner: str, lease: timedelta) -> Outcome:
        """Take the lease of a piece of work that is free and due. `claimed` has it afterwards."""
        work = self.document.work.get(name)
        if work is None or work.wakes > self.now:
            return Outcome.SKIPPED
        self.document.epoch += 1
        work.epoch = self.document.epoch
        work.owner = owner
        work.until = self.now + lease
        work.attempts += 1
        self.claimed.append(replace(work))
        self.changed = True
        return Outcome.APPLIED

    def beat(self, name: str, epoch: int, lease: timedelta) -> Outcome:
        """Extend a lease."""
        work = self._held(name, epoch)
        if work is None:
            return Outcome.SKIPPED
        work.until = self.now + lease
        self.changed = True
        return Outcome.APPLIED

    def checkpoint(self, name: str, epoch: int, reached: BaseModel) -> Outcome:
        """Record how far work has come."""
        work = self._held(name, epoch)
        if work is None:
            return Outcome.SKIPPED
        work.checkpoint = reached.model_dump(mode="json")
        self.changed = True
        return Outcome.APPLIED

    def put_back(self, name: str, epoch: int, due: datetime, error: str | None) -> Outcome:
        """Give a lease back: after an attempt that failed (`error`), or unfinished because the process ends (None)."""
        work = self._held(name, epoch)
        if work is None:
            return Outcome.SKIPPED
        work.owner = work.until = None
        work.due = due
        work.error = error or work.error
        if error is None:
            work.attempts -= 1
        self.changed = True
        return Outcome.APPLIED

    def end(self, name: str, epoch: int, result: BaseModel | None, failure: Failure | None, facts: Any) -> Outcome:
        """Decide on the end of work, if the lease is still the one that did it."""
        work = self._held(name, epoch)
        if work is None:
            return Outcome.SKIPPED
        line = self.work_line(name)
        kind, argument = split_name(name)
        decision = line.decide(self.state, WorkEnded(kind, argument, result, failure), facts, self.now)
        effects = self._effects(decision, work.origin)
        del self.document.work[name]
        self._apply(effects)
        return Outcome.APPLIED

    def work_line(self, name: str) -> OnWork[Any, Any, Any, Any]:
        """The line of the table that does the work `name`."""
        return self.service.work[self.aggregate.name, split_name(name)[0]]

    def _held(self, name: str, epoch: int) -> PendingWork | None:
        work = self.document.work.get(name)
        return work if work and work.owner and work.epoch == epoch else None

    # -- what a decision leaves behind

    def _effects(self, decision: Decision[Any], origin: Origin) -> "_Effects":
        """What a decision puts into the document. Whatever can fail fails here, where nothing has changed yet."""
        if decision.state is not None and not isinstance(decision.state, self.aggregate.state):
            raise TypeError(f"{self.aggregate.name} has states of {self.aggregate.state}, not {type(decision.state)}")
        self._check_names(decision)
        entries = self.new_entries()
        for event in decision.events:
            entries.event(event, origin)
        for command in decision.commands:
            entries.command(command, origin)
        for view in decision.snapshots:
            entries.snapshot(view)
        for record in decision.records:
            entries.add(record.topic, record.key, record.value, list(record.headers))
        timers = {
            name: None if due is None else PendingTimer(name, due, origin) for name, due in decision.timers.items()
        }
        work = {
            name: None if given is None else PendingWork(name, given.model_dump(mode="json"), origin, due=self.now)
            for name, given in decision.work.items()
        }
        return _Effects(decision.state, entries, timers, work)

    def _apply(self, effects: "_Effects") -> None:
        effects.entries.keep()
        self.state = effects.state
        _replace(self.document.timers, effects.timers)
        _replace(self.document.work, effects.work)
        self.changed = True

    def new_entries(self) -> Entries:
        """Outbox entries in the making, for this document."""
        return Entries(self.service, self.aggregate.name, self.document, self.now)

    def _check_names(self, decision: Decision[Any]) -> None:
        for names, known, what in (
            (decision.timers, self.service.timers, "timer"),
            (decision.work, self.service.work, "work"),
        ):
            for name in names:
                if (self.aggregate.name, split_name(name)[0]) not in known:
                    raise KeyError(f"{self.aggregate.name} has no {what} {split_name(name)[0]!r} in its table")
        for name, due in decision.timers.items():
            if due is not None and due.tzinfo is None:
                raise ValueError(f"timer {name!r} of {self.aggregate.name} is due at {due}, which has no zone")

    def _make_view(self) -> Message | None:
        if self.aggregate.view is None or self.state is None:
            return None
        return self.aggregate.view(self.document.id, self.state)

    def finish(self) -> Document:
        """The document to write, with its snapshot and its due times settled."""
        document = self.document
        document.state = None if self.state is None else self.state.model_dump(mode="json")
        self._renew_snapshot()
        if not document.outbox:
            document.outbox_due = None
        elif document.entries >= self._first_new_entry or document.outbox_due is None:
            document.outbox_due = self.now + OUTBOX_GRACE
        busy = document.state is not None or document.outbox or document.timers or document.parked or document.work
        document.idle_since = None if busy else document.idle_since or self.now
        return document

    def _renew_snapshot(self) -> None:
        view = self._make_view()
        if view is None or view == self._view:
            return
        entries = self.new_entries()
        entries.snapshot(view)
        entries.keep()


@dataclass(frozen=True, slots=True)
class _Effects:
    """What a decision puts into the document, ready to be put there."""

    state: BaseModel | None
    entries: "Entries"
    timers: dict[str, PendingTimer | None]
    work: dict[str, PendingWork | None]


V = TypeVar("V")


def _replace(pending: dict[str, V], by_name: dict[str, V | None]) -> None:
    """Set what is given and take away what is None; whatever is set anew stands last."""
    for name, given in by_name.items():
        pending.pop(name, None)
        if given is not None:
            pending[name] = given


def _origin_of(envelope: Envelope[Message]) -> Origin:
    return Origin(envelope.correlation or envelope.id, envelope.id, envelope.actor, envelope.traceparent)


def position_of(parked: Parked) -> Position:
    """Where the record of a parked message stands."""
    return Position(parked.topic, parked.partition, parked.offset)
