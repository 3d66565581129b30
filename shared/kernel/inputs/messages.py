"""Messages as inputs: one that arrives, one that was parked because what it refers to was not known yet."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.contracts.cloudevents import decode, encode
from shared.contracts.common import CommandRejected
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message, MessageKind
from shared.kernel.document import ANSWERS_LIMIT, COMMANDS_TAKEN_FOR, Origin, OutboxEntry, Parked
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.outcomes import KernelReason, NotYet, Permanent, Rejected
from shared.kernel.records import RecordPosition, position_of
from shared.kernel.seen import command_mark, has_seen, has_seen_id, seen_mark, with_mark, without_mark
from shared.kernel.stored import pack, unpack
from shared.kernel.table import Load, On
from shared.kernel.unit_of_work import UnitOfWork

PARKED_RETRY = timedelta(milliseconds=500)
_ID_USED = "another command was sent under the id {} and was dealt with: send this one under an id of its own"
_EXPIRED = f"a command is taken for {COMMANDS_TAKEN_FOR.days} days: send it again, under a new id"


@dataclass(kw_only=True, eq=False)
class MessageInput(Input):
    """A message has arrived: it is decided on, unless this was done before."""

    handler: On[Any, Any, Any]
    envelope: Envelope[Message]
    position: RecordPosition
    value: bytes
    """What the record holds."""
    wants_answer: bool = field(default=False, init=False)
    """Whether it is a repeat of a command whose answer has left the document."""

    def wants(self, unit: UnitOfWork) -> tuple[Load[Any] | None, Any]:
        return self.handler.facts, self.envelope.data

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        document, id_ = unit.document, self.envelope.id
        mark = seen_mark(self.handler.name, id_)
        known = has_seen(document.seen, mark)
        if self.envelope.data.kind is MessageKind.COMMAND:
            mark = command_mark(self.handler.name, id_, self.value)
            if has_seen_id(document.seen, mark) and not has_seen(document.seen, mark):
                _reject(unit, self.envelope, Rejected(KernelReason.ID_USED, _ID_USED.format(id_)), answers=False)
                return InputOutcome.REJECTED
            known = known or has_seen(document.seen, mark)
        if known:
            self.wants_answer = not _answer_again(unit, id_) and self.envelope.data.kind is MessageKind.COMMAND
            return InputOutcome.DUPLICATE
        try:
            outcome = self._decide_in_time(unit, facts)
        except NotYet as not_yet:
            document.parked.append(self._parked(unit, not_yet.waits_for))
            outcome = InputOutcome.PARKED
        document.seen = with_mark(document.seen, mark)
        unit.touch()
        return outcome

    def _decide_in_time(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        envelope = self.envelope
        if envelope.data.kind is MessageKind.COMMAND and unit.is_expired(envelope.time):
            text = f"it was sent at {envelope.time:%Y-%m-%d %H:%M} UTC; {_EXPIRED}"
            _reject(unit, envelope, Rejected(KernelReason.EXPIRED, text, facts={"sent_at": envelope.time.isoformat()}))
            return InputOutcome.REJECTED
        return _decide(unit, self.handler, envelope, facts)

    def _parked(self, unit: UnitOfWork, waits_for: str | None) -> Parked:
        record = encode(self.envelope)
        return Parked(
            id=self.envelope.id,
            topic=self.position.topic,
            partition=self.position.partition,
            offset=self.position.offset,
            timestamp=int(self.envelope.time.timestamp() * 1000),
            key=record.key,
            value=record.value,
            headers=record.headers,
            waits_for=waits_for,
            until=unit.now + unit.patience,
            retry=unit.now + PARKED_RETRY,
        )


@dataclass(kw_only=True, eq=False)
class ParkedInput(Input):
    """A parked message may find by now what it waits for; a command whose time is up is refused."""

    parked: Parked

    def wants(self, unit: UnitOfWork) -> tuple[Load[Any] | None, Any]:
        envelope = _envelope_of(unit, self.parked)
        return _handler_of(unit, envelope, self.parked.topic).facts, envelope.data

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        parked = _parked_at(unit, position_of(self.parked))
        if parked is None:
            return InputOutcome.SKIPPED
        envelope = _envelope_of(unit, parked)
        try:
            outcome = _decide(unit, _handler_of(unit, envelope, parked.topic), envelope, facts)
        except NotYet as not_yet:
            if unit.now < parked.until:
                parked.waits_for = not_yet.waits_for
                parked.retry = min(unit.now + 2 * max(unit.now - parked.retry, PARKED_RETRY), parked.until)
                unit.touch()
                return InputOutcome.PARKED
            if envelope.data.kind is not MessageKind.COMMAND:
                raise Permanent(f"{envelope.data.type} refers to what never became known: {not_yet}") from None
            _reject(unit, envelope, Rejected(not_yet.reason, str(not_yet)))
            outcome = InputOutcome.REJECTED
        unit.document.parked.remove(parked)
        unit.touch()
        return outcome


@dataclass(kw_only=True, eq=False)
class DropParkedInput(Input):
    """A parked message has become a dead letter: it is forgotten, so that it is applied when it is redriven."""

    position: RecordPosition

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        document = unit.document
        parked = _parked_at(unit, self.position)
        if parked is None:
            return InputOutcome.SKIPPED
        document.parked.remove(parked)
        handler = next(value.decode() for name, value in parked.headers if name == "ce_type")
        for mark in (seen_mark(handler, parked.id), command_mark(handler, parked.id, parked.value)):
            document.seen = without_mark(document.seen, mark)
        unit.touch()
        return InputOutcome.APPLIED


def _decide(unit: UnitOfWork, handler: On[Any, Any, Any], envelope: Envelope[Message], facts: Any) -> InputOutcome:
    is_command = envelope.data.kind is MessageKind.COMMAND
    try:
        decision = unit.decide(handler, envelope, facts)
    except Rejected as rejected:
        if not is_command:
            raise Permanent(f"{envelope.data.type} is an event, and what happened cannot be refused") from rejected
        _reject(unit, envelope, rejected)
        return InputOutcome.REJECTED
    effects = unit.effects(decision, _origin_of(envelope))
    unit.apply(effects)
    if is_command and decision.events:
        _remember_answer(unit, envelope.id, effects.outbox.new[0])
    return InputOutcome.APPLIED


def _reject(unit: UnitOfWork, envelope: Envelope[Message], rejected: Rejected, *, answers: bool = True) -> None:
    """Refuse a command; `answers`: that is the answer to its id from now on."""
    answer = CommandRejected(
        command_key=envelope.data.key,
        command_id=envelope.id,
        command_type=envelope.data.type,
        reason=rejected.reason.value,
        message=rejected.message,
        facts=rejected.facts,
        earliest=rejected.earliest,
    )
    outbox = unit.outbox_writer()
    outbox.event(answer, _origin_of(envelope))
    unit.become(unit.state, outbox)
    if answers:
        _remember_answer(unit, envelope.id, outbox.new[0])


def _remember_answer(unit: UnitOfWork, command_id: str, answer: OutboxEntry) -> None:
    answers = unit.document.answers
    answers[command_id] = pack(answer)
    if len(answers) > 2 * ANSWERS_LIMIT:  # many at once: they cost a write of their own
        for earlier in list(answers)[:-ANSWERS_LIMIT]:
            if earlier in unit.stored_answers:
                unit.outgrown[earlier] = answers.pop(earlier)


def _answer_again(unit: UnitOfWork, command_id: str) -> bool:
    """Send the answer to a command again; whether the document has it."""
    packed = unit.document.answers.get(command_id)
    if packed is None:
        return False
    if (answer := unpack(packed)) not in unit.document.outbox:
        unit.send_again(answer)
    return True


def _parked_at(unit: UnitOfWork, position: RecordPosition) -> Parked | None:
    return next((parked for parked in unit.document.parked if position_of(parked) == position), None)


def _envelope_of(unit: UnitOfWork, parked: Parked) -> Envelope[Message]:
    """The message that was parked. Raise Unreadable if this version of the service knows it no more."""
    catalogue = unit.service.catalogue
    return decode(catalogue, parked.topic, parked.key, parked.value, parked.headers, record_time=unit.now)


def _handler_of(unit: UnitOfWork, envelope: Envelope[Message], topic: str) -> On[Any, Any, Any]:
    """The line of the table that takes the message from this topic to this aggregate."""
    lines = unit.service.handlers_of(envelope.data.type, topic)
    return next(line for line in lines if line.aggregate is unit.aggregate)


def _origin_of(envelope: Envelope[Message]) -> Origin:
    return Origin(envelope.correlation or envelope.id, envelope.id, envelope.actor, envelope.traceparent)
