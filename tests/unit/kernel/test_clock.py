"""A step of the machine's clock is not believed before it has lasted; small corrections are followed."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.clock import BELIEVED_AFTER, STEP, SteadyClock

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)


class Machine:
    """A machine whose clock somebody sets, and the clock of a process on it."""

    def __init__(self) -> None:
        self.up = timedelta(days=3)
        self.ahead = timedelta()
        self.clock = SteadyClock(lambda: NOON + self.up + self.ahead, lambda: self.up)

    def true(self) -> datetime:
        return NOON + self.up

    def wait(self, how_long: timedelta) -> datetime:
        """The clock is looked at every second meanwhile, as services do; what it says at last."""
        for _ in range(how_long // SECOND):
            self.up += SECOND
            self.clock()
        return self.clock()


@pytest.mark.parametrize("step", [HOUR, -HOUR, 2 * STEP, -2 * STEP, timedelta(days=20000)])
def test_a_step_that_is_taken_back_is_never_told(step: timedelta) -> None:
    machine = Machine()
    machine.ahead = step
    for _ in range(200):
        machine.up += SECOND
        assert machine.clock() == machine.true()
        assert machine.clock.off == step
    machine.ahead = timedelta()
    assert machine.wait(10 * SECOND) == machine.true()
    assert machine.clock.off == timedelta()


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_a_step_that_lasts_is_the_time(step: timedelta) -> None:
    machine = Machine()
    machine.ahead = step
    assert machine.wait(BELIEVED_AFTER - SECOND) == machine.true()
    assert machine.wait(2 * SECOND) == machine.true() + step
    assert machine.clock.off == timedelta()
    assert machine.wait(HOUR) == machine.true() + step


def test_a_second_step_begins_to_last_anew() -> None:
    machine = Machine()
    machine.ahead = HOUR
    machine.wait(BELIEVED_AFTER - 10 * SECOND)
    machine.ahead = 3 * HOUR
    assert machine.wait(BELIEVED_AFTER - 10 * SECOND) == machine.true()


@given(st.lists(st.integers(-59, 59), max_size=20))
def test_corrections_are_followed_at_once(corrections: list[int]) -> None:
    machine = Machine()
    for seconds in corrections:
        machine.ahead += seconds * SECOND
        assert machine.clock() == machine.true() + machine.ahead
        machine.up += SECOND


def test_a_machine_that_has_slept_tells_the_time_at_once() -> None:
    machine = Machine()
    machine.up += 9 * HOUR
    assert machine.clock() == machine.true()


def test_it_is_the_time_of_this_machine() -> None:
    before = datetime.now(UTC)
    clock = SteadyClock()
    assert before <= clock() <= clock() <= datetime.now(UTC)
