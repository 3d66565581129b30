"""Does leased work: every write of a worker names the epoch of its lease, so one that was paused inputs nothing."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from shared.contracts.common import WorkLogged, WorkProgressed
from shared.contracts.message import Progress
from shared.kernel.commit import Clock, Committer
from shared.kernel.crash_points import crash_point
from shared.kernel.decision import Failure
from shared.kernel.document import PendingWork
from shared.kernel.inputs import InputOutcome
from shared.kernel.inputs.work import CheckpointInput, HeartbeatInput, PutBackInput, WorkEndedInput, WorkInput
from shared.kernel.logs import get_logger
from shared.kernel.outcomes import Conflict, Permanent, Transient
from shared.kernel.service import Service
from shared.kernel.store.port import StoreUnavailable
from shared.kernel.table import Aggregate, OnWork, split_name

log = get_logger(__name__)

RETRY_FIRST = timedelta(milliseconds=500)
RETRY_LONGEST = timedelta(minutes=1)
RETRY_LATEST = RETRY_LONGEST * 1.5
"""How far ahead the next attempt can be."""
STOP_SECONDS = 2.0
"""How long a process that ends tries to record what its work has come to."""


class LeaseLost(Exception):
    """The work is another worker's by now, or was called off: nothing this one does counts any more."""


class Job:
    """What the function that does a piece of work may ask and tell."""

    def __init__(self, workers: "Workers", aggregate: Aggregate[Any], id_: str, work: PendingWork) -> None:
        self._workers = workers
        self._aggregate = aggregate
        self.aggregate_id = id_
        self.name = work.name
        self.kind, self.argument = split_name(work.name)
        self.epoch = work.epoch
        self.attempt = work.attempts
        self.checkpoint = work.checkpoint
        """What `reached` recorded last, by this worker or one before it."""
        self.failing_since = work.failing_since
        """Since when every attempt has met with an outage, if the last one did."""

    @property
    def committer(self) -> Committer:
        """What commits: for work of the kernel's own."""
        return self._workers.committer

    @property
    def label(self) -> str:
        """A name for what the work makes: the same in every attempt, another for every other work."""
        return f"{self.aggregate_id}.{self.name}"

    def now(self) -> datetime:
        """The time by the service's clock."""
        return self._workers.clock()

    async def reached(self, checkpoint: BaseModel) -> None:
        """Record how far the work has come. Raise LeaseLost if the lease is another's."""
        input_ = CheckpointInput(
            aggregate=self._aggregate,
            id=self.aggregate_id,
            name=self.name,
            epoch=self.epoch,
            reached=checkpoint,
        )
        if not await self._workers.record(input_):
            raise LeaseLost(self.label)

    def log(self, text: str, level: str = "info") -> None:
        """Tell who watches a line. It may be lost."""
        now = self._workers.clock()
        self._workers.tell(WorkLogged(subject=self.aggregate_id, work=self.name, at=now, level=level, text=text))

    def progress(self, done: float, total: float, unit: str) -> None:
        """Tell who watches how far it is. It may be lost."""
        now = self._workers.clock()
        self._workers.tell(
            WorkProgressed(subject=self.aggregate_id, work=self.name, at=now, done=done, total=total, unit=unit)
        )


class Workers:
    """The pieces of work that this process does, at most `slots` at once."""

    def __init__(
        self,
        committer: Committer,
        *,
        owner: str,
        clock: Clock,
        slots: int,
        lease: timedelta,
        tell: Callable[[Progress], None],
    ) -> None:
        self.owner = owner
        self.lease = lease
        self.clock = clock
        self.tell = tell
        self.committer = committer
        self._service: Service = committer.service
        self._slots = slots
        self._tasks: dict[asyncio.Task[None], tuple[str, str, str]] = {}
        self._stopping = False
        self._on_free: Callable[[], None] = lambda: None

    def when_free(self, callback: Callable[[], None]) -> None:
        """Call `callback` whenever a slot becomes free."""
        self._on_free = callback

    @property
    def free(self) -> int:
        """How many pieces of work more may be claimed; none once the process is ending."""
        return 0 if self._stopping else self._slots - len(self._tasks)

    def holds(self, aggregate: str, id_: str, name: str) -> bool:
        """Whether this process is at this piece of work: then nobody else of it is to begin, whatever the time is."""
        return (aggregate, id_, name) in self._tasks.values()

    def start(self, aggregate: Aggregate[Any], id_: str, work: PendingWork) -> None:
        """Begin a piece of work whose lease was taken, or give it back if the process is ending."""
        if self._stopping:
            held = PutBackInput(aggregate=aggregate, id=id_, name=work.name, epoch=work.epoch, due=self.clock())
            task = asyncio.create_task(self._give_back(held), name=f"give back {id_} {work.name}")
        else:
            task = asyncio.create_task(self._do(aggregate, id_, work), name=f"work {id_} {work.name}")
        self._tasks[task] = (aggregate.name, id_, work.name)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("work_not_recorded", task=task.get_name(), exc_info=error)
        self._on_free()

    async def idle(self) -> None:
        """Return when no work is being done."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Cut off all work and give the leases back, so that another process goes on at once."""
        self._stopping = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _do(self, aggregate: Aggregate[Any], id_: str, work: PendingWork) -> None:
        held: dict[str, Any] = {"aggregate": aggregate, "id": id_, "name": work.name, "epoch": work.epoch}
        line = self._service.work[aggregate.name, split_name(work.name)[0]]
        crash_point("work.claimed")
        if work.attempts > line.attempts:
            failure = Failure("crashed", work.error or "the process ended in the middle, every time", line.attempts)
            await self._finish(WorkEndedInput(**held, failure=failure))
            return
        try:
            given = line.input.model_validate(work.input, strict=False)
            result = await self._run(line, given, Job(self, aggregate, id_, work), held)
        except LeaseLost:
            log.warning("lease_lost", aggregate_id=id_, work=work.name, epoch=work.epoch)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(PutBackInput(**held, due=self.clock())))
            raise
        except Transient as error:
            await self._met_an_outage(line.retry_for(given), work, held, error)
        except Permanent as error:
            await self._finish(WorkEndedInput(**held, failure=Failure("permanent", str(error), work.attempts)))
        except Exception as error:  # noqa: BLE001 - a step may raise anything; what it means is decided here
            await self._failed(line, work, held, error)
        else:
            crash_point("work.done")
            await self._finish(WorkEndedInput(**held, result=result))
            crash_point("work.recorded")

    async def _run(self, line: OnWork[Any, Any, Any, Any], given: Any, job: Job, held: dict[str, Any]) -> Any:
        running = asyncio.ensure_future(line.run(given, job))
        beating = asyncio.create_task(self._beat(held))
        try:
            async with asyncio.timeout(line.limit.total_seconds()) as limit:
                await asyncio.wait((running, beating), return_when=asyncio.FIRST_COMPLETED)
                if not running.done():
                    raise LeaseLost(job.label)
                return await running
        except TimeoutError as error:
            raise TimeoutError(f"not finished within {line.limit}") if limit.expired() else error from None
        except asyncio.CancelledError:
            # The process is to end. What is done all the same is recorded, so that nobody does it again.
            running.cancel()
            await asyncio.wait([running])
            if running.cancelled() or running.exception():
                raise
            return running.result()
        finally:
            for task in (running, beating):
                task.cancel()
            await asyncio.gather(running, beating, return_exceptions=True)

    async def _beat(self, held: dict[str, Any]) -> None:
        """Extend the lease until it is lost."""
        until = self.clock() + self.lease
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            beat = HeartbeatInput(**held, lease=self.lease)
            try:
                await self.committer.commit([beat])
            except (StoreUnavailable, Conflict):
                if self.clock() >= until:
                    return
                continue
            if beat.outcome is not InputOutcome.APPLIED:
                return
            until = self.clock() + self.lease

    async def _failed(
        self, line: OnWork[Any, Any, Any, Any], work: PendingWork, held: dict[str, Any], error: Exception
    ) -> None:
        message = f"{type(error).__name__}: {error}"
        log.warning(
            "work_attempt_failed", aggregate_id=held["id"], work=work.name, attempt=work.attempts, error=message
        )
        if work.attempts >= line.attempts:
            await self._finish(WorkEndedInput(**held, failure=Failure("exhausted", message, work.attempts)))
            return
        wait = min(RETRY_FIRST * 2 ** min(work.attempts - 1, 10), RETRY_LONGEST) * (0.5 + random.random())  # noqa: S311
        await self._finish(PutBackInput(**held, due=self.clock() + wait, failed=message))

    async def _met_an_outage(
        self, retry_for: timedelta | None, work: PendingWork, held: dict[str, Any], error: Transient
    ) -> None:
        """Try again later, the less often the longer it takes; give up after `retry_for`."""
        now = self.clock()
        waited = now - min(work.failing_since or now, now)
        log.warning(
            "work_waits", aggregate_id=held["id"], work=work.name, seconds=waited.total_seconds(), error=str(error)
        )
        if retry_for is not None and waited >= retry_for:
            message = f"{error} (tried again for {str(waited).split('.')[0]})"
            await self._finish(WorkEndedInput(**held, failure=Failure("exhausted", message, work.attempts)))
            return
        wait = min(max(waited / 2, RETRY_FIRST), RETRY_LONGEST) * (0.5 + random.random())  # noqa: S311 - spreads retries
        if retry_for is not None:
            wait = min(wait, retry_for - waited)
        seconds = wait.total_seconds()
        text = f"waits until this is over: {error}; tried again in {seconds:.1f} s"
        self.tell(WorkLogged(subject=held["id"], work=work.name, at=now, level="warning", text=text))
        await self._finish(PutBackInput(**held, due=now + wait, failed=str(error), outage=True))

    async def record(self, input_: WorkInput) -> bool:
        """Commit something under a lease; False if the lease is lost."""
        while True:
            try:
                await self.committer.commit([input_])
            except (StoreUnavailable, Conflict):
                await asyncio.sleep(0.2)
                continue
            if input_.error:
                raise input_.error
            return input_.outcome in (InputOutcome.APPLIED, InputOutcome.UNDECIDED)

    async def _finish(self, input_: WorkInput) -> None:
        """Record how an attempt ended, also while the process is being stopped."""
        recording = asyncio.ensure_future(self.record(input_))
        try:
            applied = await asyncio.shield(recording)
        except asyncio.CancelledError:
            await asyncio.wait([recording], timeout=STOP_SECONDS)
            recording.cancel()
            raise
        if not applied:
            log.warning("late_write_fenced", aggregate_id=input_.id, work=input_.name, epoch=input_.epoch)

    async def _give_back(self, input_: PutBackInput) -> None:
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.record(input_)
        except TimeoutError:
            return  # the lease ends by itself
