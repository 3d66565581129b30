"""Named places between two effects. They do nothing, until a test binds one to a SIGKILL.

`DRYDOCK_CRASH_AT=<name>` (or `<name>#<n>`: the n-th time it is reached) kills the process exactly there.
`tests/chaos` runs each of them.
"""

import os
import signal
from typing import Literal, get_args

CrashPoint = Literal[
    "inbox.received",
    "commit.loaded",
    "commit.decided",
    "commit.answers-kept",
    "commit.written",
    "commit.settled",
    "relay.taken",
    "relay.published",
    "relay.trimmed",
    "inbox.before-acknowledge",
    "inbox.acknowledged",
    "timer.due",
    "work.claimed",
    "work.done",
    "work.recorded",
    "dead-letter.stored",
]

CRASH_POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)

_name, _, _count = os.environ.get("DRYDOCK_CRASH_AT", "").partition("#")
_left = int(_count or 1)


def crash_point(name: CrashPoint) -> None:
    """Mark the place `name`."""
    if name == _name:
        _die()


def _die() -> None:
    global _left
    _left -= 1
    if _left <= 0:
        os.write(2, f"crash point {_name}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
