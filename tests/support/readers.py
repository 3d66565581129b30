"""Which processes have a file open. Linux only."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.support.patience import until, until_now

linux_only = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="finds processes in /proc")


def readers_of(file: Path) -> list[int]:
    """The child processes of services that have the file open; empty where there is no /proc.

    Any process that is just being started has open for a moment what the one has that starts it.
    """
    wanted = file.resolve()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b".child" not in (process / "cmdline").read_bytes():
                continue
            files = {one.readlink() for one in (process / "fd").iterdir()}
        except OSError:
            continue  # it has ended, or is another user's
        if wanted in files and int(process.name) != os.getpid():
            found.append(int(process.name))
    return found


async def wait_for_reader(file: Path, *, other_than: int | None = None, seconds: float = 60) -> int:
    """Return as soon as a process has the file open; its id."""

    def found() -> list[int]:
        return [one for one in readers_of(file) if one != other_than]

    # In one thread from the first look to the last: whoever reads may have done so by the loop's next turn.
    return (await asyncio.to_thread(until_now, found, seconds, every=0.001))[0]


async def ended(pid: int, seconds: float = 10) -> None:
    """Return when the process is no more."""
    process = Path(f"/proc/{pid}")
    await until(lambda: not process.exists(), seconds, every=0.01)


async def kill_reader(file: Path, *, other_than: int | None = None) -> None:
    """Kill the process that has the file open, or will have, and return when it is no more."""
    pid = await wait_for_reader(file, other_than=other_than)
    os.kill(pid, signal.SIGKILL)
    await ended(pid)
