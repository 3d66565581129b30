"""How long tests wait."""

import time

import pytest

from tests.support import patience
from tests.support.patience import Patience, QuietClock, until, until_now

TICKS = iter(range(10**9))


async def test_a_wait_ends_with_what_is_waited_for() -> None:
    answers = iter([None, None, "there"])
    assert await until(lambda: next(answers), every=0) == "there"


def test_a_wait_ends_when_nothing_moves() -> None:
    with pytest.raises(TimeoutError, match=r"nothing has moved for 0\.05 s"):
        until_now(lambda: False, 0.05, every=0.001)


def test_a_wait_goes_on_while_something_moves_but_not_for_ever() -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError, match="though something moves"):
        until_now(lambda: False, 0.05, progress=lambda: next(TICKS), every=0.001)
    assert time.monotonic() - began >= 0.25


def test_on_a_crowded_machine_seconds_are_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "crowding", lambda: 10.0)
    clock, began = QuietClock(), time.monotonic()
    with pytest.raises(TimeoutError):
        until_now(lambda: False, 0.02, every=0.001)
    assert time.monotonic() - began >= 0.2
    assert clock.seconds() < (time.monotonic() - began) / 9


def test_patience_is_measured_from_the_last_that_moved() -> None:
    moved = [0]
    waiting = Patience(0.1, lambda: moved[0])
    for _ in range(3):
        time.sleep(0.06 * patience.crowding())
        moved[0] += 1
        waiting.check()


def test_this_machine_is_never_quieter_than_quiet() -> None:
    assert patience.crowding() >= 1
