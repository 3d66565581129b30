"""Checks what was seen of counters against what the store holds of them: the invariants of a correct history."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pymongo import MongoClient

from shared.contracts.envelope import Envelope
from shared.contracts.message import Event, Message
from tests.support.example.example import CounterChanged
from tests.support.services import Seen

DATABASE = "drydock_example"


def documents(
    mongo: str, collection: str, ids: Iterable[str] | None = None, *, database: str = DATABASE
) -> dict[str, Any]:
    """What the store holds, by id: all of a collection, or those of `ids` that exist."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo, timeoutMS=10_000)
    try:
        wanted = {} if ids is None else {"_id": {"$in": list(ids)}}
        return {document["_id"]: document for document in client[database][collection].find(wanted)}
    finally:
        client.close()


def events_of(seen: Iterable[Seen], counter: str) -> dict[int, Envelope[Message]]:
    """The events of a counter by their sequence: 1 to n without a gap, each with one id and one content."""
    by_sequence: dict[int, Envelope[Message]] = {}
    for one in seen:
        envelope = one.envelope
        if isinstance(envelope.data, Event) and envelope.subject == f"counters/{counter}":
            assert envelope.sequence is not None
            known = by_sequence.setdefault(envelope.sequence, envelope)
            assert known == envelope, f"two events of {counter} have the sequence {envelope.sequence}"
    assert sorted(by_sequence) == list(range(1, len(by_sequence) + 1)), f"a gap in the events of {counter}"
    return by_sequence


def check_counter(seen: Iterable[Seen], document: Mapping[str, Any], amounts: Mapping[str, int]) -> None:
    """One effect for each message of `amounts` (its id: what it adds), and no other; an event for each effect.

    What causes a change that is not in `amounts` (work, a timer) is looked at by the caller.
    """
    counter = document["_id"]
    events = events_of(seen, counter)
    assert document["sequence"] == len(events), f"{counter}: events without a commit, or commits without their event"
    changes = [event for _, event in sorted(events.items()) if isinstance(event.data, CounterChanged)]
    value = 0
    causes: dict[str | None, list[int]] = defaultdict(list)
    for event in changes:
        assert isinstance(event.data, CounterChanged)
        value += event.data.amount
        assert event.data.value == value, f"{counter}: an event that does not follow from the one before it"
        causes[event.causation].append(event.data.amount)
    assert causes == {cause: [amount] for cause, amount in amounts.items()}, f"{counter}: effects lost or repeated"
    state = document["state"]
    assert (state["value"], state["changes"]) == (value, len(changes)), f"{counter}: state and events differ"
    assert not document["outbox"], f"{counter}: the outbox is not empty"
