"""Makes dead letters of records that could not be processed, and stores them."""

import re
from base64 import b64encode
from collections.abc import Sequence
from hashlib import blake2b

from shared.contracts.cloudevents import Unreadable, readable_attributes
from shared.contracts.common import DeadLetter
from shared.kernel.commit import Clock, Committer
from shared.kernel.crash_points import crash_point
from shared.kernel.document import Parked
from shared.kernel.inputs.dead_letters import DeadLettering, dead_lettering
from shared.kernel.logs import get_logger
from shared.kernel.records import RawRecord, time_of

log = get_logger(__name__)

KEPT_BYTES = 2 * 1024 * 1024
"""Largest record that a letter holds: in base64 it is within the limit of a letter. No topic takes one as large, but
a compressed batch may hold it, and what no letter can hold would stop its partition for ever."""

_IDENTIFIER = re.compile(r"[!-~]{1,200}")


class DeadLetters:
    """Stores dead letters for records. Raise StoreUnavailable or Conflict as `Committer.commit` does."""

    def __init__(self, committer: Committer, clock: Clock) -> None:
        self._committer = committer
        self._service = committer.service
        self._clock = clock

    async def store(self, dead: Sequence[tuple[RawRecord, Exception, int]]) -> None:
        """Store a dead letter for each record, with the error that it ended in after so many attempts."""
        inputs = [self._dead_lettering(record, error, attempts) for record, error, attempts in dead]
        await self._committer.commit(inputs)
        for one in inputs:
            if one.error:
                raise one.error
        crash_point("dead-letter.stored")

    async def store_parked(self, parked: Parked, error: Exception) -> None:
        """Store a dead letter for a message that was parked, and cannot be processed."""
        await self.store([(parked, error, 1)])

    def _dead_lettering(self, record: RawRecord, error: Exception, attempts: int) -> DeadLettering:
        attributes = readable_attributes(record.headers)
        message_id = attributes.get("ce_id", "")
        readable_id = message_id if _IDENTIFIER.fullmatch(message_id) else ""
        kept = _size(record) <= KEPT_BYTES
        message = str(error) if isinstance(error, Unreadable) else f"{type(error).__name__}: {error}"
        letter = DeadLetter(
            letter_id=_letter_id(self._service.name, record),
            service=self._service.name,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            record_time=time_of(record),
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
        return dead_lettering(letter, (record.key or b"").decode(errors="replace")[:200], kept=kept)


def _letter_id(service: str, record: RawRecord) -> str:
    """Named after the record as well as its place: on a topic that was lost and made anew others take the places."""
    whole = (record.timestamp, record.key, record.value, *record.headers)
    digest = blake2b(repr(whole).encode(), digest_size=6).hexdigest()
    return f"{service}:{record.topic}:{record.partition}:{record.offset}:{digest}"


def _size(record: RawRecord) -> int:
    """What a record takes in a letter, before base64: a name may take six bytes for one, in JSON."""
    headers = sum(6 * len(name.encode()) + len(value or b"") + 16 for name, value in record.headers)
    return len(record.key or b"") + len(record.value or b"") + headers


def _text(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode("ascii")
