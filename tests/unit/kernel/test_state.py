"""States are copied with changes that are checked, and move as their lifecycle says."""

from enum import StrEnum
from typing import Any

import pytest
from pydantic import ValidationError

from shared.contracts.lifecycle import Lifecycle
from shared.kernel import Permanent, State
from shared.kernel.state import check_moves


class Door(StrEnum):
    """Where a door stands."""

    OPEN = "open"
    SHUT = "shut"
    LOCKED = "locked"


DOOR = Lifecycle(Door, "[*] --> open\nopen --> shut\nshut --> open, locked\nlocked --> shut")


class House(State):
    """A house with a door."""

    lifecycle = DOOR

    status: Door = Door.OPEN
    visitors: int = 0


class Barn(State):
    """A barn, whose door is open while nobody has the key."""

    lifecycle = DOOR

    keys: int = 0
    bolts: int = 0

    @property
    def status(self) -> Door:
        """Where its door stands."""
        if self.bolts:
            return Door.LOCKED
        return Door.SHUT if self.keys else Door.OPEN


def test_a_move_takes_other_changes_along() -> None:
    assert House().move(Door.SHUT, visitors=3) == House(status=Door.SHUT, visitors=3)


def test_staying_where_one_is_is_no_move() -> None:
    assert House(status=Door.LOCKED).move(Door.LOCKED, visitors=1).visitors == 1


def test_a_move_that_the_lifecycle_does_not_have_is_permanent_and_says_the_ways_on() -> None:
    with pytest.raises(Permanent, match="a House that is open cannot become locked; the ways on are: shut"):
        House().move(Door.LOCKED)


def test_a_copy_cannot_go_round_the_lifecycle() -> None:
    update: dict[str, Any] = {"status": Door.LOCKED}
    with pytest.raises(Permanent):
        House().model_copy(update=update)
    with pytest.raises(TypeError, match="the status of House is changed by `move`"):
        House().replace(**update)


def test_a_status_that_follows_from_other_fields_moves_as_the_lifecycle_says() -> None:
    assert Barn().replace(keys=1).replace(bolts=1).status is Door.LOCKED
    with pytest.raises(Permanent, match="a Barn that is open cannot become locked"):
        Barn().replace(bolts=1)


@pytest.mark.parametrize("stored", [{"status": "open", "visitors": 0, "windows": 2}, {"keys": 1}])
def test_unknown_fields_are_refused_when_a_state_is_read(stored: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        House.model_validate(stored)


def test_a_lifecycle_of_other_statuses_than_the_state_has_is_refused_when_the_class_is_made() -> None:
    with pytest.raises(TypeError, match="Shed has a lifecycle of Door, its status is <class 'str'>"):

        class Shed(State):
            lifecycle = DOOR

            status: str


def test_a_state_without_a_status_does_not_move() -> None:
    class Field(State):
        cows: int = 0

    barn: Any = Barn()
    for one in (Field(), barn):
        with pytest.raises(TypeError, match="has no lifecycle, or its status follows from other fields"):
            State.move(one, Door.OPEN)


def test_between_two_decisions_any_number_of_moves_may_lie_but_none_that_there_is_not() -> None:
    check_moves(House, House(), House(status=Door.LOCKED))
    check_moves(House, None, House(status=Door.LOCKED))
    with pytest.raises(Permanent, match="a House that is open cannot be forgotten; the ways on are: shut"):
        check_moves(House, House(), None)
