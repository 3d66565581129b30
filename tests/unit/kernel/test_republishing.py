"""The newest snapshots of all that a service has are sent once more when somebody asks for it."""

from collections.abc import Sequence

import pytest

from shared.contracts.common import CommandRejected, RepublishSnapshots, SnapshotsRepublished
from shared.kernel.inputs import Input, RepublishInput
from shared.kernel.republishing import PAGE
from tests.support.example import app
from tests.support.example.domain import Counter
from tests.support.example.example import AddToCounter, CounterSnapshot
from tests.unit.kernel.world import World

ASK = RepublishSnapshots(service="example")


def finish(world: World, by: str = "a") -> None:
    for _ in range(5):
        world.sweep(by)
        world.run(world.replica(by).engine.workers.idle())
    world.relay(by)


def snapshots(world: World) -> dict[str, list[int]]:
    """The values that were shown of each counter, in their order."""
    shown: dict[str, list[int]] = {}
    for view in world.published(CounterSnapshot):
        shown.setdefault(view.data.counter, []).append(view.data.value)
    return shown


def test_the_newest_snapshot_of_everything_is_sent_once_more(world: World) -> None:
    world.send(*[AddToCounter(counter=f"c{at}", amount=at) for at in range(PAGE + 1)])
    world.relay()
    world.broker.log.clear()
    world.send(ASK)
    finish(world)
    assert snapshots(world) == {f"c{at}": [at] for at in range(PAGE + 1)}
    [told] = world.published(SnapshotsRepublished)
    assert (told.data.service, told.data.count) == ("example", PAGE + 1)


def test_a_killed_one_goes_on_behind_the_last_page_that_was_sent(world: World) -> None:
    world.send(*[AddToCounter(counter=f"c{at}", amount=at) for at in range(2 * PAGE)])
    world.relay()
    world.broker.log.clear()
    world.send(ASK)
    killed = world.replica()
    commit = killed.engine.committer.commit
    pages = 0

    async def die_at_the_second_page(inputs: Sequence[Input]) -> None:
        nonlocal pages
        is_page = any(isinstance(input_, RepublishInput) for input_ in inputs)
        pages += is_page
        if is_page and pages == 2:
            killed.engine.workers._stopping = True
            raise MemoryError("the process is gone")
        await commit(inputs)

    killed.engine.committer.commit = die_at_the_second_page  # type: ignore[method-assign]
    world.sweep()
    world.run(killed.engine.workers.idle())
    world.relay()
    world.run(killed.engine.sweeper.trim_all())
    world.clock.jump(3600)
    finish(world, "b")
    assert {len(shown) for shown in snapshots(world).values()} == {1}
    assert len(snapshots(world)) == 2 * PAGE
    [told] = world.published(SnapshotsRepublished)
    assert told.data.count == 2 * PAGE


def _shows_as_many_as_it_counts(id_: str, state: Counter) -> list[CounterSnapshot]:
    return [CounterSnapshot(counter=f"{id_}-{at}", value=at) for at in range(state.value)]


def test_what_an_aggregate_shows_beside_its_view_is_sent_as_well(world: World, request: pytest.FixtureRequest) -> None:
    object.__setattr__(app.COUNTERS, "beside", _shows_as_many_as_it_counts)
    request.addfinalizer(lambda: object.__setattr__(app.COUNTERS, "beside", None))
    world.send(AddToCounter(counter="c", amount=2))
    world.relay()
    world.broker.log.clear()
    world.send(ASK)
    finish(world)
    assert snapshots(world) == {"c": [2], "c-0": [0], "c-1": [1]}
    assert [told.data.count for told in world.published(SnapshotsRepublished)] == [3]


def test_it_is_done_once_at_a_time_and_again_when_it_is_asked_for_again(world: World) -> None:
    world.send(ASK, ASK)
    world.relay()
    [refused] = world.published(CommandRejected)
    assert refused.data.reason == "UNDER_WAY"
    finish(world)
    world.send(ASK)
    finish(world)
    assert len(world.published(SnapshotsRepublished)) == 2


def test_a_service_is_not_asked_for_what_is_anothers(world: World) -> None:
    world.send(RepublishSnapshots(service="neighbour"))
    world.relay()
    [refused] = world.published(CommandRejected)
    assert refused.data.message == "this is example, not neighbour"
