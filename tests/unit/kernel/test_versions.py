"""States of other versions: earlier ones are read and brought up, later ones are left alone."""

from dataclasses import replace
from typing import Any

import pytest

from shared.kernel.outcomes import NewerDocument
from shared.kernel.table import Aggregate
from tests.support.example import app
from tests.support.example.domain import Counter
from tests.support.example.example import AddAsMuchAs, AddToCounter, CounterChanged
from tests.unit.kernel.world import World, with_counters


def at_version(world: World, version: int, **fields: Any) -> None:
    """From now on counters are of another version: in a table of its own, as another release has."""
    world.service = with_counters(world.service, replace(app.COUNTERS, version=version, **fields))


def test_what_an_earlier_version_stored_is_brought_up_and_stored_under_the_new_one(world: World) -> None:
    world.send(AddToCounter(counter="c", amount=5))
    assert world.document("c").state_version == 1
    seen: list[int] = []

    def upgrade(version: int, fields: dict[str, Any]) -> dict[str, Any]:
        seen.append(version)
        return {**fields, "value": fields["value"] * 100}

    at_version(world, 2, upgrade=upgrade)
    world.send(AddToCounter(counter="c", amount=1), by="b")
    assert (world.value("c"), world.document("c").state_version) == (501, 2)
    world.send(AddToCounter(counter="c", amount=1), by="b")
    assert world.value("c") == 502
    assert set(seen) == {1}


def test_a_command_to_what_a_later_version_stored_waits_and_becomes_no_dead_letter(world: World) -> None:
    earlier = world.replica()
    at_version(world, 2)
    world.send(AddToCounter(counter="c", amount=5), by="b")
    assert earlier is world.replica()
    command = world.raw(AddToCounter(counter="c", amount=1))
    for _ in range(50):
        result = world.process(command)
        assert result.done == {(command.topic, 0): command.offset}
        assert result.waiting
    world.relay()
    assert world.value("c") == 5
    world.process(command, by="b")
    assert world.value("c") == 6


def test_what_a_later_version_stored_is_no_fact_for_an_earlier_one(world: World) -> None:
    world.replica()
    at_version(world, 2)
    world.send(AddToCounter(counter="d", amount=5), by="b")
    waits = world.send(AddAsMuchAs(counter="c", other="d"))
    assert waits.waiting
    assert [event.data.counter for event in world.published(CounterChanged)].count("c") == 0


def test_a_state_is_read_by_no_version_before_its_own() -> None:
    counters = Aggregate("counters", Counter, version=3)
    with pytest.raises(NewerDocument, match="version 4; this service knows 3"):
        counters.read(4, None)
