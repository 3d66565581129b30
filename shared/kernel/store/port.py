"""The port: everything the kernel asks of a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

StoredDocument = dict[str, Any]
"""A document: `_id` (str), `version` (int), `due_at` (datetime in UTC or None), and what the kernel puts there.

Values are those of BSON: None, bool, int (64 bits), float, str, bytes, datetime, list, dict. What is read shares
nothing with what was written: a tuple comes back as a list, a datetime in UTC and cut to milliseconds (one without
a zone is taken to be in UTC). Names of fields are str; at the top they have no dots and no $ in front, further down
they may, and keep their order. An `_id` is not empty, `_commit` is a field of the stores, and a document has at most
16 MiB.
"""


class StoreUnavailable(Exception):
    """The store did not answer, or not in time. Whether a write was applied is unknown: read to learn it."""


@dataclass(frozen=True, slots=True)
class Write:
    """One document to write: `expected` is the version it must have there, None if it must not exist."""

    document: StoredDocument
    expected: int | None


class Store(Protocol):
    """A store of documents.

    Every method raises StoreUnavailable, and nothing else, if the store does not answer. What asking again cannot
    mend is a ValueError, before anything is written: a document that is not as described above, a limit below 1.
    A store that lets this user do nothing, or not this, raises PermissionError.
    """

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, StoredDocument]:
        """The documents that exist among `ids`, by id."""
        ...

    async def write_many(self, collection: str, writes: Sequence[Write]) -> list[bool]:
        """Write each document by itself, atomically; True where it was written, False where the version differed.

        A write replaces the whole document. A document that is not there has no version: only a write that expects
        None is applied. At most one write for each id, else ValueError. After StoreUnavailable any of the writes
        may have been applied, each of them whole.
        """
        ...

    async def delete(self, collection: str, id_: str, version: int) -> bool:
        """Delete the document if it has this version."""
        ...

    async def due(self, collection: str, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Ids and `due_at` of at most `limit` documents whose `due_at` is not after `until`, earliest first.

        Those without `due_at` are never due. Equal times are in the order of ids.
        """
        ...

    async def ids(self, collection: str, after: str, limit: int) -> list[str]:
        """The ids of at most `limit` documents behind `after`, in an order of the store's own; "" is before all."""
        ...

    async def due_beyond(self, collection: str, after: datetime, fields: Sequence[str], limit: int) -> list[str]:
        """Ids of at most `limit` documents whose `due_at` is after `after` and that have one of `fields`, in no order.

        It may read every document that is due later: to be asked seldom.
        """
        ...

    async def ensure(self, collections: Sequence[str]) -> None:
        """Create the collections and the indexes that the methods above rely on, where they are missing."""
        ...

    async def ping(self) -> None:
        """Return if the store answers."""
        ...

    async def close(self) -> None:
        """Give back connections."""
        ...
