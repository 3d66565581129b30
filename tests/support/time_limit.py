"""A plugin: pytest's time limit counts the seconds of a quiet machine, as many more as the effort of the run."""

import signal
import threading
from types import FrameType
from typing import Any

import pytest
import pytest_timeout

from tests.support.effort import EFFORT
from tests.support.patience import QuietClock

_LOOK_EVERY = 5.0


@pytest.hookimpl(tryfirst=True)
def pytest_timeout_set_timer(item: pytest.Item, settings: Any) -> bool | None:
    """Look at the clock every few seconds, instead of once after the limit; True: nobody else is to set a timer."""
    if settings.method != "signal" or threading.current_thread() is not threading.main_thread():
        return None
    clock = QuietClock()

    def look(_number: int, _frame: FrameType | None) -> None:
        __tracebackhide__ = True
        if clock.seconds() >= EFFORT * settings.timeout:
            pytest_timeout.timeout_sigalrm(item, settings)

    def cancel() -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)

    item.cancel_timeout = cancel  # type: ignore[attr-defined]  # where pytest-timeout looks for it
    signal.signal(signal.SIGALRM, look)
    interval = min(_LOOK_EVERY, settings.timeout)
    signal.setitimer(signal.ITIMER_REAL, interval, interval)
    return True
