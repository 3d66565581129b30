"""The form of a stored document: BSON, checked before anything leaves the process.

Every store encodes and decodes here, so that all of them keep, change and refuse the same values.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import bson
from bson.codec_options import CodecOptions
from bson.errors import BSONError

from shared.kernel.store.port import StoredDocument, Write

MAXIMUM_BYTES = 16 * 1024 * 1024
"""What one document may take, encoded. Source: MongoDB's limit on a BSON document (maxBsonObjectSize)."""

RESERVED = "_commit"
"""A field that belongs to the stores: a document that brings it along is refused."""

CODEC: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True, tzinfo=UTC)
"""How values come back: plain dicts and lists, datetimes with the zone UTC."""


def encode(document: Mapping[str, Any], commit: bytes | None = None) -> bytes:
    """The document in BSON, with `commit` in the reserved field. Raises ValueError, naming the document, if refused."""
    id_ = document.get("_id")
    if not (isinstance(id_, str) and id_):
        raise ValueError(f"a document needs a str that is not empty as its _id, not {id_!r}")
    if RESERVED in document:
        raise ValueError(f"document {id_!r}: the field {RESERVED!r} is reserved for the store; use another name")
    # Servers disagree about such names at the top level; further down all of them keep what they are given.
    for name in document:
        if not isinstance(name, str) or name.startswith("$") or "." in name:
            raise ValueError(
                f"document {id_!r}: {name!r} cannot be a field at the top: a str without $ in front or dots"
            )
    due_at = document.get("due_at")
    if due_at is not None and not isinstance(due_at, datetime):
        raise ValueError(f"document {id_!r}: due_at must be a datetime or None, not {due_at!r}")
    try:
        encoded = bson.encode(document if commit is None else {**document, RESERVED: commit}, codec_options=CODEC)
    except (BSONError, OverflowError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"document {id_!r} cannot be stored: {error}") from error
    if len(encoded) > MAXIMUM_BYTES:
        raise ValueError(
            f"document {id_!r} cannot be stored: {len(encoded)} bytes, at most {MAXIMUM_BYTES} are possible; "
            "move what grows into documents of its own"
        )
    return encoded


def decode(encoded: bytes) -> StoredDocument:
    """The document as a reader gets it: without the reserved field."""
    document = bson.decode(encoded, CODEC)
    document.pop(RESERVED, None)
    return document


def encode_writes(writes: Sequence[Write], commit: bytes | None = None) -> list[bytes]:
    """The documents of one batch in BSON. Raises ValueError if one is refused or an id occurs twice."""
    ids: set[str] = set()
    encoded = []
    for write in writes:
        encoded.append(encode(write.document, commit))
        id_, version = write.document["_id"], write.document.get("version")
        if id_ in ids:
            raise ValueError(f"document {id_!r} occurs twice among the writes: one write for each id")
        ids.add(id_)
        if type(version) is not int:
            raise ValueError(f"document {id_!r} needs a version of type int, not {version!r}")
    return encoded


def stored_time(moment: datetime) -> datetime:
    """The moment as it comes back from a store: in UTC, cut to milliseconds; one without a zone is in UTC."""
    in_utc = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return in_utc.replace(microsecond=in_utc.microsecond // 1000 * 1000, fold=0)


def check_limit(limit: int) -> None:
    """Raises ValueError below 1: to a server, 0 would mean all there is."""
    if limit < 1:
        raise ValueError(f"limit is {limit}: ask for at least one document")
