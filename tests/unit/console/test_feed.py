"""What the feed keeps at hand for clients of the event stream."""

import json

import pytest

from services.console.cloud_events import cloud_event
from services.console.web import feed as feed_module
from services.console.web.feed import Feed, Missed
from services.console.web.stream import stream_routes
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.registry import CATALOGUE
from shared.contracts.servicing_executor import StepStarted
from shared.kernel.client import Read
from tests.support.played_services import NOON

EVENT = StepStarted(environment="contoso-test", project="contoso", operation="1", step="verify", started_at=NOON)
TOPIC = "drydock.servicing-executor.events"


def told(feed: Feed, count: int) -> None:
    """Let the feed read so many events."""
    for offset in range(count):
        envelope: Envelope[Message] = Envelope(id=str(offset), source="test", time=NOON, data=EVENT)
        feed._take(Read(TOPIC, 3, offset, EVENT.key, envelope), tell=True)


def test_a_client_that_reads_too_slowly_is_told_that_it_missed_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FRAMES_KEPT", 10)
    feed = Feed("", CATALOGUE)
    told(feed, 10)
    assert len(feed.frames(0)) == 10
    told(feed, 1)
    with pytest.raises(Missed) as missed:
        feed.frames(0)
    assert missed.value.code == "TOO_SLOW"
    assert len(feed.frames(1)) == 10


def test_what_is_kept_is_bounded_in_bytes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "BYTES_KEPT", 5_000)
    feed = Feed("", CATALOGUE)
    told(feed, 100)
    assert 5 < sum(1 for _ in feed.frames(feed.first)) < 20


def test_the_position_is_behind_the_last_message_that_was_read() -> None:
    feed = Feed("", CATALOGUE)
    told(feed, 3)
    assert feed.code.read(feed.position)[TOPIC, 3] == 3
    assert feed.frames(2)[0].text.startswith(f"id: {feed.position}\n".encode())


async def test_a_slow_client_gets_a_reset_and_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FRAMES_KEPT", 10)
    feed = Feed("", CATALOGUE)
    [route] = stream_routes(feed).routes
    response = await route.endpoint(kinds="events")  # type: ignore[attr-defined]  # the route's function
    chunks = response.body_iterator
    assert (await anext(chunks)).startswith(b": heartbeat\nid: ")
    told(feed, 11)
    assert (await anext(chunks)).startswith(b"event: reset\nid:\n")
    with pytest.raises(StopAsyncIteration):
        await anext(chunks)


def test_an_event_is_told_as_a_cloud_event() -> None:
    envelope: Envelope[Message] = Envelope(
        id="7", source="drydock/servicing-executor", time=NOON, data=EVENT, causation="6", sequence=5, actor='a"b'
    )
    assert json.loads(cloud_event(envelope)) == {
        "specversion": "1.0",
        "id": "7",
        "source": "drydock/servicing-executor",
        "type": "servicing-executor.step-started.v1",
        "time": "2026-11-21T12:00:00.000000Z",
        "datacontenttype": "application/json",
        "causationid": "6",
        "sequence": 5,
        "actor": 'a"b',
        "partitionkey": "contoso-test",
        "data": EVENT.model_dump(mode="json"),
    }


def test_what_is_no_longer_at_hand_is_not_taken_for_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_module, "FRAMES_KEPT", 10)
    feed = Feed("", CATALOGUE)
    told(feed, 15)
    assert not feed._has({(TOPIC, 3): 4})
    assert feed._has({(TOPIC, 3): 5})
