"""The document of an aggregate and its form in the store."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from bson.json_util import JSONOptions, loads
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.kernel.client import OutgoingRecord
from shared.kernel.document import (
    SWEEP_AFTER,
    Document,
    Origin,
    OutboxEntry,
    Parked,
    PendingTimer,
    PendingWork,
    Undecided,
    new_document,
    timer_key,
    work_key,
)
from shared.kernel.seen import has_seen, seen_mark, without_mark
from shared.kernel.store.documents import decode, encode
from shared.kernel.stored import from_stored, pack, to_stored, unpack

GOLDEN = Path(__file__).parent / "golden" / "document.json"
"""Never changed: a form that comes after it gets a file of its own beside it."""
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
HEADERS_THEN = {
    "content-type": "application/json",
    "ce_specversion": "1.0",
    "ce_id": "e1",
    "ce_source": "drydock/example",
    "ce_type": "example.counter-changed.v1",
    "ce_time": "2026-11-21T12:00:00Z",
    "ce_subject": "counters/c",
    "ce_correlationid": "m1",
    "ce_causationid": "m2",
    "ce_sequence": "7",
    "ce_actor": "ann",
    "ce_traceparent": TRACE,
}
EVENTS = "drydock.example.events"
PATIENT = settings(deadline=None)
INTEGERS = st.integers(0, 2**62)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
MOMENTS = st.datetimes(datetime(1971, 1, 1), datetime(9990, 1, 1), timezones=ZONES)  # noqa: DTZ001 - bounds have none
NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)
BYTES = st.none() | st.binary(max_size=30)
HEADER_NAMES = st.sampled_from(["ce_id", "ce_type", "content-type", "x-own"])
HEADERS = st.lists(st.tuples(HEADER_NAMES, BYTES), max_size=4)
RECORDS = st.builds(OutgoingRecord, NAMES, BYTES, BYTES, HEADERS)
ENTRIES = st.builds(OutboxEntry, INTEGERS, RECORDS)
ORIGINS = st.builds(Origin, *[st.none() | NAMES] * 4)
JSON = st.dictionaries(NAMES, st.none() | NAMES | st.integers(-(2**62), 2**62) | st.lists(NAMES), max_size=3)
TIMERS = st.builds(PendingTimer, NAMES, MOMENTS, ORIGINS)
WORK = st.builds(PendingWork, NAMES, JSON, ORIGINS, MOMENTS, INTEGERS, st.none() | NAMES, st.none() | MOMENTS, INTEGERS)
PARKED = st.builds(
    Parked,
    NAMES,
    NAMES,
    INTEGERS,
    INTEGERS,
    INTEGERS,
    st.binary(max_size=9),
    st.binary(max_size=9),
    st.lists(st.tuples(NAMES, st.binary(max_size=9)), max_size=3),
    st.none() | NAMES,
    MOMENTS,
    MOMENTS,
)
UNDECIDED = st.builds(Undecided, INTEGERS, NAMES, MOMENTS, st.none() | JSON)
SETTLED = st.builds(
    Document,
    NAMES,
    INTEGERS,
    st.none() | JSON,
    INTEGERS,
    INTEGERS,
    INTEGERS,
    st.binary(max_size=4).map(lambda mark: mark * 8),
    st.dictionaries(NAMES, ENTRIES.map(pack), max_size=2),
    st.lists(ENTRIES, max_size=2),
    st.none() | MOMENTS,
    st.lists(TIMERS, max_size=2).map(lambda timers: {timer.name: timer for timer in timers}),
    st.lists(PARKED, max_size=2),
    st.lists(WORK, max_size=2).map(lambda works: {work.name: work for work in works}),
    st.none() | MOMENTS,
    st.dictionaries(NAMES.map(timer_key) | NAMES.map(work_key), UNDECIDED, max_size=2),
)
OVERTAKEN = st.builds(replace, SETTLED, view_again=MOMENTS, again=st.lists(ENTRIES, max_size=2))
DOCUMENTS = SETTLED | OVERTAKEN


def test_a_document_that_an_earlier_release_stored_is_read_and_stored_as_it_was() -> None:
    golden = loads(GOLDEN.read_text(), json_options=JSONOptions(tz_aware=True, tzinfo=UTC))
    document = from_stored(golden)
    assert encode(to_stored(document, golden["version"])) == encode(golden)
    assert [pack(OutboxEntry(entry.n, entry.record)) for entry in document.outbox] == golden["outbox"]
    first = document.outbox[0]
    event, tombstone, redriven = (entry.record for entry in document.outbox)
    headers = dict(event.headers)
    assert (first.n, event.topic, event.key) == (document.entries - 2, EVENTS, b"c")
    assert event.value == b'{"counter":"c","amount":1,"value":1}'
    assert headers == {name: value.encode() for name, value in HEADERS_THEN.items()}
    assert (tombstone.value, tombstone.headers) == (None, [("x-own", None)])
    assert (redriven.key, redriven.value) == (None, b"\xff")
    assert has_seen(document.seen, seen_mark("example.add-to-counter.v1", "m2"))
    assert unpack(document.answers["m1"]) == first
    assert document.timers["alarm:c"].origin == Origin("m1", "m2", "ann", TRACE)
    [parked] = document.parked
    assert (parked.id, parked.partition, parked.offset, parked.waits_for) == ("m3", 1, 99, "d")
    work = document.work["errand:c/one"]
    assert (work.epoch, work.owner, work.attempts, work.checkpoint) == (3, "host-1", 2, {"done": 1})


@PATIENT
@given(DOCUMENTS)
def test_what_is_stored_comes_back_as_it_was(document: Document) -> None:
    assert from_stored(decode(encode(to_stored(document, document.version)))) == document


@PATIENT
@given(DOCUMENTS)
def test_what_is_due_is_never_found_early_and_less_than_a_millisecond_late(document: Document) -> None:
    kept = decode(encode(to_stored(document, 1)))["due_at"]
    if document.due_at is None:
        assert kept is None
    else:
        assert timedelta() <= kept - document.due_at < timedelta(milliseconds=1)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=14)), timezone(-timedelta(hours=14))])
@pytest.mark.parametrize("end", [datetime.max, datetime.min])  # noqa: DTZ901 - the zone follows
def test_moments_at_the_ends_of_the_calendar_can_be_stored(end: datetime, zone: timezone) -> None:
    document = Document("a", timers={"t": PendingTimer("t", end.replace(tzinfo=zone), Origin())})
    stored = decode(encode(to_stored(document, 0)))
    assert from_stored(stored) == document
    assert stored["due_at"].year == end.year


@PATIENT
@given(ENTRIES)
def test_an_entry_is_packed_and_unpacked_as_it_was(entry: OutboxEntry) -> None:
    assert unpack(pack(entry)) == entry


def test_a_document_is_due_when_the_first_of_all_that_waits_in_it_is() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    moments = [now + timedelta(seconds=second) for second in range(1, 5)]
    document = Document("a")
    assert document.due_at is None
    document.idle_since = now
    assert document.due_at == now + SWEEP_AFTER
    document.outbox_due = moments[3]
    assert document.due_at == moments[3]
    document.work = {"w": PendingWork("w", {}, Origin(), moments[2], owner="somebody", until=moments[2])}
    assert document.due_at == moments[2]
    document.parked = [Parked("m", "t", 0, 0, 0, b"", b"", [], None, moments[3], moments[1])]
    assert document.due_at == moments[1]
    document.timers = {"t": PendingTimer("t", moments[0], Origin())}
    assert document.due_at == moments[0]
    assert min(document.moments(outbox=False)) == moments[0]


@PATIENT
@given(st.lists(st.text(max_size=5), unique=True, max_size=20), st.text(max_size=5))
def test_a_message_is_seen_if_and_only_if_it_was_marked(ids: list[str], other: str) -> None:
    seen = b"".join(seen_mark("handler", id_) for id_ in ids)
    assert has_seen(seen, seen_mark("handler", other)) == (other in ids)
    assert not has_seen(seen, seen_mark("another", other))


def test_bytes_that_only_straddle_two_marks_are_not_seen() -> None:
    first, second = seen_mark("handler", "1"), seen_mark("handler", "2")
    assert not has_seen(first + second, (first + second)[3:11])
    assert has_seen(first[3:] + first[:3] + first, first)


@PATIENT
@given(st.lists(st.integers(0, 9), unique=True, min_size=1))
def test_a_mark_can_be_taken_away_and_leaves_the_others(ids: list[int]) -> None:
    marks = [seen_mark("handler", str(id_)) for id_ in ids]
    assert without_mark(b"".join(marks), marks[0]) == b"".join(marks[1:])
    assert without_mark(b"".join(marks[1:]), marks[0]) == b"".join(marks[1:])


def test_a_document_that_comes_to_be_again_counts_its_entries_on() -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    assert new_document("a", now + timedelta(seconds=1)).entries - new_document("a", now).entries == 1_000_000
