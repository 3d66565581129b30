"""The processes that open packages for the validator: kept for the next task, replaced when they end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import msgspec

from services.package_validator.tasks import (
    Advanced,
    Answer,
    CheckPackage,
    Failed,
    Judgement,
    MergeEnded,
    MergeFiles,
    ReadVersion,
    Task,
    Version,
    Word,
    read,
    write,
)
from shared.formats.deployable_package.findings import InfrastructureError
from shared.formats.deployable_package.judge.verdict import Verdict

MODULE = "services.package_validator.examiner"
END_SECONDS = 5.0

Progress = Callable[[int, int], None]
A = TypeVar("A", Version, Judgement, MergeEnded)


class ExaminerDied(Exception):  # noqa: N818 - an outcome
    """The process that had the package open ended in the middle; the message says how."""


class Examiners:
    """As many processes as there are tasks at once. Every method may raise ExaminerDied and InfrastructureError.

    A task that is cancelled is cut off at once, with its process.
    """

    def __init__(self) -> None:
        self._idle: list[_Examiner] = []

    async def platform_version(self, path: Path) -> str | None:
        """The platform version that a package states; None: it states none."""
        return (await self._ask(ReadVersion(str(path)), Version)).platform_version

    async def check(self, task: CheckPackage, progress: Progress) -> Verdict:
        """Check a package; how far it is, in bytes, is told meanwhile."""
        return (await self._ask(task, Judgement, progress)).verdict

    async def merge(self, paths: list[Path], out: Path) -> str:
        """Merge packages into a new file. Why they do not go together; empty if they do."""
        return (await self._ask(MergeFiles(tuple(map(str, paths)), str(out)), MergeEnded)).refused

    async def close(self) -> None:
        """End the processes that have nothing to do."""
        while self._idle:
            await asyncio.to_thread(self._idle.pop().end)

    async def _ask(self, task: Task, wanted: type[A], progress: Progress = lambda done, total: None) -> A:
        loop = asyncio.get_running_loop()
        examiner = self._take()
        if examiner is None:
            examiner = await asyncio.to_thread(_Examiner)

        def tell(word: Advanced) -> None:
            loop.call_soon_threadsafe(progress, word.done, word.total)

        asking = asyncio.ensure_future(asyncio.to_thread(examiner.ask, task, tell))
        try:
            answer = await asyncio.shield(asking)
        except BaseException:
            examiner.end()
            await asyncio.wait([asking])
            asking.exception()  # it was told, or there is nobody to tell
            raise
        self._idle.append(examiner)
        if isinstance(answer, Failed):
            raise InfrastructureError(answer.message)
        assert isinstance(answer, wanted)
        return answer

    def _take(self) -> "_Examiner | None":
        while self._idle:
            examiner = self._idle.pop()
            if examiner.alive:
                return examiner
            examiner.end()  # it ended while it had no package open
        return None


class _Examiner:
    """One process. It gets nothing of the validator's settings: there are secrets among them."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DRYDOCK_")}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
            )
        except OSError as error:
            raise InfrastructureError(f"no process can be started to open the package: {error}") from error

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, task: Task, tell: Callable[[Advanced], None]) -> Answer:
        """Give it a task and wait for the answer."""
        assert self._process.stdin
        assert self._process.stdout
        try:
            write(self._process.stdin, task)
            while (said := read(self._process.stdout)) is not None:
                word: Word = msgspec.msgpack.decode(said, type=Word)
                if not isinstance(word, Advanced):
                    return word
                tell(word)
        except OSError as error:
            raise ExaminerDied(f"the process that opened it was gone: {error}") from error
        raise ExaminerDied(f"the process that opened it ended by {self._how()}")

    def end(self) -> None:
        """End it at once, and let go of it."""
        self._process.kill()
        self._process.wait(END_SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                with suppress(OSError):  # a task that it did not read any more
                    stream.close()

    def _how(self) -> str:
        code = self._process.wait(END_SECONDS)
        if code >= 0:
            return f"exit code {code}"
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"
