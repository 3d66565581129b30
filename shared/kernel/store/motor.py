"""The store on a server that speaks MongoDB's protocol, through Motor: nothing else knows Motor or pymongo.

It asks for what MongoDB and the embedded state server have in common, and trusts only what both of them say truly:
which inserts failed stands in the write errors, and how many updates found their document in the matched count.
Which of the updates did is told by the documents themselves: each batch leaves a mark of its own in them.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorCursor
from pymongo import ASCENDING, IndexModel, InsertOne, ReadPreference, ReplaceOne, WriteConcern
from pymongo.errors import BulkWriteError, InvalidName, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from shared.kernel.store.documents import CODEC, RESERVED, check_limit, encode_writes
from shared.kernel.store.port import StoredDocument, StoreUnavailable, Write

_DUPLICATE_KEY = 11000
# What asking again cannot mend, by the codes of MongoDB's error_codes.yml. Every other error of a server (it steps
# down, shuts down, ran out of time, did not reach a majority) counts as no answer.
_REFUSED = frozenset({2, 9, 14, 22, 52, 57, 66, 73, 85, 86, 121, 10334, 17280, 17419, 17420})
_NOT_ALLOWED = frozenset({13, 18})

_DUE = IndexModel([("due_at", ASCENDING), ("_id", ASCENDING)])
_COMPARED = IndexModel([("_id", ASCENDING), ("version", ASCENDING)], unique=True)

_Request = InsertOne[Any] | ReplaceOne[Any]


class MotorStore:
    """The port `Store` on a mongod, a replica set or the embedded state server, whichever is at `url`.

    A write is acknowledged by a majority and in the journal, a read sees only what a majority has. Each request
    ends within `timeout` seconds, connecting and the driver's retries included; a `write_many` that has to look up
    which of its writes were applied takes two. Cancelling a call does not take back what is on its way.
    Raises ValueError if the URL cannot be used; connects at the first call, and again after a server's restart.
    """

    def __init__(self, url: str, database: str, *, timeout: float = 5.0) -> None:
        milliseconds = max(1, round(timeout * 1000))
        try:
            self._client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
                url,
                timeoutMS=milliseconds,
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=milliseconds,
                waitQueueTimeoutMS=milliseconds,
                # The driver leaves retries out by itself where a server has no sessions, as the embedded one.
                retryWrites=True,
            )
            self._database = self._client.get_database(
                database,
                codec_options=CODEC,
                read_preference=ReadPreference.PRIMARY,
                write_concern=WriteConcern("majority", j=True),
                read_concern=ReadConcern("majority"),
            )
        except (PyMongoError, ValueError) as error:
            raise ValueError(f"the state server's URL or database name cannot be used: {error}") from error

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, StoredDocument]:
        if not ids:
            return {}
        # One round trip where the reply's size allows it: the driver's default would be 101 documents each.
        cursor = self._collection(collection).find({"_id": {"$in": list(ids)}}, batch_size=len(ids) + 1)
        found = await _documents(cursor, len(ids))
        return {document["_id"]: document for document in found}

    async def write_many(self, collection: str, writes: Sequence[Write]) -> list[bool]:
        commit = secrets.token_bytes(12)
        encoded = encode_writes(writes, commit)
        if not writes:
            return []
        requests = [_request(write, document) for write, document in zip(writes, encoded, strict=True)]
        failed, matched = await self._bulk(collection, requests)
        updates = [number for number, write in enumerate(writes) if write.expected is not None]
        if matched == 0:
            failed.update(updates)
        elif matched < len(updates):
            ids = [writes[number].document["_id"] for number in updates]
            applied = await self._applied(collection, ids, matched, commit)
            failed.update(number for number, id_ in zip(updates, ids, strict=True) if id_ not in applied)
        return [number not in failed for number in range(len(writes))]

    async def delete(self, collection: str, id_: str, version: int) -> bool:
        with _judged():
            result = await self._collection(collection).delete_one({"_id": id_, "version": version})
        return bool(result.deleted_count)

    async def due(self, collection: str, until: datetime, limit: int) -> list[tuple[str, datetime]]:
        check_limit(limit)
        # $lte with a date finds dates only, so that None is no match. Filter, order and fields are the index's.
        with _judged():
            cursor = self._collection(collection).find({"due_at": {"$lte": until}}, {"_id": 1, "due_at": 1})
            cursor.sort([("due_at", ASCENDING), ("_id", ASCENDING)]).limit(limit).batch_size(limit)
            found = await cursor.to_list(limit)
        return [(document["_id"], document["due_at"]) for document in found]

    async def ids(self, collection: str, after: str, limit: int) -> list[str]:
        check_limit(limit)
        with _judged():
            cursor = self._collection(collection).find({"_id": {"$gt": after}}, {"_id": 1})
            cursor.sort([("_id", ASCENDING)]).limit(limit).batch_size(limit)
            found = await cursor.to_list(limit)
        return [document["_id"] for document in found]

    async def due_beyond(self, collection: str, after: datetime, fields: Sequence[str], limit: int) -> list[str]:
        check_limit(limit)
        having = [{field: {"$exists": True}} for field in fields]
        with _judged():
            cursor = self._collection(collection).find({"due_at": {"$gt": after}, "$or": having}, {"_id": 1})
            found = await cursor.limit(limit).batch_size(limit).to_list(limit)
        return [document["_id"] for document in found]

    async def ensure(self, collections: Sequence[str]) -> None:
        await self.ping()
        # MongoDB finds (_id, version) by the index every collection has. The embedded server would scan; it is
        # the one without sessions, which the driver learned when it connected.
        topology: Any = self._client.topology_description  # a property, whatever Motor's stubs say
        sessions = topology.logical_session_timeout_minutes is not None
        for collection in collections:
            with _judged():
                await self._collection(collection).create_indexes([_DUE] if sessions else [_DUE, _COMPARED])

    async def ping(self) -> None:
        with _judged():
            await self._client.admin.command("ping")

    async def close(self) -> None:
        self._client.close()

    def _collection(self, name: str) -> AsyncIOMotorCollection[dict[str, Any]]:
        try:
            return self._database[name]
        except InvalidName as error:
            raise ValueError(f"{name!r} cannot be a collection: {error}") from error

    async def _bulk(self, collection: str, requests: Sequence[_Request]) -> tuple[set[int], int]:
        """Send the requests; the numbers of those whose id exists already, and how many updates found theirs."""
        try:
            with _judged():
                result = await self._collection(collection).bulk_write(requests, ordered=False)
        except BulkWriteError as error:
            details = error.details
        else:
            return set(), result.matched_count
        for problem in [*details["writeErrors"], *details["writeConcernErrors"]]:
            if problem.get("code") != _DUPLICATE_KEY:
                raise _judgement(problem.get("code"), str(problem.get("errmsg")))
        return {problem["index"] for problem in details["writeErrors"]}, details["nMatched"]

    async def _applied(self, collection: str, ids: Sequence[str], matched: int, commit: bytes) -> set[str]:
        """Which `matched` of the updates of these ids were applied. Raises StoreUnavailable if it cannot be told."""
        with _judged():
            cursor = self._collection(collection).find({"_id": {"$in": ids}}, {RESERVED: 1}, batch_size=len(ids) + 1)
            marks = {document["_id"]: document.get(RESERVED) for document in await cursor.to_list(len(ids))}
        applied = {id_ for id_ in ids if marks.get(id_) == commit}
        if len(applied) != matched:
            # Others have written over our mark already: some of the rest were applied, some were not.
            raise StoreUnavailable(
                f"{matched} of {len(ids)} updates in {collection} were applied, and others changed the documents "
                "before it could be read which"
            )
        return applied


async def _documents(cursor: AsyncIOMotorCursor[dict[str, Any]], limit: int) -> list[StoredDocument]:
    with _judged():
        found: list[StoredDocument] = await cursor.to_list(limit)
    for document in found:
        document.pop(RESERVED, None)
    return found


def _request(write: Write, encoded: bytes) -> _Request:
    if write.expected is None:
        return InsertOne(RawBSONDocument(encoded))
    # Exactly these two keys: the embedded server uses an index only for a filter of exactly its keys.
    return ReplaceOne({"_id": write.document["_id"], "version": write.expected}, RawBSONDocument(encoded))


@contextmanager
def _judged() -> Iterator[None]:
    """Turns the driver's errors into the port's, but for the outcome of a bulk write, which its sender reads."""
    try:
        yield
    except BulkWriteError:
        raise
    except OperationFailure as error:
        raise _judgement(error.code, str(error)) from error
    except PyMongoError as error:
        raise StoreUnavailable(str(error)) from error


def _judgement(code: int | None, message: str) -> Exception:
    if code in _REFUSED:
        return ValueError(f"the state server refuses this for good: {message}")
    if code in _NOT_ALLOWED:
        return PermissionError(f"the state server does not let this user in, or not do this: {message}")
    return StoreUnavailable(message)
