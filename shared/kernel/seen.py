"""What an aggregate has dealt with: eight bytes for each handler and message id, the latest last."""

from hashlib import blake2b

SEEN_LIMIT = 4096
"""Messages that an aggregate remembers: at least what can come again after a crash, which is two full batches.

One batch is being processed while the one before it is being acknowledged, and all of it may be for one aggregate.
"""


def seen_mark(handler: str, message_id: str) -> bytes:
    """The eight bytes by which a document remembers that `handler` has dealt with a message."""
    return blake2b(f"{handler} {message_id}".encode(), digest_size=8).digest()


def has_seen(seen: bytes, mark: bytes) -> bool:
    """Whether `mark` is one of those in `seen`."""
    return _find(seen, mark) >= 0


def with_mark(seen: bytes, mark: bytes) -> bytes:
    """`seen` with `mark` as its latest; the earliest go where they are more than `SEEN_LIMIT`."""
    return (seen + mark)[-SEEN_LIMIT * len(mark) :]


def without_mark(seen: bytes, mark: bytes) -> bytes:
    """`seen` without `mark`."""
    at = _find(seen, mark)
    return seen if at < 0 else seen[:at] + seen[at + len(mark) :]


def _find(seen: bytes, mark: bytes) -> int:
    at = seen.find(mark)
    while at >= 0 and at % len(mark):
        at = seen.find(mark, at + 1)
    return at
