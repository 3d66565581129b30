"""What every store does: the same tests on the one in memory and on the real server."""

import asyncio
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest

from shared.kernel.store.documents import MAXIMUM_BYTES
from shared.kernel.store.port import Store, StoredDocument, StoreUnavailable, Write

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def document(id_: str, version: int = 1, **fields: Any) -> StoredDocument:
    return {"_id": id_, "version": version, "due_at": None, **fields}


def new(id_: str, version: int = 1, **fields: Any) -> Write:
    return Write(document(id_, version, **fields), None)


def next_(id_: str, expected: int, **fields: Any) -> Write:
    return Write(document(id_, expected + 1, **fields), expected)


async def read(store: Store, collection: str, id_: str) -> StoredDocument:
    return (await store.get_many(collection, [id_]))[id_]


async def test_reading_gives_the_documents_that_exist_and_only_those(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("a", n=1), new("b", n=2), new("c", n=3)])
    found = await store.get_many(collection, ["c", "missing", "a", "a"])
    assert found == {"a": document("a", n=1), "c": document("c", n=3)}
    assert await store.get_many(collection, []) == {}
    assert await store.get_many(collection, ["missing"]) == {}
    assert await store.get_many("never-written", ["a"]) == {}


async def test_five_hundred_documents_are_written_and_read_at_once(store: Store, collection: str) -> None:
    ids = [f"{number:03}" for number in range(500)]
    assert await store.write_many(collection, [new(id_) for id_ in ids]) == [True] * 500
    assert await store.write_many(collection, [next_(id_, 1) for id_ in ids]) == [True] * 500
    found = await store.get_many(collection, ids)
    assert found == {id_: document(id_, 2) for id_ in ids}


async def test_more_documents_than_a_server_takes_in_one_request_are_written(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("0777"), new("1999")])
    written = await store.write_many(collection, [new(f"{number:04}") for number in range(2100)])
    assert [number for number, fits in enumerate(written) if not fits] == [777, 1999]


async def test_a_document_that_exists_is_not_inserted_again(store: Store, collection: str) -> None:
    assert await store.write_many(collection, [new("a", n=1)]) == [True]
    assert await store.write_many(collection, [new("a", n=2)]) == [False]
    assert await store.write_many(collection, [new("a", 7, n=3)]) == [False]
    assert await read(store, collection, "a") == document("a", n=1)


async def test_a_write_replaces_the_whole_document(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("a", state={"x": 1}, extra=True)])
    await store.write_many(collection, [next_("a", 1, state={"y": 2})])
    assert await read(store, collection, "a") == document("a", 2, state={"y": 2})


WRITES = {
    "insert": (new("inserted", mine=True), True),
    "insert of one that exists": (new("existing", 9, mine=True), False),
    "update": (next_("updated", 1, mine=True), True),
    "update of a lower version": (next_("ahead", 1, mine=True), False),
    "update of a higher version": (next_("behind", 3, mine=True), False),
    "update of a missing one": (next_("missing", 1, mine=True), False),
    "another update": (next_("also-updated", 4, mine=True), True),
}


@pytest.mark.parametrize("size", range(len(WRITES) + 1))
async def test_every_write_of_a_batch_is_decided_by_itself(store: Store, collection: str, size: int) -> None:
    for number, names in enumerate(itertools.combinations(WRITES, size)):
        prefix = f"{number:02}-"
        there = [document("existing"), document("updated"), document("ahead", 2), document("behind", 2)]
        there = [{**before, "_id": prefix + before["_id"]} for before in [*there, document("also-updated", 4)]]
        await store.write_many(collection, [Write(before, None) for before in there])
        writes = [
            Write({**write.document, "_id": prefix + write.document["_id"]}, write.expected)
            for write, _ in (WRITES[name] for name in names)
        ]
        fits = [WRITES[name][1] for name in names]
        assert await store.write_many(collection, writes) == fits, names
        after = {before["_id"]: before for before in there}
        after |= {write.document["_id"]: write.document for write, fit in zip(writes, fits, strict=True) if fit}
        every = [
            prefix + id_ for id_ in ("existing", "updated", "ahead", "behind", "also-updated", "inserted", "missing")
        ]
        assert await store.get_many(collection, every) == after, names


async def test_of_two_equal_writes_at_once_one_is_applied_and_knows_it(store: Store, collection: str) -> None:
    ids = [f"{number:02}" for number in range(20)]
    await store.write_many(collection, [new(id_) for id_ in ids])
    for version in range(1, 8):
        # The same ids in the same versions, in different orders and batches: each id is won by exactly one.
        rivals = [ids, ids[::-1], ids[10:], ids[5:15]]
        outcomes = await asyncio.gather(
            *(store.write_many(collection, [next_(id_, version) for id_ in batch]) for batch in rivals)
        )
        winners = [
            id_
            for batch, written in zip(rivals, outcomes, strict=True)
            for id_, fits in zip(batch, written, strict=True)
            if fits
        ]
        assert sorted(winners) == ids


async def test_no_increment_of_twenty_tasks_is_lost_or_done_twice(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("counter", n=0)])

    async def increment() -> None:
        for _ in range(3):
            while True:
                there = await read(store, collection, "counter")
                if (await store.write_many(collection, [next_("counter", there["version"], n=there["n"] + 1)]))[0]:
                    break

    await asyncio.gather(*(increment() for _ in range(20)))
    assert await read(store, collection, "counter") == document("counter", 61, n=60)


async def test_what_batches_of_rivals_are_told_agrees_with_the_documents(store: Store, collection: str) -> None:
    ids = ["a", "b", "c", "d"]
    await store.write_many(collection, [new(id_, done=[]) for id_ in ids])
    unknown = 0

    async def rival(name: int) -> None:
        nonlocal unknown
        for turn in range(6):
            mark = f"{name}-{turn}"
            missing = set(ids)
            while missing:
                there = await store.get_many(collection, ids)
                # As the kernel does: a message whose mark is in the document is not applied again.
                missing -= {id_ for id_ in missing if mark in there[id_]["done"]}
                batch = [there[id_] for id_ in sorted(missing)]
                writes = [next_(d["_id"], d["version"], done=[*d["done"], mark]) for d in batch]
                try:
                    written = await store.write_many(collection, writes)
                except StoreUnavailable:
                    unknown += 1
                    continue
                missing -= {d["_id"] for d, fits in zip(batch, written, strict=True) if fits}

    await asyncio.gather(*(rival(name) for name in range(6)))
    for id_, there in (await store.get_many(collection, ids)).items():
        assert sorted(there["done"]) == sorted(f"{name}-{turn}" for name in range(6) for turn in range(6)), id_
        assert there["version"] == 37


async def test_a_write_whose_reply_is_lost_is_found_by_reading(
    forgetful: tuple[Store, Callable[[bool], None]],
) -> None:
    store, lose_replies = forgetful
    await store.ensure(["unknown"])
    await store.write_many("unknown", [new("a", done=[])])
    lose_replies(True)
    with pytest.raises(StoreUnavailable):
        await store.write_many("unknown", [next_("a", 1, done=["message-1"])])
    lose_replies(False)
    assert (await read(store, "unknown", "a"))["done"] == ["message-1"]
    assert await store.write_many("unknown", [next_("a", 1, done=["message-1"])]) == [False]


async def test_a_document_is_deleted_only_at_its_version(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("a", 3), new("b", 3)])
    assert not await store.delete(collection, "a", 2)
    assert not await store.delete(collection, "missing", 1)
    assert await store.delete(collection, "a", 3)
    assert not await store.delete(collection, "a", 3)
    assert await store.get_many(collection, ["a", "b"]) == {"b": document("b", 3)}
    assert await store.write_many(collection, [next_("a", 3)]) == [False]
    assert await store.write_many(collection, [new("a")]) == [True]


async def test_what_is_due_comes_earliest_first_up_to_the_bound_and_the_limit(store: Store, collection: str) -> None:
    second = timedelta(seconds=1)
    times = {"late": NOON + second, "at": NOON, "long-past": NOON - 9 * second, "b": NOON - second, "a": NOON - second}
    await store.write_many(collection, [new(id_, due_at=at) for id_, at in times.items()])
    await store.write_many(collection, [new("never"), Write({"_id": "without", "version": 1}, None)])
    due = [("long-past", NOON - 9 * second), ("a", NOON - second), ("b", NOON - second), ("at", NOON)]
    assert await store.due(collection, NOON, 10) == due
    assert await store.due(collection, NOON, 2) == due[:2]
    assert await store.due(collection, NOON - timedelta(milliseconds=1), 10) == due[:3]
    assert await store.due(collection, NOON - 10 * second, 10) == []
    assert await store.due("never-written", NOON, 10) == []


async def test_all_ids_are_found_page_by_page(store: Store, collection: str) -> None:
    letters = "aZ/é~\U0001f600"
    ids = {f"{letters[number % 6]}{number}" for number in range(50)}
    await store.write_many(collection, [new(id_) for id_ in ids])
    found: list[str] = []
    while page := await store.ids(collection, found[-1] if found else "", 7):
        assert len(page) <= 7
        found += page
    assert len(found) == 50
    assert set(found) == ids
    assert await store.ids("never-written", "", 7) == []


async def test_what_is_due_later_is_found_by_what_it_has(store: Store, collection: str) -> None:
    hour = timedelta(hours=1)
    later = {"work": ["x"]}
    writes = [
        Write({"_id": "far", "version": 1, "due_at": NOON + hour, **later}, None),
        Write({"_id": "other", "version": 1, "due_at": NOON + hour, "outbox_due": "then"}, None),
        Write({"_id": "timer", "version": 1, "due_at": NOON + hour, "timers": ["x"]}, None),
        Write({"_id": "at", "version": 1, "due_at": NOON, **later}, None),
        Write({"_id": "never", "version": 1, "due_at": None, **later}, None),
        Write({"_id": "without", "version": 1, **later}, None),
    ]
    await store.write_many(collection, writes)
    assert sorted(await store.due_beyond(collection, NOON, ["outbox_due", "work"], 10)) == ["far", "other"]
    assert await store.due_beyond(collection, NOON, ["work"], 10) == ["far"]
    assert len(await store.due_beyond(collection, NOON, ["outbox_due", "work"], 1)) == 1
    assert await store.due_beyond(collection, NOON + hour, ["work"], 10) == []
    with pytest.raises(ValueError, match="limit is 0"):
        await store.due_beyond(collection, NOON, ["work"], 0)


async def test_a_time_that_is_moved_or_taken_away_is_due_as_it_is_now(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("moved", due_at=NOON), new("cancelled", due_at=NOON)])
    moved = next_("moved", 1, due_at=NOON + timedelta(hours=1))
    await store.write_many(collection, [moved, next_("cancelled", 1)])
    assert await store.due(collection, NOON, 10) == []
    assert await store.due(collection, NOON + timedelta(hours=1), 10) == [("moved", NOON + timedelta(hours=1))]


class Colour(StrEnum):
    RED = "red"


VALUES: dict[str, tuple[Any, Any]] = {
    "nothing": (None, None),
    "truth": ([True, False], [True, False]),
    "numbers": ([0, -1, 2**31, 2**63 - 1, -(2**63), 1.5, float("inf")], None),
    "text": ("Größe \N{ROCKET}\n\0 end", "Größe \N{ROCKET}\n\0 end"),
    "bytes": (bytes(range(256)), bytes(range(256))),
    "a time": (NOON, NOON),
    "microseconds": (NOON.replace(microsecond=123_999), NOON.replace(microsecond=123_000)),
    "another zone": (datetime(2026, 11, 21, 14, tzinfo=timezone(timedelta(hours=2))), NOON),
    "no zone": (NOON.replace(tzinfo=None), NOON),
    "before 1970": (datetime(1901, 1, 1, 0, 0, 0, 1999, tzinfo=UTC), datetime(1901, 1, 1, 0, 0, 0, 1000, tzinfo=UTC)),
    "nested lists": ([[1, [2, []]], [{"a": [{}]}]], None),
    "a tuple": ((1, (2,)), [1, [2]]),
    "an enumeration": (Colour.RED, "red"),
    "names with dots": ({"a.b": {"c.d.": 1}, ".": [{"e.f": 2}]}, None),
    "names with dollars": ({"$set": {"$inc": 1}, "a$b": [{"$x": 2}], "$": 3}, None),
    "an empty name": ({"": {"": 1}}, None),
    "an order of names": ({"z": 1, "a": 2, "m": 3}, None),
}


@pytest.mark.parametrize("name", VALUES)
async def test_a_value_comes_back_as_the_port_says(store: Store, collection: str, name: str) -> None:
    given, expected = VALUES[name]
    expected = given if expected is None else expected
    await store.write_many(collection, [new("a", value={"in": given})])
    await store.write_many(collection, [new("b"), next_("a", 1, value={"in": given})])
    value = (await read(store, collection, "a"))["value"]["in"]
    assert value == expected
    # Equality sees neither the order of a dict nor the zone of a datetime.
    assert repr(value) == repr(expected)


REFUSED: dict[str, StoredDocument] = {
    "no id": {"version": 1},
    "an id that is no text": {"_id": 1, "version": 1},
    "an empty id": document(""),
    "no version": {"_id": "x"},
    "a version that is no int": {"_id": "x", "version": "1"},
    "a time to be due that is none": document("x", due_at="2026-11-21"),
    "a dotted name at the top": document("x", **{"a.b": 1}),
    "a dollar name at the top": document("x", **{"$set": 1}),
    "the reserved name": document("x", _commit=b"1"),
    "a name that is no text": document("x", value={1: 2}),
    "a name with a null character": document("x", value={"a\0b": 2}),
    "a set": document("x", value={1, 2}),
    "an object": document("x", value=object()),
    "an int of more than 64 bits": document("x", value=2**63),
    "half a character": document("x", value="\ud800"),
    "more than 16 MiB": document("x", value=b"0" * MAXIMUM_BYTES),
    "itself": document("x"),
}
REFUSED["itself"]["value"] = REFUSED["itself"]


@pytest.mark.parametrize("name", REFUSED)
async def test_a_document_that_cannot_be_stored_is_refused_before_anything_is_written(
    store: Store, collection: str, name: str
) -> None:
    with pytest.raises(ValueError, match=r"document|_id"):
        await store.write_many(collection, [new("good"), Write(REFUSED[name], None)])
    assert await store.get_many(collection, ["good", "x"]) == {}


async def test_two_writes_for_one_id_are_refused(store: Store, collection: str) -> None:
    with pytest.raises(ValueError, match="'a' occurs twice"):
        await store.write_many(collection, [new("a"), next_("a", 1)])
    assert await store.get_many(collection, ["a"]) == {}


async def test_a_limit_below_one_is_refused(store: Store, collection: str) -> None:
    with pytest.raises(ValueError, match="limit is 0"):
        await store.due(collection, NOON, 0)


async def test_a_document_of_a_megabyte_is_kept(store: Store, collection: str) -> None:
    big = {"blocks": [bytes([number]) * 65536 for number in range(16)]}
    await store.write_many(collection, [new("a", state=big)])
    assert await store.write_many(collection, [new("b", state=big), next_("a", 1, state=big)]) == [True, True]
    found = await store.get_many(collection, ["a", "b"])
    assert found == {"a": document("a", 2, state=big), "b": document("b", state=big)}


async def test_what_was_written_or_read_is_not_shared_with_the_store(store: Store, collection: str) -> None:
    given = document("a", state={"list": [1]})
    await store.write_many(collection, [Write(given, None)])
    given["state"]["list"].append(2)
    read_once = await read(store, collection, "a")
    assert read_once["state"]["list"] == [1]
    read_once["state"]["list"].append(3)
    assert (await read(store, collection, "a"))["state"]["list"] == [1]


async def test_nothing_to_write_is_no_error(store: Store, collection: str) -> None:
    assert await store.write_many(collection, []) == []


async def test_ensuring_twice_and_at_once_keeps_what_is_there(store: Store, collection: str) -> None:
    await store.write_many(collection, [new("a", due_at=NOON)])
    await asyncio.gather(*(store.ensure([collection, f"{collection}-more"]) for _ in range(8)))
    await store.ping()
    assert await store.due(collection, NOON, 10) == [("a", NOON)]
