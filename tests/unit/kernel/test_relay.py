"""What committed outboxes hold is sent, in order, at least once."""

from collections.abc import Sequence
from contextlib import suppress

import pytest

from shared.kernel.client import OutgoingRecord
from shared.kernel.store.port import StoreUnavailable
from tests.support.example.example import AddToCounter, CounterChanged, CounterSnapshot
from tests.unit.kernel.world import World


def amounts(world: World, counter: str) -> list[int]:
    return [event.data.amount for event in world.published(CounterChanged) if event.data.counter == counter]


def test_the_entries_of_a_document_leave_in_their_order(world: World) -> None:
    world.send(*[AddToCounter(counter=counter, amount=amount) for amount in (1, 2, 3) for counter in "cd"])
    world.send(AddToCounter(counter="c", amount=4))
    assert world.relay()
    assert amounts(world, "c") == [1, 2, 3, 4]
    assert amounts(world, "d") == [1, 2, 3]
    assert world.replica().engine.relay.backlog == 0


def test_what_the_broker_did_not_take_waits_before_what_comes_later(world: World) -> None:
    world.send(*[AddToCounter(counter="c", amount=amount) for amount in (1, 2, 3)])
    world.broker.takes = 1
    assert not world.relay()
    world.send(AddToCounter(counter="c", amount=4))
    assert world.relay()
    assert amounts(world, "c") == [1, 2, 3, 4]


def test_what_one_topic_did_not_take_is_not_taken_for_sent_where_another_took_what_stands_behind_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    take = world.broker.send

    async def take_views(entries: Sequence[OutgoingRecord]) -> list[bool]:
        taken = [entry.topic.endswith(".snapshots") for entry in entries]
        await take([entry for entry, is_taken in zip(entries, taken, strict=True) if is_taken])
        return taken

    with monkeypatch.context() as patched:
        patched.setattr(world.broker, "send", take_views)
        assert not world.relay()
    assert amounts(world, "c") == []
    assert world.relay()
    assert amounts(world, "c") == [1]


def test_what_may_have_been_sent_is_sent_again(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    world.broker.replies = False
    assert not world.relay()
    assert world.relay()
    first, again = world.published(CounterChanged)
    assert first == again


def test_only_what_was_sent_is_trimmed_by_the_next_commit(world: World) -> None:
    world.send(*[AddToCounter(counter="c", amount=amount) for amount in (1, 2)])
    world.broker.takes = 1
    world.relay()
    world.send(AddToCounter(counter="c", amount=3))
    outbox = world.document("c").outbox
    assert [entry.record.topic.rpartition(".")[2] for entry in outbox] == ["events", "snapshots", "events", "snapshots"]
    world.relay()
    world.send(AddToCounter(counter="c", amount=4))
    assert len(world.document("c").outbox) == 2


def test_an_outbox_that_is_empty_in_the_store_is_forgotten(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    world.relay()
    relay = world.replica().engine.relay
    assert relay.published(("counters", "c")) == world.document("c").entries
    world.clock.jump(6)
    world.sweep()
    assert world.document("c").outbox == []
    assert relay._known == {}


def test_an_outbox_that_another_process_has_emptied_is_forgotten(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    world.relay()
    world.send(AddToCounter(counter="d", amount=1), by="b")
    world.clock.jump(11)
    world.sweep("b")
    world.relay("b")
    world.clock.jump(6)
    world.sweep("b")
    assert world.document("c").outbox == []
    world.sweep()
    assert world.replica().engine.relay._known == {}


def test_what_a_dead_process_left_is_sent_by_another_after_its_grace(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    world.sweep("b")
    assert not world.replica("b").engine.relay.backlog
    world.clock.jump(10)
    world.sweep("b")
    world.relay("b")
    assert amounts(world, "c") == [1]


def test_the_relay_tells_how_much_waits_and_for_how_long(world: World) -> None:
    import asyncio

    relay = world.replica().engine.relay

    async def wait() -> tuple[int, float]:
        await asyncio.sleep(3)
        return relay.backlog, relay.oldest_seconds

    assert world.run(wait()) == (0, 0.0)
    world.send(AddToCounter(counter="c", amount=1))
    assert world.run(wait()) == (2, 3.0)
    world.relay()
    assert world.run(wait()) == (0, 0.0)


def test_waiting_for_the_relay_ends_when_all_is_sent_or_time_is_up(world: World) -> None:
    relay = world.replica().engine.relay
    assert world.run(relay.drained(1))
    world.send(AddToCounter(counter="c", amount=1))
    assert not world.run(relay.drained(1))
    world.relay()
    assert world.run(relay.drained(1))
    assert len(world.published(CounterSnapshot)) == 1


def test_the_relay_sends_by_itself_and_tries_again_after_a_failure(world: World) -> None:
    import asyncio

    world.send(AddToCounter(counter="c", amount=1))
    world.broker.takes = 0
    relay = world.replica().engine.relay

    async def run() -> bool:
        running = asyncio.create_task(relay.run())
        drained = await relay.drained(10)
        running.cancel()
        return drained

    assert world.run(run())
    assert amounts(world, "c") == [1]


def test_a_process_that_stops_leaves_nothing_to_be_sent_again(world: World) -> None:
    world.send(*[AddToCounter(counter=f"c{at}", amount=1) for at in range(600)])
    world.relay()
    world.run(world.replica().engine.sweeper.trim_all())
    assert not any(world.document(f"c{at}").outbox for at in range(600))


def snapshots(world: World) -> list[int]:
    return [view.data.value for view in world.published(CounterSnapshot)]


def stand_still(world: World, seconds: float) -> None:
    """Replica a stands still with something to send, while b takes it over and goes on."""
    world.send(AddToCounter(counter="c", amount=1))
    world.clock.jump(seconds)
    world.sweep("b")
    world.relay("b")
    world.send(AddToCounter(counter="c", amount=41), by="b")
    world.relay("b")


def test_a_process_that_stood_still_sends_nothing_that_others_have_sent(world: World) -> None:
    stand_still(world, 11)
    assert amounts(world, "c") == [1, 41]
    world.relay()
    assert amounts(world, "c").count(1) == 1
    assert snapshots(world)[-1] == 42


def was_late_with_a_view(world: World) -> None:
    """Replica a stood still in the middle of sending, b has gone on, and then the broker got what a had."""
    world.send(AddToCounter(counter="c", amount=1))
    old: list[OutgoingRecord] = []

    def stall(record: OutgoingRecord) -> None:
        """Stand still between the last look at the clock and the broker, which gets the view much later."""
        if record.topic.endswith(".snapshots") and not old:
            old.append(record)
            world.clock.jump(11)

    world.broker.on_write = stall
    world.run(world.replica().engine.relay.step())
    world.send(AddToCounter(counter="c", amount=41), by="b")
    world.relay("b")
    world.broker.log.extend(old)
    assert snapshots(world)[-1] == 1


def test_where_an_old_view_was_sent_late_the_newest_stands_last(world: World) -> None:
    was_late_with_a_view(world)
    world.sweep()
    world.relay()
    assert snapshots(world)[-1] == 42


def test_an_outage_of_the_store_does_not_keep_the_newest_view_from_standing_last(world: World) -> None:
    was_late_with_a_view(world)
    connection = world.replica().store
    connection.faults.append(("write_many", "before", StoreUnavailable("it went away")))
    with suppress(StoreUnavailable):
        world.sweep()
    assert not connection.faults
    world.clock.jump(6)
    world.sweep()
    world.relay()
    assert snapshots(world)[-1] == 42


def overtake(world: World) -> None:
    """Both replicas commit the same document within moments, and the broker takes the later record first."""
    world.send(AddToCounter(counter="c", amount=1))
    world.send(AddToCounter(counter="c", amount=41), by="b")
    world.relay("b")
    world.relay("a")
    assert snapshots(world)[-1] == 1


def go_on(world: World, *replicas: str) -> None:
    """Let some minutes pass in which the replicas do what is due and send what they have."""
    for _ in range(25):
        world.clock.jump(6)
        for by in replicas:
            world.sweep(by)
            world.relay(by)


@pytest.mark.parametrize("left", ["a", "b", "ab", "ba", "c"])
def test_where_processes_have_overtaken_each_other_the_newest_view_stands_last(world: World, left: str) -> None:
    """No one stood still. Whoever of them is killed before it is mended, the others mend it; even one that is new."""
    overtake(world)
    go_on(world, *left)
    assert snapshots(world)[-1] == 42
    assert world.document("c").view_again is None
    sent = len(snapshots(world))
    go_on(world, *left)
    assert len(snapshots(world)) == sent


def test_where_one_process_has_taken_over_what_another_is_sending_the_newest_view_stands_last(world: World) -> None:
    """The one that takes over only sends and trims, and what it sends is the same; then the aggregate goes on."""
    world.send(AddToCounter(counter="c", amount=1))
    old = [entry.record for entry in world.document("c").outbox]
    world.clock.jump(11)
    world.sweep("b")
    world.relay("b")
    world.clock.jump(6)
    world.sweep("b")
    assert world.document("c").outbox == []
    world.send(AddToCounter(counter="c", amount=41), by="b")
    world.relay("b")
    world.broker.log.extend(old)
    go_on(world, "c")
    assert snapshots(world)[-1] == 42


def test_who_meets_a_repeat_sends_what_another_has_left_and_notes_that(world: World) -> None:
    """The other may have sent it, and have gone on, before this one does."""
    repeated = world.raw(AddToCounter(counter="c", amount=1))
    world.process(repeated)
    world.process(repeated, by="b")
    old = [entry.record for entry in world.document("c").outbox]
    world.relay()
    world.send(AddToCounter(counter="c", amount=41))
    world.relay()
    world.clock.jump(6)
    world.sweep()
    assert world.document("c").outbox == []
    world.broker.log.extend(old)
    go_on(world, "c")
    assert snapshots(world)[-1] == 42


def test_what_one_process_alone_has_sent_is_not_sent_once_more(world: World) -> None:
    for amount in (1, 41):
        world.send(AddToCounter(counter="c", amount=amount))
        world.relay()
    assert world.document("c").view_again is None
    go_on(world, "a")
    assert snapshots(world) == [1, 42]


def test_what_waits_for_a_broker_longer_than_the_grace_is_sent_once_it_is_back(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=1))
    world.broker.takes = 0
    world.relay()
    world.clock.jump(60)
    world.relay()
    assert amounts(world, "c") == [1]
    assert snapshots(world)[-1] == 1
    assert world.replica().engine.relay.backlog == 0
