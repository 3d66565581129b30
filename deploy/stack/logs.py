"""Keeps the logs of what runs for months from filling the disk: a long one is put aside, two of each are kept.

Whoever writes a log has it open for appending, and knows nothing of this: its content is copied and the file emptied.
Lines that are written in the instant between the two are lost; the logs of operations do not come from these files.
"""

import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

LONG_LOG = 10_000_000
"""Bytes; the same at which a log is put aside when its process starts."""
LOOK_EVERY = 60.0
"""Seconds."""
_ASIDE = ".1.log"


def process_logs(folder: Path) -> list[Path]:
    """The logs of engines, services and console in their folder."""
    return _logs(folder.glob("*.log"))


def environment_logs(environments: Path) -> list[Path]:
    """The logs of what the environments consist of, and of their database server."""
    server = environments / "postgres" / "data" / "server.log"
    return _logs([*environments.glob("installed/*/services/*.log"), *([server] if server.exists() else [])])


def _logs(found: Iterable[Path]) -> list[Path]:
    return sorted(path for path in found if not path.name.endswith(_ASIDE))


def put_aside(log: Path, longest: int = LONG_LOG) -> bool:
    """Copy a log that is longer than `longest` bytes to `<name>.1.log`, and empty it; whether it was.

    Who writes it may be another account: no link is followed. Raise OSError where it cannot be done; then nothing is
    lost.
    """
    descriptor = os.open(log, os.O_RDWR | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as source:
        if os.fstat(descriptor).st_size <= longest:
            return False
        draft = log.with_name(f".{log.name}.draft")
        draft.unlink(missing_ok=True)
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
                shutil.copyfileobj(source, copy, 1 << 20)
            draft.replace(log.with_suffix(_ASIDE))
            os.ftruncate(descriptor, 0)
        finally:
            draft.unlink(missing_ok=True)
    return True


class LogWatch:
    """Looks after the logs in the folder `logs`, if there is one, and of the environments."""

    def __init__(self, *, logs: Path | None, environments: Path, every: float = LOOK_EVERY) -> None:
        self._logs = logs
        self._environments = environments
        self._every = every
        self._end = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Look from now on, until `stop`."""
        self._end.clear()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it; nothing happens where it was not started."""
        self._end.set()
        if self._thread:
            self._thread.join()
            self._thread = None

    def look(self) -> None:
        """Put aside what is long now; what cannot be is met again."""
        found = [*(process_logs(self._logs) if self._logs else ()), *environment_logs(self._environments)]
        for log in found:
            try:
                put_aside(log)
            except OSError:
                continue

    def _run(self) -> None:
        while not self._end.wait(self._every):
            self.look()
