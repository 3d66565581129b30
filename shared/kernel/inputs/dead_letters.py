"""A record that could not be processed, as an input of the dead letter that it becomes."""

from dataclasses import dataclass
from typing import Any

from shared.contracts.common import CommandRejected, DeadLetter, DeadLettered
from shared.contracts.message import MessageKind
from shared.kernel.dead_letters import DEAD_LETTERS, StoredDeadLetter
from shared.kernel.document import Origin
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.outcomes import KernelReason
from shared.kernel.unit_of_work import UnitOfWork

NOT_A_SENDER = "sender"
"""Rule that a record breaks whose `ce_source` is none of the services that send its command. It gets no refusal: the
true sender, whose command may have the same id, would take that for the answer to his own."""


@dataclass(kw_only=True, eq=False)
class DeadLettering(Input):
    """A record becomes a dead letter. `key` is the record's, as text; `kept` whether the letter holds the record."""

    letter: DeadLetter
    key: str
    kept: bool

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        """Store the letter, and what follows from it, unless it is stored already."""
        letter = self.letter
        if unit.state is not None:
            return InputOutcome.DUPLICATE
        origin = Origin(letter.message_id, letter.message_id)
        outbox = unit.outbox_writer()
        outbox.dead_letter(letter)
        outbox.event(
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
        is_command = letter.topic.endswith(f".{MessageKind.COMMAND.value}")
        if letter.message_id and is_command and letter.reason != NOT_A_SENDER:
            outbox.event(self._refusal(letter.message_id), origin)
        unit.become(StoredDeadLetter(letter=letter, kept=self.kept), outbox)
        return InputOutcome.APPLIED

    def _refusal(self, command_id: str) -> CommandRejected:
        letter = self.letter
        reason = KernelReason.NOT_PROCESSED if letter.attempts else KernelReason.UNREADABLE
        return CommandRejected(
            command_key=self.key,
            command_id=command_id,
            command_type=letter.message_type or "",
            reason=reason.value,
            message=letter.message,
            facts={"dead_letter": letter.letter_id, "rule": letter.reason},
        )


def dead_lettering(letter: DeadLetter, key: str, *, kept: bool) -> DeadLettering:
    """The input that stores `letter`."""
    return DeadLettering(aggregate=DEAD_LETTERS, id=letter.letter_id, letter=letter, key=key, kept=kept)
