"""A store in this process's memory, for simulations and for tests of what is built on a store."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from shared.kernel.store.documents import check_limit, decode, encode_writes, stored_time
from shared.kernel.store.port import StoredDocument, Write

Hook = Callable[[str, str], None]
"""Called with the names of the method and the collection (empty for `ping`); the caller gets what it raises."""


class _Kept(NamedTuple):
    version: int
    due_at: datetime | None
    encoded: bytes


def _keep(document: Mapping[str, Any], encoded: bytes) -> _Kept:
    due_at = document.get("due_at")
    return _Kept(document["version"], due_at and stored_time(due_at), encoded)


def _nothing(operation: str, collection: str) -> None:
    pass


class MemoryStore:
    """The port `Store`, kept encoded as on a server: what goes in and comes out is never shared with the caller.

    Every method lets other tasks run before and after its effect, as one that waits for a server does.
    Raise StoreUnavailable from `before` (nothing was applied), from `after` (everything was) or from `between`,
    which is called between two documents of one `write_many` (the ones before it were applied).
    """

    def __init__(self, before: Hook = _nothing, after: Hook = _nothing, between: Hook = _nothing) -> None:
        self._before = before
        self._after = after
        self._between = between
        self._collections: dict[str, dict[str, _Kept]] = {}

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, StoredDocument]:
        await self._arrive("get_many", collection)
        kept = self._kept(collection)
        found = {id_: decode(kept[id_].encoded) for id_ in ids if id_ in kept}
        await self._answer("get_many", collection)
        return found

    async def write_many(self, collection: str, writes: Sequence[Write]) -> list[bool]:
        encoded = encode_writes(writes)
        await self._arrive("write_many", collection)
        kept = self._kept(collection)
        written: list[bool] = []
        for write, document in zip(writes, encoded, strict=True):
            if written:
                self._between("write_many", collection)
            id_ = write.document["_id"]
            there = kept.get(id_)
            fits = there is None if write.expected is None else there is not None and there.version == write.expected
            if fits:
                kept[id_] = _keep(write.document, document)
            written.append(fits)
        await self._answer("write_many", collection)
        return written

    async def delete(self, collection: str, id_: str, version: int) -> bool:
        await self._arrive("delete", collection)
        kept = self._kept(collection)
        there = kept.get(id_)
        fits = there is not None and there.version == version
        if fits:
            del kept[id_]
        await self._answer("delete", collection)
        return fits

    async def due(self, collection: str, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        check_limit(limit)
        await self._arrive("due", collection)
        bound = stored_time(until)
        found = sorted(
            (kept.due_at, id_)
            for id_, kept in self._kept(collection).items()
            if kept.due_at is not None and kept.due_at <= bound
        )
        await self._answer("due", collection)
        return [(id_, due_at) for due_at, id_ in found[:limit]]

    async def ids(self, collection: str, after: str, limit: int) -> list[str]:
        check_limit(limit)
        await self._arrive("ids", collection)
        found = sorted(id_ for id_ in self._kept(collection) if id_ > after)
        await self._answer("ids", collection)
        return found[:limit]

    async def due_beyond(self, collection: str, after: datetime, fields: Sequence[str], limit: int) -> list[str]:
        check_limit(limit)
        await self._arrive("due_beyond", collection)
        bound = stored_time(after)
        found = [
            id_
            for id_, kept in self._kept(collection).items()
            if kept.due_at is not None and kept.due_at > bound and not decode(kept.encoded).keys().isdisjoint(fields)
        ]
        await self._answer("due_beyond", collection)
        return found[:limit]

    async def ensure(self, collections: Sequence[str]) -> None:
        for collection in collections:
            await self._arrive("ensure", collection)
            await self._answer("ensure", collection)

    async def ping(self) -> None:
        await self._arrive("ping", "")
        await self._answer("ping", "")

    async def close(self) -> None:
        """Nothing to give back: the documents stay for whoever opens this store again."""

    def _kept(self, collection: str) -> dict[str, _Kept]:
        return self._collections.setdefault(collection, {})

    async def _arrive(self, operation: str, collection: str) -> None:
        await asyncio.sleep(0)
        self._before(operation, collection)

    async def _answer(self, operation: str, collection: str) -> None:
        self._after(operation, collection)
        await asyncio.sleep(0)
