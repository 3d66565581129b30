"""From the start of a process to its end: what ends it, and with which exit code.

Crash-only: a signal ends it with 0; the end of anything that it cannot be without ends it with another code.
"""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

from shared.kernel.logs import get_logger

log = get_logger(__name__)

EXIT_FAILED = 1


class Lifetime:
    """One run of a process. `failure` says what ends it before its time."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self._end = asyncio.Event()
        self._tasks: list[asyncio.Task[Any]] = []

    def end_at_signals(self) -> None:
        """Let SIGTERM and SIGINT end it."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)

    def essential(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task without which the process is of no use: when it ends, so does the process."""
        task = asyncio.create_task(work, name=name)

        def ended(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and not self._end.is_set():
                self.fail(task.exception() or RuntimeError(f"{name} has ended"))

        task.add_done_callback(ended)
        self._tasks.append(task)
        return task

    def until_done(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """A task that comes to its end; where it fails, so does the process."""
        task = asyncio.create_task(work, name=name)

        def ended(task: asyncio.Task[Any]) -> None:
            if not task.cancelled() and not self._end.is_set() and (error := task.exception()):
                self.fail(error)

        task.add_done_callback(ended)
        self._tasks.append(task)

    def fail(self, error: BaseException) -> None:
        """End it, for this reason."""
        log.critical("service_failed", exc_info=error)
        self.end(f"{type(error).__name__}: {error}")

    def end(self, failure: str) -> None:
        """End it, for this reason; only the first counts."""
        self.failure = self.failure or failure
        self._end.set()

    async def ended(self) -> None:
        """Return when it is to end."""
        await self._end.wait()

    async def stop_tasks(self) -> None:
        """Cancel all that still runs, and wait for the ends."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def exit_code(self) -> int:
        """To be called last; it says in the log how the run has ended."""
        if self.failure:
            log.critical("service_stopped", failure=self.failure)
            return EXIT_FAILED
        log.info("service_stopped")
        return 0
