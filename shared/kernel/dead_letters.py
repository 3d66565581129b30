"""Records that could not be processed: stored, announced, answered if they were commands, and sent again on demand.

A dead letter is an aggregate like any other: its document is stored before the record is acknowledged, and its
outbox holds the letter itself, the event that announces it, and the refusal that answers a command.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from shared.contracts.cloudevents import Unreadable, readable_attributes
from shared.contracts.common import (
    CommandRejected,
    DeadLetter,
    DeadLettered,
    DeadLetterRedriven,
    RedriveDeadLetter,
)
from shared.contracts.envelope import Envelope
from shared.contracts.message import MessageKind
from shared.kernel.changes import Change
from shared.kernel.commit import Clock, Committer
from shared.kernel.crash_points import crash_point
from shared.kernel.decision import Decision, Record
from shared.kernel.document import Origin, Parked
from shared.kernel.fold import Fold, Outcome
from shared.kernel.logs import get_logger
from shared.kernel.outcomes import KernelReason, Rejected
from shared.kernel.records import RawRecord
from shared.kernel.service import Aggregate, On
from shared.kernel.state import State

log = get_logger(__name__)

KEPT_BYTES = 2 * 1024 * 1024
"""Largest record that a letter holds: in base64 it is within the limit of a letter. No topic takes one as large, but
a compressed batch may hold it, and what cannot be buried would stop its partition for ever."""

_IDENTIFIER = re.compile(r"[!-~]{1,200}")


class Letter(State):
    """The state of a dead letter."""

    letter: DeadLetter
    kept: bool = True
    """Whether the letter holds the record itself; one that is too large stays on its topic alone."""
    redriven: int = 0


DEAD_LETTERS = Aggregate("dead_letters", Letter)


def redrive(state: Letter | None, message: Envelope[RedriveDeadLetter], facts: None, now: datetime) -> Decision[Letter]:
    """Send the record of a dead letter to its topic again; its own id keeps it from being applied twice."""
    if state is None:
        raise Rejected(KernelReason.UNKNOWN, f"there is no dead letter {message.data.letter_id}")
    letter = state.letter
    if not state.kept:
        raise Rejected(
            KernelReason.NOT_KEPT, f"{letter.letter_id} holds no record; it may still stand on {letter.topic}"
        )
    times = state.redriven + 1
    return Decision(
        state.model_copy(update={"redriven": times}),
        events=[
            DeadLetterRedriven(
                letter_id=letter.letter_id,
                topic=letter.topic,
                message_id=letter.message_id,
                actor=message.actor,
                note=message.data.note,
                times=times,
            )
        ],
        records=[
            Record(
                letter.topic,
                _bytes(letter.record_key),
                _bytes(letter.record_value),
                [(name, _bytes(value)) for name, value in letter.record_headers],
            )
        ],
    )


BUILTIN = (On(RedriveDeadLetter, DEAD_LETTERS, redrive),)
"""What every service has in its table."""


class Burial(Change):
    """A record becomes a dead letter."""

    def __init__(self, letter: DeadLetter, key: str, *, kept: bool) -> None:
        super().__init__(aggregate=DEAD_LETTERS, id=letter.letter_id)
        self._letter = letter
        self._kept = kept
        self._key = key

    def apply(self, fold: Fold, facts: Any) -> Outcome:
        """Keep the letter, and what follows from it, unless it is kept already."""
        letter = self._letter
        if fold.state is not None:
            return Outcome.DUPLICATE
        origin = Origin(letter.message_id, letter.message_id)
        entries = fold.new_entries()
        entries.letter(letter)
        entries.event(
            DeadLettered(
                letter_id=letter.letter_id,
                topic=letter.topic,
                reason=letter.reason,
                message=letter.message,
                message_id=letter.message_id,
                message_type=letter.message_type,
            ),
            origin,
        )
        if letter.message_id and letter.topic.endswith(f".{MessageKind.COMMAND.value}"):
            entries.event(self._refusal(letter, letter.message_id), origin)
        entries.keep()
        fold.state = Letter(letter=letter, kept=self._kept)
        fold.changed = True
        return Outcome.APPLIED

    def _refusal(self, letter: DeadLetter, command_id: str) -> CommandRejected:
        reason = KernelReason.NOT_PROCESSED if letter.attempts else KernelReason.UNREADABLE
        return CommandRejected(
            command_key=self._key,
            command_id=command_id,
            command_type=letter.message_type or "",
            reason=reason.value,
            message=letter.message,
            facts={"dead_letter": letter.letter_id, "rule": letter.reason},
        )


class DeadLetters:
    """Buries records. Raise StoreUnavailable or Conflict as `Committer.commit` does."""

    def __init__(self, committer: Committer, clock: Clock) -> None:
        self._committer = committer
        self._service = committer.service
        self._clock = clock
        self.in_a_row = 0
        """Records buried since one was processed."""

    async def bury(self, dead: Sequence[tuple[RawRecord, Exception, int]]) -> None:
        """Store a dead letter for each record, with the error that it ended in after so many attempts."""
        burials = [self._burial(record, error, attempts) for record, error, attempts in dead]
        await self._committer.commit(burials)
        for burial in burials:
            if burial.error:
                raise burial.error
        crash_point("dead-letter.stored")
        self.in_a_row += len(dead)

    async def bury_parked(self, parked: Parked, error: Exception) -> None:
        """Store a dead letter for a message that was parked, and cannot be processed."""
        await self.bury([(parked, error, 1)])

    def _burial(self, record: RawRecord, error: Exception, attempts: int) -> Burial:
        attributes = readable_attributes(record.headers)
        message_id = attributes.get("ce_id", "")
        readable_id = message_id if _IDENTIFIER.fullmatch(message_id) else ""
        kept = _size(record) <= KEPT_BYTES
        message = str(error) if isinstance(error, Unreadable) else f"{type(error).__name__}: {error}"
        letter = DeadLetter(
            letter_id=f"{self._service.name}:{record.topic}:{record.partition}:{record.offset}",
            service=self._service.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            record_time=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            dead_since=self._clock(),
            reason=error.rule if isinstance(error, Unreadable) else type(error).__name__,
            message=message[:2000],
            attempts=attempts,
            record_key=_text(record.key) if kept else None,
            record_value=_text(record.value) if kept else None,
            record_headers=[(name, _text(value)) for name, value in record.headers] if kept else [],
            message_id=readable_id or None,
            message_type=attributes["ce_type"][:200] if "ce_type" in attributes else None,
        )
        log.warning(
            "record_dead_lettered",
            letter_id=letter.letter_id,
            reason=letter.reason,
            error=letter.message,
            kept=kept,
            exc_info=error if attempts else None,
        )
        return Burial(letter, (record.key or b"").decode(errors="replace")[:200], kept=kept)


def _size(record: RawRecord) -> int:
    """What a record takes in a letter, before base64: a name may take six bytes for one, in JSON."""
    headers = sum(6 * len(name.encode()) + len(value or b"") + 16 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
