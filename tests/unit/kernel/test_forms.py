"""A database that a later version has written to is refused as a whole; what an earlier one stored is brought up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.kernel.app import Aggregate, Service, Settings
from shared.kernel.forms import COLLECTION, PAGE, NewerForms, bring_up, claim_forms
from shared.kernel.store.memory import MemoryStore
from shared.kernel.store.port import StoreUnavailable
from tests.support.example import app, example
from tests.support.example.example import AddToCounter, SetAlarm
from tests.unit.kernel.world import World, with_counters

AN_HOUR = timedelta(hours=1)


def service_of(version: int) -> Service:
    """The example, with counters of a version."""
    made = app.make(Settings())
    return with_counters(made, replace(app.COUNTERS, version=version))


async def stored(store: MemoryStore) -> dict[str, Any]:
    return (await store.get_many(COLLECTION, ["forms"]))["forms"]


async def test_what_a_service_writes_is_noted_once() -> None:
    store = MemoryStore()
    await claim_forms(service_of(2), store)
    first = await stored(store)
    assert first["forms"]["counters"] == 2
    assert first["forms"]["dead_letters"] == 1
    await claim_forms(service_of(2), store)
    assert await stored(store) == first


async def test_a_later_version_takes_over_and_the_earlier_one_is_refused_from_then_on() -> None:
    store = MemoryStore()
    await claim_forms(service_of(1), store)
    await claim_forms(service_of(3), store)
    after = await stored(store)
    with pytest.raises(NewerForms, match="holds counters in form 3, and this version of Drydock knows form 2"):
        await claim_forms(service_of(2), store)
    assert await stored(store) == after


async def test_aggregates_that_only_another_version_has_stay_noted() -> None:
    store = MemoryStore()
    await claim_forms(service_of(1), store)
    lamps = Service(
        "example",
        example.CATALOGUE,
        [*app.make(Settings()).table],
        builtin=app.make(Settings()).builtin,
        kept=(Aggregate("lamps", app.COUNTERS.state, version=4),),
    )
    await claim_forms(lamps, store)
    await claim_forms(service_of(2), store)
    assert {"lamps": 4, "counters": 2}.items() <= (await stored(store))["forms"].items()


def stored_by_an_earlier_version(world: World, *counters: str) -> None:
    """Counters of form 1, and a process of the version that has them in form 2, with a timer."""
    world.send(*[AddToCounter(counter=counter, amount=1) for counter in counters])
    world.relay()
    of_it = replace(app.COUNTERS, version=2, awaits=lambda counter: {"alarm:late": world.clock() + AN_HOUR})
    world.service = with_counters(world.service, of_it)
    world.run(claim_forms(world.service, world.store))


def bring_all_up(world: World) -> None:
    world.run(bring_up(world.replica("new").engine.committer, world.store))


def test_what_an_earlier_version_has_stored_is_brought_up_with_the_timers_that_it_did_not_set(world: World) -> None:
    counters = [f"c{at:03}" for at in range(PAGE + 1)]
    stored_by_an_earlier_version(world, *counters)
    bring_all_up(world)
    for counter in counters:
        document = world.document(counter)
        assert document.state_version == 2
        assert document.timers["alarm:late"].due == world.clock() + AN_HOUR
    versions = [world.document(counter).version for counter in counters]
    bring_all_up(world)
    assert [world.document(counter).version for counter in counters] == versions


def test_a_timer_that_was_set_stays_as_it_was(world: World) -> None:
    world.send(SetAlarm(counter="late", at=world.clock() + 2 * AN_HOUR))
    [before] = world.document("late").timers.values()
    stored_by_an_earlier_version(world, "late")
    bring_all_up(world)
    assert list(world.document("late").timers.values()) == [before]


def test_one_that_was_cut_off_is_begun_again(world: World) -> None:
    counters = [f"c{at:03}" for at in range(PAGE + 1)]
    stored_by_an_earlier_version(world, *counters)
    replica = world.replica("new")
    find = replica.store.ids

    async def find_one_page(collection: str, after: str, limit: int) -> list[str]:
        if after:
            raise StoreUnavailable("it went away")
        return await find(collection, after, limit)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replica.store, "ids", find_one_page)
        with pytest.raises(StoreUnavailable):
            world.run(bring_up(replica.engine.committer, replica.store))
    assert world.document(counters[0]).state_version == 2
    assert world.document(counters[-1]).state_version == 1
    bring_all_up(world)
    assert world.document(counters[-1]).state_version == 2


async def test_of_two_that_start_at_once_each_is_noted() -> None:
    """The one that loses the race reads what the other has noted."""
    store = MemoryStore()
    rival = service_of(2)
    write = store.write_many
    raced = False

    async def race(collection: str, writes: Any) -> list[bool]:
        nonlocal raced
        if not raced:
            raced = True
            await claim_forms(rival, store)
        return await write(collection, writes)

    store.write_many = race  # type: ignore[method-assign]
    with pytest.raises(NewerForms):
        await claim_forms(service_of(1), store)
    assert (await stored(store))["forms"]["counters"] == 2
