"""Decisions are made step by step, and the kernel takes them as they are."""

from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import pytest

from shared.contracts.common import CommandRejected, DeadLettered
from shared.contracts.envelope import Envelope
from shared.contracts.lifecycle import Lifecycle
from shared.kernel import UNCHANGED, Decision, DecisionBuilder, Permanent, Send, State, TimerDue
from shared.kernel.app import Aggregate, On, OnTimer, Service, Settings, WiringError
from tests.support.example import app, example
from tests.support.example.domain import Errand
from tests.support.example.example import CounterChanged, CounterSnapshot, SetAlarm, Stumble
from tests.support.example.neighbour import CountThis, SomethingHappened
from tests.support.simulation import EPOCH
from tests.unit.kernel.world import World


class Light(StrEnum):
    """Where a lamp stands."""

    OFF = "off"
    ON = "on"
    BROKEN = "broken"


LIGHT = Lifecycle(Light, "[*] --> off\noff --> on\non --> off, broken")


class DeskLamp(State):
    """A lamp."""

    lifecycle = LIGHT

    status: Light = Light.OFF
    switched: int = 0


class LampChange(DecisionBuilder[DeskLamp]):
    """A decision about a lamp."""

    def switch_on(self) -> None:
        """Let there be light."""
        self.move(Light.ON, switched=self.state.switched + 1)
        self.say(CounterChanged(counter="lamp", amount=1, value=self.state.switched))


LAMPS = Aggregate("lamps", DeskLamp)


def set_up(state: DeskLamp | None, message: Envelope[SetAlarm], facts: None, now: datetime) -> Decision[DeskLamp]:
    """A lamp is put on the desk."""
    change = LampChange(state or DeskLamp(), now)
    change.at("dim", now + timedelta(minutes=1))
    return change


def switch_on(state: DeskLamp, message: Envelope[Stumble], facts: None, now: datetime) -> LampChange:
    """It is switched on."""
    change = LampChange(state, now)
    change.switch_on()
    return change


def break_(state: DeskLamp, message: Envelope[SomethingHappened], facts: None, now: datetime) -> Decision[DeskLamp]:
    """It falls down, which harms it only while it is on."""
    change = LampChange(state, now)
    change.move(Light.BROKEN)
    return change


def go_round(
    state: DeskLamp | None, message: Envelope[SomethingHappened], facts: None, now: datetime
) -> Decision[DeskLamp]:
    """It is another lamp all of a sudden."""
    return Decision(None if state else DeskLamp())


def dim(state: DeskLamp, timer: TimerDue, facts: None, now: datetime) -> Decision[DeskLamp]:
    """Nobody looks at it."""
    return UNCHANGED


def service_with(*lines: Any, without: tuple[type, ...] = (Stumble, SetAlarm)) -> Service:
    """The example, in which lamps take the place of some of its lines."""
    made = app.make(Settings())
    kept = [line for line in made.table if getattr(line, "message", None) not in without]
    return Service("example", example.CATALOGUE, (*kept, *lines), builtin=made.builtin)


LINES = (
    On(SetAlarm, LAMPS, set_up),
    On(Stumble, LAMPS, switch_on, needs_state=True),
    On(SomethingHappened, LAMPS, break_, needs_state=True),
    OnTimer("dim", LAMPS, dim, needs_state=True),
)


@pytest.fixture
def lamps(world: World) -> World:
    """A replica that has lamps."""
    world.service = service_with(*LINES)
    return world


def test_a_builder_gathers_everything_that_follows() -> None:
    change = LampChange(DeskLamp(), EPOCH)
    snapshot = CounterSnapshot(counter="lamp", value=1)
    errand = Errand(counter="lamp", name="bulb", amount=1, failures=0, seconds=0)
    change.switch_on()
    change.replace(switched=7)
    change.send(CountThis(counter="lamp", value=1), id="count", to="neighbour")
    change.at("dim", EPOCH)
    change.cancel("glow")
    change.start("errand:bulb", errand)
    change.call_off("errand:plug")
    change.show(snapshot)
    assert change.state == DeskLamp(status=Light.ON, switched=7)
    assert change.events == [CounterChanged(counter="lamp", amount=1, value=1)]
    assert change.commands == [Send(CountThis(counter="lamp", value=1), id="count", to="neighbour")]
    assert change.timers == {"dim": EPOCH, "glow": None}
    assert change.work == {"errand:bulb": errand, "errand:plug": None}
    assert change.snapshots == [snapshot]


def test_a_builder_changes_its_state_by_its_verbs_alone() -> None:
    change: Any = LampChange(DeskLamp(), EPOCH)
    with pytest.raises(AttributeError):
        change.state = DeskLamp(switched=1)
    with pytest.raises(TypeError, match="is changed by `move`"):
        change.replace(status=Light.ON)
    with pytest.raises(TypeError, match="no field 'swichted'; is 'switched' meant"):
        change.replace(swichted=1)
    with pytest.raises(Permanent, match="a DeskLamp that is off cannot become broken"):
        change.move(Light.BROKEN)
    assert change.state == DeskLamp()


def test_unchanged_keeps_whatever_state_there_is() -> None:
    assert UNCHANGED.state_after(lamp := DeskLamp()) is lamp
    assert UNCHANGED.state_after(None) is None
    assert Decision(lamp).state_after(None) is lamp


def test_the_kernel_takes_a_builder_as_the_decision(lamps: World) -> None:
    lamps.send(SetAlarm(counter="c", at=EPOCH), Stumble(counter="c"))
    lamps.relay()
    assert lamps.document("c", "lamps").state == {"status": "on", "switched": 1}
    assert [one.data.value for one in lamps.published(CounterChanged)] == [1]


def test_a_timer_that_changes_nothing_leaves_the_state(lamps: World) -> None:
    lamps.send(SetAlarm(counter="c", at=EPOCH), Stumble(counter="c"))
    lamps.clock.jump(120)
    lamps.sweep()
    assert lamps.document("c", "lamps").state == {"status": "on", "switched": 1}
    assert lamps.document("c", "lamps").timers == {}


def test_an_event_that_asks_for_a_forbidden_move_is_a_dead_letter_and_nothing_changes(lamps: World) -> None:
    lamps.send(SetAlarm(counter="c", at=EPOCH))
    lamps.send(SomethingHappened(counter="c"))
    lamps.relay()
    [dead] = lamps.published(DeadLettered)
    assert dead.data.message == "Permanent: a DeskLamp that is off cannot become broken; the ways on are: on"
    assert lamps.document("c", "lamps").state == {"status": "off", "switched": 0}


def test_what_goes_round_the_lifecycle_is_a_dead_letter(world: World) -> None:
    world.service = service_with(
        On(SetAlarm, LAMPS, set_up),
        On(Stumble, LAMPS, switch_on, needs_state=True),
        On(SomethingHappened, LAMPS, go_round),
        OnTimer("dim", LAMPS, dim, needs_state=True),
    )
    world.send(SomethingHappened(counter="c"))
    world.send(SomethingHappened(counter="c"))
    world.relay()
    [dead] = world.published(DeadLettered)
    assert dead.data.message == "Permanent: a DeskLamp that is off cannot be forgotten; the ways on are: on"


def test_a_command_about_what_there_is_not_waits_and_is_refused_in_the_end(lamps: World) -> None:
    lamps.send(Stumble(counter="c"))
    assert len(lamps.document("c", "lamps").parked) == 1
    for _ in range(10):
        lamps.clock.jump(5)
        lamps.sweep()
    lamps.relay()
    [refused] = lamps.published(CommandRejected)
    assert (refused.data.reason, refused.data.message) == ("UNKNOWN", "there is no desk lamp c")


def test_an_event_about_what_there_is_not_changes_nothing(lamps: World) -> None:
    lamps.send(SomethingHappened(counter="c"))
    lamps.relay()
    assert lamps.document("c", "lamps").state is None
    assert lamps.published(DeadLettered) == []


class OtherLamp(DeskLamp):
    """Another lamp."""


def other(state: DeskLamp, message: Envelope[Stumble], facts: None, now: datetime) -> DecisionBuilder[OtherLamp]:
    """It decides about another one."""
    raise AssertionError


class OtherChange(DecisionBuilder[OtherLamp]):
    """A decision about another lamp."""


def other_change(state: DeskLamp, message: Envelope[Stumble], facts: None, now: datetime) -> OtherChange:
    """It decides about another one."""
    raise AssertionError


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"needs_state": False}, "the state of the function is .*DeskLamp.*, it should be DeskLamp | NoneType"),
        ({"decide": other}, "the result of the function"),
        ({"decide": other_change}, "the result of the function"),
    ],
)
def test_a_function_that_does_not_fit_its_line_is_refused_at_start(change: dict[str, Any], told: str) -> None:
    line: Any = LINES[1]
    with pytest.raises(WiringError, match=told):
        service_with(LINES[0], replace(line, **change), *LINES[2:])


def test_a_function_for_what_may_not_be_there_is_refused_on_a_line_that_needs_it() -> None:
    with pytest.raises(WiringError, match="the state of the function"):
        service_with(On(SetAlarm, LAMPS, set_up, needs_state=True), *LINES[1:])
