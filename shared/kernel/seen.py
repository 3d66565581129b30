"""What an aggregate has dealt with: eight bytes for each handler and message id, the latest last."""

from contextlib import suppress
from hashlib import blake2b

import msgspec

SEEN_LIMIT = 4096
"""Messages that an aggregate remembers: at least what can come again after a crash, which is two full batches.

One batch is being processed while the one before it is being acknowledged, and all of it may be for one aggregate.
"""
_WIDTH = 8
_OF_THE_ID = 5
_CANONICAL = msgspec.json.Encoder(order="deterministic")


def seen_mark(handler: str, message_id: str) -> bytes:
    """The eight bytes by which a document remembers that `handler` has dealt with a message."""
    return blake2b(f"{handler} {message_id}".encode(), digest_size=_WIDTH).digest()


def command_mark(handler: str, message_id: str, value: bytes) -> bytes:
    """As `seen_mark`, for a command: the last three bytes are of what it says, its JSON without regard to its form."""
    digest = blake2b(f"{handler} {message_id}".encode(), digest_size=_OF_THE_ID, person=b"command").digest()
    with suppress(msgspec.MsgspecError, ValueError):  # it was read by other rules: then its bytes are what it says
        value = _CANONICAL.encode(msgspec.json.decode(value))
    return digest + blake2b(value, digest_size=_WIDTH - _OF_THE_ID).digest()


def has_seen(seen: bytes, mark: bytes) -> bool:
    """Whether `mark` is one of those in `seen`."""
    return _find(seen, mark) >= 0


def has_seen_id(seen: bytes, mark: bytes) -> bool:
    """Whether a command with the id of `mark` is one of those in `seen`, whatever it said."""
    return _find(seen, mark[:_OF_THE_ID]) >= 0


def with_mark(seen: bytes, mark: bytes) -> bytes:
    """`seen` with `mark` as its latest; the earliest go where they are more than `SEEN_LIMIT`."""
    return (seen + mark)[-SEEN_LIMIT * _WIDTH :]


def without_mark(seen: bytes, mark: bytes) -> bytes:
    """`seen` without `mark`."""
    at = _find(seen, mark)
    return seen if at < 0 else seen[:at] + seen[at + _WIDTH :]


def _find(seen: bytes, mark: bytes) -> int:
    """Where a mark begins that is `mark`, or begins with it; -1: nowhere."""
    at = seen.find(mark)
    while at >= 0 and at % _WIDTH:
        at = seen.find(mark, at + 1)
    return at
