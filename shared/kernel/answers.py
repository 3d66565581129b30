"""Answers to commands that have outgrown the document of their aggregate: kept for as long as a command may come again.

Each is a document of its own that holds nothing but the answer, and is swept like any other that has no state.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.kernel.document import Document, new_document
from shared.kernel.inputs import Input, InputOutcome
from shared.kernel.state import State
from shared.kernel.store.port import StoredDocument, Write
from shared.kernel.stored import to_stored, unpack
from shared.kernel.table import Aggregate
from shared.kernel.unit_of_work import UnitOfWork


class NoState(State):
    """The state of what has none."""


ANSWERS = Aggregate("answers", NoState)


def answer_id(aggregate: str, id_: str, command_id: str) -> str:
    """Where the answer to a command stands that an aggregate has taken."""
    return f"{aggregate}/{id_}/{command_id}"


def writes_of(document: Document, aggregate: str, outgrown: Mapping[str, bytes], now: datetime) -> list[Write]:
    """What stores answers that leave a document. To be written before it is: written twice, they are the same."""
    return [
        Write(
            to_stored(_holding(answer_id(aggregate, document.id, command_id), command_id, packed, now), version=1), None
        )
        for command_id, packed in outgrown.items()
    ]


def _holding(id_: str, command_id: str, packed: bytes, now: datetime) -> Document:
    document = new_document(id_, now)
    document.answers[command_id] = packed
    document.idle_since = now
    return document


@dataclass(kw_only=True, eq=False)
class AnswerAgainInput(Input):
    """A command has come again whose answer had left the document: it is sent again."""

    packed: bytes

    @classmethod
    def of(cls, aggregate: Aggregate[Any], id_: str, stored: StoredDocument) -> "AnswerAgainInput":
        """The input that sends what is stored at `answer_id`."""
        [(_, packed)] = stored["answers"]
        return cls(aggregate=aggregate, id=id_, packed=packed)

    def apply(self, unit: UnitOfWork, facts: Any) -> InputOutcome:
        unit.send_again(unpack(self.packed))
        return InputOutcome.DUPLICATE
