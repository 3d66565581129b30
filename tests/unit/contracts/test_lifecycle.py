"""Tables of transitions are read from diagrams, and drawn as such."""

from enum import StrEnum
from typing import Any

import pytest

from shared.contracts.lifecycle import Lifecycle
from shared.contracts.registry import LIFECYCLES

EVERY = [one for lifecycles in LIFECYCLES.values() for one in lifecycles]


class Light(StrEnum):
    """Where a light stands."""

    OFF = "off"
    DIMMED_DOWN = "dimmed-down"
    ON = "on"
    BROKEN = "broken"
    STOLEN = "stolen"


LIGHT = Lifecycle(
    Light,
    """
    [*] --> off
    off --> on : somebody comes
    on --> off, dimmed-down
    dimmed-down --> off
    off, on --> broken
    broken --> [*]
    """,
)


def test_a_move_is_allowed_if_a_line_has_it_and_staying_always_is() -> None:
    allowed = {
        (before, after) for before in Light for after in Light if before is not after if LIGHT.allows(before, after)
    }
    assert allowed == {
        (Light.OFF, Light.ON),
        (Light.ON, Light.OFF),
        (Light.ON, Light.DIMMED_DOWN),
        (Light.DIMMED_DOWN, Light.OFF),
        (Light.OFF, Light.BROKEN),
        (Light.ON, Light.BROKEN),
    }
    assert all(LIGHT.allows(status, status) for status in Light)
    assert {before: set(afters) for before, afters in LIGHT.moves.items()}[Light.ON] == {
        Light.OFF,
        Light.DIMMED_DOWN,
        Light.BROKEN,
    }


def test_several_moves_reach_what_one_does_not() -> None:
    assert LIGHT.reaches(Light.OFF, Light.DIMMED_DOWN)
    assert LIGHT.reaches(None, Light.BROKEN)
    assert not LIGHT.reaches(Light.OFF, Light.STOLEN)


def test_what_leads_back_to_nothing_may_be_forgotten_or_followed_by_another() -> None:
    assert LIGHT.reaches(Light.BROKEN, None)
    assert LIGHT.reaches(Light.BROKEN, Light.OFF)
    assert not LIGHT.allows(Light.BROKEN, Light.OFF)
    assert not Lifecycle(Light, "[*] --> off\noff --> broken").reaches(Light.BROKEN, None)


def test_beginnings_ends_and_what_is_not_in_use_follow_from_the_lines() -> None:
    assert LIGHT.beginnings == {Light.OFF}
    assert {status for status in Light if LIGHT.is_end(status)} == {Light.BROKEN, Light.STOLEN}
    assert LIGHT.unused == (Light.STOLEN,)
    assert (LIGHT.ways_on(Light.OFF), LIGHT.ways_on(Light.BROKEN)) == ("broken, on", "nowhere")


def test_the_diagram_is_drawn_with_names_that_mermaid_can_read() -> None:
    assert LIGHT.mermaid().splitlines() == [
        "stateDiagram-v2",
        '    state "dimmed-down" as dimmed_down',
        "    [*] --> off",
        "    off --> on : somebody comes",
        "    on --> off",
        "    on --> dimmed_down",
        "    dimmed_down --> off",
        "    off --> broken",
        "    on --> broken",
        "    broken --> [*]",
    ]


@pytest.mark.parametrize(
    ("diagram", "told"),
    [
        ("[*] -> off", "'.*' is no move"),
        ("[*] --> of", "'of' in '.*' is none of off, dimmed-down, on, broken, stolen"),
        ("[*] --> off\noff --> on\noff --> broken, on", "says a move twice"),
        ("[*] --> off\noff --> off", "leads nowhere"),
        ("[*] --> off\non --> broken", "nothing leads to on"),
    ],
)
def test_a_diagram_that_cannot_be_meant_is_refused(diagram: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Lifecycle(Light, diagram)


@pytest.mark.parametrize("lifecycle", EVERY, ids=lambda one: one.statuses.__name__)
def test_every_lifecycle_has_a_way_on_from_whatever_is_no_end(lifecycle: Lifecycle[Any]) -> None:
    ends = {status for status in lifecycle.statuses if lifecycle.is_end(status)}
    running = [status for status in lifecycle.statuses if status not in (*ends, *lifecycle.unused)]
    for status in running:
        assert lifecycle.moves[status], f"nothing ends {status}"
