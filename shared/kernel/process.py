"""A service as a process: puts the kernel's parts together, runs them, and ends them.

Crash-only: whatever cannot be handled ends the process with a code other than 0. Starting is the recovery.
"""

import asyncio
import gc
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from shared.contracts.topics import Topic, topics_of
from shared.kernel.engine import Engine, build_engine
from shared.kernel.health import HealthServer
from shared.kernel.kafka.consumer import Consumer, Subscription
from shared.kernel.kafka.errors import KafkaConnectionError, KafkaError
from shared.kernel.kafka.patches import UnsupportedLibrary
from shared.kernel.kafka.publisher import KafkaPublisher
from shared.kernel.kafka.topics import TopicsNotCreated, broker_answers, create_topics
from shared.kernel.logs import configure_logs, get_logger
from shared.kernel.outcomes import Conflict
from shared.kernel.progress import ProgressTeller
from shared.kernel.service import Service
from shared.kernel.settings import Settings
from shared.kernel.store.motor import MotorStore
from shared.kernel.store.port import StoreUnavailable
from shared.kernel.watchdog import LoopWatch, WatchdogLimits, end_hard_after, watch_consumer

log = get_logger(__name__)

EXIT_FAILED = 1
MEASURE_SECONDS = 1.0
START_SECONDS = 60.0


def run(make: Callable[[Settings], Service], settings: Settings | None = None) -> None:
    """Run a service until SIGTERM or SIGINT (exit code 0), or until it must end (another code)."""
    settings = settings or Settings()
    service = make(settings)
    configure_logs(
        service=service.name,
        instance=settings.instance,
        level=settings.log_level,
        human=settings.log_format == "human",
    )
    # A collection every few hundred objects costs a third of the throughput; what exists by now stays.
    gc.set_threshold(50_000, 20, 50)
    gc.freeze()
    try:
        process = _Process(service, settings)
    except UnsupportedLibrary as error:
        log.critical("service_stopped", failure=str(error))
        sys.exit(EXIT_FAILED)
    sys.exit(asyncio.run(process.run()))


class _Process:
    """One run of a service."""

    def __init__(self, service: Service, settings: Settings) -> None:
        self._service = service
        self._settings = settings
        self._store = MotorStore(settings.mongo.get_secret_value(), f"drydock_{service.name.replace('-', '_')}")
        self._publisher = KafkaPublisher(settings.kafka, settings.instance)
        ahead = settings.clock_ahead

        def clock() -> datetime:
            return datetime.now(UTC) + ahead

        self._progress = ProgressTeller(service, self._publisher, clock)
        self._engine: Engine = build_engine(
            service, self._store, self._publisher, settings, clock=clock, tell=self._progress.tell
        )
        self._consumer = Consumer(
            Subscription(
                bootstrap=settings.kafka,
                group=service.name,
                client_id=settings.instance,
                topics=service.subscriptions,
                session_timeout=settings.session_timeout,
                batch=settings.batch,
                stop_within=settings.stop_within,
            ),
            self._engine.inbox.process,
            assigned=self._engine.due_index.scan_soon,
            fatal=self._fail,
            metrics=self._engine.metrics,
        )
        self._health = HealthServer(settings.host, settings.port, self._missing, self._engine.metrics.registry)
        self._loop_watch = LoopWatch(WatchdogLimits().blocked)
        self._end = asyncio.Event()
        self._failure: str | None = None

    async def run(self) -> int:
        """The exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end.set)
        self._loop_watch.start()
        tasks: list[asyncio.Task[Any]] = []
        try:
            await self._start_unless_ended(tasks)
            await self._end.wait()
        except KafkaConnectionError as error:
            self._failure = f"no broker answers at {self._settings.kafka}: {error}"
        except StoreUnavailable as error:
            self._failure = f"the state server does not answer: {error}"
        except (KafkaError, TopicsNotCreated, OSError) as error:
            self._failure = f"{type(error).__name__}: {error}"
        log.info("service_stopping", failure=self._failure)
        hard = end_hard_after(self._settings.stop_within.total_seconds() + 5)
        await self._stop(tasks)
        hard.cancel()
        if self._failure:
            log.critical("service_stopped", failure=self._failure)
            return EXIT_FAILED
        log.info("service_stopped")
        return 0

    async def _start_unless_ended(self, tasks: list[asyncio.Task[Any]]) -> None:
        """Start; a signal or `START_SECONDS` cut it off, for a broker may go away at any moment of it."""
        starting = asyncio.create_task(self._start(tasks))
        ended = asyncio.create_task(self._end.wait())
        try:
            async with asyncio.timeout(START_SECONDS):
                await asyncio.wait((starting, ended), return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
        except TimeoutError:
            raise TimeoutError(f"the service did not start within {START_SECONDS:.0f} s") from None
        finally:
            for task in (starting, ended):
                task.cancel()
            await asyncio.gather(starting, ended, return_exceptions=True)

    async def _start(self, tasks: list[asyncio.Task[Any]]) -> None:
        port = await self._health.start()
        await self._store.ensure(list(self._service.aggregates))
        if self._settings.create_topics:
            await create_topics(self._settings.kafka, self._topics())
        await self._publisher.start()
        engine = self._engine
        for name, loop in (
            ("relay", engine.relay.run()),
            ("sweeper", engine.sweeper.run()),
            ("progress", self._progress.run()),
            ("measuring", self._measure()),
        ):
            tasks.append(self._essential(name, loop))
        await self._consumer.start()
        tasks.append(self._essential("watchdog", self._watch()))
        log.info("service_started", port=port, topics=self._service.subscriptions)
        if self._settings.clock_ahead:
            log.warning("clock_ahead", by=str(self._settings.clock_ahead))

    async def _stop(self, tasks: list[asyncio.Task[Any]]) -> None:
        seconds = self._settings.stop_within.total_seconds()
        await self._consumer.stop()
        await self._engine.workers.stop()
        await self._engine.relay.drained(seconds / 4)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # The sweeper may have claimed work while it was told to end.
        await self._engine.workers.stop()
        with suppress(StoreUnavailable, Conflict, TimeoutError):
            async with asyncio.timeout(seconds / 4):
                await self._engine.sweeper.trim_all()
        await self._publisher.stop()
        await self._health.stop()
        await self._store.close()
        self._loop_watch.stop()

    def _essential(self, name: str, loop: Any) -> asyncio.Task[Any]:
        """A task without which the service is no service: when it ends, so does the process."""
        task = asyncio.create_task(loop, name=name)

        def ended(task: asyncio.Task[Any]) -> None:
            if not task.cancelled():
                self._fail(task.exception() or RuntimeError(f"{name} has ended"))

        task.add_done_callback(ended)
        return task

    def _fail(self, error: BaseException) -> None:
        self._failure = f"{type(error).__name__}: {error}"
        log.critical("service_failed", exc_info=error)
        self._end.set()

    def _topics(self) -> list[Topic]:
        services = {self._service.name}
        services.update(self._service.catalogue.topics[name].service for name in self._service.subscriptions)
        return [topic for name in sorted(services) for topic in topics_of(name)]

    async def _watch(self) -> None:
        reason = await watch_consumer(self._consumer, self._broker_answers, WatchdogLimits())
        raise RuntimeError(reason)

    async def _broker_answers(self) -> bool:
        return await broker_answers(self._settings.kafka)

    async def _missing(self) -> dict[str, str]:
        missing = {}
        if not self._consumer.alive or not self._consumer.has_assignment:
            missing["kafka"] = "not yet a member of the group, or no records are fetched"
        try:
            await self._store.ping()
        except StoreUnavailable as error:
            missing["store"] = str(error)
        return missing

    async def _measure(self) -> None:
        metrics = self._engine.metrics
        while True:
            metrics.lag.set(sum(position.lag for position in self._consumer.positions().values()))
            metrics.outbox.set(self._engine.relay.backlog)
            metrics.outbox_age.set(self._engine.relay.oldest_seconds)
            metrics.work.set(self._settings.work_slots - self._engine.workers.free)
            lateness, self._engine.sweeper.lateness = self._engine.sweeper.lateness, []
            for seconds in lateness:
                metrics.timers.observe(seconds)
            await asyncio.sleep(MEASURE_SECONDS)
