"""Dead letters: records that could not be processed, stored, and sent again on demand.

A dead letter is an aggregate like any other: its document is stored before the record is acknowledged, and its
outbox holds the letter itself, the event that announces it, and the refusal that answers a command of those who may
send it.
"""

from base64 import b64decode
from datetime import datetime

from shared.contracts.common import DeadLetter, DeadLetterRedriven, RedriveDeadLetter
from shared.contracts.envelope import Envelope
from shared.kernel.decision import Decision
from shared.kernel.outcomes import KernelReason, Rejected
from shared.kernel.records import OutgoingRecord
from shared.kernel.state import State
from shared.kernel.table import Aggregate, On


class StoredDeadLetter(State):
    """The state of a dead letter."""

    letter: DeadLetter
    kept: bool = True
    """Whether the letter holds the record itself; one that is too large stays on its topic alone."""
    redriven: int = 0


DEAD_LETTERS = Aggregate("dead_letters", StoredDeadLetter)


def redrive(
    state: StoredDeadLetter | None, message: Envelope[RedriveDeadLetter], facts: None, now: datetime
) -> Decision[StoredDeadLetter]:
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
            OutgoingRecord(
                letter.topic,
                _bytes(letter.record_key),
                _bytes(letter.record_value),
                [(name, _bytes(value)) for name, value in letter.record_headers],
            )
        ],
    )


LINES = (On(RedriveDeadLetter, DEAD_LETTERS, redrive),)
"""What every service has in its table."""


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else b64decode(text)
